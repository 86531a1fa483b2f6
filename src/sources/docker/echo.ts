import { sleep } from "../../core/time.ts";

const TICK_MS = 100;
/** After so many quiet ticks there is an echo: one that comes soon, one for an engine under load. */
const ECHO_AT = [1, 10];

export interface Echo {
  /** An event came. */
  sound(): void;
  /** Resolves when no echo is under way; after the signal has aborted that is at once. */
  done(): Promise<void>;
}

/**
 * Calls `onEcho` 0.1 s and 1 s after the last `sound()`, some ticks more or less.
 *
 * The engine tells of pause, unpause, die and of networks before its own list shows them (seen on 20.10: 10 to 200 ms before). Whoever
 * lists at once sees the old state, and nothing would tell it to look again.
 */
export function createEcho(onEcho: () => void, signal: AbortSignal): Echo {
  let sounds = 0;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    let heard = sounds;
    let quietTicks = 0;
    try {
      while (quietTicks < Math.max(...ECHO_AT)) {
        await sleep(TICK_MS, signal);
        quietTicks = sounds === heard ? quietTicks + 1 : 0;
        heard = sounds;
        if (ECHO_AT.includes(quietTicks)) {
          onEcho();
        }
      }
    } finally {
      running = undefined;
    }
  }

  return {
    sound() {
      sounds += 1;
      running ??= run().catch(() => undefined); // it rejects only on abort
    },
    async done() {
      await running;
    },
  };
}
