import type { HistoryEntry } from "../../ports.ts";
import { type Context, printJson, printLine, table } from "../context.ts";
import { pastTargets, type StateOptions, unknownTarget } from "../past.ts";

interface Options extends StateOptions {
  readonly json?: boolean;
}

type Entry = HistoryEntry & { readonly target: string; readonly isHeld: boolean };

export async function run(context: Context, [name]: readonly string[], options: Options): Promise<void> {
  const targets = await pastTargets(context, options);
  if (name !== undefined && targets.every((target) => target.name !== name)) {
    throw unknownTarget(
      name,
      targets.map((target) => target.name),
    );
  }
  const entries: Entry[] = [];
  for (const target of targets.filter((target) => name === undefined || target.name === name)) {
    const heldTo = (await target.recall())?.rolledBack?.to;
    for (const entry of await target.history()) {
      entries.push({ target: target.name, ...entry, isHeld: entry.id === heldTo });
    }
  }
  if (options.json === true) {
    printJson(context, entries.map(entryJson));
  } else {
    printLine(context, entries.length === 0 ? "nothing was applied yet" : historyTable(entries));
  }
}

function entryJson({ isHeld, ...entry }: Entry): object {
  return { ...entry, ...(isHeld && { isHeld }) };
}

function historyTable(entries: readonly Entry[]): string {
  const rows = entries.map(({ target, id, at, outcome, generation, reason, error, isKept, isHeld }) => [
    target,
    id,
    at,
    outcome,
    generation,
    isHeld ? "held" : isKept ? "yes" : "",
    error === undefined ? reason : `${reason}: ${error}`,
  ]);
  return table(["TARGET", "ID", "AT", "OUTCOME", "GENERATION", "KEPT", "REASON"], rows);
}
