import { expect } from "vitest";
import { sleep } from "../../../../src/core/time.ts";
import { EVERYTHING } from "../../../../src/model/selector.ts";
import { follow } from "../../../../src/registry/follow.ts";
import { PATIENCE } from "../../../helpers/patience.ts";
import { type Case, instance } from "../arena.ts";

const AT_ONCE_MS = 100 * PATIENCE;

export const abortCases: readonly Case[] = [
  {
    title: "an aborted signal rejects every call with its reason",
    async run({ open, read }) {
      const registry = await open();
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      const calls: readonly (() => Promise<unknown>)[] = [
        () => registry.read(EVERYTHING, { signal }),
        () => registry.owned("node-1", signal),
        () => registry.write("node-1", { put: [{ instance: instance("web", "1") }], remove: [] }, signal),
        () => registry.keepAlive("node-1", 60_000, signal),
        () => registry.release("node-1", signal),
        () => registry.putKey("k", "v", signal),
        () => registry.removeKey("k", signal),
      ];
      for (const call of calls) {
        await expect(call()).rejects.toBe(reason);
      }
      const after = await read(await open());
      expect([...after.services.keys(), ...after.keys.keys()]).toEqual([]);
    },
  },
  {
    title: "a waiting read rejects with the reason at once, and the reader works on",
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"));
      const reader = await open();
      const first = await read(reader);
      const controller = new AbortController();
      const reason = new Error("enough");
      const waiting = reader.read(EVERYTHING, { signal: controller.signal, after: first.revision });
      const outcome = expect(waiting).rejects.toBe(reason);
      await sleep(200, signal);
      const startedAt = performance.now();
      controller.abort(reason);
      await outcome;
      expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS);
      expect((await read(reader)).revision).toBe(first.revision);
      const again = reader.read(EVERYTHING, { signal, after: first.revision });
      await a.put(instance("web", "1", { port: 9 }));
      expect((await again).services.get("web")?.instances[0]?.port).toBe(9);
    },
  },
  {
    title: "a follower ends at once, without throwing",
    async run({ open, signal }) {
      const registry = await open();
      const controller = new AbortController();
      let values = 0;
      async function consume(): Promise<void> {
        for await (const _ of follow(registry, EVERYTHING, {
          signal: controller.signal,
          backoff: { minMs: 50, maxMs: 500 },
          minIntervalMs: 60_000,
          resyncMs: Number.POSITIVE_INFINITY,
          onStale: () => undefined,
        })) {
          values += 1;
        }
      }
      const running = consume();
      await sleep(1000, signal);
      expect(values).toBe(1);
      const startedAt = performance.now();
      controller.abort();
      await running;
      expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS);
    },
  },
  {
    title: "an aborted write leaves each entry whole or absent",
    async run({ open, writer, read }) {
      const a = await writer("node-1");
      const controller = new AbortController();
      const put = Array.from({ length: 300 }, (_, i) => ({
        instance: instance("web", `id-${i}`, { meta: { text: "x".repeat(400) } }),
      }));
      const writing = a.registry.write("node-1", { put, remove: [] }, controller.signal).then(
        () => "done",
        (error: unknown) => error,
      );
      await sleep(3, new AbortController().signal);
      const reason = new Error("enough");
      controller.abort(reason);
      expect([reason, "done"]).toContain(await writing);
      const snapshot = await read(await open());
      expect(snapshot.invalid).toEqual([]);
      for (const entry of snapshot.services.get("web")?.instances ?? []) {
        expect(entry.meta.text).toHaveLength(400);
      }
    },
  },
];
