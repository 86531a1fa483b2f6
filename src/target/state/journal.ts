/** What a target last applied, what it owes, and its last good files: the memory that survives `kill -9`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../../model/errors.ts";
import type { Log } from "../../ports.ts";
import type { FileContent } from "../files/stage.ts";
import type { KeptBytes } from "./keep.ts";
import { prepareStateFolder, stateError, writeStateFile } from "./state-file.ts";

/** A file as it should be on the disk; `stored` names its bytes among the kept ones, absent: there was no such file. */
export interface KeptFile {
  readonly dest: string;
  readonly stored?: {
    readonly sha256: string;
    readonly size: number;
    readonly mode: number;
    readonly uid?: number;
    readonly gid?: number;
    /** Of the same text with secrets masked; absent: no secret was read. */
    readonly masked?: string;
  };
  /** One of many that a `forEach` made. */
  readonly isFanOut?: boolean;
}

/** That a person went back to a state. */
export interface GoneBack {
  /** The history's id of the state. */
  readonly to: string;
  /** ISO 8601. */
  readonly at: string;
  /** As long as a render gives one of these generations, the state stays. */
  readonly from: readonly string[];
}

export interface Applied {
  readonly generation: string;
  readonly files: readonly KeptFile[];
  /** ISO 8601. */
  readonly at: string;
  readonly goneBack?: GoneBack;
}

export interface Journal {
  readonly v: 1;
  /** The last state that was proven live. */
  readonly good?: Applied;
  /**
   * Files are being exchanged: `from` is what to go back to, `to` what was to come. Written before the first rename.
   * `checking`: the new files are in place only to be checked. `installing`: they passed.
   */
  readonly pending?: { readonly step: "checking" | "installing"; readonly from: Applied; readonly to: Applied };
  /** A reload has to be made: from before the first rename until one has succeeded. */
  readonly owed: boolean;
}

const EMPTY: Journal = { v: 1, owed: false };

export interface JournalStore {
  read(): Promise<Journal>;
  /** As `read`, for who holds the target's lock and has read before: nobody else has written since. */
  latest(): Promise<Journal>;
  /** By default it is durable when it returns. */
  write(journal: Journal, options?: { readonly durable: boolean }): Promise<void>;
}

/** The journal of one target in `dir`. */
export function createJournalStore(dir: string, log: Log): JournalStore {
  const file = join(dir, "journal.json");
  let isLost = false;
  /** Undefined: a write failed, and who knows how far it came. */
  let known: Journal | undefined;

  async function read(): Promise<Journal> {
    known = await readFresh();
    return known;
  }

  async function readFresh(): Promise<Journal> {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      if (systemCode(error) === "ENOENT") {
        return EMPTY;
      }
      throw stateError(file, error);
    }
    const journal = parseJournal(text);
    if (journal === undefined && !isLost) {
      log.warn("journal cannot be read and starts anew", { file });
    }
    isLost = journal === undefined;
    return journal ?? EMPTY;
  }

  async function write(journal: Journal, options = { durable: true }): Promise<void> {
    known = undefined;
    await prepareStateFolder(dir, dir);
    await writeStateFile(file, Buffer.from(`${JSON.stringify(journal)}\n`), options);
    isLost = false;
    known = journal;
  }

  return { read, latest: async () => known ?? (await read()), write };
}

/** The state that the files on the disk are in, or are on their way to. */
export function currentState(journal: Journal): Applied | undefined {
  return journal.pending?.step === "installing" ? journal.pending.to : journal.good;
}

export function withoutGoneBack({ generation, files, at }: Applied): Applied {
  return { generation, files, at };
}

export function statesOf(journal: Journal): readonly Applied[] {
  return [journal.good, journal.pending?.from, journal.pending?.to].filter((state) => state !== undefined);
}

/** The hashes of all bytes that these states need. */
export function hashesOf(states: readonly Applied[]): ReadonlySet<string> {
  const stored = states.flatMap((state) => state.files).flatMap((file) => file.stored ?? []);
  return new Set(stored.flatMap(({ sha256, masked }) => (masked === undefined ? [sha256] : [sha256, masked])));
}

/** Keeps a file's bytes, and those of its masked text, and says how to name them in a journal. */
export async function keepFile(
  file: {
    readonly dest: string;
    readonly content: FileContent | undefined;
    readonly masked?: Buffer;
    readonly isFanOut: boolean;
  },
  kept: KeptBytes,
  durability: { readonly durable: boolean },
): Promise<KeptFile> {
  const { dest, content, masked, isFanOut } = file;
  const marks = { dest, ...(isFanOut && { isFanOut }) };
  if (content === undefined) {
    return marks;
  }
  const { bytes, ...attributes } = content;
  const names = {
    sha256: await kept.keep(bytes, durability),
    size: bytes.length,
    ...(masked !== undefined && { masked: await kept.keep(masked, { durable: false }) }),
  };
  return { ...marks, stored: { ...names, ...attributes } };
}

/** Undefined: there was no such file. */
export async function contentOf({ stored }: KeptFile, kept: KeptBytes): Promise<FileContent | undefined> {
  if (stored === undefined) {
    return undefined;
  }
  const { sha256, mode, uid, gid } = stored;
  return { bytes: await kept.read(sha256), mode, ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) };
}

function parseJournal(text: string): Journal | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    // Only this program writes it, atomically: a version that we know is a shape that we know.
    return typeof parsed === "object" && parsed !== null && "v" in parsed && parsed.v === 1 ? (parsed as Journal) : undefined;
  } catch {
    return undefined; // not JSON: torn or foreign
  }
}
