import { each } from "../../core/each.ts";
import { jitter, monotonicMs, type Random } from "../../core/time.ts";
import type { FairleadError } from "../../model/errors.ts";
import type { Container } from "./container.ts";
import type { DockerClient, Inspection } from "./engine/client.ts";
import type { InspectedContainer } from "./engine/life.ts";

/** Calls at once: enough to be quick with a thousand containers, few enough not to slow the engine. */
const CONCURRENCY = 8;
/** Details do not change while a container lives, as far as is known; asked for again all the same. */
const FRESH_MS = 10 * 60_000;
/**
 * So often in a row may the engine fail to inspect one container before that container alone is given up. Failing at once would take the
 * entries of a container that runs; never giving up would let a broken one hold up the whole node.
 */
const PATIENCE = 3;
/** A container that cannot be inspected is left in peace for so long: asking may take the whole deadline, and every pass would wait for it. */
const LEFT_ALONE_MS = 60_000;
/** With more of them in one pass that may yet be inspected it is the engine that fails, and asking on would only take longer. */
const MOST_FAILURES = 8;

/** `reason`: nothing can be said about this container, while others can be inspected. */
type Inspected = InspectedContainer | "gone" | { readonly reason: string };

/** Remembers what the inspect call said, so that a pass asks only about containers that are new or have been in an event. */
export interface Inspector {
  /**
   * An answer for each of these containers; rejects when one could not be had. What was known of a container stands in for an answer that
   * fails. Forgets all containers that `live` does not hold.
   */
  inspect(wanted: readonly Container[], live: readonly Container[], signal: AbortSignal): Promise<ReadonlyMap<string, Inspected>>;
  /** Something happened to this container. */
  invalidate(id: string): void;
}

interface Memory {
  readonly details: InspectedContainer | undefined;
  /** Why there are no details, once nothing else was to be had. */
  readonly givenUp?: string;
  readonly until: number;
}

interface Failure {
  readonly id: string;
  readonly error: FairleadError;
  readonly isFinal: boolean;
  readonly reason: string;
}

export function createInspector(client: DockerClient, random: Random = Math.random): Inspector {
  const known = new Map<string, Memory>();
  const failures = new Map<string, number>();

  async function inspect(
    wanted: readonly Container[],
    live: readonly Container[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Inspected>> {
    const ids = new Set(live.map((container) => container.id));
    retain(known, ids);
    retain(failures, ids);
    const now = monotonicMs();
    const result = new Map<string, Inspected>();
    const failed: Failure[] = [];
    const asked = wanted.map(({ id }) => id).filter((id) => !isFresh(known.get(id), now));
    for (const { id } of wanted) {
      const memory = known.get(id);
      if (isFresh(memory, now)) {
        result.set(id, memory.details ?? { reason: memory.givenUp ?? "" });
      }
    }
    await each(asked, { limit: CONCURRENCY, signal }, async (id, signal) => {
      // An event during the call puts another memory there: an answer that may be from before it is used, and asked for again.
      const mark: Memory = { details: known.get(id)?.details, until: 0 };
      known.set(id, mark);
      const answer = await client.inspect(id, signal);
      const details = readAnswer(answer) ?? mark.details;
      if (answer === "gone") {
        result.set(id, answer);
      } else if (details !== undefined) {
        const freshMs = "failed" in answer ? LEFT_ALONE_MS : FRESH_MS;
        known.set(id, { details, until: known.get(id) === mark ? now + jitter(freshMs, 0.2, random) : 0 });
        failures.delete(id);
        result.set(id, details);
      } else if ("failed" in answer) {
        failed.push(count(id, answer));
        if (failed.filter(({ isFinal }) => !isFinal).length > MOST_FAILURES) {
          throw answer.failed;
        }
      }
    });
    settle(failed, result, now);
    return result;
  }

  function count(id: string, { failed: error, isNonsense }: Extract<Inspection, { readonly failed: unknown }>): Failure {
    const inARow = (failures.get(id) ?? 0) + 1;
    failures.set(id, inARow);
    const reason = isNonsense ? "what the engine says about it makes no sense" : "the engine cannot inspect it";
    return { id, error, isFinal: isNonsense || inARow >= PATIENCE, reason };
  }

  /** Gives up the containers that nothing can be said about. @throws while that may be too early, or when there are no others */
  function settle(failed: readonly Failure[], result: Map<string, Inspected>, now: number): void {
    const areOthersWell = [...result.values()].some((inspected) => inspected !== "gone" && !("reason" in inspected));
    const [obstacle] = areOthersWell ? failed.filter(({ isFinal }) => !isFinal) : failed;
    if (obstacle !== undefined) {
      throw obstacle.error;
    }
    for (const { id, reason } of failed) {
      known.set(id, { details: undefined, givenUp: reason, until: now + jitter(LEFT_ALONE_MS, 0.2, random) });
      result.set(id, { reason });
    }
  }

  return {
    inspect,
    invalidate(id) {
      const memory = known.get(id);
      if (memory !== undefined) {
        known.set(id, { details: memory.details, until: 0 });
      }
    },
  };
}

function isFresh(memory: Memory | undefined, now: number): memory is Memory {
  return memory !== undefined && memory.until > now;
}

function readAnswer(answer: Inspection): InspectedContainer | undefined {
  return answer === "gone" || "failed" in answer ? undefined : answer;
}

function retain(memory: Map<string, unknown>, ids: ReadonlySet<string>): void {
  for (const id of memory.keys()) {
    if (!ids.has(id)) {
      memory.delete(id);
    }
  }
}
