/**
 * Every interface between parts. An adapter implements one of these, a pipeline knows only these; `compose/` joins them.
 *
 * For all of them: when `signal` aborts, the call rejects with the signal's reason at once and leaves nothing half done; every other
 * rejection is a `FairleadError` (anything else is a bug).
 */
import type { FairleadError } from "./model/errors.ts";
import type { Entry, Instance } from "./model/instance.ts";
import type { Provenance } from "./model/provenance.ts";
import type { Selector } from "./model/selector.ts";
import type { Snapshot } from "./model/snapshot.ts";

/** Structured logging: a fixed message, facts as fields. Secrets and registry values are never given to it. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
export type LogFields = Readonly<Record<string, unknown>>;

/** Says what should be registered on this node. */
export interface Source {
  readonly name: string;
  /**
   * Everything that should be registered now, in a canonical order, with unique ids in each service.
   * All of it or a rejection (`SOURCE_UNAVAILABLE`, retryable): never a part of it.
   */
  list(signal: AbortSignal): Promise<readonly Instance[]>;
  /**
   * Hints without payload that `list` may answer differently now. The first one comes as soon as the subscription stands, so that
   * listing after it misses nothing; later ones may be late, doubled or needless, and a lost one is repaired by the caller's resync.
   * It reconnects by itself and never throws; each reconnect is a hint too. Ends when the signal aborts.
   */
  changes(signal: AbortSignal): AsyncIterable<void>;
}

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** The revision of a snapshot that this reader gave for this selector: the call waits until there is a different one. */
  readonly after?: string;
}

/** Reads services and keys. */
export interface RegistryReader {
  /**
   * A complete snapshot of what the selector names; services and keys outside it are absent. Without `after` it asks the registry
   * afresh, whatever was known before. With `after` it returns once the data differs from that revision, always with the newest state, and
   * equal data never comes back under another revision of the same reader. It shares unchanged objects with the snapshots before.
   *
   * An entry or key that cannot be understood is left out and named in `invalid`; an answer that is not whole rejects.
   * Rejects with `REGISTRY_UNAVAILABLE` (retryable), `REGISTRY_DENIED` or `REGISTRY_INCOMPLETE` (retryable); after any of them the
   * caller reads afresh. A lost connection rejects a waiting call; it never waits on a dead one.
   *
   * One selector at a time: a read with another selector ends what was followed before.
   */
  read(selector: Selector, options: ReadOptions): Promise<Snapshot>;
}

/** An entry of ours as the registry holds it. */
export interface Owned {
  readonly entry: Entry;
  /** The store's version of it. Handed back with a change, which is refused when the store has another one by then. */
  readonly revision: string;
  /** True: it does not hang on this process's lease, so it has to be written again even when it is equal. */
  readonly unleased: boolean;
}

export interface Put {
  readonly instance: Instance;
  /** What it replaces; absent: the place must be free. */
  readonly replaces?: Owned;
}

export interface Change {
  readonly put: readonly Put[];
  readonly remove: readonly Owned[];
}

export type WriteResult = { readonly service: string; readonly id: string } & (
  | { readonly outcome: "written" | "removed" }
  /** Another owner (or another program: `holder` is empty) holds the place; nothing was touched. */
  | { readonly outcome: "conflict"; readonly holder: string }
  | { readonly outcome: "failed"; readonly error: FairleadError }
);

/** Writes the entries of one owner under one lease. */
export interface RegistryWriter {
  /**
   * What this registry would hold of an instance: all of it, or less where its format has no room (the `registrator` layout keeps address,
   * port and protocol). Undefined: it is not written at all (there, when it is `critical`). Pure. Comparing this with `owned` tells
   * whether something has to be written; `put` takes the whole instance.
   */
  asStored(instance: Instance): Instance | undefined;
  /** All entries of this owner, those of an earlier process included; sorted by service and id. */
  owned(owner: string, signal: AbortSignal): Promise<readonly Owned[]>;
  /**
   * Makes the changes, each on its own: one result for each, in the order put then remove. Nothing outside this owner is ever changed, and
   * an entry that changed since `owned` is a conflict or a failure, never overwritten. A put fails, retryable, before the first beat of
   * `keepAlive`: there is no lease yet that it could hang on. Rejects only when nothing could be tried.
   *
   * The first write under a new lease that goes well makes the owner one of a snapshot's `owners`, else the second beat does: before that,
   * what went with the lease before may not be back.
   */
  write(owner: string, change: Change, signal: AbortSignal): Promise<readonly WriteResult[]>;
  /**
   * One beat for the process's single lease, to be called every third of `ttlMs`. `kept`: all is well; also when the lease of an earlier
   * process of this owner was alive and is now ours. `lost`: there is a new lease, and everything has to be written again.
   * It never rewrites an entry. After the last beat, entries are unusable within `ttlMs` plus the store's own slack.
   */
  keepAlive(owner: string, ttlMs: number, signal: AbortSignal): Promise<"kept" | "lost">;
  /**
   * The process that has shown itself as the one that writes as this owner, for as long as the owner's lease lives. Undefined: none has, or
   * this registry has no place where it could.
   */
  holder(owner: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Shows this process as the holder, whoever was it before; an empty text: it has gone, and nobody is. It costs one small write, and never
   * touches an entry or a lease. Without a lease it is shown with the next one, unless another process is there by then.
   */
  showHolder(owner: string, holder: string, signal: AbortSignal): Promise<void>;
  /**
   * Entries that no owner accounts for and whose ids are `<host>:<container>:<port>[:udp]`, for one of these hosts, as Registrator leaves them
   * behind. Handed back with a change they may be replaced or removed like own ones, as long as they are still what they were. Sorted by
   * service and id.
   */
  orphans(hosts: readonly string[], signal: AbortSignal): Promise<readonly Owned[]>;
  /**
   * Removes the owner's entries: a clean end that others see at once. The lease runs out by itself, so that they see it done by a living
   * owner; a next process of this owner adopts it within its time, and its first beat says `kept`.
   */
  release(owner: string, signal: AbortSignal): Promise<void>;
}

/** Configuration keys, as people and deploy scripts write them. Keys are below `kvPrefix`, without leading slash. */
export interface KeyWriter {
  /** Rejects with `USAGE` for a key that the store cannot hold. */
  putKey(key: string, value: string, signal: AbortSignal): Promise<void>;
  /** False: it was not there. */
  removeKey(key: string, signal: AbortSignal): Promise<boolean>;
}

export interface Registry extends RegistryReader, RegistryWriter, KeyWriter {
  /** For logs and messages; never a secret. */
  readonly name: string;
  /** Lets go of connections and watches. The owner's lease goes on: that is what survives a restart. */
  close(): Promise<void>;
}

/** A file as a render produced it. */
export interface RenderedFile {
  /** Absolute path. */
  readonly dest: string;
  /** The text, with `GENERATION_MARK` wherever the template says `{{generation}}`. */
  readonly text: string;
  /**
   * The same text with every secret key's value masked, for people's eyes. Rendered when it is asked for, from the same snapshot; absent: no
   * secret was read.
   */
  readonly masked?: () => string;
  /** Permission bits; absent: those of the file that is there, else 0644. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** One of many that a `forEach` made: when a later set of files lacks it, it is removed. */
  readonly isFanOut?: boolean;
}

/** Stands for the generation until the target knows it: a private-use character that no value can hold after escaping. */
export const GENERATION_MARK = "\uf8ffgeneration\uf8ff";

export interface ApplyOptions {
  readonly signal: AbortSignal;
  /** Take the same path, and stop before the first effect. */
  readonly dryRun?: boolean;
  /** Install without reload and verify. */
  readonly noReload?: boolean;
  /** How long to wait for another process that holds the target. */
  readonly lockTimeoutMs: number;
}

export interface ApplyFilesOptions extends ApplyOptions {
  /** What the files were made from. Asked for only when it is to be kept. */
  readonly provenance: () => Provenance;
}

export interface FileReport {
  readonly dest: string;
  readonly changed: boolean;
  /** Of the wanted content, hex. */
  readonly sha256: string;
  /** What was there when it began, absent: no file; and what was wanted, absent: none. For a diff; may hold secrets. */
  readonly before?: Buffer;
  readonly after?: Buffer;
  /**
   * Present when a secret was read for one of them: the same two with every secret masked, which may be shown. `before` absent although there
   * was a file: fairlead did not make it, so nobody knows what in it is secret.
   */
  readonly masked?: { readonly before?: Buffer; readonly after?: Buffer };
}

/**
 * How applying ended. `rejected`: the check or a guard refused, nothing was replaced. `rolled-back`: the reload or its proof failed, the
 * last good files are back and live. `failed`: nothing was replaced, for another reason.
 */
export type Outcome =
  | { readonly kind: "unchanged" | "written" | "would-write" }
  | { readonly kind: "rejected" | "rolled-back" | "failed"; readonly error: FairleadError };

export interface ApplyReport {
  readonly outcome: Outcome;
  /** Hash of the target's files, as `{{generation}}` prints it: 16 hex digits. */
  readonly generation: string;
  readonly files: readonly FileReport[];
}

/** One change of a target, applied or refused. */
export interface HistoryEntry {
  /** Counts up within a target; what `rollback --to` takes. */
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly generation: string;
  /** What led to it: what changed among services, keys and templates, or a person's command. No values. */
  readonly reason: string;
  readonly outcome: Outcome["kind"];
  readonly error?: string;
  /** Whether its files are still kept, so that it can be gone back to. */
  readonly isKept: boolean;
}

/** What is known of a target's last applied files. */
export interface Memory {
  readonly generation: string;
  /** ISO 8601. */
  readonly appliedAt: string;
  readonly files: readonly { readonly dest: string; readonly sha256: string }[];
  /** Of the applied files; the keys' values are fingerprints. */
  readonly provenance: Provenance;
  /** The newest change, as in the history. */
  readonly lastChange: string;
  /** A person went back to an earlier state, and it is held: `files` are that state's, `provenance` is that of the render it holds off. */
  readonly rolledBack?: { readonly to: string; readonly at: string };
}

/** A group of files that is checked, installed, reloaded and rolled back as one. */
export interface Target {
  readonly name: string;
  /** It has no check, reload or verify: it may be applied together with others. */
  readonly runsNothing: boolean;
  /**
   * Makes the files live, or leaves everything as it was (DESIGN §10). Files that are in place already are not touched, and a reload
   * that an earlier process owed is made up for. Expected failures are outcomes; it rejects only on abort, at a safe point.
   */
  apply(files: readonly RenderedFile[], options: ApplyFilesOptions): Promise<ApplyReport>;
  /**
   * Ends what an earlier process was killed in, without a registry: all files of one generation in place, and the reload made that was
   * owed for it. Undefined: nothing was owed.
   */
  recover(options: ApplyOptions): Promise<Outcome | undefined>;
  /**
   * What the last applied files were made from, whichever process applied them. Undefined: none were, or the state is lost. The same
   * object for as long as nothing changed on the disk.
   */
  recall(): Promise<Memory | undefined>;
}

/** The earlier states of a target, and the way back to them. */
export interface TargetHistory {
  /** Oldest first. */
  history(): Promise<readonly HistoryEntry[]>;
  /**
   * Goes back to the state `to`, by default the one before the current: the same transaction as `apply`, without a registry. From then on
   * `apply` leaves it in place for as long as it is given the generation that was gone back from.
   */
  rollBack(choice: { readonly to?: string }, options: ApplyOptions): Promise<ApplyReport>;
  /** Ends what `rollBack` holds: the next `apply` installs what it is given. False: nothing was held. */
  releaseRollback(options: ApplyOptions): Promise<boolean>;
}
