/** What a target's files were made from, beside its journal: for `explain`, and for guards after a restart. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Provenance } from "../../model/provenance.ts";
import type { Log, Memory } from "../../ports.ts";
import { type LogPart, readServices, sweepLogs, writeServices } from "./services-log.ts";
import { createStampedFile } from "./stamped-file.ts";
import { prepareStateFolder } from "./state-file.ts";

export interface MemoryStore {
  /** The same object for as long as the files are the same. Undefined: there is none, or it cannot be understood, which is said once. */
  read(): Promise<Memory | undefined>;
  /** Whole or not at all; a power cut may lose it. */
  write(memory: Memory): Promise<void>;
}

/** The services stand in a log of their own, of which the head says what counts. */
interface Head {
  readonly memory: Memory;
  readonly part: LogPart;
}

export function createMemoryStore(dir: string, log: Log): MemoryStore {
  const heads = createStampedFile<Head>({
    file: join(dir, "memory.json"),
    log,
    parse: (text) => parseHead(text, dir),
    print: printHead,
  });

  async function write(memory: Memory): Promise<void> {
    await prepareStateFolder(dir, dir);
    const before = await heads.read();
    const known = before && { services: before.memory.provenance.services, part: before.part };
    const part = await writeServices(dir, memory.provenance.services, known);
    await heads.write({ memory, part });
    if (part.name !== before?.part.name) {
      await sweepLogs(dir, [part.name, before?.part.name]); // the one before: somebody may be reading it just now
    }
  }

  return { read: async () => (await heads.read())?.memory, write };
}

/** The same provenance with fingerprints instead of the keys' values: long enough to tell them apart, and nothing of them. */
export function withFingerprints(provenance: Provenance): Provenance {
  const keys = new Map<string, string>();
  for (const [key, value] of provenance.keys) {
    keys.set(key, fingerprintOf(value));
  }
  return { ...provenance, keys };
}

/** Many targets may read the same keys. */
const fingerprints = new Map<string, string>();
const MAX_FINGERPRINTS = 10_000;
const MAX_KNOWN_CHARS = 256;

function fingerprintOf(value: string): string {
  let fingerprint = fingerprints.get(value);
  if (fingerprint === undefined) {
    fingerprint = createHash("sha256").update(value).digest("hex").slice(0, 16);
    if (fingerprints.size >= MAX_FINGERPRINTS) {
      fingerprints.clear();
    }
    if (value.length <= MAX_KNOWN_CHARS) {
      fingerprints.set(value, fingerprint);
    }
  }
  return fingerprint;
}

function printHead({ memory, part }: Head): string {
  const { services: _services, keys, ...rest } = memory.provenance;
  return `${JSON.stringify({ v: 1, part, ...memory, provenance: { ...rest, keys: [...keys] } })}\n`;
}

interface HeadFile extends Omit<Memory, "provenance"> {
  readonly v: number;
  readonly part: LogPart;
  readonly provenance: Omit<Provenance, "services" | "keys"> & { readonly keys: readonly (readonly [string, string])[] };
}

async function parseHead(text: string, dir: string): Promise<Head | undefined> {
  try {
    // Only this program writes it, as a whole: a version that we know is a shape that we know.
    const parsed = JSON.parse(text) as HeadFile | null;
    if (parsed?.v !== 1) {
      return undefined;
    }
    const { v: _v, part, provenance, ...memory } = parsed;
    const services = await readServices(dir, part);
    return services && { part, memory: { ...memory, provenance: { ...provenance, keys: new Map(provenance.keys), services } } };
  } catch {
    return undefined; // not JSON: torn or foreign
  }
}
