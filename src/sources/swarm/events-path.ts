/**
 * What may change an instance: the swarm's own objects, of which every manager tells, and this node's containers. Of the other nodes'
 * containers, and of tasks, no engine tells anything: those are looked at again and again.
 */
const TYPES = ["service", "node", "network", "container"];
const ACTIONS = ["create", "update", "remove", "start", "die", "kill", "health_status", "destroy"];

/** `since`: as for containers, so that nothing is lost between the head of the answer and the first event. */
export function swarmEventsPath(since: number | undefined): string {
  const filters = { type: TYPES, event: ACTIONS };
  const query = new URLSearchParams({ filters: JSON.stringify(filters), ...(since !== undefined && { since: String(since) }) });
  return `/events?${query.toString()}`;
}
