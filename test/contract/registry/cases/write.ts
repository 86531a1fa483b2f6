import { expect } from "vitest";
import { type Case, idsOf, instance, instancesOf, outcomesOf } from "../arena.ts";

export const writeCases: readonly Case[] = [
  {
    title: "results come in the order put then remove, one for each",
    async run({ writer, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"), instance("web", "2"));
      const owned = await a.owned();
      const put = [instance("web", "9"), instance("db", "1")].map((item) => ({ instance: item }));
      const results = await a.registry.write("node-1", { put, remove: owned }, signal);
      expect(results).toEqual([
        { service: "web", id: "9", outcome: "written" },
        { service: "db", id: "1", outcome: "written" },
        { service: "web", id: "1", outcome: "removed" },
        { service: "web", id: "2", outcome: "removed" },
      ]);
      expect(await a.registry.write("node-1", { put: [], remove: [] }, signal)).toEqual([]);
    },
  },
  {
    title: "owned() gives all entries of the owner, whole, sorted by service and id",
    async run({ writer }) {
      const a = await writer("node-1");
      const b = await writer("node-2");
      expect(await a.owned()).toEqual([]);
      const full = instance("web", "b", { tags: ["y", "x"], meta: { k: "v" }, health: "warning", weight: 2 });
      await a.put(full, instance("web", "a"), instance("db", "z"));
      await b.put(instance("web", "aa"));
      const owned = await a.owned();
      expect(owned.map(({ entry }) => `${entry.service}/${entry.id}`)).toEqual(["db/z", "web/a", "web/b"]);
      expect(owned[2]?.entry).toEqual({ ...full, owner: "node-1" });
      expect(owned.map(({ unleased }) => unleased)).toEqual([false, false, false]);
      expect((await b.owned()).map(({ entry }) => entry.id)).toEqual(["aa"]);
    },
  },
  {
    title: "asStored() says what owned() will give, so that nothing is written twice",
    async run({ writer }) {
      const a = await writer("node-1");
      const wanted = [
        instance("web", "1", {
          address: "::1",
          tags: ["b", "a", "b"],
          meta: { Key: " v ", other: "" },
          health: "critical",
          weight: 0,
        }),
        instance("web", "2", { protocol: "udp", health: "unknown", weight: 100 }),
        instance("web", "3", { health: "warning", weight: 1 }),
      ];
      await a.put(...wanted);
      const stored = wanted.map((item) => a.registry.asStored(item));
      expect((await a.owned()).map(({ entry }) => entry)).toEqual(stored.map((item) => ({ ...item, owner: "node-1" })));
    },
  },
  {
    title: "an entry is replaced as a whole",
    async run({ open, writer, read }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1", { tags: ["old"], meta: { old: "1" }, weight: 5 }));
      const changed = instance("web", "1", { port: 9, tags: ["new"], health: "critical" });
      expect(outcomesOf(await a.put(changed))).toEqual(["written"]);
      expect(instancesOf(await read(await open()), "web")).toEqual([{ ...changed, owner: "node-1" }]);
    },
  },
  {
    title: "many changes in a row keep owned() and the store in step",
    async run({ open, writer, read }) {
      const a = await writer("node-1");
      for (let round = 1; round <= 10; round += 1) {
        const wanted = Array.from({ length: 5 }, (_, i) => instance("web", `id-${(round + i) % 8}`, { port: round }));
        expect(new Set(outcomesOf(await a.put(...wanted)))).toEqual(new Set(["written"]));
        const gone = (await a.owned()).map(({ entry }) => entry.id).filter((id) => !wanted.some((item) => item.id === id));
        await a.remove(...gone);
        const ids = wanted.map((item) => item.id).sort();
        expect((await a.owned()).map(({ entry }) => entry.id)).toEqual(ids);
        expect(idsOf(await read(await open()), "web")).toEqual(ids);
      }
    },
  },
  {
    title: "two owners live side by side in one service, each with its own entries",
    async run({ open, writer, read }) {
      const a = await writer("node-1");
      const b = await writer("node-2");
      await Promise.all([a.put(instance("web", "a1"), instance("web", "a2")), b.put(instance("web", "b1"))]);
      expect(idsOf(await read(await open()), "web")).toEqual(["a1", "a2", "b1"]);
      await a.remove("a1", "b1");
      expect(idsOf(await read(await open()), "web")).toEqual(["a2", "b1"]);
      expect(instancesOf(await read(await open()), "web").map((entry) => entry.owner)).toEqual(["node-1", "node-2"]);
    },
  },
  {
    title: "release() removes the owner's entries and nothing else, and others see it at once",
    async run({ open, writer, follow, signal }) {
      const a = await writer("node-1");
      const b = await writer("node-10");
      await a.put(instance("web", "a1"), instance("db", "a2"));
      await b.put(instance("web", "b1"));
      await a.registry.putKey("k", "v", signal);
      const follower = follow(await open());
      await follower.until("all", (s) => idsOf(s, "web").length === 2 && s.services.has("db"));
      await a.registry.release("node-1", signal);
      const last = await follower.until("only the other's", (s) => idsOf(s, "web").join() === "b1" && !s.services.has("db"));
      expect(last.keys.get("k")).toBe("v");
      expect(await a.owned()).toEqual([]);
      await a.beat();
      expect(outcomesOf(await a.put(instance("web", "a1")))).toEqual(["written"]);
      await follower.until("written again", (s) => idsOf(s, "web").length === 2);
    },
  },
  {
    title: "release() of an owner that has nothing is no error",
    async run({ open, signal }) {
      const registry = await open();
      await registry.release("node-1", signal);
    },
  },
  {
    title: "close() takes no entry away",
    async run({ open, writer, read }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"));
      await a.registry.close();
      expect(idsOf(await read(await open()), "web")).toEqual(["1"]);
    },
  },
];
