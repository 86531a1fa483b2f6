import { expect } from "vitest";
import type { Selector } from "../../../../src/model/selector.ts";
import type { Snapshot } from "../../../../src/model/snapshot.ts";
import { waitFor } from "../../../helpers/wait.ts";
import { type Arena, type Case, type Follower, idsOf, instance, LONG_TTL_MS, outcomesOf, type Writer } from "../arena.ts";
import type { RegistryFixture } from "../fixture.ts";

const LAYOUT = { layout: "registrator" } as const;
const WEB: Selector = { services: ["web"], keys: [] };

const lifetimeMs = (fixture: RegistryFixture): number => fixture.minTtlMs + fixture.slackMs;

/** The rule that must never break, in everything that was seen since all of it stood: who lost his lease is not listed. */
function expectVanished(seen: readonly Snapshot[], owner: string, ids: readonly string[]): void {
  const complete = seen.findIndex((snapshot) => ids.every((id) => idsOf(snapshot, "web").includes(id)));
  const lacking = seen.slice(complete).filter((snapshot) => ids.some((id) => !idsOf(snapshot, "web").includes(id)));
  expect(lacking.length).toBeGreaterThan(0);
  expect(lacking.filter(({ owners }) => owners.has(owner))).toEqual([]);
}

/** Two owners with entries, seen by a follower from the beginning. */
async function twoOwners({ open, writer, follow }: Arena, selector?: Selector): Promise<[Writer, Writer, Follower]> {
  const a = await writer("node-1");
  const b = await writer("node-2");
  await a.put(instance("web", "1"), instance("web", "2"), instance("db", "1"));
  await b.put(instance("web", "b"));
  const follower = follow(await open(), selector);
  await follower.until("all", (s) => idsOf(s, "web").join() === "1,2,b");
  return [a, b, follower];
}

export const ownerCases: readonly Case[] = [
  {
    title: "what a living owner removes is missing while the owner is listed",
    async run(arena) {
      const [a, , follower] = await twoOwners(arena);
      expect(follower.latest().owners).toEqual(new Set(["node-1", "node-2"]));
      await a.remove("1");
      await follower.until("its end", (s) => idsOf(s, "web").join() === "2,b" && !s.services.has("db"));
      await a.remove("2");
      await follower.until("the last one's end", (s) => idsOf(s, "web").join() === "b");
      for (const snapshot of follower.seen) {
        expect(snapshot.owners).toEqual(new Set(["node-1", "node-2"]));
      }
    },
  },
  {
    title: "what goes with its owner's lease is missing in no snapshot that lists the owner",
    needs: ["expireLease"],
    async run(arena) {
      const { fixture, world } = arena;
      const [, , follower] = await twoOwners(arena);
      await world.expireLease("node-1");
      const last = await follower.until(
        "only the other's",
        (s) => idsOf(s, "web").join() === "b",
        fixture.slackMs + fixture.noticeMs,
      );
      expectVanished(follower.seen, "node-1", ["1", "2"]);
      expect(last.owners).toEqual(new Set(["node-2"]));
    },
  },
  {
    title: "a silent owner is listed as long as its entries stand, and not without them",
    extraMs: (fixture) => 2 * lifetimeMs(fixture),
    async run({ open, fixture, signal, follow, writer }) {
      const silent = await open();
      await silent.keepAlive("node-1", fixture.minTtlMs, signal);
      await silent.write("node-1", { put: [{ instance: instance("web", "1") }], remove: [] }, signal);
      await (await writer("node-2")).put(instance("web", "b"));
      const follower = follow(await open(), WEB);
      const first = await follower.until("both", (s) => idsOf(s, "web").join() === "1,b");
      expect(first.owners).toEqual(new Set(["node-1", "node-2"]));
      await silent.close();
      await follower.until(
        "only the living one's",
        (s) => idsOf(s, "web").join() === "b",
        lifetimeMs(fixture) + fixture.noticeMs,
      );
      expectVanished(follower.seen, "node-1", ["1"]);
    },
  },
  {
    title: "an owner that lost its lease is listed again when it has written under a new one",
    needs: ["expireLease"],
    async run(arena) {
      const { fixture, open, read, world } = arena;
      const [a] = await twoOwners(arena);
      const reader = await open();
      expect((await read(reader)).owners).toContain("node-1");
      await world.expireLease("node-1");
      await waitFor(async () => idsOf(await read(reader), "web").join() === "b", {
        timeoutMs: fixture.slackMs + fixture.noticeMs,
        what: "its entries to go",
      });
      expect(await a.beat()).toBe("lost");
      expect((await read(reader)).owners).toEqual(new Set(["node-2"]));
      await a.put(instance("web", "1"), instance("web", "2"), instance("db", "1"));
      await waitFor(async () => (await read(reader)).owners.has("node-1"), { timeoutMs: fixture.noticeMs, what: "the owner" });
      expect(idsOf(await read(reader), "web")).toEqual(["1", "2", "b"]);
    },
  },
  {
    title: "after release() the owner is listed in the snapshot that lacks its entries, and its next process adopts the lease",
    async run(arena) {
      const { open, signal } = arena;
      const [a, , follower] = await twoOwners(arena);
      await a.registry.release("node-1", signal);
      await follower.until("only the other's", (s) => idsOf(s, "web").join() === "b" && !s.services.has("db"));
      for (const snapshot of follower.seen) {
        expect(snapshot.owners).toEqual(new Set(["node-1", "node-2"]));
      }
      const next = await open();
      await next.keepAlive("node-1", LONG_TTL_MS, signal);
      expect(await next.keepAlive("node-1", LONG_TTL_MS, signal)).toBe("kept");
      expect(await next.owned("node-1", signal)).toEqual([]);
    },
  },
  {
    title: "a wiped store has no owners",
    needs: ["wipe"],
    breaks: true,
    extraMs: (fixture) => fixture.recoverMs,
    async run(arena) {
      const { fixture, world } = arena;
      const [a, , follower] = await twoOwners(arena);
      for (let port = 1; port <= 30; port += 1) {
        await a.put(instance("web", "1", { port })); // so that the old store's revisions are ahead of the new one's
      }
      await world.wipe();
      const last = await follower.until("the empty store", (s) => s.services.size === 0, fixture.recoverMs);
      expect(last.owners).toEqual(new Set());
      if (fixture.leavesOut.atomicWipe === undefined) {
        expectVanished(follower.seen, "node-1", ["1", "2"]);
      }
    },
  },
  {
    title: "an owner without entries is listed from its second beat on",
    needs: ["ownersWithoutEntries"],
    async run({ open, read, writer }) {
      const a = await writer("node-1");
      await a.beat();
      expect((await read(await open())).owners).toEqual(new Set(["node-1"]));
      expect((await read(await open(), WEB)).owners).toEqual(new Set(["node-1"]));
    },
  },
  {
    title: "a selector of one service sees the owners too",
    async run(arena) {
      const [a, , follower] = await twoOwners(arena, WEB);
      expect(follower.latest().owners).toEqual(new Set(["node-1", "node-2"]));
      await a.remove("1", "2");
      const last = await follower.until("their end", (s) => idsOf(s, "web").join() === "b");
      expect(last.owners).toEqual(new Set(["node-1", "node-2"]));
    },
  },
  {
    title: "owners that come make no newer snapshot, and the next one has them",
    needs: ["ownersWithoutEntries"],
    async run(arena) {
      const { open, read, writer } = arena;
      const [a, , follower] = await twoOwners(arena);
      const reader = await open();
      const before = await read(reader);
      const late = await writer("node-3");
      await late.beat();
      const after = await read(reader);
      expect(after.revision).toBe(before.revision);
      expect(after.owners).toEqual(new Set(["node-1", "node-2", "node-3"]));
      await a.put(instance("web", "1", { port: 9 }));
      const last = await follower.until("a change", (s) => s.services.get("web")?.instances[0]?.port === 9);
      expect(last.owners).toEqual(new Set(["node-1", "node-2", "node-3"]));
      expect(follower.seen).toHaveLength(2);
    },
  },
  {
    title: "in the layout registrator, a living owner's removal and a silent owner's end are told apart",
    needs: ["registrator"],
    extraMs: (fixture) => 2 * lifetimeMs(fixture),
    async run({ fixture, open, writer, follow, signal }) {
      const alive = await writer("node-1", LAYOUT);
      const silent = await open(LAYOUT);
      await silent.keepAlive("node-2", fixture.minTtlMs, signal);
      await silent.write("node-2", { put: [{ instance: instance("web", "b") }], remove: [] }, signal);
      await alive.put(instance("web", "1"), instance("web", "2"));
      const follower = follow(await open(LAYOUT), WEB);
      await follower.until("all", (s) => idsOf(s, "web").join() === "1,2,b");
      await silent.close();
      await alive.remove("1");
      const shorter = await follower.until("its end", (s) => !idsOf(s, "web").includes("1"));
      expect(shorter.owners).toContain("node-1");
      const last = await follower.until(
        "only the living one's",
        (s) => idsOf(s, "web").join() === "2",
        lifetimeMs(fixture) + fixture.noticeMs,
      );
      expectVanished(follower.seen, "node-2", ["b"]);
      expect(last.owners).toContain("node-1");
      expect(follower.seen.flatMap(({ invalid }) => invalid)).toEqual([]);
    },
  },
  {
    title: "a put before the first beat fails and can be tried again: nothing stands that would never go",
    async run({ open, read, signal }) {
      const registry = await open();
      const change = { put: [{ instance: instance("web", "1") }], remove: [] };
      const outcome = await registry.write("node-1", change, signal).catch((error: unknown) => error);
      const failure = { code: "REGISTRY_UNAVAILABLE", retryable: true };
      expect(Array.isArray(outcome) ? outcome : [{ outcome: "failed", error: outcome }]).toMatchObject([
        { outcome: "failed", error: failure },
      ]);
      expect((await read(await open())).services.size).toBe(0);
      await registry.keepAlive("node-1", LONG_TTL_MS, signal);
      expect(outcomesOf(await registry.write("node-1", change, signal))).toEqual(["written"]);
    },
  },
];
