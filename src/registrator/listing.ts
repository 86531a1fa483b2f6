import { createAlarm } from "../core/time.ts";
import type { Instance } from "../model/instance.ts";
import type { Source } from "../ports.ts";
import type { Listed } from "./join.ts";

/** How long a pass waits for one of several sources. */
const PATIENCE_MS = 1500;

export interface ListingOptions {
  readonly sources: readonly Source[];
  /** A source that a pass has not waited for has answered, well or not. */
  readonly onLate: () => void;
}

export interface Listing {
  /** What each source said last, in their order; nothing of one that has never answered. */
  readonly lists: readonly Listed[];
  /** All of them have answered once. */
  readonly isComplete: boolean;
  /** Of sources that have failed since the last pass. */
  readonly failures: readonly unknown[];
}

export interface Lister {
  list(signal: AbortSignal): Promise<Listing>;
  /** Resolves when nothing is asked any more; to be awaited after the signal has aborted. */
  ended(): Promise<void>;
}

interface Asking {
  /** Never rejects. */
  readonly done: Promise<void>;
  isLate: boolean;
}

/**
 * Asks all sources at once and remembers the last good answer of each. One that takes long is asked on while the pass goes on with what it
 * said before: an engine that hangs keeps no change of another source waiting. It is not asked twice at a time.
 */
export function createLister({ sources, onLate }: ListingOptions): Lister {
  const lastGood = new Map<Source, readonly Instance[]>();
  const asked = new Map<Source, Asking>();
  let failures: unknown[] = [];

  function ask(source: Source, signal: AbortSignal): Asking {
    // A source that throws at once rejects like any other.
    const list = async (): Promise<readonly Instance[]> => await source.list(signal);
    const asking: Asking = { done: answer(), isLate: false };
    async function answer(): Promise<void> {
      try {
        lastGood.set(source, await list());
      } catch (error) {
        if (!signal.aborted) {
          failures.push(error);
        }
      }
      asked.delete(source);
      // Also when a later pass still waited for it: it may be older than what that pass was to look at.
      if (asking.isLate && !signal.aborted) {
        onLate();
      }
    }
    asked.set(source, asking);
    return asking;
  }

  async function waitFor(asking: Asking): Promise<void> {
    if (sources.length === 1) {
      await asking.done; // nobody is kept waiting
      return;
    }
    await new Promise<void>((resolve) => {
      const alarm = createAlarm(() => {
        asking.isLate = true;
        resolve();
      });
      alarm.set(PATIENCE_MS);
      void asking.done.then(() => {
        alarm.clear();
        resolve();
      });
    });
  }

  return {
    async list(signal) {
      await Promise.all(sources.map((source) => waitFor(asked.get(source) ?? ask(source, signal))));
      signal.throwIfAborted();
      const told = failures;
      failures = [];
      return {
        lists: sources.map((source) => ({ source: source.name, instances: lastGood.get(source) ?? [] })),
        isComplete: lastGood.size === sources.length,
        failures: told,
      };
    },
    async ended() {
      await Promise.all([...asked.values()].map(({ done }) => done));
    },
  };
}
