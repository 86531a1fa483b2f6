/** All waiting goes through here: timers that end with their signal, deadlines, back-off. Times are milliseconds on a monotonic clock. */
import { setMaxListeners } from "node:events";

/** The longest that a timer of Node takes, 24.8 days: anything longer would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export type Random = () => number;

export function monotonicMs(): number {
  return performance.now();
}

/**
 * Waits. Rejects with the signal's reason as soon as it aborts.
 * @example await sleep(50, signal)
 */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const timer = setTimeout(
      () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      },
      Math.min(ms, MAX_TIMER_MS),
    );
    function onAbort(): void {
      clearTimeout(timer);
      reject(signal.reason);
    }
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * A controller whose signal many may wait on: every target's loop, every call. Node takes more than ten listeners for a leak and prints
 * so; here each waiter takes its listener away again.
 */
export function createAbort(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** A controller that aborts with its parent; `dispose` unhooks it, so that nothing leaks on a parent that lives long. */
export interface ChildAbort {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
  dispose(): void;
}

export function childAbort(parent: AbortSignal): ChildAbort {
  const controller = createAbort();
  const onAbort = (): void => controller.abort(parent.reason);
  if (parent.aborted) {
    onAbort();
  } else {
    parent.addEventListener("abort", onAbort, { once: true });
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    dispose: () => parent.removeEventListener("abort", onAbort),
  };
}

/**
 * Runs `work` with a signal that aborts after `ms`. When the time is over the promise rejects with `onTimeout()`, even if `work`
 * ignores its signal; when the parent aborts, with the parent's reason.
 */
export async function withDeadline<T>(
  options: { readonly ms: number; readonly signal: AbortSignal; readonly onTimeout: () => Error },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  options.signal.throwIfAborted();
  const child = childAbort(options.signal);
  const timer = setTimeout(() => child.abort(options.onTimeout()), Math.min(options.ms, MAX_TIMER_MS));
  try {
    return await untilAborted(child.signal, work);
  } finally {
    clearTimeout(timer);
    child.dispose();
  }
}

/** Runs `work`, and rejects with the signal's reason as soon as it aborts, even if `work` ignores its signal. */
export async function untilAborted<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work(signal), aborted]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    if (onAbort !== undefined) {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** A call in the future that keeps no process alive. Setting it anew forgets the time before. */
export interface Alarm {
  set(ms: number): void;
  clear(): void;
}

export function createAlarm(ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  function clear(): void {
    clearTimeout(timer);
    timer = undefined;
  }
  return {
    clear,
    set(ms) {
      clear();
      timer = setTimeout(ring, Math.min(ms, MAX_TIMER_MS)).unref();
    },
  };
}

/** `ms` moved by up to ± `ratio` of itself. */
export function jitter(ms: number, ratio: number, random: Random = Math.random): number {
  return ms * (1 + ratio * (2 * random() - 1));
}

export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  readonly factor?: number;
  readonly random?: Random;
}

/** Growing waits with a cap, each moved by ± 20 % so that many processes do not retry together. */
export interface Backoff {
  /** The next wait in ms. */
  next(): number;
  reset(): void;
}

export function createBackoff({ minMs, maxMs, factor = 2, random = Math.random }: BackoffOptions): Backoff {
  let attempt = 0;
  return {
    next: () => {
      const wait = Math.min(maxMs, minMs * factor ** attempt);
      attempt += wait < maxMs ? 1 : 0;
      return Math.min(maxMs, jitter(wait, 0.2, random));
    },
    reset: () => {
      attempt = 0;
    },
  };
}

/** A signal that aborts `ms` after its parent: for work that may still end by itself. */
export function graceAfter(parent: AbortSignal, ms: number): { readonly signal: AbortSignal; dispose(): void } {
  const controller = createAbort();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => controller.abort(parent.reason), ms);
  };
  if (parent.aborted) {
    onAbort();
  } else {
    parent.addEventListener("abort", onAbort, { once: true });
  }
  return {
    signal: controller.signal,
    dispose: () => {
      clearTimeout(timer);
      parent.removeEventListener("abort", onAbort);
    },
  };
}
