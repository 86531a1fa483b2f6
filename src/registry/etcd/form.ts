import type { IKeyValue } from "etcd3";
import { type Entry, type Instance, isUsable, withoutHealthCheck } from "../../model/instance.ts";
import { asAddressOnly, decodeAddress, decodeEntry, encodeAddress, encodeEntry } from "../codec.ts";
import { encodeOwner, ownerIn } from "../owner-record.ts";
import type { KeyLayout } from "../store.ts";
import { decodeAt } from "./items.ts";

/** What stands at an entry's place. */
export interface Standing {
  /** Empty: another program's. */
  readonly owner: string;
  /** Undefined: what stands there is no entry. */
  readonly entry: Entry | undefined;
}

/** How a layout spreads an entry over keys, names without leading slash. A path is `<service>/<id>`, encoded. */
export interface EntryForm {
  /** Registrator writes entries of this form too. */
  readonly isRegistrators: boolean;
  /** Below them stand all keys of all entries. */
  readonly prefixes: readonly string[];
  asStored(instance: Instance): Instance | undefined;
  /** The keys of an entry. The first one is the entry itself: its revision guards all of them, since they are written together. */
  keysOf(path: string): readonly string[];
  /** What belongs at each of the keys; undefined: nothing. */
  valuesOf(entry: Entry): readonly (string | undefined)[];
  /** What the keys of a path hold; undefined: the place is free. */
  standingAt(path: string, kvs: readonly (IKeyValue | undefined)[]): Standing | undefined;
}

export function createForm({ entriesPrefix, ownersPrefix }: KeyLayout): EntryForm {
  return ownersPrefix === undefined ? jsonForm(entriesPrefix) : registratorForm(entriesPrefix, ownersPrefix);
}

/** One key, which says everything. */
function jsonForm(entriesPrefix: string): EntryForm {
  return {
    isRegistrators: false,
    prefixes: [entriesPrefix],
    asStored: withoutHealthCheck,
    keysOf: (path) => [entriesPrefix + path],
    valuesOf: (entry) => [encodeEntry(entry)],
    standingAt(path, [kv]) {
      if (kv === undefined) {
        return undefined;
      }
      const found = decodeAt(path, kv.value, decodeEntry);
      return found.ok ? { owner: found.value.owner, entry: found.value } : { owner: "", entry: undefined };
    },
  };
}

/** `ip:port` where others read it, and whose it is where only we look. */
function registratorForm(entriesPrefix: string, ownersPrefix: string): EntryForm {
  return {
    isRegistrators: true,
    // This order matters: the owners' prefix may lie in the entries'.
    prefixes: [ownersPrefix, entriesPrefix],
    asStored: asAddressOnly,
    keysOf: (path) => [entriesPrefix + path, ownersPrefix + path],
    valuesOf: (entry) => (isUsable(entry) ? [encodeAddress(entry), encodeOwner(entry.owner)] : [undefined, undefined]),
    standingAt(path, [address, record]) {
      if (address === undefined) {
        return undefined; // a record without an address says nothing
      }
      const owner = (record?.mod_revision === address.mod_revision ? ownerIn(record.value) : undefined) ?? "";
      const found = decodeAt(path, address.value, decodeAddress);
      return { owner, entry: found.ok ? { ...found.value, owner } : undefined };
    },
  };
}
