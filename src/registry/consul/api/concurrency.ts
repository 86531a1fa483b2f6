import { MAX_TIMER_MS, sleep } from "../../../core/time.ts";

/** Runs one piece of work at a time, in the order of the calls. A call that waits rejects with its signal's reason when that aborts. */
export type Exclusive = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

export function createExclusive(): Exclusive {
  let last: Promise<void> = Promise.resolve();
  return async (work, signal) => {
    const before = last;
    let release = (): void => undefined;
    last = new Promise<void>((resolve) => {
      release = resolve;
    });
    try {
      await raceAbort([signal], before);
    } catch (error) {
      void before.then(release); // who comes after us still has to wait for who was before
      throw error;
    }
    try {
      return await work();
    } finally {
      release();
    }
  };
}

/** The outcome of `work`, or at once the reason of the first of the signals that aborts. */
export async function raceAbort<T>(signals: readonly AbortSignal[], work: Promise<T>): Promise<T> {
  const hooks: (() => void)[] = [];
  const aborted = new Promise<never>((_, reject) => {
    for (const signal of signals) {
      const onAbort = (): void => reject(signal.reason);
      if (signal.aborted) {
        onAbort();
      } else {
        signal.addEventListener("abort", onAbort, { once: true });
        hooks.push(() => signal.removeEventListener("abort", onAbort));
      }
    }
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    hooks.forEach((unhook) => unhook());
  }
}

/** Resolves with the first of the promises, after `ms` at the latest (`Infinity`: not by time). */
export async function firstOrDue(promises: readonly Promise<unknown>[], ms: number): Promise<void> {
  const done = new AbortController();
  const due = Number.isFinite(ms) ? [sleep(Math.min(MAX_TIMER_MS, Math.max(0, ms)), done.signal).catch(() => undefined)] : [];
  try {
    await Promise.race([...promises, ...due]);
  } finally {
    done.abort();
  }
}

/** Like `Promise.all` of a map, with at most `limit` at once. Starts nothing more after the first failure. */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  let hasFailed = false;
  async function runNext(): Promise<void> {
    for (const [index, item] of queue) {
      if (hasFailed) {
        return;
      }
      try {
        results[index] = await work(item, index);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runNext));
  return results;
}
