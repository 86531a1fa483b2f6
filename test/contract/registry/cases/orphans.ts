import { expect } from "vitest";
import type { Owned } from "../../../../src/ports.ts";
import { type Arena, type Case, instance, instancesOf, outcomesOf, type Writer } from "../arena.ts";

const LAYOUT = { layout: "registrator" } as const;
const HOSTS = ["web-1", "node-1"];

/** What Registrator left behind on a host: taken over or removed by whom it is handed to, and nobody else's entries with it. */
export const orphanCases: readonly Case[] = [
  {
    title: "entries that no owner accounts for are orphans when their ids are those of one of the hosts",
    needs: ["orphans", "writeForeign"],
    async run({ world, writer, signal }) {
      const ids = [
        ["web", "web-1:web:80"],
        ["dns", "web-1:dns_a.b-c:53:udp"],
        ["api", "node-1:api:8080"],
        ["api", "web-10:api:8080"],
        ["api", "web-2:api:8080"],
        ["api", "my-web-1:api:8080"],
        ["api", "WEB-1:api:8080"],
        ["api", "web-1"],
        ["api", "web-1:api"],
        ["api", "web-1:api:http"],
        ["api", "web-1:api:80:tcp"],
        ["api", "web-1:a b:80"],
        ["api", "web-1::80"],
        ["api", "web-1:api:80:udp:x"],
      ] as const;
      for (const [service, id] of ids) {
        await world.writeForeign(instance(service, id), "registrator");
      }
      const a = await writer("node-1", LAYOUT);
      await a.put(instance("web", "web-1:mine:80"), instance("web", "node-1:mine:80"));
      const b = await writer("node-2", LAYOUT);
      await b.put(instance("web", "web-1:theirs:80"));
      expect(placesOf(await a.registry.orphans(HOSTS, signal))).toEqual([
        "api/node-1:api:8080",
        "dns/web-1:dns_a.b-c:53:udp",
        "web/web-1:web:80",
      ]);
      expect(await a.registry.orphans(["", "web"], signal)).toEqual([]);
      expect(await a.registry.orphans([], signal)).toEqual([]);
      expect((await a.owned()).map(({ entry }) => entry.id)).toEqual(["node-1:mine:80", "web-1:mine:80"]);
    },
  },
  {
    title: "an orphan is taken over as one of ours, also when it is equal, and another one is removed",
    needs: ["orphans", "writeForeign"],
    async run({ world, writer, open, read, signal }) {
      for (const id of ["web-1:moved:80", "web-1:same:80", "web-1:gone:80"]) {
        await world.writeForeign(instance("web", id), "registrator");
      }
      await world.writeForeign(instance("web", "web-2:other:80"), "registrator");
      const a = await writer("node-1", LAYOUT);
      const [gone, moved, same] = await orphansOf(a, signal);
      const put = [
        { instance: instance("web", "web-1:moved:80", { port: 9 }), replaces: moved },
        { instance: instance("web", "web-1:same:80"), replaces: same },
      ];
      expect(outcomesOf(await a.registry.write("node-1", { put, remove: [gone] }, signal))).toEqual([
        "written",
        "written",
        "removed",
      ]);
      expect((await a.owned()).map(({ entry, unleased }) => [entry.id, entry.port, unleased])).toEqual([
        ["web-1:moved:80", 9, false],
        ["web-1:same:80", 8080, false],
      ]);
      expect(await a.registry.orphans(HOSTS, signal)).toEqual([]);
      const found = instancesOf(await read(await open(LAYOUT)), "web");
      expect(found.map(({ id, port, owner }) => [id, port, owner])).toEqual([
        ["web-1:moved:80", 9, "node-1"],
        ["web-1:same:80", 8080, "node-1"],
        ["web-2:other:80", 8080, ""],
      ]);
      await a.registry.release("node-1", signal);
      expect(instancesOf(await read(await open(LAYOUT)), "web").map(({ id }) => id)).toEqual(["web-2:other:80"]);
    },
  },
  {
    title: "an orphan that changed since it was listed is left as it is",
    needs: ["orphans", "writeForeign"],
    async run({ world, writer, open, read, signal }) {
      const ids = ["web-1:aa:80", "web-1:bb:80", "web-1:cc:80"];
      for (const id of ids) {
        await world.writeForeign(instance("web", id), "registrator");
      }
      const a = await writer("node-1", LAYOUT);
      const [first, second, third] = await orphansOf(a, signal);
      const b = await writer("node-2", LAYOUT);
      await b.registry.write(
        "node-2",
        { put: [{ instance: instance("web", "web-1:cc:80"), replaces: third }], remove: [] },
        signal,
      );
      for (const id of ids.slice(0, 2)) {
        await world.writeForeign(instance("web", id, { port: 7 }), "registrator");
      }
      const put = [first, third].map((replaces) => ({ instance: { ...replaces.entry, port: 9 }, replaces }));
      const results = await a.registry.write("node-1", { put, remove: [second] }, signal);
      for (const result of results) {
        expect(["conflict", "failed"]).toContain(result.outcome);
      }
      expect(results[1]).toMatchObject({ outcome: "conflict", holder: "node-2" });
      const found = instancesOf(await read(await open(LAYOUT)), "web");
      expect(found.map(({ id, port, owner }) => [id, port, owner])).toEqual([
        ["web-1:aa:80", 7, ""],
        ["web-1:bb:80", 7, ""],
        ["web-1:cc:80", 8080, "node-2"],
      ]);
    },
  },
  {
    title: "in the layout that Registrator cannot write there are no orphans",
    needs: ["orphans", "registrator", "writeForeign"],
    async run({ world, writer, signal }) {
      await world.writeForeign(instance("web", "web-1:web:80"));
      expect(await (await writer("node-1")).registry.orphans(HOSTS, signal)).toEqual([]);
    },
  },
];

/** The three that a case has prepared. */
async function orphansOf({ registry }: Writer, signal: Arena["signal"]): Promise<[Owned, Owned, Owned]> {
  const [first, second, third] = await registry.orphans(HOSTS, signal);
  if (first === undefined || second === undefined || third === undefined) {
    throw new Error("there are fewer orphans than were prepared");
  }
  return [first, second, third];
}

function placesOf(owned: readonly Owned[]): readonly string[] {
  return owned.map(({ entry }) => `${entry.service}/${entry.id}`);
}
