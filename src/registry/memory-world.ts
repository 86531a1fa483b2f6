import { type Alarm, createAlarm } from "../core/time.ts";
import { FairleadError } from "../model/errors.ts";
import type { Entry } from "../model/instance.ts";
import { type Decoded, decodeEntry, decodeEntryPath, decodeText } from "./codec.ts";

export interface StoredEntry {
  readonly value: Decoded<Entry>;
  readonly version: number;
}

export interface WorldListener {
  onEntry(ref: string): void;
  onKey(key: string): void;
  onDown?(error: FairleadError): void;
}

/** What clients of one memory registry share. Entries are named `<service>/<id>`, percent-encoded. */
export interface MemoryWorld {
  entryRefs(): Iterable<string>;
  entries(): Iterable<StoredEntry>;
  entry(ref: string): StoredEntry | undefined;
  /** @throws FairleadError retryable `REGISTRY_UNAVAILABLE` when the owner has no lease to hang it on */
  setEntry(ref: string, entry: Entry): void;
  /** Bytes as another program would write them. */
  setEntryBytes(ref: string, bytes: Uint8Array): void;
  deleteEntry(ref: string): void;
  keyNames(): Iterable<string>;
  key(key: string): Decoded<string> | undefined;
  setKey(key: string, bytes: Uint8Array): void;
  deleteKey(key: string): boolean;
  /** Renews the owner's lease, or makes one; whether there was one. */
  beat(owner: string, ttlMs: number): boolean;
  /** The process that shows itself as the one that writes as this owner, for as long as the lease lives. */
  holder(owner: string): string | undefined;
  /** Without a lease nothing is shown. */
  showHolder(owner: string, holder: string): void;
  /** What the owner had to write under its lease stands: it counts as living from now on. */
  settle(owner: string): void;
  /** The owners that hold a lease, and have settled under it. */
  owners(): ReadonlySet<string>;
  /** Ends the owner's lease and its entries now. */
  expire(owner: string): void;
  subscribe(listener: WorldListener): () => void;
  /** An outage for all clients, until it is called with false. */
  setDown(down: boolean): void;
  assertUp(doing: string): void;
  /** Everything is gone, leases too. */
  wipe(): void;
}

export function createMemoryWorld(): MemoryWorld {
  const entries = new Map<string, StoredEntry>();
  const keys = new Map<string, Decoded<string>>();
  const leases = new Map<string, Alarm>();
  const settled = new Set<string>();
  const holders = new Map<string, string>();
  const listeners = new Set<WorldListener>();
  let version = 0;
  let isDown = false;

  function store(ref: string, value: Decoded<Entry>): void {
    version += 1;
    entries.set(ref, { value, version });
    listeners.forEach((listener) => listener.onEntry(ref));
  }

  function deleteEntry(ref: string): void {
    if (entries.delete(ref)) {
      listeners.forEach((listener) => listener.onEntry(ref));
    }
  }

  function deleteKey(key: string): boolean {
    const was = keys.delete(key);
    if (was) {
      listeners.forEach((listener) => listener.onKey(key));
    }
    return was;
  }

  function expire(owner: string): void {
    leases.get(owner)?.clear();
    leases.delete(owner);
    settled.delete(owner);
    holders.delete(owner);
    for (const [ref, { value }] of entries) {
      if (value.ok && value.value.owner === owner && owner !== "") {
        deleteEntry(ref);
      }
    }
  }

  function down(doing: string): FairleadError {
    return new FairleadError("REGISTRY_UNAVAILABLE", `cannot ${doing} the memory registry: it is down`, { retryable: true });
  }

  return {
    entryRefs: () => entries.keys(),
    entries: () => entries.values(),
    entry: (ref) => entries.get(ref),
    setEntry(ref, entry) {
      if (!leases.has(entry.owner)) {
        throw new FairleadError("REGISTRY_UNAVAILABLE", `cannot write ${ref}: ${JSON.stringify(entry.owner)} holds no lease`, {
          retryable: true,
        });
      }
      store(ref, { ok: true, value: entry });
    },
    setEntryBytes(ref, bytes) {
      const place = decodeEntryPath(ref);
      const text = decodeText(bytes);
      store(ref, place === undefined ? { ok: false, reason: "it has no name" } : text.ok ? decodeEntry(text.value, place) : text);
    },
    deleteEntry,
    keyNames: () => keys.keys(),
    key: (key) => keys.get(key),
    setKey(key, bytes) {
      keys.set(key, decodeText(bytes));
      listeners.forEach((listener) => listener.onKey(key));
    },
    deleteKey,
    beat(owner, ttlMs) {
      const lease = leases.get(owner) ?? createAlarm(() => expire(owner));
      const wasThere = leases.has(owner);
      leases.set(owner, lease);
      lease.set(ttlMs);
      if (wasThere) {
        settled.add(owner);
      }
      return wasThere;
    },
    holder: (owner) => holders.get(owner),
    showHolder(owner, holder) {
      if (leases.has(owner) && holder !== "") {
        holders.set(owner, holder);
      } else {
        holders.delete(owner);
      }
    },
    settle(owner) {
      if (leases.has(owner)) {
        settled.add(owner);
      }
    },
    owners: () => settled,
    expire,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    setDown(value) {
      isDown = value;
      if (value) {
        listeners.forEach((listener) => listener.onDown?.(down("go on reading")));
      }
    },
    assertUp(doing) {
      if (isDown) {
        throw down(doing);
      }
    },
    wipe() {
      leases.forEach((lease) => lease.clear());
      leases.clear();
      settled.clear();
      holders.clear();
      [...entries.keys()].forEach(deleteEntry);
      [...keys.keys()].forEach(deleteKey);
    },
  };
}
