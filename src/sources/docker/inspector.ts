import { childAbort, jitter, monotonicMs, type Random } from "../../core/time.ts";
import type { DockerClient } from "./client.ts";
import type { Container } from "./container.ts";
import type { InspectedContainer } from "./life.ts";

/** Calls at once: enough to be quick with a thousand containers, few enough not to slow the engine. */
const CONCURRENCY = 8;
/** Details do not change while a container lives, as far as is known; asked for again all the same. */
const FRESH_MS = 10 * 60_000;
/**
 * So often in a row may the engine fail to inspect one container, of which nothing is known yet, before that container alone is given up.
 * Failing at once would take the entries of a container that runs; never giving up would let a broken one hold up the whole node.
 */
const PATIENCE = 3;
/** A call that hung is not made again so soon: each one holds up the whole node for as long as it hangs. */
const HANG_PAUSE_MS = 30_000;

type Inspected = InspectedContainer | "gone" | "invalid";

/** Remembers what the inspect call said, so that a pass asks only about containers that are new or have been in an event. */
export interface Inspector {
  /** Details for each of these containers; rejects when one could not be had. Forgets all containers that `live` does not hold. */
  inspect(wanted: readonly Container[], live: readonly Container[], signal: AbortSignal): Promise<ReadonlyMap<string, Inspected>>;
  /** Something happened to this container. */
  invalidate(id: string): void;
}

interface Memory {
  /** Undefined: being asked for. */
  readonly details: InspectedContainer | undefined;
  readonly until: number;
}

export function createInspector(client: DockerClient, random: Random = Math.random): Inspector {
  const known = new Map<string, Memory>();
  /** What was last said about a container, also when it is to be asked for again. */
  const lastGood = new Map<string, Exclude<Inspected, string>>();
  const failures = new Map<string, { readonly inARow: number; readonly askAt: number }>();

  async function inspect(
    wanted: readonly Container[],
    live: readonly Container[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Inspected>> {
    const ids = new Set(live.map((container) => container.id));
    retain(known, ids);
    retain(lastGood, ids);
    retain(failures, ids);
    const now = monotonicMs();
    const result = new Map<string, Inspected>();
    const asked: string[] = [];
    for (const { id } of wanted) {
      const memory = known.get(id);
      if (memory?.details !== undefined && memory.until > now) {
        result.set(id, memory.details);
      } else {
        asked.push(id);
      }
    }
    await forEachAtOnce(asked, signal, async (id, signal) => {
      // An event during the call removes the mark: an answer that may be from before the event is used, but not remembered.
      const mark: Memory = { details: undefined, until: 0 };
      known.set(id, mark);
      const { details, isFresh } = await ask(id, signal);
      result.set(id, details);
      if (isFresh && typeof details === "object" && known.get(id) === mark) {
        known.set(id, { details, until: now + jitter(FRESH_MS, 0.2, random) });
      }
    });
    return result;
  }

  /** What is to be used of a container, and whether it may be remembered. */
  async function ask(id: string, signal: AbortSignal): Promise<{ readonly details: Inspected; readonly isFresh: boolean }> {
    const failure = failures.get(id);
    const old = { details: lastGood.get(id) ?? "invalid", isFresh: false } as const;
    if (failure !== undefined && failure.askAt > monotonicMs()) {
      return old;
    }
    const answer = await client.inspect(id, signal);
    if (typeof answer === "string" || !("failed" in answer)) {
      failures.delete(id);
      if (typeof answer === "object") {
        lastGood.set(id, answer);
      }
      return { details: answer, isFresh: true };
    }
    const inARow = (failure?.inARow ?? 0) + 1;
    const isGivenUp = lastGood.has(id) || inARow >= PATIENCE;
    const pauseMs = answer.hangs && isGivenUp ? jitter(HANG_PAUSE_MS, 0.2, random) : 0;
    failures.set(id, { inARow, askAt: monotonicMs() + pauseMs });
    if (!isGivenUp) {
      throw answer.failed;
    }
    return old;
  }

  return { inspect, invalidate: (id) => void known.delete(id) };
}

function retain(memory: Map<string, unknown>, ids: ReadonlySet<string>): void {
  for (const id of memory.keys()) {
    if (!ids.has(id)) {
      memory.delete(id);
    }
  }
}

/** Runs `work` for each item, a few at once. The first failure ends the others. */
async function forEachAtOnce<T>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const all = childAbort(signal);
  const queue = items.values();
  async function worker(): Promise<void> {
    for (const item of queue) {
      await work(item, all.signal);
    }
  }
  const workers = Array.from({ length: Math.min(CONCURRENCY, items.length) }, worker);
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
