import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { systemCode } from "../../model/errors.ts";
import type { FileProvenance } from "../../model/provenance.ts";
import type { Memory } from "../../ports.ts";
import { endOf } from "../../render/guard/guard.ts";
import { type Context, printJson, printLine, usage } from "../context.ts";
import { pastTargets, type StateOptions } from "../past.ts";

interface Options extends StateOptions {
  readonly json?: boolean;
}

/** A file, the target that made it, and what that remembers. */
interface Known {
  readonly target: string;
  readonly memory: Memory;
  readonly file: Memory["files"][number];
}

/** So many names of a kind are told to a person; a program gets all. */
const SHOWN = 10;

export async function run(context: Context, [dest = ""]: readonly string[], options: Options): Promise<void> {
  const path = resolve(context.cwd, dest);
  const known = await knownFiles(context, options);
  const found = known.find(({ file }) => file.dest === path);
  if (found === undefined) {
    throw nothingKnown(path, known);
  }
  if (options.json === true) {
    printJson(context, explainJson(found));
  } else {
    printLine(context, explainText(found, await stateOnDisk(found.file)));
  }
}

async function knownFiles(context: Context, options: StateOptions): Promise<readonly Known[]> {
  const known: Known[] = [];
  for (const target of await pastTargets(context, options)) {
    const memory = await target.recall();
    for (const file of memory?.files ?? []) {
      if (memory !== undefined) {
        known.push({ target: target.name, memory, file });
      }
    }
  }
  return known;
}

function nothingKnown(path: string, known: readonly Known[]) {
  const dests = known.map(({ file }) => file.dest);
  const shown = dests.slice(0, SHOWN).join(", ");
  const more = dests.length > SHOWN ? ` and ${dests.length - SHOWN} more` : "";
  return usage(
    `no target made "${path}"`,
    dests.length === 0 ? "nothing was applied yet; is it the right configuration or --state?" : `known are ${shown}${more}`,
  );
}

function explainJson({ target, memory, file }: Known): object {
  const { holds, setAside, ...about } = aboutFile(memory, file.dest);
  return {
    dest: file.dest,
    target,
    generation: memory.generation,
    sha256: file.sha256,
    appliedAt: memory.appliedAt,
    reads: { services: Object.fromEntries(about.services), keys: about.keys },
    lastChange: memory.lastChange,
    ...(about.template !== undefined && { template: about.template }),
    ...(holds.length > 0 && { holds }),
    ...(setAside.length > 0 && { setAside }),
    ...(memory.rolledBack && { rolledBack: memory.rolledBack }),
  };
}

function aboutFile({ provenance }: Memory, dest: string) {
  const made: FileProvenance | undefined = provenance.files.find((file) => file.dest === dest);
  const services = (made?.services ?? []).map((name): [string, readonly string[]] => [
    name,
    provenance.services.get(name)?.instances.map(({ id }) => id) ?? [],
  ]);
  return {
    template: made?.template,
    services,
    keys: made?.keys ?? [],
    holds: provenance.holds.filter((hold) => made?.services.includes(hold.service) === true),
    setAside: provenance.setAside.filter((aside) => aside.dest === dest),
  };
}

async function stateOnDisk(file: Known["file"]): Promise<string> {
  try {
    const sha = createHash("sha256")
      .update(await readFile(file.dest))
      .digest("hex");
    return sha === file.sha256 ? "as it was applied" : "changed by somebody else since";
  } catch (error) {
    return systemCode(error) === "ENOENT" ? "not there any more" : "cannot be read";
  }
}

function explainText(known: Known, onDisk: string): string {
  const { target, memory, file } = known;
  const { template, services, keys, holds, setAside } = aboutFile(memory, file.dest);
  const { rolledBack } = memory;
  const lines: (readonly [string, string])[] = [
    ["file", `${file.dest}, ${onDisk}`],
    ["target", `${target}, generation ${memory.generation}, applied ${memory.appliedAt}`],
    ["last change", memory.lastChange],
    ["template", template ?? "unknown"],
  ];
  if (rolledBack !== undefined) {
    lines.push([
      "rolled back",
      `to ${rolledBack.to} at ${rolledBack.at}; held until the data changes, or \`fairlead rollback ${target} --release\``,
    ]);
    lines.push(["", "what follows is read by the newest render, which is held off"]);
  }
  for (const [name, ids] of services.slice(0, SHOWN)) {
    lines.push(["reads service", `${name}: ${ids.length === 0 ? "no instances" : bounded(ids)}`]);
  }
  if (services.length > SHOWN) {
    lines.push(["", `and ${services.length - SHOWN} more services`]);
  }
  if (keys.length > 0) {
    lines.push(["reads keys", bounded(keys)]);
  }
  for (const hold of holds) {
    lines.push(["held", `${hold.service}: ${bounded(hold.instances)}, ${endOf(hold)}, because ${hold.reason}`]);
  }
  for (const aside of setAside) {
    lines.push(["set aside", `${aside.service} ${aside.id}: ${aside.reason}`]);
  }
  return lines.map(([label, text]) => `${label.padEnd(14)}${text}`).join("\n");
}

function bounded(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return `${names.slice(0, SHOWN).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
