/** A target's changes, applied or refused: bounded, and with the files of the newest ones. */
import { join } from "node:path";
import type { HistoryEntry, Log } from "../../ports.ts";
import type { Applied } from "./journal.ts";
import { createStampedFile, type StampedFile } from "./stamped-file.ts";

/** So many that were written are remembered, and as many that were not: failures push nothing out that one could go back to. */
const ENTRIES_EACH = 10;
/** Files of written entries are kept for as long as all of them together stay below both; those of the newest two always. */
const KEPT_BYTES = 64 * 1024 * 1024;
const KEPT_FILES = 5000;
const ALWAYS_KEPT = 2;

export interface StoredEntry extends Omit<HistoryEntry, "isKept"> {
  readonly code?: string;
  /** Absent: it was not applied, or its files are not kept any more. */
  readonly state?: Applied;
}

export type History = readonly StoredEntry[];

export function createHistoryStore(dir: string, log: Log): StampedFile<History> {
  return createStampedFile({
    file: join(dir, "history.json"),
    log,
    parse: parseHistory,
    print: (entries) => `${JSON.stringify({ v: 1, entries })}\n`,
  });
}

/** Undefined: it is the newest entry over again, as a retry is. */
export function addEntry(history: History, entry: Omit<StoredEntry, "id">): History | undefined {
  const newest = history.at(-1);
  if (newest !== undefined && isRepeat(newest, entry)) {
    return undefined;
  }
  const id = String(Number(newest?.id ?? 0) + 1);
  return prune([...history, { ...entry, id }]);
}

function isRepeat(newest: StoredEntry, entry: Omit<StoredEntry, "id">): boolean {
  const isSame = newest.outcome === entry.outcome && newest.generation === entry.generation && newest.code === entry.code;
  return isSame && (entry.outcome !== "written" || newest.reason === entry.reason);
}

function prune(history: History): History {
  const written = history.filter((entry) => entry.outcome === "written").slice(-ENTRIES_EACH);
  const others = history.filter((entry) => entry.outcome !== "written").slice(-ENTRIES_EACH);
  const remembered = new Set([...written, ...others]);
  const kept = choose(written);
  return history
    .filter((entry) => remembered.has(entry))
    .map((entry) => {
      const { state, ...rest } = entry;
      return state === undefined || kept.has(entry) ? entry : rest;
    });
}

/** The newest whose files fit. Bytes that states share count once. */
function choose(written: History): ReadonlySet<StoredEntry> {
  const kept = new Set<StoredEntry>();
  const hashes = new Set<string>();
  let bytes = 0;
  let files = 0;
  for (const entry of [...written].reverse()) {
    for (const { stored } of entry.state?.files ?? []) {
      bytes += stored === undefined || hashes.has(stored.sha256) ? 0 : stored.size;
      files++;
      hashes.add(stored?.sha256 ?? "");
    }
    if (kept.size >= ALWAYS_KEPT && (bytes > KEPT_BYTES || files > KEPT_FILES)) {
      break;
    }
    if (entry.state !== undefined) {
      kept.add(entry);
    }
  }
  return kept;
}

export function keptStates(history: History): readonly Applied[] {
  return history.flatMap((entry) => entry.state ?? []);
}

export function publicEntry(entry: StoredEntry): HistoryEntry {
  const { id, at, generation, reason, outcome, error, state } = entry;
  return { id, at, generation, reason, outcome, ...(error !== undefined && { error }), isKept: state !== undefined };
}

/** The entry to go back to: the one that is named, else the last one before the current state. */
export function findEntry(history: History, current: Applied | undefined, id: string | undefined): StoredEntry | undefined {
  const candidates = history.filter((entry) => entry.state !== undefined);
  if (id !== undefined) {
    return candidates.find((entry) => entry.id === id);
  }
  const isCurrent = (entry: StoredEntry): boolean => entry.generation === current?.generation;
  // After going back, "before" means before the state that was gone back to, not before the command.
  const since = current?.goneBack?.to ?? candidates.findLast(isCurrent)?.id;
  const before = candidates.filter((entry) => since === undefined || Number(entry.id) < Number(since));
  return before.findLast((entry) => !isCurrent(entry));
}

function parseHistory(text: string): History | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const isOurs = typeof parsed === "object" && parsed !== null && "v" in parsed && parsed.v === 1 && "entries" in parsed;
    // Only this program writes it, as a whole: a version that we know is a shape that we know.
    return isOurs && Array.isArray(parsed.entries) ? (parsed.entries as History) : undefined;
  } catch {
    return undefined; // not JSON: torn or foreign
  }
}
