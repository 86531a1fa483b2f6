import type { Entry } from "../../model/instance.ts";
import type { SnapshotBuilder } from "../../model/snapshot.ts";
import type { Decoded } from "../codec.ts";
import type { Item } from "./items.ts";

/** Brings what etcd holds into a snapshot builder, and joins the halves of entries in the layout `registrator`. */
export class Mirror {
  readonly #builder: SnapshotBuilder;
  /** The store key of an entry, from its path. */
  readonly #refOf: (path: string) => string;
  readonly #addresses = new Map<string, { readonly found: Decoded<Entry>; readonly revision: string }>();
  readonly #records = new Map<string, { readonly owner: string; readonly revision: string }>();
  readonly #living = new Map<string, string>();

  constructor(builder: SnapshotBuilder, refOf: (path: string) => string) {
    this.#builder = builder;
    this.#refOf = refOf;
  }

  /** The owners that hold a lease. */
  get owners(): ReadonlySet<string> {
    return new Set(this.#living.values());
  }

  /** These items and no others. */
  replace(items: readonly Item[]): void {
    this.#addresses.clear();
    this.#records.clear();
    this.#living.clear();
    const refs = new Set<string>();
    const names = new Set<string>();
    for (const item of items) {
      switch (item.kind) {
        case "entry":
          refs.add(item.ref);
          this.apply(item);
          break;
        case "key":
          names.add(item.name);
          this.apply(item);
          break;
        case "owner":
          this.apply(item);
          break;
        case "address":
        case "record":
          this.#keep(item); // joined below, when both halves are there
      }
    }
    for (const path of this.#addresses.keys()) {
      refs.add(this.#refOf(path));
      this.#join(path);
    }
    this.#builder.retainEntries(refs);
    this.#builder.retainKeys(names);
  }

  apply(item: Item): void {
    switch (item.kind) {
      case "entry":
        this.#setEntry(item.ref, item.found);
        break;
      case "key":
        this.#setKey(item.name, item.found);
        break;
      case "owner":
        this.#setOwner(item.path, item.owner);
        break;
      case "address":
      case "record":
        this.#keep(item);
        this.#join(item.path);
    }
  }

  #keep(item: Extract<Item, { kind: "address" | "record" }>): void {
    const { path, revision } = item;
    if (item.kind === "address" && item.found !== undefined) {
      this.#addresses.set(path, { found: item.found, revision });
    } else if (item.kind === "record" && item.owner !== undefined) {
      this.#records.set(path, { owner: item.owner, revision });
    } else {
      (item.kind === "address" ? this.#addresses : this.#records).delete(path);
    }
  }

  /** The record says whose the address is when one transaction wrote both. A record alone is nothing to be shown. */
  #join(path: string): void {
    const address = this.#addresses.get(path);
    const record = this.#records.get(path);
    if (address?.found.ok === true && record?.revision === address.revision) {
      this.#setEntry(this.#refOf(path), { ok: true, value: { ...address.found.value, owner: record.owner } });
    } else {
      this.#setEntry(this.#refOf(path), address?.found);
    }
  }

  #setEntry(ref: string, found: Decoded<Entry> | undefined): void {
    if (found === undefined) {
      this.#builder.deleteEntry(ref);
    } else if (found.ok) {
      this.#builder.setEntry(ref, found.value);
    } else {
      this.#builder.setInvalidEntry(ref, found.reason);
    }
  }

  #setOwner(path: string, owner: string | undefined): void {
    if (owner === undefined) {
      this.#living.delete(path);
    } else {
      this.#living.set(path, owner);
    }
  }

  #setKey(name: string, found: Decoded<string> | undefined): void {
    if (found === undefined) {
      this.#builder.deleteKey(name);
    } else if (found.ok) {
      this.#builder.setKey(name, found.value);
    } else {
      this.#builder.setInvalidKey(name, found.reason);
    }
  }
}
