/** Masks the values of secret keys, for what people are shown. Pure. */
import type { Snapshot } from "../model/snapshot.ts";
import { canonicalKey, type KeyView, type Read } from "./template/view.ts";

/** Stands for a secret value. */
const MASK = "(secret)";

/** Tells secret keys by their prefixes, which are text: `app/d` names `app/db` too. */
function isSecretKey(key: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => canonicalKey(key).startsWith(canonicalKey(prefix)));
}

export function readsSecret(reads: readonly Read[], prefixes: readonly string[]): boolean {
  if (prefixes.length === 0) {
    return false;
  }
  return reads.some(({ kind, name, found }) => {
    switch (kind) {
      case "key":
        return isSecretKey(name, prefixes);
      case "keys":
        return (found as readonly KeyView[]).some(({ key }) => isSecretKey(key, prefixes));
      case "service":
      case "services":
        return false;
    }
  });
}

export function withMaskedKeys(snapshot: Snapshot, prefixes: readonly string[]): Snapshot {
  const keys = new Map([...snapshot.keys].map(([key, value]) => [key, isSecretKey(key, prefixes) ? MASK : value]));
  return { ...snapshot, keys };
}
