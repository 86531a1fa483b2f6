import { expect } from "vitest";
import { sleep } from "../../../../src/core/time.ts";
import { waitFor } from "../../../helpers/wait.ts";
import { type Arena, type Case, idsOf, instance, LONG_TTL_MS, outcomesOf } from "../arena.ts";
import type { RegistryFixture } from "../fixture.ts";

const lifetimeMs = (fixture: RegistryFixture): number => fixture.minTtlMs + fixture.slackMs;

/** Beats for an owner until stopped; resolves to everything that was answered. */
function startBeating(
  { fixture, signal }: Arena,
  owner: string,
  beat: () => Promise<string>,
): { stop(): Promise<readonly string[]> } {
  const answers: string[] = [];
  let stopped = false;
  async function run(): Promise<readonly string[]> {
    while (!stopped) {
      answers.push(`${owner} ${await beat()}`);
      await sleep(fixture.minTtlMs / 3, signal);
    }
    return answers;
  }
  const running = run();
  running.catch(() => undefined); // it is awaited in stop()
  return {
    stop() {
      stopped = true;
      return running;
    },
  };
}

export const leaseCases: readonly Case[] = [
  {
    title: "the first beat of a new owner says lost, the next ones kept",
    async run({ open, signal }) {
      const registry = await open();
      expect(await registry.keepAlive("node-1", LONG_TTL_MS, signal)).toBe("lost");
      expect(await registry.keepAlive("node-1", LONG_TTL_MS, signal)).toBe("kept");
      expect(await registry.keepAlive("node-1", LONG_TTL_MS, signal)).toBe("kept");
    },
  },
  {
    title: "a new process of the same owner adopts what is there: nothing has to be written, nothing is",
    needs: ["storeRevision"],
    async run({ open, world, follow, signal, writer }) {
      const first = await writer("node-1");
      const wanted = [instance("web", "1", { tags: ["a"], meta: { k: "v" } }), instance("web", "2")];
      await first.put(...wanted);
      const follower = follow(await open());
      await follower.until("both", (s) => idsOf(s, "web").length === 2);
      const revisions = await Promise.all(["1", "2"].map((id) => world.storeRevision("web", id)));
      await first.registry.close();
      const second = await open();
      expect(await second.keepAlive("node-1", LONG_TTL_MS, signal)).toBe("kept");
      const owned = await second.owned("node-1", signal);
      expect(owned.map(({ entry }) => entry)).toEqual(wanted.map((item) => ({ ...item, owner: "node-1" })));
      expect(owned.map(({ unleased }) => unleased)).toEqual([false, false]);
      expect(await second.keepAlive("node-1", LONG_TTL_MS, signal)).toBe("kept");
      expect(await Promise.all(["1", "2"].map((id) => world.storeRevision("web", id)))).toEqual(revisions);
      expect(follower.seen).toHaveLength(1);
    },
  },
  {
    title: "what a new process adopted lives on with its beats, beyond the old lease",
    extraMs: (fixture) => 2 * lifetimeMs(fixture),
    async run(arena) {
      const { open, fixture, signal, follow } = arena;
      const first = await open();
      await first.keepAlive("node-1", fixture.minTtlMs, signal);
      await first.write("node-1", { put: [{ instance: instance("web", "1") }], remove: [] }, signal);
      const follower = follow(await open());
      await follower.until("the entry", (s) => idsOf(s, "web").length === 1);
      await first.close();
      const second = await open();
      const beating = startBeating(arena, "node-1", () => second.keepAlive("node-1", fixture.minTtlMs, signal));
      await sleep(2 * fixture.minTtlMs, signal);
      expect(new Set(await beating.stop())).toEqual(new Set(["node-1 kept"]));
      expect(follower.seen).toHaveLength(1);
      await second.write("node-1", { put: [{ instance: instance("web", "2") }], remove: [] }, signal);
      await follower.until("a write under the adopted lease", (s) => idsOf(s, "web").length === 2);
    },
  },
  {
    title: "beating never rewrites an entry",
    needs: ["storeRevision"],
    async run({ world, writer }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"), instance("web", "2"));
      const revisions = await Promise.all(["1", "2"].map((id) => world.storeRevision("web", id)));
      expect(revisions).not.toContain(undefined);
      for (let beat = 0; beat < 5; beat += 1) {
        expect(await a.beat()).toBe("kept");
      }
      expect(await Promise.all(["1", "2"].map((id) => world.storeRevision("web", id)))).toEqual(revisions);
      await a.put(instance("web", "1", { port: 9 }));
      expect(await world.storeRevision("web", "1")).not.toBe(revisions[0]);
    },
  },
  {
    title: "a silent owner's entries go within the time to live plus slack, a beating one's stay, without a flap (G8)",
    extraMs: (fixture) => 2 * lifetimeMs(fixture),
    async run(arena) {
      const { open, fixture, signal, follow } = arena;
      const dead = await open();
      const alive = await open();
      await Promise.all([
        dead.keepAlive("node-dead", fixture.minTtlMs, signal),
        alive.keepAlive("node-alive", fixture.minTtlMs, signal),
      ]);
      const beating = startBeating(arena, "node-alive", () => alive.keepAlive("node-alive", fixture.minTtlMs, signal));
      await dead.write("node-dead", { put: [{ instance: instance("web", "d") }], remove: [] }, signal);
      await alive.write("node-alive", { put: [{ instance: instance("web", "a") }], remove: [] }, signal);
      const follower = follow(await open());
      await follower.until("both", (s) => idsOf(s, "web").join() === "a,d");
      await dead.keepAlive("node-dead", fixture.minTtlMs, signal);
      await dead.close();
      const silentAt = performance.now();
      const deadlineMs = lifetimeMs(fixture) + fixture.noticeMs;
      await follower.until("only the living one's", (s) => idsOf(s, "web").join() === "a", deadlineMs);
      // Not before its time either: half the time to live is well inside every promise.
      expect(performance.now() - silentAt).toBeGreaterThan(fixture.minTtlMs / 2);
      await sleep(fixture.minTtlMs / 2, signal);
      expect(new Set(await beating.stop())).toEqual(new Set(["node-alive kept"]));
      for (const snapshot of follower.seen.slice(follower.seen.findIndex((s) => idsOf(s, "web").includes("a")))) {
        expect(idsOf(snapshot, "web")).toContain("a");
      }
      expect(follower.stale).toEqual([]);
    },
  },
  {
    title: "the entries of an owner that made one beat only go too, when nothing else ever happens in the store",
    extraMs: (fixture) => 2 * lifetimeMs(fixture),
    async run({ open, fixture, signal, follow }) {
      const once = await open();
      await once.keepAlive("node-once", fixture.minTtlMs, signal);
      const put = [{ instance: instance("web", "1") }, { instance: instance("db", "1") }];
      await once.write("node-once", { put, remove: [] }, signal);
      const follower = follow(await open());
      await follower.until("both", (s) => s.services.size === 2);
      await once.close();
      await follower.until("none", (s) => s.services.size === 0, lifetimeMs(fixture) + fixture.noticeMs);
    },
  },
  {
    title: "after a lost lease a beat says lost, nothing counts as written, and written again it is there",
    needs: ["expireLease"],
    async run({ open, world, fixture, writer, follow }) {
      const a = await writer("node-1");
      const b = await writer("node-2");
      await a.put(instance("web", "1"), instance("web", "2"));
      await b.put(instance("web", "b"));
      const follower = follow(await open());
      await follower.until("all", (s) => idsOf(s, "web").length === 3);
      await world.expireLease("node-1");
      await follower.until("only the other's", (s) => idsOf(s, "web").join() === "b", fixture.slackMs + fixture.noticeMs);
      expect(await a.beat()).toBe("lost");
      expect((await a.owned()).filter(({ unleased }) => !unleased)).toEqual([]);
      expect(outcomesOf(await a.put(instance("web", "1")))).toEqual(["written"]);
      const last = await follower.until("what was written again", (s) => idsOf(s, "web").includes("1"));
      expect(idsOf(last, "web")).toEqual(["1", "b"]);
      expect((await a.owned()).filter(({ unleased }) => !unleased).map(({ entry }) => entry.id)).toEqual(["1"]);
      expect(await a.beat()).toBe("kept");
    },
  },
  {
    title: "the place of a dead owner's entry is free for another",
    needs: ["expireLease"],
    extraMs: (fixture) => fixture.slackMs,
    async run({ open, world, fixture, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1", { port: 1 }));
      const stale = await a.owned();
      await world.expireLease("node-1");
      const b = await writer("node-2");
      const reader = await open();
      await waitFor(async () => !(await read(reader)).services.has("web"), {
        timeoutMs: fixture.slackMs + fixture.noticeMs,
        what: "the dead owner's entry to go",
      });
      expect(outcomesOf(await b.put(instance("web", "1", { port: 2 })))).toEqual(["written"]);
      await a.beat();
      const [result] = await a.registry.write("node-1", { put: [], remove: stale }, signal);
      expect(result).toEqual({ service: "web", id: "1", outcome: "conflict", holder: "node-2" });
      expect(await a.owned()).toEqual([]);
      expect(idsOf(await read(reader), "web")).toEqual(["1"]);
    },
  },
];
