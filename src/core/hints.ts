/**
 * A hint says "look again" and carries nothing. Any number of hints that nobody has taken yet are one hint: a slow reader has no backlog.
 */
export interface Hints {
  notify(): void;
  /** Yields once for every batch of hints; ends when the signal aborts, throws what `fail` was given. */
  read(signal: AbortSignal): AsyncGenerator<void>;
  /** Ends the reader with an error, after the hints it has not yet seen. */
  fail(error: unknown): void;
}

export function createHints(): Hints {
  let pending = false;
  let failure: { readonly error: unknown } | undefined;
  let wake: (() => void) | undefined;

  function notify(): void {
    pending = true;
    wake?.();
  }

  function fail(error: unknown): void {
    failure ??= { error };
    wake?.();
  }

  async function* read(signal: AbortSignal): AsyncGenerator<void> {
    const onAbort = (): void => wake?.();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        if (pending) {
          pending = false;
          yield;
        } else if (failure !== undefined) {
          throw failure.error;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = undefined;
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  return { notify, fail, read };
}
