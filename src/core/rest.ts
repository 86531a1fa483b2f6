import { childAbort, sleep } from "./time.ts";

/** A wait that can be cut short. A wake that comes before it ends it at once. */
export interface Rest {
  wake(): void;
  /** Resolves when the time is over, `wake` is called or the signal aborts. */
  rest(ms: number, signal: AbortSignal): Promise<void>;
}

export function createRest(): Rest {
  let isAwake = false;
  let end: (() => void) | undefined;
  return {
    wake() {
      isAwake = true;
      end?.();
    },
    async rest(ms, signal) {
      const child = childAbort(signal);
      end = () => child.abort();
      if (isAwake) {
        child.abort();
      }
      await sleep(ms, child.signal).catch(() => undefined); // whatever ended it
      child.dispose();
      end = undefined;
      isAwake = false;
    },
  };
}
