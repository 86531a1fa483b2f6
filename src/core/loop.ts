import { createBackoff, jitter, MAX_TIMER_MS, monotonicMs, type Random } from "./time.ts";

/** After this long without a pass the next trigger counts as the first after a calm. */
const CALM_MS = 1000;
/** Triggers this far apart are no storm, unless one is on. */
const SPARSE_MS = 250;
/** What a settle of zero grows from in a storm. */
const GROWTH_FLOOR_MS = 10;

export interface Settle {
  /** How long the first trigger after a calm waits for company. */
  readonly quietMs: number;
  /** The most that a trigger waits in a storm. */
  readonly maxMs: number;
}

export interface LoopOptions {
  /** One pass. It looks at the whole truth; what triggered it is not said. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  readonly settle: Settle;
  /** A pass at least this often, ± 20 %; `Infinity` for never. */
  readonly resyncMs: number;
  readonly backoff: { readonly minMs: number; readonly maxMs: number };
  /** A pass failed. The loop goes on; the next try comes after `retryInMs`, or sooner when triggered. */
  readonly onError: (error: unknown, retryInMs: number) => void;
  readonly random?: Random;
}

export interface Loop {
  /** Asks for a pass. Any number of triggers before or during a pass lead to exactly one more. */
  trigger(): void;
  /** Makes a pass at once, then one for each trigger, resync or retry. Resolves when the signal aborts and the running pass has ended. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * The level-triggered loop behind registrator and renderer. Passes never overlap. The wait before a pass is `quietMs` after a calm,
 * and doubles with every pass in a row up to `maxMs`, so that a storm makes few passes and the newest state always gets one.
 */
export function createLoop(options: LoopOptions): Loop {
  const { settle, random = Math.random } = options;
  let wanted = false;
  let wake: (() => void) | undefined;

  function trigger(): void {
    wanted = true;
    wake?.();
  }

  /** Waits until `ms` are over, `wake` is called, or the signal aborts. */
  async function pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || ms <= 0) {
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = Number.isFinite(ms) ? setTimeout(done, Math.min(ms, MAX_TIMER_MS)) : undefined;
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        wake = undefined;
        resolve();
      }
      wake = done;
      signal.addEventListener("abort", done, { once: true });
    });
  }

  async function pauseUntriggered(ms: number, signal: AbortSignal): Promise<void> {
    const until = monotonicMs() + ms;
    while (!signal.aborted && monotonicMs() < until) {
      await pause(until - monotonicMs(), signal);
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    const backoff = createBackoff({ ...options.backoff, random });
    let waitMs = settle.quietMs;
    let endedAt = Number.NEGATIVE_INFINITY;
    wanted = true;
    let first = true;
    while (!signal.aborted) {
      if (wanted && !first) {
        waitMs = nextWait(waitMs, monotonicMs() - endedAt, settle);
        await pauseUntriggered(waitMs, signal);
        if (signal.aborted) {
          break;
        }
      }
      first = false;
      const isTriggered = wanted;
      wanted = false;
      let restMs = jitter(options.resyncMs, 0.2, random);
      try {
        await options.work(signal);
        backoff.reset();
      } catch (error) {
        if (signal.aborted) {
          break;
        }
        if (isTriggered) {
          // The waits are for trying the same again. A storm of triggers that all fail would make them grow to their cap in a moment.
          backoff.reset();
        }
        const retryInMs = backoff.next();
        restMs = Math.min(restMs, retryInMs);
        options.onError(error, retryInMs);
      }
      endedAt = monotonicMs();
      const restUntil = endedAt + restMs;
      while (!wanted && !signal.aborted && monotonicMs() < restUntil) {
        await pause(restUntil - monotonicMs(), signal);
      }
    }
  }

  return { trigger, run };
}

/**
 * How long a triggered pass waits, given the last wait and how long after the last pass the trigger came. It grows only while triggers come
 * closer together than a person would call one by one.
 */
export function nextWait(lastWaitMs: number, sincePassMs: number, settle: Settle): number {
  if (sincePassMs >= CALM_MS || (sincePassMs >= SPARSE_MS && lastWaitMs < SPARSE_MS)) {
    return settle.quietMs;
  }
  return Math.min(Math.max(settle.maxMs, settle.quietMs), Math.max(GROWTH_FLOOR_MS, lastWaitMs * 2));
}
