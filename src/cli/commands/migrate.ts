import { hostname } from "node:os";
import { type Context, printJson } from "../context.ts";
import { migrateRegistrator } from "../migrate/registrator.ts";

interface Options {
  readonly json?: boolean;
}

export async function registrator(context: Context, words: readonly string[], { json }: Options): Promise<void> {
  const migrated = migrateRegistrator(words, { hostname: hostname(), env: context.env });
  if (json === true) {
    printJson(context, migrated);
    return;
  }
  context.stdout.write(migrated.config);
  for (const { flag, note } of migrated.notes) {
    context.stderr.write(`${flag}: ${note}\n`);
  }
}
