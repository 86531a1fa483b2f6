import { childAbort } from "../../core/time.ts";

/** Runs `work` for each item, at most so many at once. The first failure ends the others. */
export async function forEachAtOnce<T>(
  items: readonly T[],
  { most, signal }: { readonly most: number; readonly signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const all = childAbort(signal);
  const queue = items.values();
  async function worker(): Promise<void> {
    for (const item of queue) {
      await work(item, all.signal);
    }
  }
  const workers = Array.from({ length: Math.min(most, items.length) }, worker);
  try {
    await Promise.all(workers);
  } catch (error) {
    all.abort(error);
    await Promise.allSettled(workers);
    throw error;
  } finally {
    all.dispose();
  }
}
