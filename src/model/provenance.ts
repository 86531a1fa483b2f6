import type { Location } from "./errors.ts";
import type { Service } from "./snapshot.ts";

/** What a target's files were made from: kept beside its journal, for `explain` and for the guard after a restart. */
export interface Provenance {
  readonly files: readonly FileProvenance[];
  /**
   * Every service that was read and is there, as the templates saw it: with the instances that a guard keeps, without those that were set
   * aside. Unchanged services are the same objects as before.
   */
  readonly services: ReadonlyMap<string, Service>;
  /** Every key that was read and is there. Only fingerprints of the values are stored. */
  readonly keys: ReadonlyMap<string, string>;
  readonly holds: readonly Hold[];
  readonly setAside: readonly SetAside[];
}

export interface FileProvenance {
  readonly dest: string;
  /** Absolute path. */
  readonly template: string;
  /** Names of the services that it read, those included that are not there; sorted. */
  readonly services: readonly string[];
  /** The keys that it read, those included that are not there; sorted. */
  readonly keys: readonly string[];
}

/** Instances that vanished in a suspicious way and that a guard keeps in force. */
export interface Hold {
  readonly service: string;
  /** Their ids, sorted. */
  readonly instances: readonly string[];
  /** ISO 8601. */
  readonly since: string;
  /** When a fresh read that still lacks them ends it, ISO 8601; absent: only a person ends it, or their return. */
  readonly until?: string;
  /** The rest of the sentence "held because …". */
  readonly reason: string;
}

/** An instance that was left out of a file because a value of it cannot stand where the template puts it. */
export interface SetAside {
  readonly service: string;
  readonly id: string;
  readonly dest: string;
  /** Of the refusal; never a value. */
  readonly reason: string;
  readonly location?: Location;
}
