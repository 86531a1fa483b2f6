import { jitter, monotonicMs, type Random, sleep } from "../../core/time.ts";
import { hasCode } from "../../model/errors.ts";
import type { Log } from "../../ports.ts";
import type { SwarmClient } from "./client.ts";
import { fingerprint, isMoving, nextLookMs } from "./movement.ts";
import type { SwarmState, SwarmTask } from "./state.ts";

/** What the last look at the swarm has shown. */
export interface TaskMemory {
  /** A whole list was made. */
  learn(state: Pick<SwarmState, "tasks" | "services">): void;
  /** Whether these tasks differ from those of the last list. */
  differs(tasks: readonly SwarmTask[]): boolean;
  /** How long to wait until the next look. */
  waitMs(): number;
}

export function createTaskMemory(pollMs: number): TaskMemory {
  let known: string | undefined;
  let moves = false;
  let changedAt = monotonicMs();

  return {
    learn({ tasks, services }) {
      const next = fingerprint(tasks);
      // A rolling update that waits between two tasks moves nothing for a while, and then it does.
      moves = isMoving(tasks) || services.some(({ isUpdating }) => isUpdating);
      changedAt = next === known ? changedAt : monotonicMs();
      known = next;
    },
    differs: (tasks) => fingerprint(tasks) !== known,
    waitMs: () => nextLookMs({ isMoving: moves, unchangedMs: monotonicMs() - changedAt, pollMs }),
  };
}

export interface WatchTasksOptions {
  readonly client: SwarmClient;
  readonly memory: TaskMemory;
  readonly log: Log;
  readonly onHint: () => void;
  readonly random?: Random;
}

/** Hints when tasks have changed without an event. It costs one call of the manager a look, and none of the registry. */
export async function watchTasks({ client, memory, log, onHint, random }: WatchTasksOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(jitter(memory.waitMs(), 0.1, random), signal);
      if (memory.differs(await client.tasks(signal))) {
        onHint();
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!hasCode(error)) {
        throw error;
      }
      log.debug("tasks of the swarm cannot be looked at", { reason: error.message }); // the pass tells of it aloud
    }
  }
}
