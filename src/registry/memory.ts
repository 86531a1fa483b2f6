/** A registry inside this process: for `memory:` and for tests, which may break its world. */
import { createHints } from "../core/hints.ts";
import { FairleadError } from "../model/errors.ts";
import { compareText, type Instance, withoutHealthCheck } from "../model/instance.ts";
import { type Selector, selectorText, selectsKeys, selectsService } from "../model/selector.ts";
import { type Snapshot, SnapshotBuilder } from "../model/snapshot.ts";
import type { Change, Owned, Put, ReadOptions, Registry, WriteResult } from "../ports.ts";
import { decodeEntryPath, encodeEntryPath } from "./codec.ts";
import { isIdOfHost } from "./left-behind.ts";
import { createMemoryWorld, type MemoryWorld, type StoredEntry } from "./memory-world.ts";

export interface MemoryOptions {
  /** Clients with one world see each other. Absent: a world of its own. */
  readonly world?: MemoryWorld;
}

export function createMemoryRegistry({ world = createMemoryWorld() }: MemoryOptions = {}): Registry {
  return new MemoryRegistry(world);
}

class MemoryRegistry implements Registry {
  readonly name = "memory:";
  readonly #world: MemoryWorld;
  readonly #unsubscribe: () => void;
  #builder = new SnapshotBuilder();
  #selected: string | undefined;
  #revision = 0;
  /** Whom this client shows as each owner's holder, as soon as there is a lease. */
  readonly #holders = new Map<string, string>();
  /** What changed since the builder was last brought up to date: only that is looked at again. */
  #changedEntries = new Set<string>();
  #changedKeys = new Set<string>();

  constructor(world: MemoryWorld) {
    this.#world = world;
    this.#unsubscribe = world.subscribe({
      onEntry: (ref) => void this.#changedEntries.add(ref),
      onKey: (key) => void this.#changedKeys.add(key),
    });
  }

  async read(selector: Selector, { signal, after }: ReadOptions): Promise<Snapshot> {
    signal.throwIfAborted();
    this.#world.assertUp("read");
    const hints = createHints();
    const unsubscribe = this.#world.subscribe({ onEntry: hints.notify, onKey: hints.notify, onDown: hints.fail });
    try {
      let snapshot = this.#update(selector, after === undefined);
      if (snapshot.revision === after) {
        for await (const _ of hints.read(signal)) {
          snapshot = this.#update(selector, false);
          if (snapshot.revision !== after) {
            break;
          }
        }
      }
      signal.throwIfAborted();
      return snapshot;
    } finally {
      unsubscribe();
    }
  }

  asStored(instance: Instance): Instance {
    return withoutHealthCheck(instance);
  }

  async owned(owner: string, signal: AbortSignal): Promise<readonly Owned[]> {
    signal.throwIfAborted();
    this.#world.assertUp("list entries of");
    return owner === "" ? [] : this.#ownedBy(owner);
  }

  #ownedBy(owner: string): readonly Owned[] {
    const owned: Owned[] = [];
    for (const { value, version } of this.#world.entries()) {
      if (value.ok && value.value.owner === owner) {
        owned.push({ entry: value.value, revision: String(version), unleased: owner === "" });
      }
    }
    return owned.sort((a, b) => compareText(a.entry.service, b.entry.service) || compareText(a.entry.id, b.entry.id));
  }

  async write(owner: string, change: Change, signal: AbortSignal): Promise<readonly WriteResult[]> {
    signal.throwIfAborted();
    this.#world.assertUp("write to");
    const results = [
      ...change.put.map((put) => attempt(put.instance, () => this.#put(owner, put))),
      ...change.remove.map((owned) => attempt(owned.entry, () => this.#remove(owner, owned))),
    ];
    if (!results.some(({ outcome }) => outcome === "failed")) {
      this.#world.settle(owner);
    }
    return results;
  }

  async keepAlive(owner: string, ttlMs: number, signal: AbortSignal): Promise<"kept" | "lost"> {
    signal.throwIfAborted();
    this.#world.assertUp("keep the lease in");
    const isKept = this.#world.beat(owner, ttlMs);
    const holder = this.#holders.get(owner);
    if (!isKept && holder !== undefined) {
      this.#world.showHolder(owner, holder);
    }
    return isKept ? "kept" : "lost";
  }

  async holder(owner: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    this.#world.assertUp("look into");
    return this.#world.holder(owner);
  }

  async showHolder(owner: string, holder: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#world.assertUp("write to");
    this.#holders.set(owner, holder);
    this.#world.showHolder(owner, holder);
  }

  async orphans(hosts: readonly string[], signal: AbortSignal): Promise<readonly Owned[]> {
    signal.throwIfAborted();
    this.#world.assertUp("list entries of");
    return this.#ownedBy("").filter(({ entry }) => isIdOfHost(entry.id, hosts));
  }

  async release(owner: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.write(owner, { put: [], remove: await this.owned(owner, signal) }, signal);
  }

  async putKey(key: string, value: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#world.assertUp("write to");
    if (key === "") {
      throw new FairleadError("USAGE", "an empty key cannot be stored");
    }
    this.#world.setKey(key, Buffer.from(value, "utf8"));
  }

  async removeKey(key: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    this.#world.assertUp("write to");
    return this.#world.deleteKey(key);
  }

  async close(): Promise<void> {
    this.#unsubscribe();
  }

  #update(selector: Selector, everything: boolean): Snapshot {
    const text = selectorText(selector);
    if (text !== this.#selected) {
      this.#builder = new SnapshotBuilder();
    }
    if (everything || text !== this.#selected) {
      this.#selected = text;
      const refs = new Set(this.#world.entryRefs());
      const keys = new Set(this.#world.keyNames());
      this.#builder.retainEntries(refs);
      this.#builder.retainKeys(keys);
      this.#changedEntries = refs;
      this.#changedKeys = keys;
    }
    for (const ref of this.#changedEntries) {
      this.#updateEntry(selector, ref);
    }
    for (const key of this.#changedKeys) {
      this.#updateKey(selector, key);
    }
    this.#changedEntries.clear();
    this.#changedKeys.clear();
    this.#builder.setOwners(this.#world.owners());
    if (this.#builder.isDirty || this.#revision === 0) {
      this.#revision += 1;
    }
    return this.#builder.snapshot(String(this.#revision));
  }

  #updateEntry(selector: Selector, ref: string): void {
    const service = decodeEntryPath(ref)?.service;
    const stored = this.#world.entry(ref);
    if (stored === undefined || service === undefined || !selectsService(selector, service)) {
      this.#builder.deleteEntry(ref);
    } else if (stored.value.ok) {
      this.#builder.setEntry(ref, stored.value.value);
    } else {
      this.#builder.setInvalidEntry(ref, stored.value.reason);
    }
  }

  #updateKey(selector: Selector, key: string): void {
    const value = this.#world.key(key);
    if (value === undefined || !selectsKeys(selector, key)) {
      this.#builder.deleteKey(key);
    } else if (value.ok) {
      this.#builder.setKey(key, value.value);
    } else {
      this.#builder.setInvalidKey(key, value.reason);
    }
  }

  #put(owner: string, { instance, replaces }: Put): "written" | { readonly holder: string } {
    const ref = encodeEntryPath(instance);
    const stored = this.#world.entry(ref);
    if (stored !== undefined && String(stored.version) !== replaces?.revision) {
      return heldBy(stored, owner);
    }
    this.#world.setEntry(ref, { ...withoutHealthCheck(instance), tags: [...instance.tags], meta: { ...instance.meta }, owner });
    return "written";
  }

  #remove(owner: string, { entry, revision }: Owned): "removed" | { readonly holder: string } {
    const ref = encodeEntryPath(entry);
    const stored = this.#world.entry(ref);
    if (stored === undefined) {
      return "removed";
    }
    if (String(stored.version) !== revision) {
      return heldBy(stored, owner);
    }
    this.#world.deleteEntry(ref);
    return "removed";
  }
}

/** @throws FairleadError when it is the owner itself: then it changed since `owned`, and a new look tells what to do */
function heldBy({ value }: StoredEntry, owner: string): { readonly holder: string } {
  if (value.ok && value.value.owner === owner) {
    throw new FairleadError("REGISTRY_UNAVAILABLE", "the entry changed since it was read", { retryable: true });
  }
  return { holder: value.ok ? value.value.owner : "" };
}

/** The result of one change, whatever becomes of it: one that cannot be stored hurts only itself. */
function attempt(
  { service, id }: Pick<Instance, "service" | "id">,
  change: () => "written" | "removed" | { readonly holder: string },
): WriteResult {
  try {
    const outcome = change();
    return typeof outcome === "string" ? { service, id, outcome } : { service, id, outcome: "conflict", holder: outcome.holder };
  } catch (error) {
    if (error instanceof FairleadError) {
      return { service, id, outcome: "failed", error };
    }
    throw error;
  }
}
