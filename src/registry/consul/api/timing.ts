/** How long Consul may take, and how often it is asked. Tests shorten these. */
export interface Timing {
  /** How long Consul holds a blocking query when nothing changes. It adds up to a sixteenth by itself. */
  readonly waitMs: number;
  /** The whole of a call, waiting for a connection included. */
  readonly callMs: number;
  /** The same for answers that may be large. */
  readonly bulkMs: number;
  /** Between two answers to one blocking query, and the most that it grows to while one follows the other. */
  readonly floorMs: number;
  readonly maxFloorMs: number;
  /** How long a write waits until the catalogue shows what the agent has taken in. */
  readonly confirmMs: number;
  /** How soon all services are read again after a change that may have hidden another one. */
  readonly sweepMs: number;
  /** How long an owner that lost its lease has to beat again until readers take it for one that lives: what it lost is back then. */
  readonly returnMs: number;
}

export const TIMING: Timing = {
  waitMs: 30_000,
  callMs: 10_000,
  bulkMs: 30_000,
  floorMs: 100,
  maxFloorMs: 1000,
  confirmMs: 3000,
  sweepMs: 5000,
  returnMs: 3000,
};

/** The whole of a blocking query: the wait, what Consul adds to it, and the time that an answer takes. */
export function blockingMs(timing: Timing): number {
  return (timing.waitMs * 17) / 16 + 5000;
}
