import { expect } from "vitest";
import { sleep } from "../../../../src/core/time.ts";
import { EVERYTHING } from "../../../../src/model/selector.ts";
import type { Snapshot } from "../../../../src/model/snapshot.ts";
import { follow } from "../../../../src/registry/follow.ts";
import { type Case, idsOf, instance, instancesOf } from "../arena.ts";

const SERVICES = 4;
const INSTANCES = 20;
const CHANGES = 200;

export const followCases: readonly Case[] = [
  {
    title: "every kind of change arrives: an entry comes, changes, goes; a key comes, changes, goes",
    async run({ open, writer, follow, signal }) {
      const a = await writer("node-1");
      const follower = follow(await open());
      await follower.until("the empty start", ({ services }) => services.size === 0);
      await a.put(instance("web", "1"));
      await follower.until("the entry", (s) => idsOf(s, "web").length === 1);
      await a.put(instance("web", "1", { health: "critical" }));
      await follower.until("its health", (s) => instancesOf(s, "web")[0]?.health === "critical");
      await a.put(instance("web", "1", { health: "critical", tags: ["t"], meta: { a: "b" }, weight: 2 }));
      await follower.until("the rest of it", (s) => instancesOf(s, "web")[0]?.weight === 2);
      await a.remove("1");
      await follower.until("its end", (s) => !s.services.has("web"));
      await a.registry.putKey("app/k", "1", signal);
      await follower.until("the key", (s) => s.keys.get("app/k") === "1");
      await a.registry.putKey("app/k", "2", signal);
      await follower.until("its value", (s) => s.keys.get("app/k") === "2");
      await a.registry.removeKey("app/k", signal);
      await follower.until("the key's end", (s) => s.keys.size === 0);
    },
  },
  {
    title: "following is gapless and complete while a writer writes and followers start",
    async run({ open, writer, follow, read, signal, fixture }) {
      const a = await writer("node-1");
      const at = (i: number, port: number): ReturnType<typeof instance> => instance(`svc-${i % SERVICES}`, `id-${i}`, { port });
      await a.put(...Array.from({ length: INSTANCES }, (_, i) => at(i, 1)));
      const followers = [follow(await open())];
      const lastPort = new Map<string, number>();
      for (let change = 2; change <= CHANGES; change += 1) {
        const i = (change * 7) % INSTANCES;
        lastPort.set(`id-${i}`, change);
        await a.put(at(i, change));
        if (change % 40 === 0) {
          followers.push(follow(await open()));
        }
        if (change % 10 === 0) {
          await a.registry.putKey("change", String(change), signal);
        }
      }
      const wanted = await read(await open());
      expect(wanted.keys.get("change")).toBe(String(CHANGES));
      for (const follower of followers) {
        await follower.until("the last change", (s) => portsOf(s).get(`id-${(CHANGES * 7) % INSTANCES}`) === CHANGES);
        await follower.until("the last key", (s) => s.keys.get("change") === String(CHANGES));
        expect(portsOf(follower.latest())).toEqual(portsOf(wanted));
        expectOnlyForward(follower.seen);
      }
      for (const [id, port] of lastPort) {
        expect(portsOf(wanted).get(id)).toBe(port);
      }
      await sleep(Math.min(300, fixture.noticeMs), signal);
      expect(followers.flatMap((follower) => follower.stale)).toEqual([]);
    },
  },
  {
    title: "writing the same content again, and beating, yields nothing",
    async run({ open, writer, follow, signal, fixture }) {
      const a = await writer("node-1");
      const same = instance("web", "1", { tags: ["b", "a"], meta: { y: "1", x: "2" } });
      await a.put(same);
      await a.registry.putKey("k", "v", signal);
      const follower = follow(await open());
      await follower.until("both", (s) => s.keys.size === 1 && s.services.size === 1);
      const before = follower.seen.length;
      for (let i = 0; i < 3; i += 1) {
        await a.put(same);
        await a.registry.putKey("k", "v", signal);
        expect(await a.beat()).toBe("kept");
      }
      await sleep(Math.min(1000, fixture.noticeMs), signal);
      expect(follower.seen.length).toBe(before);
      await a.put(instance("web", "2")); // it was not deaf
      await follower.until("a real change", (s) => idsOf(s, "web").length === 2);
      expect(follower.seen.length).toBe(before + 1);
    },
  },
  {
    title: "a change outside the selector yields nothing",
    async run({ open, writer, follow, signal, fixture }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"));
      const follower = follow(await open(), { services: ["web"], keys: ["app/"] });
      await follower.until("web", (s) => s.services.has("web"));
      await a.put(instance("web2", "1"), instance("db", "1"));
      await a.registry.putKey("apple", "v", signal);
      await sleep(Math.min(1000, fixture.noticeMs), signal);
      expect(follower.seen.length).toBe(1);
      await a.registry.putKey("app/le", "v", signal);
      const last = await follower.until("its key", (s) => s.keys.has("app/le"));
      expect([[...last.services.keys()], [...last.keys.keys()]]).toEqual([["web"], ["app/le"]]);
    },
  },
  {
    title: "a slow reader gets the newest state next, and no backlog",
    async run({ open, writer, signal, fixture }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1", { port: 1 }));
      const values = follow(await open(), EVERYTHING, {
        signal,
        backoff: { minMs: 50, maxMs: 500 },
        minIntervalMs: 0,
        resyncMs: Number.POSITIVE_INFINITY,
        onStale: () => undefined,
      });
      expect((await values.next()).done).toBe(false);
      for (let port = 2; port <= 51; port += 1) {
        await a.put(instance("web", "1", { port }));
      }
      await sleep(Math.min(1000, fixture.noticeMs), signal);
      const next = await values.next();
      expect(next.value && instancesOf(next.value, "web")[0]?.port).toBe(51);
      let more = false;
      const waiting = values.next().then((result) => {
        more = result.done !== true;
      });
      await sleep(Math.min(500, fixture.noticeMs), signal);
      expect(more).toBe(false);
      await a.put(instance("web", "1", { port: 52 }));
      await waiting;
      expect(more).toBe(true);
      await values.return();
    },
  },
  {
    title: "an entry that goes and comes again at once is the new one in the end",
    async run({ open, writer, follow }) {
      const a = await writer("node-1");
      const follower = follow(await open());
      for (let port = 1; port <= 25; port += 1) {
        await a.put(instance("web", "1", { port }));
        await a.remove("1");
      }
      await a.put(instance("web", "1", { port: 99 }));
      await follower.until("the last one", (s) => instancesOf(s, "web")[0]?.port === 99);
    },
  },
];

function portsOf(snapshot: Snapshot): ReadonlyMap<string, number> {
  return new Map([...snapshot.services.values()].flatMap((service) => service.instances.map((entry) => [entry.id, entry.port])));
}

/** Every value holds all instances, and no instance ever goes back to an older state. */
function expectOnlyForward(seen: readonly Snapshot[]): void {
  let before = new Map<string, number>();
  for (const snapshot of seen) {
    const ports = portsOf(snapshot);
    expect(ports.size).toBe(INSTANCES);
    for (const [id, port] of ports) {
      expect(port).toBeGreaterThanOrEqual(before.get(id) ?? 0);
    }
    before = new Map(ports);
  }
}
