// `node --import` this, and node runs our TypeScript as it is, with every file in its own place: the harness finds its helpers beside
// itself. Types are taken out by the bundler's own transformer.
import { readFile } from "node:fs/promises";
import { register } from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import { transformSync } from "rolldown/utils";

if (isMainThread) {
  register(import.meta.url);
}

export async function load(url, context, next) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) {
    return next(url, context);
  }
  const file = fileURLToPath(url);
  const { code, errors } = transformSync(file, await readFile(file, "utf8"), { sourcemap: false });
  if (errors.length > 0) {
    throw new SyntaxError(`${file}: ${errors[0].message}`);
  }
  return { format: "module", source: code, shortCircuit: true };
}
