import { compareText, type Entry, sameEntry } from "./instance.ts";
import { SortedMap } from "./sorted-map.ts";

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
  /**
   * The owners that hold a lease now. What is missing of one of these was taken away on purpose; what is missing of another vanished with it.
   * Read at the same moment as the entries, or after; an owner that lost its lease is one again when it has written under a new one.
   * Empty when no services are selected. The same set as the predecessor's when nothing changed.
   */
  readonly owners: ReadonlySet<string>;
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
  readonly #dirtyKeys = new Set<string>();
  #invalidDirty = false;
  /** What the last `#settle` made of it all; `#changed`: it is not what the last snapshot holds. */
  #services = SortedMap.empty<Service>();
  #keysView = SortedMap.empty<string>();
  #owners: ReadonlySet<string> = new Set();
  #invalid: readonly Invalid[] = Object.freeze([]);
  #changed = false;

  /** Puts an entry; the object is kept and frozen. An equal one leaves the old object in place. */
  setEntry(ref: string, entry: Entry): void {
    this.#invalidDirty = this.#invalidEntries.delete(ref) || this.#invalidDirty;
    const old = this.#entries.get(ref);
    if (old !== undefined && sameEntry(old, entry)) {
      return;
    }
    if (old?.service !== entry.service) {
      this.#dropMember(ref, old); // else it keeps its place among the members, which are mostly in order then
    }
    const frozen = freezeEntry(entry);
    this.#entries.set(ref, frozen);
    const members = this.#members.get(entry.service) ?? new Map<string, Entry>();
    members.set(ref, frozen);
    this.#members.set(entry.service, members);
    this.#dirtyServices.add(entry.service);
  }

  /** What stands at `ref` is no valid entry: it is left out, and named in the snapshot. */
  setInvalidEntry(ref: string, reason: string): void {
    if (this.#invalidEntries.get(ref) !== reason) {
      this.deleteEntry(ref);
      this.#invalidEntries.set(ref, reason);
      this.#invalidDirty = true;
    }
  }

  deleteEntry(ref: string): void {
    this.#invalidDirty = this.#invalidEntries.delete(ref) || this.#invalidDirty;
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
    this.#invalidDirty = this.#invalidKeys.delete(key) || this.#invalidDirty;
    if (this.#keys.get(key) !== value) {
      this.#keys.set(key, value);
      this.#dirtyKeys.add(key);
    }
  }

  setInvalidKey(key: string, reason: string): void {
    if (this.#invalidKeys.get(key) !== reason) {
      this.deleteKey(key);
      this.#invalidKeys.set(key, reason);
      this.#invalidDirty = true;
    }
  }

  deleteKey(key: string): void {
    this.#invalidDirty = this.#invalidKeys.delete(key) || this.#invalidDirty;
    if (this.#keys.delete(key)) {
      this.#dirtyKeys.add(key);
    }
  }

  retainKeys(keys: ReadonlySet<string>): void {
    for (const key of [...this.#keys.keys(), ...this.#invalidKeys.keys()]) {
      if (!keys.has(key)) {
        this.deleteKey(key);
      }
    }
  }

  /** Owners that come or go change no data: they make no snapshot newer. */
  setOwners(owners: ReadonlySet<string>): void {
    if (owners.size !== this.#owners.size || [...owners].some((owner) => !this.#owners.has(owner))) {
      this.#owners = new Set(owners);
    }
  }

  /** Whether the data differ from those of the last `snapshot()`: what changed and changed back does not count. */
  get isDirty(): boolean {
    this.#settle();
    return this.#changed;
  }

  snapshot(revision: string): Snapshot {
    this.#settle();
    this.#changed = false;
    return Object.freeze({
      revision,
      services: this.#services,
      keys: this.#keysView,
      invalid: this.#invalid,
      owners: this.#owners,
    });
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

  #settle(): void {
    if (this.#dirtyServices.size > 0) {
      this.#settleServices();
      this.#dirtyServices.clear();
    }
    if (this.#dirtyKeys.size > 0) {
      this.#settleKeys();
      this.#dirtyKeys.clear();
    }
    if (this.#invalidDirty) {
      this.#invalidDirty = false;
      const invalid = [...this.#invalidEntries, ...this.#invalidKeys].map(([key, reason]) => ({ key, reason }));
      if (
        !sameInvalid(
          invalid.sort((a, b) => compareText(a.key, b.key) || compareText(a.reason, b.reason)),
          this.#invalid,
        )
      ) {
        this.#invalid = Object.freeze(invalid);
        this.#changed = true;
      }
    }
  }

  /** Sorted, and so are the members from now on: an entry that changes keeps its place, and the next time there is nothing to sort. */
  #inOrder(name: string, members: ReadonlyMap<string, Entry>): readonly Entry[] {
    const entries = [...members.values()];
    if (entries.every((entry, i) => i === 0 || compareEntries(entries[i - 1] ?? entry, entry) <= 0)) {
      return entries;
    }
    const sorted = new Map([...members].sort(([, a], [, b]) => compareEntries(a, b)));
    this.#members.set(name, sorted);
    return [...sorted.values()];
  }

  #settleServices(): void {
    const edits = new Map<string, Service | undefined>();
    for (const name of this.#dirtyServices) {
      const members = this.#members.get(name);
      const old = this.#services.get(name);
      const service = members && buildService(name, this.#inOrder(name, members));
      if (service === undefined || old === undefined ? service !== old : !sameInstances(service, old)) {
        edits.set(name, service);
      }
    }
    if (edits.size > 0) {
      this.#services = this.#services.with(edits);
      this.#changed = true;
    }
  }

  #settleKeys(): void {
    const edits = new Map<string, string | undefined>();
    for (const key of this.#dirtyKeys) {
      const value = this.#keys.get(key);
      if (value !== this.#keysView.get(key)) {
        edits.set(key, value);
      }
    }
    if (edits.size > 0) {
      this.#keysView = this.#keysView.with(edits);
      this.#changed = true;
    }
  }
}

/** A service of these instances, which are in order. */
export function buildService(name: string, instances: readonly Entry[]): Service {
  const tags = new Set<string>();
  for (const instance of instances) {
    for (const tag of instance.tags) {
      tags.add(tag);
    }
  }
  return Object.freeze({ name, tags: Object.freeze([...tags].sort()), instances: Object.freeze(instances) });
}

/** The order of instances within a service. */
export function compareEntries(a: Entry, b: Entry): number {
  return compareText(a.id, b.id) || compareText(a.address, b.address) || a.port - b.port;
}

/** As every entry of a snapshot is. */
export function freezeEntry(entry: Entry): Entry {
  Object.freeze(entry.tags);
  Object.freeze(entry.meta);
  return Object.freeze(entry);
}

function sameInstances(a: Service, b: Service): boolean {
  return (
    a.instances.length === b.instances.length &&
    a.instances.every((entry, i) => {
      const other = b.instances[i];
      return other !== undefined && (entry === other || sameEntry(entry, other));
    })
  );
}

function sameInvalid(a: readonly Invalid[], b: readonly Invalid[]): boolean {
  return a.length === b.length && a.every(({ key, reason }, i) => key === b[i]?.key && reason === b[i]?.reason);
}
