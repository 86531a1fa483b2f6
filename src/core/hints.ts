import { childAbort } from "./time.ts";

/**
 * A hint says "look again" and carries nothing. Any number of hints that nobody has taken yet are one hint: a slow reader has no backlog.
 */
export interface Hints {
  notify(): void;
  /** Yields once for every batch of hints; ends when the signal aborts, throws what `fail` was given. One reader takes a hint. */
  read(signal: AbortSignal): AsyncGenerator<void>;
  /** Ends the reader with an error, after the hints it has not yet seen. */
  fail(error: unknown): void;
}

export function createHints(): Hints {
  const sleepers = new Set<() => void>();
  let pending = false;
  let failure: { readonly error: unknown } | undefined;

  function notify(): void {
    pending = true;
    sleepers.forEach((wake) => wake());
  }

  function fail(error: unknown): void {
    failure ??= { error };
    sleepers.forEach((wake) => wake());
  }

  async function* read(signal: AbortSignal): AsyncGenerator<void> {
    let wake: (() => void) | undefined;
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
            sleepers.add(resolve);
          });
          if (wake !== undefined) {
            sleepers.delete(wake);
          }
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  return { notify, fail, read };
}

/**
 * The hints of something that is followed for as long as somebody reads them: `follow` calls `notify`, ends when its signal aborts, and what
 * it rejects with ends the reader.
 */
export async function* followHints(
  signal: AbortSignal,
  follow: (notify: () => void, signal: AbortSignal) => Promise<unknown>,
): AsyncGenerator<void> {
  const following = childAbort(signal);
  const hints = createHints();
  const done = follow(hints.notify, following.signal).catch(hints.fail);
  try {
    yield* hints.read(following.signal);
  } finally {
    following.abort();
    following.dispose();
    await done;
  }
}
