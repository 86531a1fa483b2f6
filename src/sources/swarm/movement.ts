import { hasEnded, isWanted, type SwarmTask } from "./state.ts";

/** While something moves tasks are looked at so often: that is how soon a change on another node is seen. */
const MOVING_MS = 1000;
/** A task that waits for a node or an image may do so for days. */
const STUCK_AFTER_MS = 60_000;

/** What of the tasks makes a difference to what is registered, as one text. Tasks that have ended make none. */
export function fingerprint(tasks: readonly SwarmTask[]): string {
  const live = tasks.filter((task) => !hasEnded(task));
  return live
    .map(({ id, state, desired, nodeId, ports, attached }) => JSON.stringify([id, state, desired, nodeId, ports, attached]))
    .sort()
    .join("\n");
}

/** Whether tasks are on their way to what the swarm wants of them. */
export function isMoving(tasks: readonly SwarmTask[]): boolean {
  return tasks.some((task) => (isWanted(task) ? task.state !== "running" && task.state !== "complete" : !hasEnded(task)));
}

/** When to look at the tasks again. */
export function nextLookMs(facts: {
  readonly isMoving: boolean;
  /** For how long nothing has changed. */
  readonly unchangedMs: number;
  /** How often while nothing moves. */
  readonly pollMs: number;
}): number {
  const { isMoving, unchangedMs, pollMs } = facts;
  return isMoving && unchangedMs < STUCK_AFTER_MS ? Math.min(MOVING_MS, pollMs) : pollMs;
}
