import { expect } from "vitest";
import { sleep } from "../../../../src/core/time.ts";
import { EVERYTHING, NOTHING } from "../../../../src/model/selector.ts";
import { PATIENCE } from "../../../helpers/patience.ts";
import { type Case, idsOf, instance, instancesOf } from "../arena.ts";

const FULL = instance("web", "node-1:web:80", {
  address: "10.1.2.3",
  port: 32768,
  tags: ["http", "blue, with comma", "a b", "http2"],
  meta: { version: "2.1", path: "/ünï/{code}; #", empty: "" },
  health: "warning",
  weight: 3,
});

export const readCases: readonly Case[] = [
  {
    title: "an empty registry is a complete and empty snapshot",
    async run({ open, read }) {
      const snapshot = await read(await open());
      expect([...snapshot.services.keys()]).toEqual([]);
      expect([...snapshot.keys.keys()]).toEqual([]);
      expect(snapshot.invalid).toEqual([]);
    },
  },
  {
    title: "an entry comes back whole, with its owner",
    async run({ open, writer, read }) {
      const a = await writer("node-1");
      await a.put(FULL);
      const snapshot = await read(await open());
      expect(instancesOf(snapshot, "web")).toEqual([{ ...FULL, owner: "node-1" }]);
      expect(snapshot.services.get("web")?.tags).toEqual([...FULL.tags].sort());
    },
  },
  {
    title: "IPv6 addresses and udp come back as they were, every health too",
    async run({ open, writer, read }) {
      const a = await writer("node-1");
      const wanted = [
        instance("dns", "a", { address: "2001:db8::53", port: 53, protocol: "udp", tags: ["udp"], health: "passing" }),
        instance("dns", "b", { address: "::1", port: 65535, health: "warning" }),
        instance("dns", "c", { address: "fe80::1:2", port: 1, health: "critical" }),
        instance("dns", "d", { address: "db.example.internal", port: 5432, health: "unknown" }),
      ];
      await a.put(...wanted);
      expect(instancesOf(await read(await open()), "dns")).toEqual(wanted.map((item) => ({ ...item, owner: "node-1" })));
    },
  },
  {
    title: "services, instances and keys come in code-unit order, whatever the order of writing",
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(...["b", "a-1", "Z", "a", "a10", "a2"].flatMap((name) => [instance(name, "y"), instance(name, "X")]));
      for (const key of ["b", "a/z", "Z", "a/b/c", "a-b"]) {
        await a.registry.putKey(key, key, signal);
      }
      const snapshot = await read(await open());
      expect([...snapshot.services.keys()]).toEqual(["Z", "a", "a-1", "a10", "a2", "b"]);
      expect(idsOf(snapshot, "a")).toEqual(["X", "y"]);
      expect([...snapshot.keys.keys()]).toEqual(["Z", "a-b", "a/b/c", "a/z", "b"]);
    },
  },
  {
    title: "a selector gives what it names and nothing else",
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"), instance("web2", "1"), instance("we", "1"), instance("db", "1"));
      for (const key of ["app/d", "app/db/host", "app/x", "other"]) {
        await a.registry.putKey(key, "v", signal);
      }
      const reader = await open();
      const names = async (services: "all" | readonly string[], keys: readonly string[]): Promise<unknown> => {
        const snapshot = await read(reader, { services, keys });
        return [[...snapshot.services.keys()], [...snapshot.keys.keys()]];
      };
      expect(await names(["web"], [])).toEqual([["web"], []]);
      expect(await names(["absent", "db", "we"], ["app/d"])).toEqual([
        ["db", "we"],
        ["app/d", "app/db/host"],
      ]);
      expect(await names("all", ["app/x", "o"])).toEqual([
        ["db", "we", "web", "web2"],
        ["app/x", "other"],
      ]);
      expect(await names(NOTHING.services, NOTHING.keys)).toEqual([[], []]);
      expect(await names(EVERYTHING.services, EVERYTHING.keys)).toEqual([
        ["db", "we", "web", "web2"],
        ["app/d", "app/db/host", "app/x", "other"],
      ]);
    },
  },
  {
    title: "a read without `after` asks afresh: it sees at once what another client has just written",
    async run({ open, writer, read }) {
      const a = await writer("node-1");
      const reader = await open();
      await read(reader);
      for (let port = 1; port <= 20; port += 1) {
        await a.put(instance("web", "1", { port }));
        expect(instancesOf(await read(reader), "web")[0]?.port).toBe(port);
      }
    },
  },
  {
    title: "equal data has an equal revision, other data another one",
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"));
      const reader = await open();
      const first = await read(reader);
      expect((await read(reader)).revision).toBe(first.revision);
      await a.registry.putKey("k", "v", signal);
      expect((await read(reader)).revision).not.toBe(first.revision);
    },
  },
  {
    title: "a read with `after` waits for a difference, and returns at once when there is one already",
    async run({ fixture, open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"));
      const reader = await open();
      const first = await read(reader);
      let settled = false;
      const waiting = reader.read(EVERYTHING, { signal, after: first.revision }).finally(() => {
        settled = true;
      });
      await sleep(300, signal);
      expect(settled).toBe(false);
      await a.put(instance("web", "2"));
      const startedAt = performance.now();
      const second = await waiting;
      expect(performance.now() - startedAt).toBeLessThan(fixture.noticeMs);
      expect(idsOf(second, "web")).toEqual(["1", "2"]);
      await a.remove("1");
      await sleep(Math.min(500, fixture.noticeMs), signal);
      expect(idsOf(await reader.read(EVERYTHING, { signal, after: second.revision }), "web")).toEqual(["2"]);
    },
  },
  {
    title: "what did not change is the same object as before",
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"), instance("web", "2"), instance("db", "1"));
      await a.registry.putKey("k", "v", signal);
      const reader = await open();
      const first = await read(reader);
      await a.put(instance("web", "2", { port: 9 }));
      const second = await read(reader);
      expect(second.services.get("db")).toBe(first.services.get("db"));
      expect(second.services.get("web")).not.toBe(first.services.get("web"));
      expect(instancesOf(second, "web")[0]).toBe(instancesOf(first, "web")[0]);
      expect(second.keys).toBe(first.keys);
      await a.registry.putKey("k", "w", signal);
      const third = await reader.read(EVERYTHING, { signal, after: second.revision });
      expect(third.services).toBe(second.services);
      expect(third.keys.get("k")).toBe("w");
      expect(second.keys.get("k")).toBe("v");
    },
  },
  {
    title: "one reader may change its selector",
    async run({ fixture, open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"), instance("db", "1"));
      const reader = await open();
      const narrow = { services: ["web"], keys: [] };
      const wide = { services: ["db", "web"], keys: ["k"] };
      await read(reader, narrow);
      const first = await read(reader, wide);
      expect([...first.services.keys()]).toEqual(["db", "web"]);
      await a.registry.putKey("k", "v", signal);
      const second = await reader.read(wide, { signal, after: first.revision });
      expect([...second.keys]).toEqual([["k", "v"]]);
      const third = await read(reader, narrow);
      expect([...third.services.keys(), ...third.keys.keys()]).toEqual(["web"]);
      await a.registry.putKey("k", "w", signal);
      let settled = false;
      const waiting = reader.read(narrow, { signal, after: third.revision }).finally(() => {
        settled = true;
      });
      await sleep(Math.min(500, fixture.noticeMs), signal);
      expect(settled).toBe(false);
      await a.put(instance("web", "1", { port: 9 }));
      expect(instancesOf(await waiting, "web")[0]?.port).toBe(9);
    },
  },
  {
    title: "a thousand instances are written in one call and read back in one snapshot",
    async run({ open, writer, read, follow, fixture }) {
      const a = await writer("node-1");
      const follower = follow(await open());
      const many = Array.from({ length: 1000 }, (_, i) => instance(`svc-${i % 20}`, `id-${i}`, { port: 1 + i, tags: [`t${i}`] }));
      const startedAt = performance.now();
      const results = await a.put(...many);
      expect(results.every((result) => result.outcome === "written")).toBe(true);
      expect(results.map((result) => result.id)).toEqual(many.map((item) => item.id));
      const snapshot = await read(await open());
      const count = [...snapshot.services.values()].reduce((sum, service) => sum + service.instances.length, 0);
      expect(count).toBe(1000);
      expect(performance.now() - startedAt).toBeLessThan(30_000 * PATIENCE);
      await follower.until(
        "all thousand",
        ({ services }) => services.get("svc-19")?.instances.length === 50,
        fixture.noticeMs + 5000,
      );
      expect(await a.owned()).toHaveLength(1000);
      expect((await a.remove(...many.map((item) => item.id))).every((result) => result.outcome === "removed")).toBe(true);
      await follower.until("none left", ({ services }) => services.size === 0, fixture.noticeMs + 5000);
    },
  },
];
