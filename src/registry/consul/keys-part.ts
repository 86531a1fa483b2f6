import type { Selector } from "../../model/selector.ts";
import type { SnapshotBuilder } from "../../model/snapshot.ts";
import { decodeText } from "../codec.ts";
import type { KeyLayout } from "../store.ts";
import type { Client } from "./api/client.ts";
import type { KvPair } from "./api/shapes.ts";
import { KvTree, partOf } from "./kv/tree.ts";
import type { Part } from "./part.ts";

/**
 * The configuration keys that a selector names. Fairlead's own data are hidden, and so are the folders that Consul's user interface makes:
 * keys that end in `/` and hold nothing.
 */
export function createKeysPart(client: Client, layout: KeyLayout, selector: Selector, builder: SnapshotBuilder): Part {
  const nameOf = (key: string): string => key.slice(layout.keysPrefix.length);

  function set({ key, value }: KvPair): void {
    const isFolder = key.endsWith("/") && value.length === 0;
    if (layout.isOwn(key) || key === layout.keysPrefix) {
      return;
    }
    const text = decodeText(value);
    if (isFolder) {
      builder.deleteKey(nameOf(key));
    } else if (text.ok) {
      builder.setKey(nameOf(key), text.value);
    } else {
      builder.setInvalidKey(nameOf(key), text.reason);
    }
  }

  const prefixes = outermost(selector.keys).map((prefix) => layout.configKey(prefix));
  const tree = new KvTree(client, prefixes, { set, delete: (key) => builder.deleteKey(nameOf(key)) });
  return partOf(tree);
}

/** Without those that another one covers. */
function outermost(prefixes: readonly string[]): readonly string[] {
  return [...new Set(prefixes)].filter((prefix, _, all) => !all.some((other) => other !== prefix && prefix.startsWith(other)));
}
