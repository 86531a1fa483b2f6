/** Leases, guards and transactions as etcd has them, against real servers. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Instance } from "../../../src/model/instance.ts";
import type { Owned, Registry, WriteResult } from "../../../src/ports.ts";
import { createEtcdRegistry } from "../../../src/registry/etcd/registry.ts";
import type { Layout } from "../../../src/registry/store.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { describeWith, type Etcd, startEtcd } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { instance, outcomesOf } from "./arena.ts";
import { storeOptions } from "./etcd-world.ts";

const { signal } = new AbortController();
const OWNER = "node-1";
const TTL_MS = 30_000;
const SERVICES = { services: "all", keys: [] } as const;

describeWith(["etcd34", "etcd36"], "etcd's leases and transactions", () => {
  describe.each(["3.4", "3.6"] as const)("%s", (version) => {
    let etcd: Etcd;
    let registries: Registry[] = [];

    function open(layout: Layout = "json"): Registry {
      const registry = createEtcdRegistry(storeOptions(etcd, { layout }));
      registries.push(registry);
      return registry;
    }
    async function put(registry: Registry, ...instances: readonly Instance[]): Promise<readonly WriteResult[]> {
      return await registry.write(OWNER, { put: instances.map((item) => ({ instance: item })), remove: [] }, signal);
    }
    async function replace(registry: Registry, owned: readonly Owned[]): Promise<readonly WriteResult[]> {
      const change = { put: owned.map((item) => ({ instance: item.entry, replaces: item })), remove: [] };
      return await registry.write(OWNER, change, signal);
    }
    async function leaseOf(key: string): Promise<string | undefined> {
      const answer = (await etcd.call("/v3/kv/range", { key: Buffer.from(key).toString("base64") })) as {
        readonly kvs?: readonly { readonly lease?: string }[];
      };
      return answer.kvs?.[0]?.lease;
    }

    beforeAll(async () => {
      etcd = await startEtcd({ version });
    });
    beforeEach(async () => {
      await etcd.del("/", { prefix: true });
    });
    afterEach(async () => {
      await Promise.all(registries.map((registry) => registry.close()));
      registries = [];
    });
    afterAll(async () => {
      await etcd?.stop();
    });

    test.each(["json", "registrator"] as const)("after a crash nothing is written again, layout %s", async (layout) => {
      const crashed = open(layout);
      await crashed.keepAlive(OWNER, TTL_MS, signal);
      await put(crashed, ...Array.from({ length: 200 }, (_, i) => instance("web", `id-${i}`)));
      const before = await etcd.revision();
      const second = open(layout);
      const owned = await second.owned(OWNER, signal);
      expect(await second.keepAlive(OWNER, TTL_MS, signal)).toBe("kept");
      expect(await second.owned(OWNER, signal)).toEqual(owned);
      expect([owned.length, owned.some(({ unleased }) => unleased)]).toEqual([200, false]);
      expect(await etcd.revision()).toBe(before);
    });

    test("another time to live is another lease: everything hangs on the old one and has to be written again", async () => {
      const first = open();
      await first.keepAlive(OWNER, TTL_MS, signal);
      await put(first, instance("web", "1"));
      const old = await leaseOf("/fairlead/services/web/1");
      const second = open();
      expect((await second.owned(OWNER, signal)).map(({ unleased }) => unleased)).toEqual([false]);
      expect(await second.keepAlive(OWNER, TTL_MS + 1000, signal)).toBe("lost");
      const owned = await second.owned(OWNER, signal);
      expect(owned.map(({ unleased }) => unleased)).toEqual([true]);
      expect(outcomesOf(await replace(second, owned))).toEqual(["written"]);
      expect((await second.owned(OWNER, signal)).map(({ unleased }) => unleased)).toEqual([false]);
      expect(await leaseOf("/fairlead/services/web/1")).not.toBe(old);
      expect(await second.keepAlive(OWNER, TTL_MS, signal)).toBe("lost"); // a changed configuration, without a restart
    });

    test("an entry of ours that hangs on nothing stays known until it is written", async () => {
      const registry = open();
      await registry.keepAlive(OWNER, TTL_MS, signal);
      await put(registry, instance("web", "1"), instance("web", "2"));
      await etcd.put("/fairlead/services/web/3", `{"address":"10.0.0.3","port":3,"owner":"${OWNER}"}`);
      const next = open();
      expect(await next.keepAlive(OWNER, TTL_MS, signal)).toBe("kept");
      for (let i = 0; i < 3; i += 1) {
        const owned = await next.owned(OWNER, signal);
        expect(owned.map(({ entry, unleased }) => [entry.id, unleased])).toEqual([
          ["1", false],
          ["2", false],
          ["3", true],
        ]);
      }
      expect(outcomesOf(await replace(next, (await next.owned(OWNER, signal)).slice(2)))).toEqual(["written"]);
      expect((await next.owned(OWNER, signal)).map(({ unleased }) => unleased)).toEqual([false, false, false]);
    });

    test("an entry of ours that appeared behind our back is found after the failure that it causes", async () => {
      const registry = open();
      await registry.keepAlive(OWNER, TTL_MS, signal);
      expect(await registry.owned(OWNER, signal)).toEqual([]);
      await etcd.put("/fairlead/services/web/1", `{"address":"10.0.0.3","port":3,"owner":"${OWNER}"}`);
      expect(await registry.owned(OWNER, signal)).toEqual([]);
      expect(outcomesOf(await put(registry, instance("web", "1")))).toEqual(["failed"]);
      const owned = await registry.owned(OWNER, signal);
      expect(owned.map(({ unleased }) => unleased)).toEqual([true]);
      expect(outcomesOf(await replace(registry, owned))).toEqual(["written"]);
    });

    test("without a beat there is nothing that a put could hang on: it fails as retryable", async () => {
      const [result] = await put(open(), instance("web", "1"));
      expect(result).toMatchObject({ outcome: "failed", error: { code: "REGISTRY_UNAVAILABLE", retryable: true } });
    });

    test("entries that together are larger than a request are written in parts, one that is too large fails alone", async () => {
      const registry = open();
      await registry.keepAlive(OWNER, TTL_MS, signal);
      const large = (id: string, size: number): Instance => instance("web", id, { meta: { text: "ü".repeat(size / 2) } });
      const many = Array.from({ length: 60 }, (_, i) => large(`id-${i}`, 100_000));
      const results = await put(registry, ...many.slice(0, 30), large("huge", 600_000), ...many.slice(30));
      expect(results.filter(({ outcome }) => outcome === "written")).toHaveLength(60);
      expect(results[30]).toMatchObject({ id: "huge", outcome: "failed", error: { code: "USAGE", retryable: false } });
      const snapshot = await registry.read(SERVICES, { signal });
      expect(snapshot.services.get("web")?.instances).toHaveLength(60);
      await expect(registry.putKey("large", "x".repeat(1_600_000), signal)).rejects.toMatchObject({ code: "USAGE" });
      await expect(registry.putKey("larger", "x".repeat(3_000_000), signal)).rejects.toMatchObject({ code: "USAGE" });
    });

    test("release leaves the lease to run out, and then nothing is left", async () => {
      const registry = open();
      await registry.keepAlive(OWNER, 2000, signal);
      await put(registry, instance("web", "1"));
      const ID = await leaseOf("/fairlead/services/web/1");
      await registry.release(OWNER, signal);
      expect(await etcd.getPrefix("/")).toEqual({ "/fairlead/owners/node-1": '{"v":1,"owner":"node-1"}' });
      expect(await leaseOf("/fairlead/owners/node-1")).toBe(ID);
      await waitFor(async () => Object.keys(await etcd.getPrefix("/")).length === 0, {
        timeoutMs: 5000 * PATIENCE,
        what: "the end of the lease",
      });
    });

    test("an owner's record is written once, after what it stands for, and never by a beat or a process that adopts the lease", async () => {
      const registry = open();
      await registry.keepAlive(OWNER, TTL_MS, signal);
      expect(await etcd.getPrefix("/")).toEqual({});
      await put(registry, instance("web", "1"));
      expect(Object.keys(await etcd.getPrefix("/"))).toEqual(["/fairlead/owners/node-1", "/fairlead/services/web/1"]);
      const before = await etcd.revision();
      await registry.keepAlive(OWNER, TTL_MS, signal);
      await registry.keepAlive(OWNER, TTL_MS, signal);
      const next = open();
      expect(await next.keepAlive(OWNER, TTL_MS, signal)).toBe("kept");
      expect(await next.keepAlive(OWNER, TTL_MS, signal)).toBe("kept");
      await put(next);
      expect(await etcd.revision()).toBe(before);
    });

    test("a lease that an older version left without a record is adopted, and gets one", async () => {
      const old = open();
      await old.keepAlive(OWNER, TTL_MS, signal);
      await put(old, instance("web", "1"), instance("web", "2"));
      await etcd.del("/fairlead/owners/node-1");
      const next = open();
      expect(await next.keepAlive(OWNER, TTL_MS, signal)).toBe("kept");
      expect(Object.keys(await etcd.getPrefix("/fairlead/owners/"))).toEqual([]);
      expect(await next.keepAlive(OWNER, TTL_MS, signal)).toBe("kept");
      expect(await leaseOf("/fairlead/owners/node-1")).toBe(await leaseOf("/fairlead/services/web/1"));
    });

    test("a record that hangs on no lease proves nothing", async () => {
      await etcd.put("/fairlead/owners/node-9", '{"v":1,"owner":"node-9"}');
      const { owners, invalid } = await open().read(SERVICES, { signal });
      expect([...owners, ...invalid]).toEqual([]);
    });

    describe("layout registrator", () => {
      test("what we write is never seen without its owner, neither when it comes nor when it goes", async () => {
        const writer = open("registrator");
        const reader = open("registrator");
        await writer.keepAlive(OWNER, TTL_MS, signal);
        let snapshot = await reader.read(SERVICES, { signal });
        const seen = new Set<string>();
        async function write(): Promise<void> {
          for (let i = 0; i < 60; i += 1) {
            await put(writer, instance("web", `id-${i}`), instance("db", `id-${i}`));
            if (i % 3 === 0) {
              await replace(writer, await writer.owned(OWNER, signal));
            }
            if (i % 5 === 0) {
              await writer.write(OWNER, { put: [], remove: await writer.owned(OWNER, signal) }, signal);
            }
          }
          await writer.release(OWNER, signal);
          await etcd.put("/services/end/1", "10.0.0.1:1");
        }
        const writing = write();
        while (!snapshot.services.has("end")) {
          snapshot = await reader.read(SERVICES, { signal, after: snapshot.revision });
          for (const { name, instances } of snapshot.services.values()) {
            instances.forEach(({ owner }) => seen.add(name === "end" ? OWNER : owner));
          }
        }
        await writing;
        expect([...seen]).toEqual([OWNER]);
      });

      test("an address that another program took over is a conflict, and left alone", async () => {
        const registry = open("registrator");
        await registry.keepAlive(OWNER, TTL_MS, signal);
        await put(registry, instance("web", "1"), instance("web", "2"));
        const before = await registry.owned(OWNER, signal);
        await etcd.put("/services/web/1", "10.9.9.9:99");
        expect((await registry.owned(OWNER, signal)).map(({ entry }) => entry.id)).toEqual(["2"]);
        const conflict = { service: "web", id: "1", outcome: "conflict", holder: "" };
        expect(await put(registry, instance("web", "1"))).toEqual([conflict]);
        expect(await registry.write(OWNER, { put: [], remove: before.slice(0, 1) }, signal)).toEqual([conflict]);
        await registry.release(OWNER, signal);
        expect(await etcd.getPrefix("/services/")).toEqual({ "/services/web/1": "10.9.9.9:99" });
      });

      test("an address that somebody deleted is written again", async () => {
        const registry = open("registrator");
        await registry.keepAlive(OWNER, TTL_MS, signal);
        await put(registry, instance("web", "1"));
        await etcd.del("/services/web/1");
        expect(await registry.owned(OWNER, signal)).toEqual([]);
        expect(outcomesOf(await put(registry, instance("web", "1")))).toEqual(["written"]);
      });

      test("an instance that becomes critical goes, with its record", async () => {
        const registry = open("registrator");
        await registry.keepAlive(OWNER, TTL_MS, signal);
        await put(registry, instance("web", "1"));
        const [replaces] = await registry.owned(OWNER, signal);
        const change = {
          put: [{ instance: instance("web", "1", { health: "critical" }), ...(replaces && { replaces }) }],
          remove: [],
        };
        await registry.write(OWNER, change, signal);
        expect(Object.keys(await etcd.getPrefix("/"))).toEqual(["/fairlead/living/services/node-1"]);
      });

      test("entries go with their owner's lease, and no record stays behind", async () => {
        const registry = open("registrator");
        await registry.keepAlive(OWNER, 2000, signal);
        await put(registry, instance("web", "1"), instance("web", "2"));
        const followed = open("registrator");
        const first = await followed.read(SERVICES, { signal });
        const gone = await followed.read(SERVICES, { signal, after: first.revision });
        expect([...gone.services.keys()]).toEqual([]); // both at once: one revision
        await waitFor(async () => Object.keys(await etcd.getPrefix("/")).length === 0, {
          timeoutMs: 1000,
          what: "an empty store",
        });
      });
    });
  });
});
