/** What tells this process from another one that registers for the same node: a mark in the state folder, and a lock on it. */
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { sleep } from "../core/time.ts";
import { FairleadError, hasCode, systemCode } from "../model/errors.ts";
import type { Log } from "../ports.ts";
import type { Registrator } from "../registrator/registrator.ts";
import { withLock } from "../target/lock.ts";
import { stateError, writeStateFile } from "../target/state/state-file.ts";

/** How often a process looks whether the lock is free. */
const LOCK_POLL_MS = 500;

export interface HolderOptions {
  /** Undefined: the process shares its registry with nobody. */
  readonly stateDir: string | undefined;
  readonly node: string;
  /** The registry's name: one process may register for one node in several. */
  readonly registry: string;
  readonly log: Log;
}

/**
 * A registrator whose process has a mark that outlives a restart. A second process with the same state folder waits until the first one
 * has ended; with another state folder it has another mark, and the registry tells the two apart.
 */
export function createHeldRegistrator(options: HolderOptions, create: (mark: string) => Registrator): Registrator {
  const { stateDir, log } = options;
  const files = stateDir === undefined ? undefined : filesOf(stateDir, options);
  let running: Registrator | undefined;
  let hasLock = false;

  async function runAs(mark: string, signal: AbortSignal): Promise<void> {
    running = create(mark);
    await running.run(signal);
  }

  async function run(signal: AbortSignal): Promise<void> {
    if (files === undefined) {
      await runAs(newMark(), signal);
      return;
    }
    let isTold = false;
    while (!signal.aborted) {
      try {
        await withLock({ ...files.lock, timeoutMs: 0, signal }, async () => {
          const mark = await readMark(files.mark, options);
          hasLock = true;
          await runAs(mark, signal);
        });
        return;
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (hasCode(error, "DEST_REFUSED") && !hasLock) {
          const { code, message, hint } = error;
          log.warn("this process is another one after each restart: its mark cannot be kept", {
            code,
            error: message,
            ...(hint !== undefined && { hint }),
          });
          await runAs(newMark(), signal);
          return;
        }
        if (!hasCode(error, "LOCKED")) {
          throw error;
        }
        if (!isTold) {
          isTold = true;
          const hint =
            "this process registers when the other one has ended; give each a `node:` and a `stateDir:` of its own otherwise";
          log.warn("another process on this machine registers for this node", { code: error.code, error: error.message, hint });
        }
        await sleep(LOCK_POLL_MS, signal).catch(() => undefined); // aborted: the loop ends
      }
    }
  }

  /** Who has the lock by now has taken everything over. */
  async function leave(): Promise<void> {
    const leaving = running;
    if (leaving === undefined) {
      return;
    }
    if (files === undefined || !hasLock) {
      await leaving.leave();
      return;
    }
    const { signal } = new AbortController();
    try {
      await withLock({ ...files.lock, timeoutMs: 0, signal }, () => leaving.leave());
    } catch (error) {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      log.info("entries are left to the process that registers now", { code: error.code });
    }
  }

  return { run, leave };
}

function filesOf(stateDir: string, { node, registry }: HolderOptions) {
  const name = createHash("sha256")
    .update(JSON.stringify([node, registry]))
    .digest("hex")
    .slice(0, 16);
  return {
    mark: join(stateDir, "registrations", `${name}.json`),
    lock: { file: join(stateDir, "registrations", `${name}.lock`), what: `registering for node ${JSON.stringify(node)}` },
  };
}

/** The mark of before, unless the folder has come to another machine. @throws FairleadError `DEST_REFUSED` */
async function readMark(file: string, { node, registry }: HolderOptions): Promise<string> {
  const known = parseMark(await readText(file));
  if (known?.startsWith(`${hostname()}/`) === true) {
    return known;
  }
  const mark = newMark();
  const text = `${JSON.stringify({ v: 1, mark, node, registry })}\n`;
  await writeStateFile(file, Buffer.from(text), { durable: true });
  return mark;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return "";
    }
    throw stateError(file, error);
  }
}

function parseMark(text: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const isMark = typeof parsed === "object" && parsed !== null && "mark" in parsed && typeof parsed.mark === "string";
    return isMark ? String(parsed.mark) : undefined;
  } catch {
    return undefined; // not whole: another one is made
  }
}

function newMark(): string {
  return `${hostname()}/${randomBytes(4).toString("hex")}`;
}
