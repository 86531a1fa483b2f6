/** What an adapter brings to the contract suite, and what a case may ask of it. */
import type { Instance } from "../../../src/model/instance.ts";
import type { Registry } from "../../../src/ports.ts";
import type { Layout } from "../../../src/registry/store.ts";

export interface OpenOptions {
  /** Absent: `json`. */
  readonly layout?: Layout;
  /** Beside the world's own prefix, on the same store: nothing of one may be seen in the other. Absent: the world's own prefix. */
  readonly sibling?: string;
}

/** A place in the store, named as fairlead names it. */
export type Place =
  | { readonly kind: "entry"; readonly service: string; readonly id: string; readonly layout?: Layout }
  | { readonly kind: "key"; readonly key: string };

/** One store, empty at the start of a case, and a hand on it from outside. A call that the fixture leaves out is never made. */
export interface World {
  /** A fresh client, as another process would be: it shares nothing with those before but the store. */
  open(options?: OpenOptions): Promise<Registry>;
  /** From now on the store cannot be reached, its data stay. Returns when that is so. */
  outage(): Promise<void>;
  /** Ends the outage. Returns when the store answers again. */
  recover(): Promise<void>;
  /** The server ends and comes back with its data. Returns when it answers. */
  restart(): Promise<void>;
  /** The same address, but every entry, key, lease and revision is gone. Returns when the store answers. */
  wipe(): Promise<void>;
  /** Bytes as another program would write them, whatever they are. */
  writeRaw(place: Place, bytes: Uint8Array): Promise<void>;
  /** An entry without owner, as another program or a person would write it. */
  writeForeign(instance: Instance, layout?: Layout): Promise<void>;
  /** The store's own version of an entry, undefined when it is not there: equal versions prove that nothing was rewritten. */
  storeRevision(service: string, id: string): Promise<string | undefined>;
  /** The owner's lease is over now, as if its process had been silent for long. */
  expireLease(owner: string): Promise<void>;
  /** A configuration key that lies in fairlead's own prefix. */
  ownKey(): string;
  /** Clients that a case left open are closed before. */
  teardown(): Promise<void>;
}

/** What a fixture may leave out, when its store has no such thing. */
export type Capability =
  | "outage"
  | "restart"
  | "wipe"
  | "writeRaw"
  | "writeForeign"
  | "storeRevision"
  | "expireLease"
  | "ownKey"
  | "sibling"
  | "registrator"
  /** Registrator can have left entries behind in it. */
  | "orphans"
  /** An owner that has a lease and no entry is known to readers. */
  | "ownersWithoutEntries"
  /** A process can show itself as the one that writes as an owner. */
  | "holders"
  /** What shows a holder lives no longer than the owner's lease. */
  | "shortHolders"
  /** A wiped store loses everything at one moment. */
  | "atomicWipe"
  /** Of two owners that claim one free place at the same moment, one gets it. */
  | "atomicClaims";

export interface SetupOptions {
  /** The case stops, wipes or cuts off the store: nobody else may be on it. */
  readonly breaks: boolean;
}

export interface RegistryFixture {
  setup(options: SetupOptions): Promise<World>;
  /** The shortest lease that the store takes. */
  readonly minTtlMs: number;
  /** How long after `ttlMs` an entry may live on. */
  readonly slackMs: number;
  /** The longest from a write until a follower has it, on a busy machine. */
  readonly noticeMs: number;
  /** The longest from the begin of an outage until a waiting read has rejected. */
  readonly outageNoticeMs: number;
  /** The longest from the end of an outage, a restart or a wipe until a follower has the right state. */
  readonly recoverMs: number;
  /** What is left out, each with the reason; it is listed in the report. */
  readonly leavesOut: Readonly<Partial<Record<Capability, string>>>;
}
