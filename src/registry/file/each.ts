import { setMaxListeners } from "node:events";
import { childAbort } from "../../core/time.ts";

/** Runs `work` for every item, at most `limit` at a time, and gives the results in the items' order. The first failure ends it. */
export async function each<T, R>(
  items: readonly T[],
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<readonly R[]> {
  const child = childAbort(signal);
  setMaxListeners(limit + 1, child.signal); // each may listen: that is no leak
  const results: R[] = [];
  const iterator = items.entries();
  let failed = false;
  async function run(): Promise<void> {
    for (const [i, item] of iterator) {
      signal.throwIfAborted();
      if (failed) {
        return;
      }
      results[i] = await work(item, child.signal);
    }
  }
  const runners = Array.from({ length: Math.min(limit, items.length) }, () =>
    run().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  const ends = await Promise.allSettled(runners); // all have ended, so that nothing goes on behind a rejection
  child.dispose();
  for (const end of ends) {
    if (end.status === "rejected") {
      throw end.reason;
    }
  }
  return results;
}
