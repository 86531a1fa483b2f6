import { expect } from "vitest";
import { type Case, idsOf, instance, instancesOf, outcomesOf } from "../arena.ts";

const LAYOUT = { layout: "registrator" } as const;

/** What Registrator writes and confd templates in the wild read: the key says who, the value says `ip:port`, nothing else has room. */
export const layoutCases: readonly Case[] = [
  {
    title: "address, port and protocol come back, nothing else does; asStored() says so, and owned() is what it says",
    needs: ["registrator"],
    async run({ open, writer, read }) {
      const a = await writer("node-1", LAYOUT);
      const wanted = [
        instance("dns", "node-1:dns:53:udp", { port: 53, protocol: "udp", tags: ["udp", "x"], meta: { k: "v" }, weight: 2 }),
        instance("web", "node-1:web:80", { address: "2001:db8::1", tags: ["http"], meta: { host: "a.example" } }),
      ];
      expect(outcomesOf(await a.put(...wanted))).toEqual(["written", "written"]);
      const stored = wanted.map((item) => a.registry.asStored(item));
      expect(stored).toMatchObject([
        { id: "node-1:dns:53:udp", address: "10.0.0.1", port: 53, protocol: "udp", tags: ["udp"], meta: {}, health: "unknown" },
        { id: "node-1:web:80", address: "2001:db8::1", port: 8080, protocol: "tcp", tags: [], meta: {}, health: "unknown" },
      ]);
      expect((await a.owned()).map(({ entry }) => entry)).toEqual(stored.map((item) => ({ ...item, owner: "node-1" })));
      const snapshot = await read(await open(LAYOUT));
      expect(instancesOf(snapshot, "dns")).toMatchObject([{ ...stored[0] }]);
      expect(instancesOf(snapshot, "web")).toMatchObject([{ ...stored[1] }]);
      expect(instancesOf(snapshot, "dns")[0]?.weight).toBeUndefined();
    },
  },
  {
    title: "a critical instance is not stored at all: its absence is what others have to see",
    needs: ["registrator"],
    async run({ open, writer, read }) {
      const a = await writer("node-1", LAYOUT);
      expect(a.registry.asStored(instance("web", "2", { health: "critical" }))).toBeUndefined();
      await a.put(instance("web", "1"), instance("web", "2", { health: "critical" }));
      expect(idsOf(await read(await open(LAYOUT)), "web")).toEqual(["1"]);
      expect((await a.owned()).map(({ entry }) => entry.id)).toEqual(["1"]);
      for (const health of ["passing", "warning", "unknown"] as const) {
        expect(a.registry.asStored(instance("web", "2", { health }))).toMatchObject({ id: "2", health: "unknown" });
      }
    },
  },
  {
    title: "what Registrator wrote is read, and never touched",
    needs: ["registrator", "writeForeign"],
    async run({ open, world, writer, read, signal }) {
      await world.writeForeign(instance("web", "host:web:80", { address: "10.9.9.9", port: 99 }), "registrator");
      const a = await writer("node-1", LAYOUT);
      await a.put(instance("web", "1"));
      expect(await a.put(instance("web", "host:web:80"))).toEqual([
        { service: "web", id: "host:web:80", outcome: "conflict", holder: "" },
      ]);
      expect((await a.owned()).map(({ entry }) => entry.id)).toEqual(["1"]);
      await a.registry.release("node-1", signal);
      expect(instancesOf(await read(await open(LAYOUT)), "web")).toMatchObject([
        { id: "host:web:80", address: "10.9.9.9", port: 99, owner: "" },
      ]);
    },
  },
  {
    title: "values that are not ip:port are left out and named",
    needs: ["registrator", "writeRaw"],
    async run({ open, world, writer, read }) {
      const a = await writer("node-1", LAYOUT);
      await a.put(instance("web", "good"));
      for (const [id, value] of [
        ["words", "hello"],
        ["no-port", "10.0.0.1"],
        ["bare-v6", "2001:db8::1:80"],
        ["big", "10.0.0.1:65536"],
      ] as const) {
        await world.writeRaw({ kind: "entry", service: "web", id, layout: "registrator" }, Buffer.from(value));
      }
      const snapshot = await read(await open(LAYOUT));
      expect(idsOf(snapshot, "web")).toEqual(["good"]);
      expect(snapshot.invalid).toHaveLength(4);
    },
  },
  {
    title: "two owners, guards and adoption work as in the other layout",
    needs: ["registrator"],
    async run({ open, writer, read, follow }) {
      const a = await writer("node-1", LAYOUT);
      const b = await writer("node-2", LAYOUT);
      await a.put(instance("web", "1", { port: 1 }));
      expect(await b.put(instance("web", "1", { port: 2 }), instance("web", "2"))).toEqual([
        { service: "web", id: "1", outcome: "conflict", holder: "node-1" },
        { service: "web", id: "2", outcome: "written" },
      ]);
      const follower = follow(await open(LAYOUT));
      await follower.until("both", (s) => idsOf(s, "web").length === 2);
      await a.registry.close();
      const again = await writer("node-1", LAYOUT);
      expect((await again.owned()).map(({ entry, unleased }) => [entry.id, unleased])).toEqual([["1", false]]);
      expect(follower.seen).toHaveLength(1);
      await b.remove("2");
      await follower.until("one", (s) => idsOf(s, "web").join() === "1");
      expect(instancesOf(await read(await open(LAYOUT)), "web")[0]?.port).toBe(1);
    },
  },
  {
    title: "names keep their place, and ownership never shows among services and keys",
    needs: ["registrator"],
    async run({ open, writer, read }) {
      const a = await writer("node-1", LAYOUT);
      const names = ["../x", "a/b", "..", "%2f", "ünï", "owners", "services", "fairlead"];
      await a.put(...names.map((name, i) => instance(name, name, { port: i + 1 })));
      const snapshot = await read(await open(LAYOUT), { services: "all", keys: [] });
      expect([...snapshot.services].map(([name, { instances }]) => [name, instances.map(({ id }) => id)])).toEqual(
        [...names].sort().map((name) => [name, [name]]),
      );
      expect(snapshot.invalid).toEqual([]);
    },
  },
];
