/** How entries stand in the key-value store, for reading and for writing. Pure. */
import { type Entry, type Instance, isUsable, withoutHealthCheck } from "../../../model/instance.ts";
import {
  asAddressOnly,
  type Decoded,
  decodeAddress,
  decodeEntry,
  decodeEntryPath,
  decodeText,
  encodeAddress,
  encodeEntry,
} from "../../codec.ts";
import { encodeOwner, ownerIn } from "../../owner-record.ts";
import type { KeyLayout } from "../../store.ts";
import type { KvPair } from "../api/shapes.ts";

export interface Place {
  readonly service: string;
  readonly id: string;
}

/** What stands at an entry's place. */
export interface Standing {
  /** Empty: another program's. */
  readonly owner: string;
  /** Undefined: what stands there is no entry. */
  readonly entry: Entry | undefined;
}

type Pairs = readonly (KvPair | undefined)[];

/** How a layout spreads an entry over keys. */
export interface KvForm {
  /** Registrator writes entries of this form too. */
  readonly isRegistrators: boolean;
  /** Below them stand the keys of all entries: the first ones below the first, and so on. */
  readonly prefixes: readonly [string, ...string[]];
  asStored(instance: Instance): Instance | undefined;
  /** The first one is the entry itself: its version guards all of them, since they are written together. */
  keysOf(place: Place): readonly [string, ...string[]];
  /** What belongs at each of the keys; undefined: nothing. */
  valuesOf(entry: Entry): readonly (string | undefined)[];
  /** What the keys of a path hold; undefined: the place is free. */
  standingAt(path: string, pairs: Pairs): Standing | undefined;
}

export function createForm(layout: KeyLayout): KvForm {
  return layout.ownersPrefix === undefined ? jsonForm(layout) : registratorForm(layout, layout.ownersPrefix);
}

/** One key, which says everything. */
function jsonForm(layout: KeyLayout): KvForm {
  return {
    isRegistrators: false,
    prefixes: [layout.entriesPrefix],
    asStored: withoutHealthCheck,
    keysOf: (place) => [layout.entryKey(place)],
    valuesOf: (entry) => [encodeEntry(entry)],
    standingAt(path, [pair]) {
      const found = pair && decodeEntryAt(path, pair.value);
      return found && (found.ok ? { owner: found.value.owner, entry: found.value } : { owner: "", entry: undefined });
    },
  };
}

/** `ip:port` where others read it, and whose it is where only we look. A record without an address says nothing. */
function registratorForm(layout: KeyLayout, ownersPrefix: string): KvForm {
  return {
    isRegistrators: true,
    prefixes: [layout.entriesPrefix, ownersPrefix],
    asStored: asAddressOnly,
    keysOf: (place) => [layout.entryKey(place), layout.ownerKey(place) ?? ""],
    valuesOf: (entry) => (isUsable(entry) ? [encodeAddress(entry), encodeOwner(entry.owner)] : [undefined, undefined]),
    standingAt(path, [address, record]) {
      if (address === undefined) {
        return undefined;
      }
      const owner = ownerOf(address, record);
      const found = decodeAddressAt(path, address.value);
      return { owner, entry: found.ok ? { ...found.value, owner } : undefined };
    },
  };
}

/**
 * Layout `registrator`: whose an address is. Both keys were written in one transaction; when their versions differ, another program has
 * written the address since, and nobody knows whose it is.
 */
export function ownerOf(address: Pick<KvPair, "modifyIndex">, record: Pick<KvPair, "modifyIndex" | "value"> | undefined): string {
  return (record?.modifyIndex === address.modifyIndex ? ownerIn(record.value) : undefined) ?? "";
}

export function decodeEntryAt(path: string, value: Uint8Array): Decoded<Entry> {
  return decodeAt(path, value, decodeEntry);
}

export function decodeAddressAt(path: string, value: Uint8Array): Decoded<Entry> {
  return decodeAt(path, value, decodeAddress);
}

/** What stands below a prefix; undefined for the folders that Consul's user interface makes, which are no entries. */
export function pathBelow(prefix: string, { key, value }: KvPair): string | undefined {
  return key.endsWith("/") && value.length === 0 ? undefined : key.slice(prefix.length);
}

function decodeAt(path: string, value: Uint8Array, decode: (text: string, place: Place) => Decoded<Entry>): Decoded<Entry> {
  const place = decodeEntryPath(path);
  if (place === undefined) {
    return { ok: false, reason: "its key is not <service>/<instance id>" };
  }
  const text = decodeText(value);
  return text.ok ? decode(text.value, place) : text;
}
