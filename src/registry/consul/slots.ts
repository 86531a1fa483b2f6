/** `long`: a blocking query, which holds its connection for half a minute. */
export type SlotKind = "long" | "short";

/**
 * Shares few connections: at most `total` pieces of work at once, of them at most `long` blocking queries, so that something is always
 * left for reads, writes and heart-beats. First come, first served within what is free.
 */
export interface Slots {
  /** Runs `work` as soon as there is a slot. Rejects with the signal's reason when it aborts before that. */
  use<T>(kind: SlotKind, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

interface Waiter {
  readonly kind: SlotKind;
  readonly start: () => void;
}

export function createSlots(limits: { readonly total: number; readonly long: number }): Slots {
  const waiting = new Set<Waiter>();
  const used = { long: 0, short: 0 };

  function isFree(kind: SlotKind): boolean {
    return used.long + used.short < limits.total && (kind === "short" || used.long < limits.long);
  }

  function startNext(): void {
    for (const waiter of waiting) {
      if (isFree(waiter.kind)) {
        waiting.delete(waiter);
        waiter.start();
      }
    }
  }

  function take(kind: SlotKind, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const waiter: Waiter = {
        kind,
        start: () => {
          used[kind] += 1;
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      function onAbort(): void {
        waiting.delete(waiter);
        reject(signal.reason);
      }
      signal.addEventListener("abort", onAbort, { once: true });
      waiting.add(waiter);
      startNext();
    });
  }

  return {
    async use(kind, signal, work) {
      await take(kind, signal);
      try {
        return await work();
      } finally {
        used[kind] -= 1;
        startNext();
      }
    },
  };
}
