import { expect } from "vitest";
import { waitFor } from "../../../helpers/wait.ts";
import { type Arena, type Case, idsOf, instance, LONG_TTL_MS, outcomesOf } from "../arena.ts";
import type { RegistryFixture } from "../fixture.ts";

const OWNER = "node-1";
const lifetimeMs = (fixture: RegistryFixture): number => fixture.minTtlMs + fixture.slackMs;

/** Who is the holder, as a client sees it that knows nothing. */
async function holderSeen({ open, signal }: Arena): Promise<string | undefined> {
  return await (await open()).holder(OWNER, signal);
}

export const holderCases: readonly Case[] = [
  {
    title: "nobody holds a name until a process shows itself; shown before the first beat, it is there with the lease",
    async run(arena) {
      const { open, signal } = arena;
      const a = await open();
      expect(await a.holder(OWNER, signal)).toBeUndefined();
      await a.showHolder(OWNER, "host/a", signal);
      expect(await holderSeen(arena)).toBeUndefined();
      expect(await a.keepAlive(OWNER, LONG_TTL_MS, signal)).toBe("lost");
      expect([await a.holder(OWNER, signal), await holderSeen(arena)]).toEqual(["host/a", "host/a"]);
      expect(await a.holder("node-2", signal)).toBeUndefined();
    },
  },
  {
    title: "of two that begin at once, who had the lease first is the holder",
    async run(arena) {
      const { open, signal } = arena;
      const [a, b] = [await open(), await open()];
      await a.showHolder(OWNER, "host/a", signal);
      await b.showHolder(OWNER, "host/b", signal);
      await a.keepAlive(OWNER, LONG_TTL_MS, signal);
      await b.keepAlive(OWNER, LONG_TTL_MS, signal);
      expect(await holderSeen(arena)).toBe("host/a");
    },
  },
  {
    title: "who shows itself last is the holder; no entry is touched, no snapshot is new, and beats bring nobody back",
    needs: ["storeRevision"],
    async run(arena) {
      const { open, writer, follow, world, signal } = arena;
      const a = await writer(OWNER);
      await a.registry.showHolder(OWNER, "host/a", signal);
      await a.put(instance("web", "1"), instance("web", "2"));
      const revisions = await Promise.all(["1", "2"].map((id) => world.storeRevision("web", id)));
      const follower = follow(await open());
      await follower.until("both", (s) => idsOf(s, "web").length === 2);
      const b = await open();
      expect(await b.holder(OWNER, signal)).toBe("host/a");
      await b.showHolder(OWNER, "host/b", signal);
      expect(await b.keepAlive(OWNER, LONG_TTL_MS, signal)).toBe("kept");
      for (let beat = 0; beat < 3; beat += 1) {
        expect(await a.beat()).toBe("kept");
        expect(await a.registry.holder(OWNER, signal)).toBe("host/b");
      }
      await a.registry.showHolder(OWNER, "host/a", signal);
      expect(await b.keepAlive(OWNER, LONG_TTL_MS, signal)).toBe("kept");
      expect(await holderSeen(arena)).toBe("host/a");
      expect(await Promise.all(["1", "2"].map((id) => world.storeRevision("web", id)))).toEqual(revisions);
      await a.put(instance("web", "3"));
      const last = await follower.until("the third", (s) => idsOf(s, "web").length === 3);
      expect(follower.seen).toHaveLength(2);
      expect(last.owners).toEqual(new Set([OWNER]));
      expect(await holderSeen(arena)).toBe("host/a");
    },
  },
  {
    title: "who shows itself twice has written once",
    async run(arena) {
      const { writer, signal } = arena;
      const a = await writer(OWNER);
      await a.registry.showHolder(OWNER, "host/a", signal);
      await a.put(instance("web", "1"));
      await a.registry.showHolder(OWNER, "host/a", signal);
      expect(await holderSeen(arena)).toBe("host/a");
      expect(outcomesOf(await a.put(instance("web", "1", { port: 2 })))).toEqual(["written"]);
      expect(await holderSeen(arena)).toBe("host/a");
    },
  },
  {
    title: "who has gone shows nobody: the owner lives on, its entries stand",
    async run(arena) {
      const { open, writer, read, signal } = arena;
      const a = await writer(OWNER);
      await a.registry.showHolder(OWNER, "host/a", signal);
      await a.put(instance("web", "1"));
      await a.registry.showHolder(OWNER, "", signal);
      expect(await holderSeen(arena)).toBeUndefined();
      const snapshot = await read(await open());
      expect([idsOf(snapshot, "web"), [...snapshot.owners]]).toEqual([["1"], [OWNER]]);
    },
  },
  {
    title: "after release() the holder can still be taken away, and the next process of the owner adopts its lease",
    needs: ["ownersWithoutEntries"],
    async run(arena) {
      const { open, writer, signal } = arena;
      const a = await writer(OWNER);
      await a.registry.showHolder(OWNER, "host/a", signal);
      await a.put(instance("web", "1"));
      await a.registry.release(OWNER, signal);
      await a.registry.showHolder(OWNER, "", signal);
      const next = await open();
      expect(await next.holder(OWNER, signal)).toBeUndefined();
      expect(await next.keepAlive(OWNER, LONG_TTL_MS, signal)).toBe("kept");
    },
  },
  {
    title: "a holder alone makes no living owner: what the lease before took away may not be back",
    needs: ["ownersWithoutEntries"],
    async run(arena) {
      const { open, read, signal } = arena;
      const a = await open();
      await a.showHolder(OWNER, "host/a", signal);
      await a.keepAlive(OWNER, LONG_TTL_MS, signal);
      await a.showHolder(OWNER, "host/a2", signal);
      expect((await read(await open())).owners).toEqual(new Set());
      await a.write(OWNER, { put: [{ instance: instance("web", "1") }], remove: [] }, signal);
      expect((await read(await open())).owners).toEqual(new Set([OWNER]));
      expect(await holderSeen(arena)).toBe("host/a2");
    },
  },
  {
    title: "the holder goes with the lease, and is there again with the next one",
    needs: ["expireLease"],
    async run(arena) {
      const { writer, world, fixture, signal } = arena;
      const a = await writer(OWNER);
      await a.registry.showHolder(OWNER, "host/a", signal);
      await a.put(instance("web", "1"));
      await world.expireLease(OWNER);
      const watching = await arena.open();
      await waitFor(async () => (await watching.holder(OWNER, signal)) === undefined, {
        timeoutMs: fixture.slackMs + fixture.noticeMs,
        what: "the holder to go",
      });
      await a.registry.showHolder(OWNER, "host/a", signal); // there is nothing to show it on, and no harm in that
      expect(await a.beat()).toBe("lost");
      expect(await holderSeen(arena)).toBe("host/a");
      await a.put(instance("web", "1"));
      expect(await holderSeen(arena)).toBe("host/a");
    },
  },
  {
    title: "after a lost lease a beat leaves the holder that came meanwhile",
    needs: ["expireLease"],
    async run(arena) {
      const { open, writer, world, fixture, signal } = arena;
      const a = await writer(OWNER);
      await a.registry.showHolder(OWNER, "host/a", signal);
      await a.put(instance("web", "1"));
      await world.expireLease(OWNER);
      const watching = await arena.open();
      await waitFor(async () => (await watching.holder(OWNER, signal)) === undefined, {
        timeoutMs: fixture.slackMs + fixture.noticeMs,
        what: "the holder to go",
      });
      const b = await open();
      await b.showHolder(OWNER, "host/b", signal);
      await b.keepAlive(OWNER, LONG_TTL_MS, signal);
      await b.write(OWNER, { put: [{ instance: instance("web", "1") }], remove: [] }, signal);
      await a.beat();
      await a.beat();
      expect(await holderSeen(arena)).toBe("host/b");
    },
  },
  {
    title: "a silent holder goes with its time to live",
    needs: ["shortHolders"],
    extraMs: (fixture) => 2 * lifetimeMs(fixture),
    async run(arena) {
      const { open, fixture, signal } = arena;
      const a = await open();
      await a.showHolder(OWNER, "host/a", signal);
      await a.keepAlive(OWNER, fixture.minTtlMs, signal);
      expect(await holderSeen(arena)).toBe("host/a");
      await a.close();
      const watching = await arena.open();
      await waitFor(async () => (await watching.holder(OWNER, signal)) === undefined, {
        timeoutMs: lifetimeMs(fixture) + fixture.noticeMs,
        what: "the holder to go",
      });
    },
  },
  {
    title: "a process that asks for the name and beats with another time to live takes nothing from who holds it",
    async run(arena) {
      const { open, writer, read, signal } = arena;
      const a = await writer(OWNER);
      await a.registry.showHolder(OWNER, "host/a", signal);
      await a.put(instance("web", "1"));
      const b = await open();
      await b.showHolder(OWNER, "host/b", signal);
      for (let beat = 0; beat < 3; beat += 1) {
        await b.keepAlive(OWNER, LONG_TTL_MS - 10_000, signal);
      }
      expect(await holderSeen(arena)).toBe("host/b");
      await a.registry.showHolder(OWNER, "host/a", signal);
      await b.close();
      expect(await holderSeen(arena)).toBe("host/a");
      expect(await a.beat()).toBe("kept");
      const snapshot = await read(await open());
      expect([idsOf(snapshot, "web"), [...snapshot.owners]]).toEqual([["1"], [OWNER]]);
      expect((await a.owned()).map(({ unleased }) => unleased)).toEqual([false]);
    },
  },
];
