import type { IKeyValue } from "etcd3";
import { describe, expect, test } from "vitest";
import { EVERYTHING, type Selector } from "../../../../src/model/selector.ts";
import { type Snapshot, SnapshotBuilder } from "../../../../src/model/snapshot.ts";
import { createDecoder, MAX_ENTRY_BYTES } from "../../../../src/registry/etcd/items.ts";
import { Mirror } from "../../../../src/registry/etcd/mirror.ts";
import { keyLayout, type Layout } from "../../../../src/registry/store.ts";

interface Store {
  put(key: string | Buffer, value: string | Buffer, revision?: number): void;
  del(key: string): void;
  list(kvs: readonly (readonly [string, string, number?])[]): void;
  snapshot(): Snapshot;
}

function kv(key: string | Buffer, value: string | Buffer, revision = 1, lease = "0"): IKeyValue {
  const bytes = { key: Buffer.from(key), value: Buffer.from(value) };
  return { ...bytes, mod_revision: String(revision), create_revision: "1", version: "1", lease };
}

function createStore(layoutName: Layout, selector: Selector = EVERYTHING, prefix = "services"): Store {
  const layout = keyLayout({ prefix: layoutName === "json" ? "fairlead" : prefix, kvPrefix: "", layout: layoutName });
  const builder = new SnapshotBuilder();
  const decoder = createDecoder(layout, selector);
  const mirror = new Mirror(builder, (path) => `/${layout.entriesPrefix}${path}`);
  return {
    put: (key, value, revision) => decoder.present(kv(key, value, revision)).forEach((item) => mirror.apply(item)),
    del: (key) => decoder.absent(Buffer.from(key)).forEach((item) => mirror.apply(item)),
    list: (kvs) => mirror.replace(kvs.flatMap(([key, value, revision]) => decoder.present(kv(key, value, revision)))),
    snapshot: () => builder.snapshot("1"),
  };
}

function entriesOf(snapshot: Snapshot): readonly string[] {
  const entries = [...snapshot.services.values()].flatMap(({ instances }) => instances);
  return entries.map(({ service, id, address, port, owner }) => `${service}/${id} ${address}:${port} ${owner}`);
}

const ENTRY = '{"v":1,"address":"10.0.0.1","port":80,"owner":"n1"}';
const owner = (name: string): string => JSON.stringify({ v: 1, owner: name });

describe("the json layout", () => {
  test("entries, keys, and what is neither", () => {
    const store = createStore("json");
    store.put("/fairlead/services/web/1", ENTRY);
    store.put("/app/k", "v");
    store.put("/fairlead/other", "hidden");
    store.put("no-slash", "v");
    store.put("/", "v");
    const snapshot = store.snapshot();
    expect(entriesOf(snapshot)).toEqual(["web/1 10.0.0.1:80 n1"]);
    expect([...snapshot.keys]).toEqual([["app/k", "v"]]);
    expect(snapshot.invalid).toEqual([]);
  });

  test("what cannot be understood is named, and mended by a good value or its end", () => {
    const store = createStore("json");
    store.put("/fairlead/services/web/1", "{");
    store.put("/fairlead/services/web/1/2", ENTRY);
    store.put("/fairlead/services/web", ENTRY);
    store.put("/fairlead/services/w%/1", ENTRY);
    store.put("/fairlead/services/web/big", `{"address":"10.0.0.1","port":80,"meta":{"x":"${"y".repeat(MAX_ENTRY_BYTES)}"}}`);
    store.put(Buffer.from([0x2f, 0xff, 0x61]), "v");
    expect(store.snapshot().invalid).toEqual([
      { key: "%FFa", reason: "its key is not UTF-8" },
      { key: "/fairlead/services/w%/1", reason: "its key is not <service>/<instance id>" },
      { key: "/fairlead/services/web", reason: "its key is not <service>/<instance id>" },
      { key: "/fairlead/services/web/1", reason: "it is not JSON" },
      { key: "/fairlead/services/web/1/2", reason: "its key is not <service>/<instance id>" },
      { key: "/fairlead/services/web/big", reason: "it is larger than 512 KiB" },
    ]);
    store.put("/fairlead/services/web/1", ENTRY);
    store.del("/fairlead/services/web/big");
    expect(entriesOf(store.snapshot())).toEqual(["web/1 10.0.0.1:80 n1"]);
    expect(store.snapshot().invalid).toHaveLength(4);
  });

  test("a selector takes what it names", () => {
    const store = createStore("json", { services: ["web"], keys: ["app/d"] });
    for (const key of ["/fairlead/services/web/1", "/fairlead/services/web2/1", "/fairlead/services/web"]) {
      store.put(key, ENTRY);
    }
    for (const key of ["/app/db", "/app/x", "/application"]) {
      store.put(key, "v");
    }
    expect(entriesOf(store.snapshot())).toEqual(["web/1 10.0.0.1:80 n1"]);
    expect([...store.snapshot().keys.keys()]).toEqual(["app/db"]);
    expect(store.snapshot().invalid).toEqual([]);
  });

  test("a full list drops what it does not hold, and keeps what it holds", () => {
    const store = createStore("json");
    store.list([
      ["/fairlead/services/web/1", ENTRY],
      ["/fairlead/services/db/1", ENTRY],
      ["/k", "v"],
      ["/gone", "v"],
      ["/fairlead/services/web/bad", "x"],
    ]);
    const before = store.snapshot();
    store.list([
      ["/fairlead/services/web/1", ENTRY],
      ["/k", "v"],
    ]);
    const after = store.snapshot();
    expect([...after.services.keys(), ...after.keys.keys()]).toEqual(["web", "k"]);
    expect(after.invalid).toEqual([]);
    expect(after.services.get("web")).toBe(before.services.get("web"));
  });
});

describe("the registrator layout", () => {
  const ADDRESS = "/services/web/1";
  const RECORD = "/fairlead/owners/services/web/1";

  test("an address without a record has no owner", () => {
    const store = createStore("registrator");
    store.put(ADDRESS, "10.0.0.1:80");
    expect(entriesOf(store.snapshot())).toEqual(["web/1 10.0.0.1:80 "]);
  });

  test.each([
    ["address first", [ADDRESS, RECORD]],
    ["record first", [RECORD, ADDRESS]],
  ])("both halves of one transaction are one entry, %s", (_, keys) => {
    const store = createStore("registrator");
    for (const key of keys) {
      store.put(key, key === ADDRESS ? "10.0.0.1:80" : owner("n1"), 7);
    }
    expect(entriesOf(store.snapshot())).toEqual(["web/1 10.0.0.1:80 n1"]);
    store.del(RECORD);
    expect(entriesOf(store.snapshot())).toEqual(["web/1 10.0.0.1:80 "]);
    store.del(ADDRESS);
    expect(entriesOf(store.snapshot())).toEqual([]);
  });

  test("an address that another program wrote later is no longer ours", () => {
    const store = createStore("registrator");
    store.list([
      [RECORD, owner("n1"), 7],
      [ADDRESS, "10.0.0.1:80", 7],
    ]);
    store.put(ADDRESS, "10.0.0.9:99", 8);
    expect(entriesOf(store.snapshot())).toEqual(["web/1 10.0.0.9:99 "]);
  });

  test("a record alone shows nothing, a broken one says nothing", () => {
    const store = createStore("registrator");
    store.list([
      ["/fairlead/owners/services/web/alone", owner("n1"), 7],
      [RECORD, '{"v":2,"owner":"n1"}', 7],
      [ADDRESS, "10.0.0.1:80", 7],
    ]);
    expect(entriesOf(store.snapshot())).toEqual(["web/1 10.0.0.1:80 "]);
    expect(store.snapshot().invalid).toEqual([]);
  });

  test("a full list forgets the halves of before", () => {
    const store = createStore("registrator");
    store.list([
      [RECORD, owner("n1"), 7],
      [ADDRESS, "10.0.0.1:80", 7],
    ]);
    store.list([[ADDRESS, "10.0.0.1:80", 7]]);
    expect(entriesOf(store.snapshot())).toEqual(["web/1 10.0.0.1:80 "]);
  });

  test("ownership stays apart from entries also where their prefix is fairlead's own", () => {
    const store = createStore("registrator", { services: "all", keys: [] }, "fairlead");
    store.put("/fairlead/owners/fairlead/web/1", owner("n1"), 7);
    store.put("/fairlead/web/1", "10.0.0.1:80", 7);
    expect(entriesOf(store.snapshot())).toEqual(["web/1 10.0.0.1:80 n1"]);
    expect(store.snapshot().invalid).toEqual([]);
  });
});

describe("owners", () => {
  const RECORDS = [
    ["/fairlead/owners/n1", owner("n1"), "7", "n1"],
    ["/fairlead/owners/a%2Fb", owner("a/b"), "7", "a/b"],
    ["/fairlead/owners/unleased", owner("unleased"), "0", undefined],
    ["/fairlead/owners/other", owner("n2"), "7", undefined],
    ["/fairlead/owners/broken", "{", "7", undefined],
    ["/fairlead/owners/services/web/1", owner("n3"), "7", undefined], // of the other layout
  ] as const;

  test.each(RECORDS)("the record %s with the value %s on the lease %s", (key, value, lease, expected) => {
    const builder = new SnapshotBuilder();
    const mirror = new Mirror(builder, (path) => path);
    const decoder = createDecoder(keyLayout({ prefix: "fairlead", kvPrefix: "", layout: "json" }), {
      services: ["web"],
      keys: [""],
    });
    mirror.replace(decoder.present(kv(key, value, 1, lease)));
    expect([...mirror.owners]).toEqual(expected === undefined ? [] : [expected]);
    const { keys, services, invalid } = builder.snapshot("1");
    expect([...keys, ...services, ...invalid]).toEqual([]);
    decoder.absent(Buffer.from(key)).forEach((item) => mirror.apply(item));
    expect([...mirror.owners]).toEqual([]);
    decoder.present(kv(key, value, 1, lease)).forEach((item) => mirror.apply(item));
    expect(mirror.owners.size).toBe(expected === undefined ? 0 : 1);
    mirror.replace([]);
    expect([...mirror.owners]).toEqual([]);
  });
});
