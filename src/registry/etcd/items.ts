import type { IKeyValue } from "etcd3";
import type { Entry } from "../../model/instance.ts";
import { type Selector, selectsKeys } from "../../model/selector.ts";
import { createEntryDecoder, type Decoded, decodeAddress, decodeEntryPath, decodeSegment, decodeText } from "../codec.ts";
import { livingOwnerAt, ownerIn } from "../owner-record.ts";
import type { KeyLayout } from "../store.ts";

/** A value that is larger is no entry, whatever it holds. */
export const MAX_ENTRY_BYTES = 512 * 1024;

/** What one key of etcd means for a snapshot. `ref` and `path` address it, whatever the value turns out to be. */
export type Item =
  | { readonly kind: "entry"; readonly ref: string; readonly found: Decoded<Entry> | undefined }
  /** Layout `registrator`: the two halves of an entry, which belong together when one transaction wrote both. */
  | { readonly kind: "address"; readonly path: string; readonly found: Decoded<Entry> | undefined; readonly revision: string }
  | { readonly kind: "record"; readonly path: string; readonly owner: string | undefined; readonly revision: string }
  /** An owner that holds a lease now. */
  | { readonly kind: "owner"; readonly path: string; readonly owner: string | undefined }
  | { readonly kind: "key"; readonly name: string; readonly found: Decoded<string> | undefined };

export interface Decoder {
  /** What the key holds now. */
  present(kv: IKeyValue): readonly Item[];
  /** The key is gone: the same items, with nothing found. */
  absent(key: Buffer): readonly Item[];
}

/** Makes items of what a selector names; everything else in etcd gives none. */
export function createDecoder(layout: KeyLayout, selector: Selector): Decoder {
  const services = selector.services === "all" ? undefined : new Set(selector.services);
  const decodeEntry = createEntryDecoder();

  function isSelected(path: string): boolean {
    if (services === undefined) {
      return true;
    }
    const service = decodeSegment(path.slice(0, Math.max(0, path.indexOf("/"))));
    return service !== undefined && services.has(service);
  }

  function itemsOf(bytes: Buffer, kv: IKeyValue | undefined): readonly Item[] {
    const { text, isText } = keyText(bytes);
    const key = text.slice(1);
    if (!text.startsWith("/")) {
      return [];
    }
    const item = entryItem(key, kv);
    const isConfig = key.startsWith(layout.keysPrefix) && !layout.isOwn(key);
    const name = isConfig ? key.slice(layout.keysPrefix.length) : "";
    if (name === "" || !selectsKeys(selector, name)) {
      return item === undefined ? [] : [item];
    }
    const found = kv && (isText ? decodeText(kv.value) : notUtf8);
    return item === undefined ? [{ kind: "key", name, found }] : [item, { kind: "key", name, found }];
  }

  function entryItem(key: string, kv: IKeyValue | undefined): Item | undefined {
    const { ownersPrefix, entriesPrefix, livingPrefix } = layout;
    if (key.startsWith(livingPrefix)) {
      const path = key.slice(livingPrefix.length);
      return { kind: "owner", path, owner: kv && livingOwnerAt(path, kv.value, kv.lease !== "0") };
    }
    const isRecord = ownersPrefix !== undefined && key.startsWith(ownersPrefix);
    if (!isRecord && !key.startsWith(entriesPrefix)) {
      return undefined;
    }
    const path = key.slice(isRecord ? ownersPrefix.length : entriesPrefix.length);
    const revision = kv?.mod_revision ?? "0";
    if (!isSelected(path)) {
      return undefined;
    }
    if (isRecord) {
      return { kind: "record", path, revision, owner: kv && ownerIn(kv.value) };
    }
    return ownersPrefix === undefined
      ? { kind: "entry", ref: `/${key}`, found: kv && decodeAt(path, kv.value, decodeEntry) }
      : { kind: "address", path, revision, found: kv && decodeAt(path, kv.value, decodeAddress) };
  }

  return {
    present: (kv) => itemsOf(kv.key, kv),
    absent: (key) => itemsOf(key, undefined),
  };
}

const notUtf8 = { ok: false, reason: "its key is not UTF-8" } as const;

type DecodeValue = (text: string, place: { readonly service: string; readonly id: string }) => Decoded<Entry>;

/** What a value says about the entry whose place is `path`, the key below the prefix. */
export function decodeAt(path: string, value: Buffer, decode: DecodeValue): Decoded<Entry> {
  const place = decodeEntryPath(path);
  if (place === undefined) {
    return { ok: false, reason: "its key is not <service>/<instance id>" };
  }
  if (value.length > MAX_ENTRY_BYTES) {
    return { ok: false, reason: `it is larger than ${MAX_ENTRY_BYTES / 1024} KiB` };
  }
  const text = decodeText(value);
  return text.ok ? decode(text.value, place) : text;
}

/** A key as text. Bytes that are no UTF-8 become `%XX`, so that such keys can be told apart and shown. */
function keyText(bytes: Buffer): { readonly text: string; readonly isText: boolean } {
  const text = bytes.toString();
  if (!text.includes("\ufffd") || decodeText(bytes).ok) {
    return { text, isText: true };
  }
  const escaped = [...bytes].map((byte) =>
    byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  );
  return { text: escaped.join(""), isText: false };
}
