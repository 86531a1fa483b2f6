/** What a target's files were made from, beside its journal: for `explain`, and for guards after a restart. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Entry } from "../model/instance.ts";
import type { Provenance } from "../model/provenance.ts";
import type { Service } from "../model/snapshot.ts";
import type { Log, Memory } from "../ports.ts";
import { createStampedFile, type StampedFile } from "./stamped-file.ts";

export function createMemoryStore(dir: string, log: Log): StampedFile<Memory> {
  return createStampedFile({ file: join(dir, "memory.json"), log, parse: parseMemory, print: printMemory });
}

/** The same provenance with fingerprints instead of the keys' values: long enough to tell them apart, and nothing of them. */
export function withFingerprints(provenance: Provenance): Provenance {
  const keys = new Map<string, string>();
  for (const [key, value] of provenance.keys) {
    keys.set(key, createHash("sha256").update(value).digest("hex").slice(0, 16));
  }
  return { ...provenance, keys };
}

/** Services that did not change are the same objects, and printed once: with many of them a change costs what changed. */
const printed = new WeakMap<Service, string>();

function printService(service: Service): string {
  const known = printed.get(service);
  if (known !== undefined) {
    return known;
  }
  const text = JSON.stringify(service);
  printed.set(service, text);
  return text;
}

function printMemory(memory: Memory): string {
  const { services, keys, ...rest } = memory.provenance;
  const head = JSON.stringify({ v: 1, ...memory, provenance: { ...rest, keys: [...keys] } });
  return `${head.slice(0, -1)},"services":[\n${[...services.values()].map(printService).join(",\n")}\n]}\n`;
}

interface MemoryFile extends Omit<Memory, "provenance"> {
  readonly v: number;
  readonly provenance: Omit<Provenance, "services" | "keys"> & { readonly keys: readonly (readonly [string, string])[] };
  readonly services: readonly Service[];
}

function parseMemory(text: string): Memory | undefined {
  let parsed: Partial<MemoryFile> | null;
  try {
    // Only this program writes it, as a whole: a version that we know is a shape that we know.
    parsed = JSON.parse(text) as Partial<MemoryFile> | null;
  } catch {
    return undefined; // not JSON: torn or foreign
  }
  if (parsed?.v !== 1 || parsed.provenance === undefined || parsed.services === undefined) {
    return undefined;
  }
  const { v: _, services, provenance, ...memory } = parsed as MemoryFile;
  return {
    ...memory,
    provenance: {
      ...provenance,
      keys: new Map(provenance.keys),
      services: new Map(services.map((service) => [service.name, freezeService(service)])),
    },
  };
}

/** As a snapshot's services are. */
function freezeService(service: Service): Service {
  service.instances.forEach(freezeEntry);
  Object.freeze(service.instances);
  Object.freeze(service.tags);
  return Object.freeze(service);
}

function freezeEntry(entry: Entry): void {
  Object.freeze(entry.tags);
  Object.freeze(entry.meta);
  Object.freeze(entry);
}
