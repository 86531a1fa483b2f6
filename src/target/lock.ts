/** One process at a time on one target. */
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { childAbort, monotonicMs, sleep } from "../core/time.ts";
import { FairleadError, messageOf, systemCode } from "../model/errors.ts";
import { removeFile } from "./files/remove-file.ts";
import { processStartTime } from "./process.ts";

const POLL_MS = 50;
/** The holder touches its lock this often … */
const TOUCH_MS = 2000;
/** … so that one whose process cannot be seen from here (another container, a shared disk) counts as gone after this long. */
const UNTOUCHED_MS = 15_000;

interface Holder {
  readonly pid: number;
  /** Tells a process from a later one that got the same number. */
  readonly startTime: string | undefined;
  readonly host: string;
}

/**
 * Runs `work` while this process holds the lock file. A lock whose process is gone is taken over.
 * @throws FairleadError `LOCKED` when another process still holds it after `timeoutMs`
 */
export async function withLock<T>(
  options: { readonly file: string; readonly what: string; readonly timeoutMs: number; readonly signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const claim = JSON.stringify({ ...(await describeSelf()), id: randomBytes(8).toString("hex") });
  await acquire(claim, options);
  const touching = childAbort(options.signal);
  const touched = keepTouched(options.file, touching.signal);
  try {
    return await work();
  } finally {
    touching.abort();
    touching.dispose();
    await touched;
    await release(options.file, claim);
  }
}

async function keepTouched(file: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(TOUCH_MS, signal).catch(() => undefined);
    if (signal.aborted) {
      return; // the work is done
    }
    const now = new Date();
    await utimes(file, now, now).catch(() => undefined); // gone: release will see
  }
}

async function acquire(claim: string, options: Parameters<typeof withLock>[0]): Promise<void> {
  const deadline = monotonicMs() + options.timeoutMs;
  for (;;) {
    if (await tryClaim(options.file, claim)) {
      return;
    }
    const text = await readFile(options.file, "utf8").catch(() => undefined);
    const holder = text === undefined ? undefined : parseHolder(text);
    if (text !== undefined && !(await isAlive(holder, options.file))) {
      await removeStale(options.file, text);
      continue;
    }
    if (text !== undefined && monotonicMs() >= deadline) {
      throw new FairleadError(
        "LOCKED",
        `${options.what} is held by another process${holder === undefined ? "" : ` (pid ${holder.pid})`}`,
        {
          retryable: true,
          hint: "wait for it to end, or give a longer --timeout",
        },
      );
    }
    await sleep(POLL_MS, options.signal);
  }
}

/** A link appears with its whole content or not at all, so nobody ever reads half a claim. */
async function tryClaim(file: string, claim: string): Promise<boolean> {
  const temp = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(temp, claim, { flag: "wx", mode: 0o600 });
    await link(temp, file);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") {
      return false;
    }
    throw new FairleadError("DEST_REFUSED", `cannot use the state "${dirname(file)}": ${messageOf(error)}`, {
      cause: error,
      retryable: true,
      hint: "give `stateDir` (or --state) a folder on a local disk that this user can write to",
    });
  } finally {
    await removeFile(temp).catch(() => undefined); // where it cannot be removed, it could not be made
  }
}

/** Moves the lock away and looks what it was: if somebody else took it over meanwhile, it is put back. */
async function removeStale(file: string, staleText: string): Promise<void> {
  const moved = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    await rename(file, moved);
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return;
    }
    throw error;
  }
  if ((await readFile(moved, "utf8")) !== staleText) {
    await link(moved, file).catch(() => undefined); // taken again in the meantime: then that claim stands
  }
  await removeFile(moved);
}

async function release(file: string, claim: string): Promise<void> {
  if ((await readFile(file, "utf8").catch(() => undefined)) === claim) {
    await removeFile(file);
  }
}

/** It stays the same, and there is a lock for each target. */
const ownStartTime = new Map<number, Promise<string | undefined>>();

async function describeSelf(): Promise<Holder> {
  const { pid } = process;
  const startTime = ownStartTime.get(pid) ?? processStartTime(pid);
  ownStartTime.set(pid, startTime);
  return { pid, startTime: await startTime, host: hostname() };
}

async function isAlive(holder: Holder | undefined, file: string): Promise<boolean> {
  if (holder === undefined) {
    return false;
  }
  if (holder.host !== hostname()) {
    const touchedAt = await stat(file).then(
      (stats) => stats.mtimeMs,
      () => Number.NEGATIVE_INFINITY,
    );
    return Date.now() - touchedAt < UNTOUCHED_MS;
  }
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
  return holder.startTime === (await processStartTime(holder.pid));
}

function parseHolder(text: string): Holder | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null && "pid" in parsed && "host" in parsed ? (parsed as Holder) : undefined;
  } catch {
    return undefined; // not ours: nobody holds it
  }
}
