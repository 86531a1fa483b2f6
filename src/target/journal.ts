/** What a target last applied, what it owes, and its last good files: the memory that survives `kill -9`. */
import { chmod, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { FairleadError, messageOf, systemCode } from "../model/errors.ts";
import type { Log } from "../ports.ts";
import { type FileContent, sha256 } from "./stage.ts";

/** A file as it should be on the disk; `stored` names its bytes in the journal's own folder, absent: there was no such file. */
export interface KeptFile {
  readonly dest: string;
  readonly stored?: { readonly sha256: string; readonly mode: number; readonly uid?: number; readonly gid?: number };
}

export interface Applied {
  readonly generation: string;
  readonly files: readonly KeptFile[];
  /** ISO 8601. */
  readonly at: string;
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
  /** Durable when it returns. */
  write(journal: Journal): Promise<void>;
  /** Keeps bytes, durable, so that a journal may name them by their hash. */
  keep(bytes: Buffer): Promise<string>;
  kept(sha: string): Promise<Buffer>;
  /** Forgets kept bytes that the journal does not name. */
  sweep(journal: Journal): Promise<void>;
}

/** The journal of one target in `dir`, a folder that only this user can read: kept files may hold secrets. */
export function createJournalStore(dir: string, log: Log): JournalStore {
  const file = join(dir, "journal.json");
  const keepDir = join(dir, "files");

  async function prepare(): Promise<void> {
    try {
      await mkdir(keepDir, { recursive: true, mode: 0o700 });
      await chmod(dir, 0o700);
    } catch (error) {
      throw stateError(dir, error);
    }
  }

  async function read(): Promise<Journal> {
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
    if (journal === undefined) {
      log.warn("journal cannot be read and starts anew", { file });
      return EMPTY;
    }
    return journal;
  }

  async function write(journal: Journal): Promise<void> {
    await prepare();
    await writeDurably(file, Buffer.from(`${JSON.stringify(journal)}\n`));
  }

  async function keep(bytes: Buffer): Promise<string> {
    await prepare();
    const sha = sha256(bytes);
    const path = join(keepDir, sha);
    const there = await readFile(path).catch(() => undefined);
    if (there === undefined || !there.equals(bytes)) {
      await writeDurably(path, bytes);
    }
    return sha;
  }

  async function kept(sha: string): Promise<Buffer> {
    const bytes = await readFile(join(keepDir, sha)).catch((error: unknown) => {
      throw stateError(join(keepDir, sha), error);
    });
    if (sha256(bytes) !== sha) {
      throw new FairleadError("DEST_REFUSED", `a kept file is damaged: "${join(keepDir, sha)}"`);
    }
    return bytes;
  }

  async function sweep(journal: Journal): Promise<void> {
    const states = [journal.good, journal.pending?.from, journal.pending?.to];
    const named = new Set(states.flatMap((state) => state?.files ?? []).map((kept) => kept.stored?.sha256));
    for (const name of await readdir(keepDir).catch(() => [])) {
      if (!named.has(name)) {
        await rm(join(keepDir, name), { force: true });
      }
    }
  }

  return { read, write, keep, kept, sweep };
}

/** Keeps the contents and says how to name them in a journal. */
export async function keepFiles(
  store: JournalStore,
  contents: ReadonlyMap<string, FileContent | undefined>,
): Promise<KeptFile[]> {
  const files: KeptFile[] = [];
  for (const [dest, content] of contents) {
    if (content === undefined) {
      files.push({ dest });
    } else {
      const { bytes, ...attributes } = content;
      files.push({ dest, stored: { sha256: await store.keep(bytes), ...attributes } });
    }
  }
  return files;
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  const temp = `${path}.new`;
  try {
    const handle = await open(temp, "w", 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
      const { size } = await handle.stat();
      if (size !== bytes.length) {
        throw new Error(`only ${size} of ${bytes.length} bytes could be written`);
      }
    } finally {
      await handle.close();
    }
    await rename(temp, path);
    const folder = await open(join(path, ".."), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw stateError(path, error);
  }
}

function parseJournal(text: string): Journal | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    // Only this process writes it, atomically: a version that we know is a shape that we know.
    return typeof parsed === "object" && parsed !== null && "v" in parsed && parsed.v === 1 ? (parsed as Journal) : undefined;
  } catch {
    return undefined; // not JSON: torn or foreign
  }
}

function stateError(path: string, error: unknown): FairleadError {
  return new FairleadError("DEST_REFUSED", `cannot use the state "${path}": ${messageOf(error)}`, {
    cause: error,
    retryable: true,
    hint: "give `stateDir` (or --state) a folder on a local disk that this user can write to",
  });
}
