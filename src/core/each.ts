import { childAbort } from "./time.ts";

/**
 * Runs `work` for every item, at most `limit` at a time, and gives the results in the items' order. The first failure ends the others: it
 * rejects with that one, when all have ended, so that nothing goes on behind it.
 */
export async function each<T, R>(
  items: readonly T[],
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<readonly R[]> {
  const all = childAbort(signal);
  const results: R[] = [];
  const queue = items.entries();
  let failure: { readonly error: unknown } | undefined;
  async function worker(): Promise<void> {
    for (const [i, item] of queue) {
      try {
        all.signal.throwIfAborted();
        results[i] = await work(item, all.signal);
      } catch (error) {
        failure ??= { error };
        all.abort(error);
        return;
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  } finally {
    all.dispose();
  }
  if (failure !== undefined) {
    throw failure.error;
  }
  return results;
}
