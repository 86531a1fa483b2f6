import { expect } from "vitest";
import { sleep } from "../../../../src/core/time.ts";
import { FairleadError } from "../../../../src/model/errors.ts";
import { EVERYTHING } from "../../../../src/model/selector.ts";
import { waitFor } from "../../../helpers/wait.ts";
import { type Case, idsOf, instance, instancesOf, LONG_TTL_MS, outcomesOf } from "../arena.ts";
import type { RegistryFixture } from "../fixture.ts";

const outageMs = (fixture: RegistryFixture): number => 3 * fixture.outageNoticeMs + 3 * fixture.recoverMs;

export const faultCases: readonly Case[] = [
  {
    title: "in an outage every call fails as retryable, in time, and none pretends",
    needs: ["outage"],
    breaks: true,
    extraMs: outageMs,
    async run({ open, world, writer, fixture, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"));
      const owned = await a.owned();
      const fresh = await open();
      await world.outage();
      const change = { put: [{ instance: instance("web", "2") }], remove: owned };
      async function write(): Promise<void> {
        for (const result of await a.registry.write("node-1", change, signal)) {
          if (result.outcome !== "failed") {
            throw new Error(`a write in an outage says ${result.outcome}`);
          }
          throw result.error;
        }
      }
      const calls: readonly (() => Promise<unknown>)[] = [
        () => fresh.read(EVERYTHING, { signal }),
        () => a.registry.read(EVERYTHING, { signal }),
        () => a.owned(),
        write,
        () => a.beat(),
        () => a.registry.putKey("k", "v", signal),
        () => a.registry.removeKey("k", signal),
      ];
      const startedAt = performance.now();
      const errors = await Promise.all(calls.map((call) => call().catch((error: unknown) => error)));
      expect(performance.now() - startedAt).toBeLessThan(fixture.outageNoticeMs);
      for (const error of errors) {
        expect(error).toBeInstanceOf(FairleadError);
        expect(error).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
      }
      await world.recover();
    },
  },
  {
    title: "an outage ends a waiting read with a rejection: it never waits on a dead connection",
    needs: ["outage"],
    breaks: true,
    extraMs: outageMs,
    async run({ open, world, writer, read, fixture, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"));
      const reader = await open();
      const first = await read(reader);
      const waiting = reader.read(EVERYTHING, { signal, after: first.revision }).catch((error: unknown) => error);
      await sleep(200, signal);
      const startedAt = performance.now();
      await world.outage();
      expect(await waiting).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
      expect(performance.now() - startedAt).toBeLessThan(fixture.outageNoticeMs);
      await world.recover();
    },
  },
  {
    title: "in an outage the last good snapshot stays in force and onStale tells; after it the follower goes on by itself",
    needs: ["outage"],
    breaks: true,
    extraMs: (fixture) => 3 * outageMs(fixture),
    async run({ open, world, writer, follow, fixture, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"), instance("web", "2"));
      await a.registry.putKey("k", "v", signal);
      const follower = follow(await open());
      await follower.until("all", (s) => idsOf(s, "web").length === 2 && s.keys.size === 1);
      for (let round = 1; round <= 2; round += 1) {
        const before = follower.seen.length;
        const staleBefore = follower.stale.length;
        await world.outage();
        await waitFor(() => follower.stale.length > staleBefore, { timeoutMs: fixture.outageNoticeMs, what: "onStale" });
        expect(follower.stale[staleBefore]?.error.code).toBe("REGISTRY_UNAVAILABLE");
        expect(follower.seen).toHaveLength(before);
        await world.recover();
        await waitFor(() => follower.stale.at(-1) === undefined, { timeoutMs: fixture.recoverMs, what: "fresh data" });
        expect(follower.seen).toHaveLength(before);
        await waitFor(async () => (await a.beat()) === "kept", { timeoutMs: fixture.recoverMs, what: "the writer's lease" });
        await a.put(instance("web", "1", { port: round }));
        await follower.until("a change after the outage", (s) => instancesOf(s, "web")[0]?.port === round);
      }
      for (const snapshot of follower.seen) {
        expect(idsOf(snapshot, "web")).toEqual(["1", "2"]);
        expect(snapshot.keys.get("k")).toBe("v");
      }
    },
  },
  {
    title: "a client that starts in an outage works once it is over",
    needs: ["outage"],
    breaks: true,
    extraMs: outageMs,
    async run({ open, world, writer, follow, fixture, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"));
      await world.outage();
      const registry = await open();
      const follower = follow(registry);
      await waitFor(() => follower.stale.length > 0, { timeoutMs: fixture.outageNoticeMs, what: "onStale" });
      expect(follower.seen).toEqual([]);
      await world.recover();
      await follower.until("the entry", (s) => idsOf(s, "web").join() === "1", fixture.recoverMs);
      await waitFor(() => registry.keepAlive("node-2", LONG_TTL_MS, signal), { timeoutMs: fixture.recoverMs, what: "a lease" });
      const results = await registry.write("node-2", { put: [{ instance: instance("web", "2") }], remove: [] }, signal);
      expect(outcomesOf(results)).toEqual(["written"]);
    },
  },
  {
    title: "a restarted server costs nothing: no empty snapshot, no lost entry, and changes are seen again",
    needs: ["restart"],
    breaks: true,
    extraMs: outageMs,
    async run({ open, world, writer, follow, fixture, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"), instance("web", "2"));
      await a.registry.putKey("k", "v", signal);
      const follower = follow(await open());
      await follower.until("all", (s) => idsOf(s, "web").length === 2 && s.keys.size === 1);
      await world.restart();
      await waitFor(async () => (await a.beat()) === "kept", { timeoutMs: fixture.recoverMs, what: "the writer's lease" });
      expect((await a.owned()).map(({ unleased }) => unleased)).toEqual([false, false]);
      await a.put(instance("web", "1", { port: 9 }));
      await a.registry.putKey("k", "w", signal);
      const changed = (s: Parameters<typeof idsOf>[0]): boolean =>
        instancesOf(s, "web")[0]?.port === 9 && s.keys.get("k") === "w";
      await follower.until("the change after the restart", changed, fixture.recoverMs);
      for (const snapshot of follower.seen) {
        expect(idsOf(snapshot, "web")).toEqual(["1", "2"]);
        expect(snapshot.keys.has("k")).toBe(true);
      }
    },
  },
  {
    title: "a wiped store is noticed on both sides: the follower sees it empty, the writer learns that its lease is lost",
    needs: ["wipe"],
    breaks: true,
    extraMs: outageMs,
    async run({ open, world, writer, follow, fixture, signal }) {
      const a = await writer("node-1");
      for (let port = 1; port <= 30; port += 1) {
        await a.put(instance("web", "1", { port })); // so that the old store's revisions are ahead of the new one's
      }
      await a.registry.putKey("k", "v", signal);
      const follower = follow(await open());
      await follower.until("all", (s) => idsOf(s, "web").length === 1 && s.keys.size === 1);
      await world.wipe();
      await follower.until("the empty store", (s) => s.services.size === 0 && s.keys.size === 0, fixture.recoverMs);
      await waitFor(() => a.beat(), { timeoutMs: fixture.recoverMs, what: "a beat on the new store" });
      expect((await a.owned()).filter(({ unleased }) => !unleased)).toEqual([]);
      expect(outcomesOf(await a.put(instance("web", "1", { port: 30 })))).toEqual(["written"]);
      await follower.until("what was written again", (s) => instancesOf(s, "web")[0]?.port === 30, fixture.recoverMs);
      expect(await a.beat()).toBe("kept");
      await a.put(instance("web", "1", { port: 31 }));
      await follower.until("the next change", (s) => instancesOf(s, "web")[0]?.port === 31);
    },
  },
  {
    title: "a store that was wiped and filled again meanwhile is seen as it is now",
    needs: ["wipe"],
    breaks: true,
    extraMs: outageMs,
    async run({ open, world, writer, follow, fixture }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"), instance("old", "1"));
      const follower = follow(await open());
      await follower.until("both", (s) => s.services.size === 2);
      await world.wipe();
      const b = await writer("node-2");
      await b.put(instance("new", "1"));
      await follower.until("only the new", (s) => [...s.services.keys()].join() === "new", fixture.recoverMs);
    },
  },
];
