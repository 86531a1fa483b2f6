import type { Entry } from "../../../model/instance.ts";
import { type Selector, selectsService } from "../../../model/selector.ts";
import type { SnapshotBuilder } from "../../../model/snapshot.ts";
import { type Decoded, decodeEntryPath, encodeSegment } from "../../codec.ts";
import type { KeyLayout } from "../../store.ts";
import type { Client } from "../api/client.ts";
import type { KvPair } from "../api/shapes.ts";
import { MAX_ROUNDS, type Part } from "../part.ts";
import { decodeAddressAt, decodeEntryAt, ownerOf, pathBelow } from "./form.ts";
import { createLivingSink } from "./living.ts";
import { commonPart, KvTree, partOf } from "./tree.ts";

/** More named services than this are read as all services, of which the others are dropped here. */
const MAX_SERVICE_PREFIXES = 32;

/**
 * The entries of the key-value store in the layout `json`: each key holds one. The owners' records are read with them, at one moment, so
 * that an entry and the session that it went with are never told apart.
 */
export function createEntriesPart(client: Client, layout: KeyLayout, selector: Selector, builder: SnapshotBuilder): Part {
  const prefixes = prefixesOf(layout.entriesPrefix, selector);
  const readsAll = prefixes.length === 1 && prefixes[0] === layout.entriesPrefix;
  const living = createLivingSink(layout, builder, client.timing.returnMs);
  const isRecord = (key: string): boolean => key.startsWith(layout.livingPrefix);
  const all = [...prefixes, layout.livingPrefix];
  const tree = new KvTree(client, readsAll ? [commonPart(all)] : all, {
    set(pair) {
      if (isRecord(pair.key)) {
        living.set(pair);
        return;
      }
      if (!pair.key.startsWith(layout.entriesPrefix)) {
        return;
      }
      const path = pathBelow(layout.entriesPrefix, pair);
      if (path !== undefined) {
        place(builder, selector, pair.key, decodeEntryAt(path, pair.value));
      }
    },
    delete: (key) => (isRecord(key) ? living.delete(key) : builder.deleteEntry(key)),
    done: (wentBack) => living.done(wentBack),
  });
  return partOf(tree);
}

/**
 * The entries in the layout `registrator`: the address in one tree, and in another one, which only fairlead looks at, whose it is. Both are
 * written in one transaction, and shown together.
 */
export class RegistratorPart implements Part {
  readonly queries: Part["queries"];
  readonly dueMs = Number.POSITIVE_INFINITY;
  readonly #layout: KeyLayout;
  readonly #selector: Selector;
  readonly #builder: SnapshotBuilder;
  readonly #addresses: KvTree;
  readonly #records: KvTree;
  /** Read after the others, whenever an entry has gone: never does it show an owner whose session went with the entry. */
  readonly #living: KvTree;
  #hasLost = false;
  readonly #addressAt = new Map<string, KvPair>();
  readonly #recordAt = new Map<string, KvPair>();
  /** Paths of which a half has changed. */
  readonly #touched = new Set<string>();

  constructor(
    client: Client,
    layout: KeyLayout & { readonly ownersPrefix: string },
    selector: Selector,
    builder: SnapshotBuilder,
  ) {
    this.#layout = layout;
    this.#selector = selector;
    this.#builder = builder;
    const tree = (prefix: string, halves: Map<string, KvPair>): KvTree =>
      new KvTree(client, prefixesOf(prefix, selector), {
        set: (pair) => this.#set(prefix, halves, pair),
        delete: (key) => this.#delete(halves, key.slice(prefix.length)),
      });
    this.#addresses = tree(layout.entriesPrefix, this.#addressAt);
    this.#records = tree(layout.ownersPrefix, this.#recordAt);
    this.#living = new KvTree(client, [layout.livingPrefix], createLivingSink(layout, builder, client.timing.returnMs));
    this.queries = [this.#addresses.query, this.#records.query];
  }

  async load(signal: AbortSignal): Promise<void> {
    await this.#addresses.load(signal);
    await this.#records.load(signal);
    this.#hasLost = true;
    await this.#align(signal);
  }

  async refresh(signal: AbortSignal): Promise<boolean> {
    const moved = [await this.#addresses.refresh(signal), await this.#records.refresh(signal)];
    await this.#align(signal);
    return moved.includes(true);
  }

  async update(signal: AbortSignal): Promise<void> {
    await this.#addresses.update(signal);
    await this.#records.update(signal);
    await this.#align(signal);
  }

  #set(prefix: string, halves: Map<string, KvPair>, pair: KvPair): void {
    const path = pathBelow(prefix, pair);
    if (path !== undefined && !this.#isRecord(prefix, pair.key)) {
      halves.set(path, pair);
      this.#touched.add(path);
    }
  }

  #delete(halves: Map<string, KvPair>, path: string): void {
    halves.delete(path);
    this.#hasLost = true;
    this.#touched.add(path);
  }

  /** With `fairlead` as prefix the records lie among the addresses; they have more segments. */
  #isRecord(prefix: string, key: string): boolean {
    const { ownersPrefix = "", livingPrefix } = this.#layout;
    if (prefix !== ownersPrefix && key.startsWith(livingPrefix)) {
      return true;
    }
    const allRecords = ownersPrefix.slice(0, ownersPrefix.lastIndexOf("/", ownersPrefix.length - 2) + 1);
    return prefix !== ownersPrefix && key.startsWith(allRecords) && decodeEntryPath(key.slice(prefix.length)) === undefined;
  }

  /** Reads again until neither tree lacks the other half of what one transaction wrote, then puts the halves together. */
  async #align(signal: AbortSignal): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const touched = [...this.#touched];
      const lacksRecord = touched.some((path) => isNewer(this.#addressAt.get(path), this.#records.index));
      const lacksAddress = touched.some((path) => isNewer(this.#recordAt.get(path), this.#addresses.index));
      const moved = [
        lacksRecord && (await this.#records.refresh(signal)),
        lacksAddress && (await this.#addresses.refresh(signal)),
      ];
      if (!moved.includes(true)) {
        break;
      }
    }
    if (this.#hasLost) {
      await this.#living.load(signal);
      this.#hasLost = false;
    }
    for (const path of this.#touched) {
      this.#join(path);
    }
    this.#touched.clear();
  }

  #join(path: string): void {
    const ref = this.#layout.entriesPrefix + path;
    const address = this.#addressAt.get(path);
    if (address === undefined) {
      this.#builder.deleteEntry(ref);
      return;
    }
    const found = decodeAddressAt(path, address.value);
    const owner = ownerOf(address, this.#recordAt.get(path));
    place(this.#builder, this.#selector, ref, found.ok ? { ok: true, value: { ...found.value, owner } } : found);
  }
}

/** Only what fairlead writes hangs on a session, and has another half. */
function isNewer(half: KvPair | undefined, index: number): boolean {
  return half?.session !== undefined && half.modifyIndex > index;
}

function place(builder: SnapshotBuilder, selector: Selector, ref: string, found: Decoded<Entry>): void {
  if (!found.ok) {
    builder.setInvalidEntry(ref, found.reason);
  } else if (selectsService(selector, found.value.service)) {
    builder.setEntry(ref, found.value);
  }
}

function prefixesOf(prefix: string, selector: Selector): readonly string[] {
  if (selector.services === "all" || selector.services.length > MAX_SERVICE_PREFIXES) {
    return [prefix];
  }
  return [...new Set(selector.services)].filter(isName).map((service) => `${prefix}${encodeSegment(service)}/`);
}

function isName(service: string): boolean {
  return service !== "" && !/\p{Surrogate}/u.test(service);
}
