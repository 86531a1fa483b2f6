import { expect } from "vitest";
import type { Snapshot } from "../../../../src/model/snapshot.ts";
import { type Case, idsOf, instance, instancesOf } from "../arena.ts";
import type { World } from "../fixture.ts";

const text = (value: string): Uint8Array => Buffer.from(value, "utf8");

/** Values that are no entry, each under its own id. */
const BAD: readonly (readonly [string, Uint8Array])[] = [
  ["empty", text("")],
  ["cut", text('{"v":1,"address":"10.0.0.1","po')],
  ["list", text("[]")],
  ["null", text("null")],
  ["no-address", text('{"v":1,"port":80}')],
  ["bad-port", text('{"address":"10.0.0.1","port":70000}')],
  ["text-port", text('{"address":"10.0.0.1","port":"80"}')],
  ["directive", text('{"address":"10.0.0.1; evil","port":80}')],
  ["future", text('{"v":2,"address":"10.0.0.1","port":80}')],
  ["not-utf8", Uint8Array.from([0x7b, 0xff, 0xfe, 0x7d])],
];

async function writeBad(world: World): Promise<void> {
  for (const [id, bytes] of BAD) {
    await world.writeRaw({ kind: "entry", service: "web", id }, bytes);
  }
}

const namesAll = (snapshot: Snapshot): boolean =>
  snapshot.invalid.length === BAD.length && BAD.every(([id]) => snapshot.invalid.some(({ key }) => key.includes(id)));

export const invalidCases: readonly Case[] = [
  {
    title: "invalid entries are left out and named, the others live on",
    needs: ["writeRaw"],
    async run({ open, world, writer, read }) {
      const a = await writer("node-1");
      await a.put(instance("web", "good"), instance("db", "1"));
      await writeBad(world);
      const snapshot = await read(await open());
      expect(idsOf(snapshot, "web")).toEqual(["good"]);
      expect(idsOf(snapshot, "db")).toEqual(["1"]);
      expect(namesAll(snapshot)).toBe(true);
      for (const { reason } of snapshot.invalid) {
        expect(reason).not.toContain("evil");
      }
      expect((await a.owned()).map(({ entry }) => entry.id)).toEqual(["1", "good"]);
    },
  },
  {
    title: "a follower sees entries become invalid, and valid again",
    needs: ["writeRaw"],
    async run({ open, world, writer, follow }) {
      const a = await writer("node-1");
      await a.put(instance("web", "good"));
      const valid = text('{"address":"10.0.0.7","port":7}');
      for (const [id] of BAD) {
        await world.writeRaw({ kind: "entry", service: "web", id }, valid);
      }
      const follower = follow(await open());
      await follower.until("all valid", (s) => idsOf(s, "web").length === BAD.length + 1);
      await writeBad(world);
      await follower.until("only the good one", (s) => idsOf(s, "web").join() === "good" && namesAll(s));
      await world.writeRaw({ kind: "entry", service: "web", id: "cut" }, valid);
      const last = await follower.until("one mended", (s) => idsOf(s, "web").length === 2);
      expect(instancesOf(last, "web")[0]).toMatchObject({ id: "cut", address: "10.0.0.7", port: 7, owner: "" });
      expect(last.invalid).toHaveLength(BAD.length - 1);
    },
  },
  {
    title: "an entry as a person would write it has sensible defaults; who it is says its place",
    needs: ["writeRaw"],
    async run({ open, world, read }) {
      const value = '{\n  "id": "liar", "service": "other",\n  "address": "::1", "port": 8080\n}\n';
      await world.writeRaw({ kind: "entry", service: "a/b", id: "my id" }, text(value));
      const snapshot = await read(await open());
      expect(instancesOf(snapshot, "a/b")).toEqual(
        [instance("a/b", "my id", { address: "::1", port: 8080, health: "unknown" })].map((item) => ({ ...item, owner: "" })),
      );
    },
  },
  {
    title: "a key that is not UTF-8 is left out and named, the others live on",
    needs: ["writeRaw"],
    async run({ open, world, read, signal, follow }) {
      const registry = await open();
      await registry.putKey("app/good", "v", signal);
      await world.writeRaw({ kind: "key", key: "app/bad" }, Uint8Array.from([0x61, 0xff, 0x62]));
      const snapshot = await read(await open());
      expect([...snapshot.keys]).toEqual([["app/good", "v"]]);
      expect(snapshot.invalid.map(({ key }) => key.includes("app/bad"))).toEqual([true]);
      const follower = follow(await open());
      await follower.until("the good one", (s) => s.keys.size === 1 && s.invalid.length === 1);
      await registry.putKey("app/bad", "mended", signal);
      await follower.until("the mended one", (s) => s.keys.get("app/bad") === "mended" && s.invalid.length === 0);
    },
  },
];
