import type { Entry, Instance } from "../../src/model/instance.ts";
import { type Snapshot, SnapshotBuilder } from "../../src/model/snapshot.ts";

export function entry(service: string, id: string, more: Partial<Instance & { owner: string }> = {}): Entry {
  return {
    id,
    service,
    address: "10.0.0.1",
    port: 80,
    protocol: "tcp",
    tags: [],
    meta: {},
    health: "passing",
    owner: "n1",
    ...more,
  };
}

/** A world that tests change step by step; each `snapshot()` shares with the one before. */
export function world(entries: readonly Entry[] = [], keys: Readonly<Record<string, string>> = {}) {
  const builder = new SnapshotBuilder();
  let revision = 0;
  for (const item of entries) {
    builder.setEntry(`${item.service}/${item.id}`, item);
  }
  for (const [key, value] of Object.entries(keys)) {
    builder.setKey(key, value);
  }
  return {
    builder,
    set: (item: Entry) => builder.setEntry(`${item.service}/${item.id}`, item),
    remove: (service: string, id: string) => builder.deleteEntry(`${service}/${id}`),
    setKey: (key: string, value: string) => builder.setKey(key, value),
    removeKey: (key: string) => builder.deleteKey(key),
    snapshot: (): Snapshot => builder.snapshot(String(++revision)),
  };
}
