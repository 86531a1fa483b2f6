import { compareText, type Entry, sameEntry } from "./instance.ts";

/** A service with at least one instance. Frozen, and the same object for as long as nothing in it changes. */
export interface Service {
  readonly name: string;
  /** Every tag that an instance carries, sorted. */
  readonly tags: readonly string[];
  /** Sorted by id; all healths. */
  readonly instances: readonly Entry[];
}

/** Something in the registry that is no valid entry or key; it was left out, the rest lives on. */
export interface Invalid {
  /** The registry's own key. */
  readonly key: string;
  readonly reason: string;
}

/** All selected services and keys, complete, at one revision; canonical order; never changed after it was made. */
export interface Snapshot {
  /** Opaque: only `===` means anything. Equal revisions hold equal data. */
  readonly revision: string;
  /** By name, in code-unit order. The same map as the predecessor's when no service changed. */
  readonly services: ReadonlyMap<string, Service>;
  /** Configuration keys below `kvPrefix`, without leading slash, in code-unit order. The same map when no key changed. */
  readonly keys: ReadonlyMap<string, string>;
  readonly invalid: readonly Invalid[];
}

/**
 * Builds snapshots that share with their predecessor what did not change, so that a change costs what changed.
 * Entries are addressed by a `ref`: the registry's own name for the place, whatever it holds.
 */
export class SnapshotBuilder {
  readonly #entries = new Map<string, Entry>();
  readonly #members = new Map<string, Map<string, Entry>>();
  readonly #keys = new Map<string, string>();
  readonly #invalidEntries = new Map<string, string>();
  readonly #invalidKeys = new Map<string, string>();
  readonly #dirtyServices = new Set<string>();
  #keysDirty = false;
  #services: ReadonlyMap<string, Service> = new Map();
  #keysView: ReadonlyMap<string, string> = new Map();

  /** Puts an entry; the object is kept and frozen. An equal one leaves the old object in place. */
  setEntry(ref: string, entry: Entry): void {
    this.#invalidEntries.delete(ref);
    const old = this.#entries.get(ref);
    if (old !== undefined && sameEntry(old, entry)) {
      return;
    }
    this.#dropMember(ref, old);
    const frozen = freezeEntry(entry);
    this.#entries.set(ref, frozen);
    const members = this.#members.get(entry.service) ?? new Map<string, Entry>();
    members.set(ref, frozen);
    this.#members.set(entry.service, members);
    this.#dirtyServices.add(entry.service);
  }

  /** What stands at `ref` is no valid entry: it is left out, and named in the snapshot. */
  setInvalidEntry(ref: string, reason: string): void {
    this.deleteEntry(ref);
    this.#invalidEntries.set(ref, reason);
  }

  deleteEntry(ref: string): void {
    this.#invalidEntries.delete(ref);
    const old = this.#entries.get(ref);
    if (old !== undefined) {
      this.#entries.delete(ref);
      this.#dropMember(ref, old);
    }
  }

  /** Deletes every entry and mark that `refs` does not name: the end of a full list. */
  retainEntries(refs: ReadonlySet<string>): void {
    for (const ref of [...this.#entries.keys(), ...this.#invalidEntries.keys()]) {
      if (!refs.has(ref)) {
        this.deleteEntry(ref);
      }
    }
  }

  setKey(key: string, value: string): void {
    this.#invalidKeys.delete(key);
    if (this.#keys.get(key) !== value) {
      this.#keys.set(key, value);
      this.#keysDirty = true;
    }
  }

  setInvalidKey(key: string, reason: string): void {
    this.deleteKey(key);
    this.#invalidKeys.set(key, reason);
  }

  deleteKey(key: string): void {
    this.#invalidKeys.delete(key);
    if (this.#keys.delete(key)) {
      this.#keysDirty = true;
    }
  }

  retainKeys(keys: ReadonlySet<string>): void {
    for (const key of [...this.#keys.keys(), ...this.#invalidKeys.keys()]) {
      if (!keys.has(key)) {
        this.deleteKey(key);
      }
    }
  }

  /** Whether anything changed since the last `snapshot()`. */
  get isDirty(): boolean {
    return this.#dirtyServices.size > 0 || this.#keysDirty;
  }

  snapshot(revision: string): Snapshot {
    if (this.#dirtyServices.size > 0) {
      this.#services = this.#nextServices();
      this.#dirtyServices.clear();
    }
    if (this.#keysDirty) {
      this.#keysView = new Map([...this.#keys].sort(([a], [b]) => compareText(a, b)));
      this.#keysDirty = false;
    }
    const invalid = [...this.#invalidEntries, ...this.#invalidKeys].map(([key, reason]) => ({ key, reason }));
    invalid.sort((a, b) => compareText(a.key, b.key));
    return Object.freeze({ revision, services: this.#services, keys: this.#keysView, invalid });
  }

  #dropMember(ref: string, entry: Entry | undefined): void {
    if (entry === undefined) {
      return;
    }
    const members = this.#members.get(entry.service);
    members?.delete(ref);
    if (members?.size === 0) {
      this.#members.delete(entry.service);
    }
    this.#dirtyServices.add(entry.service);
  }

  #nextServices(): ReadonlyMap<string, Service> {
    const rebuilt = new Map<string, Service>();
    let sameNames = true;
    for (const name of this.#dirtyServices) {
      const members = this.#members.get(name);
      if (members !== undefined) {
        rebuilt.set(name, buildService(name, [...members.values()]));
      }
      sameNames &&= this.#services.has(name) === (members !== undefined);
    }
    const current = (name: string): Service | undefined => rebuilt.get(name) ?? this.#services.get(name);
    const names = sameNames ? this.#services.keys() : [...this.#members.keys()].sort();
    const next = new Map<string, Service>();
    for (const name of names) {
      const service = current(name);
      if (service !== undefined) {
        next.set(name, service);
      }
    }
    return next;
  }
}

function buildService(name: string, instances: Entry[]): Service {
  instances.sort((a, b) => compareText(a.id, b.id) || compareText(a.address, b.address) || a.port - b.port);
  const tags = [...new Set(instances.flatMap((instance) => instance.tags))].sort();
  return Object.freeze({ name, tags: Object.freeze(tags), instances: Object.freeze(instances) });
}

function freezeEntry(entry: Entry): Entry {
  Object.freeze(entry.tags);
  Object.freeze(entry.meta);
  return Object.freeze(entry);
}
