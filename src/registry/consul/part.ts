import type { BlockingQuery } from "./api/blocking.ts";

/** What a reader puts together a snapshot from: the services, or the configuration keys. It writes into the reader's snapshot builder. */
export interface Part {
  /** The blocking queries that say when to look again. */
  readonly queries: readonly Pick<BlockingQuery<unknown>, "arm" | "hasLanded" | "forget" | "cancel">[];
  /** Reads all of it afresh. What it has then was true at one moment, as far as Consul can tell. */
  load(signal: AbortSignal): Promise<void>;
  /** Asks whether anything changed since it was read, and reads that. Returns whether it did. */
  refresh(signal: AbortSignal): Promise<boolean>;
  /** Takes in what the blocking queries brought, and work that has become due. Rejects when one of them failed. */
  update(signal: AbortSignal): Promise<void>;
  /** When there is work to do without a hint, on the monotonic clock; `Infinity`: never. */
  readonly dueMs: number;
}

/** How often a part that takes many requests is asked again whether something moved meanwhile. */
export const MAX_ROUNDS = 3;
