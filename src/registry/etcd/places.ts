import type { IKeyValue } from "etcd3";
import type { EtcdClient } from "./client.ts";
import type { EntryForm } from "./form.ts";
import { lookUpLease } from "./lease.ts";
import { listRanges } from "./list.ts";
import { prefixRange } from "./ranges.ts";
import { getKeys } from "./txn.ts";

/** Where an entry can stand, and what the keys there hold. */
export interface Place {
  readonly path: string;
  readonly kvs: readonly (IKeyValue | undefined)[];
}

/** Everything there is, whoever wrote it. */
export async function allPlaces(client: EtcdClient, form: EntryForm, signal: AbortSignal): Promise<readonly Place[]> {
  const ranges = form.prefixes.map(prefixRange);
  const { items } = await listRanges(client, { ranges, signal, decode: (kv) => [kv] });
  const byKey = new Map<string, IKeyValue>();
  const paths = new Set<string>();
  for (const kv of items) {
    const key = kv.key.toString().slice(1);
    const path = pathOf(form, key);
    if (path !== undefined) {
      byKey.set(key, kv);
      paths.add(path);
    }
  }
  return [...paths].map((path) => ({ path, kvs: form.keysOf(path).map((key) => byKey.get(key)) }));
}

/** The places whose keys hang on a lease, and some more; undefined when there is no such lease. */
export async function placesOnLease(
  client: EtcdClient,
  form: EntryForm,
  options: { readonly lease: string; readonly more: ReadonlySet<string>; readonly signal: AbortSignal },
): Promise<readonly Place[] | undefined> {
  const { lease, more, signal } = options;
  const state = await lookUpLease(client, lease, signal);
  if (state === undefined) {
    return undefined;
  }
  const paths = [...new Set([...state.keys.flatMap((key) => pathOf(form, key) ?? []), ...more])];
  const places = paths.map((path) => form.keysOf(path));
  const found = await getKeys(client, places, signal);
  return paths.map((path, i) => ({ path, kvs: found[i] ?? [] }));
}

function pathOf(form: EntryForm, key: string): string | undefined {
  const prefix = form.prefixes.find((start) => key.startsWith(start));
  return prefix === undefined ? undefined : key.slice(prefix.length);
}
