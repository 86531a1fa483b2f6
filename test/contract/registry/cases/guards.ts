import { expect } from "vitest";
import { type Case, idsOf, instance, instancesOf, outcomesOf } from "../arena.ts";

/** Nothing of another owner or of nobody is ever changed, and nothing that changed since `owned` is overwritten. */
export const guardCases: readonly Case[] = [
  {
    title: "a place that another owner holds is a conflict with its holder, and stays as it is",
    async run({ open, writer, read, world, fixture }) {
      const a = await writer("node-1");
      const b = await writer("node-2");
      await a.put(instance("web", "1", { port: 1 }));
      const revision = "storeRevision" in fixture.leavesOut ? undefined : await world.storeRevision("web", "1");
      const results = await b.put(instance("web", "1", { port: 2 }), instance("web", "2"));
      expect(results).toEqual([
        { service: "web", id: "1", outcome: "conflict", holder: "node-1" },
        { service: "web", id: "2", outcome: "written" },
      ]);
      expect(instancesOf(await read(await open()), "web").map(({ port, owner }) => [port, owner])).toEqual([
        [1, "node-1"],
        [8080, "node-2"],
      ]);
      if (revision !== undefined) {
        expect(await world.storeRevision("web", "1")).toBe(revision);
      }
    },
  },
  {
    title: "an entry that another owner took over is neither removed nor overwritten",
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1", { port: 1 }), instance("web", "2", { port: 1 }));
      const stale = await a.owned();
      await a.remove("1", "2");
      const b = await writer("node-2");
      await b.put(instance("web", "1", { port: 2 }), instance("web", "2", { port: 2 }));
      const put = stale.slice(0, 1).map((replaces) => ({ instance: instance("web", "1", { port: 3 }), replaces }));
      const results = await a.registry.write("node-1", { put, remove: stale.slice(1) }, signal);
      expect(results).toEqual([
        { service: "web", id: "1", outcome: "conflict", holder: "node-2" },
        { service: "web", id: "2", outcome: "conflict", holder: "node-2" },
      ]);
      expect(instancesOf(await read(await open()), "web").map(({ port, owner }) => [port, owner])).toEqual([
        [2, "node-2"],
        [2, "node-2"],
      ]);
    },
  },
  {
    title: "an entry of ours that changed since `owned` is not overwritten and not removed",
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1", { port: 1 }), instance("web", "2", { port: 1 }));
      const stale = await a.owned();
      await a.put(instance("web", "1", { port: 2 }), instance("web", "2", { port: 2 }));
      const put = stale.slice(0, 1).map((replaces) => ({ instance: instance("web", "1", { port: 3 }), replaces }));
      const results = await a.registry.write("node-1", { put, remove: stale.slice(1) }, signal);
      for (const result of results) {
        expect(["conflict", "failed"]).toContain(result.outcome);
      }
      expect(instancesOf(await read(await open()), "web").map(({ port }) => port)).toEqual([2, 2]);
    },
  },
  {
    title: "a put that replaces nothing needs a free place, also where our own entry stands",
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1", { port: 1 }));
      const put = [{ instance: instance("web", "1", { port: 2 }) }];
      const [result] = await a.registry.write("node-1", { put, remove: [] }, signal);
      expect(["conflict", "failed"]).toContain(result?.outcome);
      expect(instancesOf(await read(await open()), "web").map(({ port }) => port)).toEqual([1]);
    },
  },
  {
    title: "removing what is gone already is no failure, and removes nothing else",
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"), instance("web", "2"));
      const owned = await a.owned();
      const first = { put: [], remove: owned.slice(0, 1) };
      expect(outcomesOf(await a.registry.write("node-1", first, signal))).toEqual(["removed"]);
      expect(outcomesOf(await a.registry.write("node-1", first, signal))).toEqual(["removed"]);
      expect(idsOf(await read(await open()), "web")).toEqual(["2"]);
    },
  },
  {
    title: "one conflict hurts only itself",
    async run({ open, writer, read }) {
      const a = await writer("node-1");
      const b = await writer("node-2");
      await a.put(instance("web", "id-150"));
      const many = Array.from({ length: 300 }, (_, i) => instance("web", `id-${i}`));
      const results = await b.put(...many);
      expect(results.filter(({ outcome }) => outcome === "written")).toHaveLength(299);
      expect(results[150]).toEqual({ service: "web", id: "id-150", outcome: "conflict", holder: "node-1" });
      expect(idsOf(await read(await open()), "web")).toHaveLength(300);
    },
  },
  {
    title: "an entry without owner is seen, never owned, never touched: its place is a conflict without holder",
    needs: ["writeForeign"],
    async run({ open, world, writer, read, signal }) {
      await world.writeForeign(instance("web", "1", { address: "10.9.9.9", port: 99 }));
      const a = await writer("node-1");
      expect(await a.owned()).toEqual([]);
      expect(await a.put(instance("web", "1"))).toEqual([{ service: "web", id: "1", outcome: "conflict", holder: "" }]);
      await a.put(instance("web", "2"));
      await a.registry.release("node-1", signal);
      const left = instancesOf(await read(await open()), "web");
      expect(left.map(({ id, address, port, owner }) => [id, address, port, owner])).toEqual([["1", "10.9.9.9", 99, ""]]);
    },
  },
  {
    title: "of two owners that want one place at the same moment exactly one gets it",
    needs: ["atomicClaims"],
    async run({ open, writer, read }) {
      const writers = await Promise.all(["node-1", "node-2", "node-3"].map((owner) => writer(owner)));
      for (let i = 0; i < 10; i += 1) {
        const all = await Promise.all(writers.map((each) => each.put(instance("web", `id-${i}`, { meta: { by: each.owner } }))));
        const outcomes = all.flatMap(outcomesOf);
        expect(outcomes.filter((outcome) => outcome === "written")).toHaveLength(1);
      }
      for (const entry of instancesOf(await read(await open()), "web")) {
        expect(entry.meta.by).toBe(entry.owner);
      }
    },
  },
];
