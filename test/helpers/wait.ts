import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  readonly timeoutMs: number;
  /** What is waited for, as the end of "waited 500 ms for …". */
  readonly what: string;
  readonly intervalMs?: number;
}

type Found<T> = Exclude<T, undefined | null | false>;

/**
 * Asks again and again until the answer is neither undefined, null nor false, and returns it. An exception counts as "not yet" and is
 * shown when the time is over. An attempt that hangs does not outlive the deadline. Uses real time: fake timers do not reach it.
 *
 * @throws when `timeoutMs` have passed; the last exception is the cause
 */
export async function waitFor<T>(attempt: () => T | Promise<T>, options: WaitOptions): Promise<Found<T>> {
  const { timeoutMs, what, intervalMs = 25 } = options;
  const end = performance.now() + timeoutMs;
  const deadline = new AbortController();
  const late = sleep(timeoutMs, "late" as const, { signal: deadline.signal }).catch(() => "late" as const);
  let cause: unknown;
  try {
    do {
      try {
        const found = await Promise.race([Promise.resolve(attempt()), late]);
        if (found === "late") {
          break;
        }
        if (found !== undefined && found !== null && found !== false) {
          return found as Found<T>;
        }
        cause = undefined;
      } catch (error) {
        cause = error;
      }
      await sleep(intervalMs);
    } while (performance.now() < end);
  } finally {
    deadline.abort();
  }
  const why = cause instanceof Error ? `; last seen: ${cause.message}` : "";
  throw new Error(`waited ${timeoutMs} ms for ${what}${why}`, { cause });
}
