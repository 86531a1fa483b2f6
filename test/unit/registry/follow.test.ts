import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createHints, type Hints } from "../../../src/core/hints.ts";
import { FairleadError } from "../../../src/model/errors.ts";
import { EVERYTHING } from "../../../src/model/selector.ts";
import type { Snapshot } from "../../../src/model/snapshot.ts";
import type { RegistryReader } from "../../../src/ports.ts";
import { type FollowOptions, follow, type Stale } from "../../../src/registry/follow.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A registry whose data are one number; `isDeaf` loses events. */
class FakeReader implements RegistryReader {
  readonly reads: (readonly [atMs: number, after: string | undefined])[] = [];
  readonly #waiters = new Set<Hints>();
  readonly #startedAt = performance.now();
  revision = 1;
  error: unknown;
  isDeaf = false;

  async read(_: unknown, { signal, after }: { readonly signal: AbortSignal; readonly after?: string }): Promise<Snapshot> {
    signal.throwIfAborted();
    this.reads.push([Math.round(performance.now() - this.#startedAt), after]);
    const hints = createHints();
    this.#waiters.add(hints);
    try {
      if (this.error === undefined && after === String(this.revision)) {
        await hints.read(signal).next();
        signal.throwIfAborted();
      }
      if (this.error !== undefined) {
        throw this.error;
      }
      return { revision: String(this.revision), services: new Map(), keys: new Map(), invalid: [], owners: new Set() };
    } finally {
      this.#waiters.delete(hints);
    }
  }

  set(revision: number): void {
    this.revision = revision;
    if (!this.isDeaf) {
      this.#waiters.forEach((hints) => hints.notify());
    }
  }

  breakDown(error: unknown): void {
    this.error = error;
    this.#waiters.forEach((hints) => hints.notify());
  }
}

const DOWN = new FairleadError("REGISTRY_UNAVAILABLE", "down", { retryable: true });

function start(reader: FakeReader, more: Partial<FollowOptions> = {}) {
  const controller = new AbortController();
  const seen: string[] = [];
  const stale: (Stale | undefined)[] = [];
  const pause = { ms: 0 };
  const options: FollowOptions = {
    signal: controller.signal,
    backoff: { minMs: 100, maxMs: 1000 },
    minIntervalMs: 0,
    resyncMs: Number.POSITIVE_INFINITY,
    onStale: (item) => void stale.push(item),
    random: () => 0.5,
    ...more,
  };
  async function run(): Promise<void> {
    for await (const { revision } of follow(reader, EVERYTHING, options)) {
      seen.push(revision);
      if (pause.ms > 0) {
        await new Promise((resolve) => setTimeout(resolve, pause.ms));
      }
    }
  }
  const running = run();
  return {
    seen,
    stale,
    pause,
    running,
    async stop() {
      controller.abort(new Error("stop"));
      await running;
    },
  };
}

describe("follow()", () => {
  test("the first value comes without `after`, the next ones when the data differ", async () => {
    const reader = new FakeReader();
    const { seen, stop } = start(reader);
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen).toEqual(["1"]);
    reader.set(2);
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual(["1", "2"]);
    expect(reader.reads.map(([, after]) => after)).toEqual([undefined, "1", "2"]);
    await stop();
  });

  test("a slow consumer gets the newest state and no backlog; nothing is read while it works", async () => {
    const reader = new FakeReader();
    const { seen, pause, stop } = start(reader);
    pause.ms = 5000;
    await vi.advanceTimersByTimeAsync(10);
    for (let revision = 2; revision <= 50; revision += 1) {
      reader.set(revision);
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(reader.reads).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(seen).toEqual(["1", "50"]);
    pause.ms = 0;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen).toEqual(["1", "50"]);
    await stop();
  });

  test("there is a floor between reads, however fast the data change", async () => {
    const reader = new FakeReader();
    const { seen, stop } = start(reader, { minIntervalMs: 100 });
    for (let revision = 2; revision <= 1000; revision += 1) {
      reader.set(revision);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(seen.length).toBeLessThanOrEqual(11);
    await vi.advanceTimersByTimeAsync(200);
    expect(seen.at(-1)).toBe("1000");
    await stop();
  });

  test("a broken registry neither throws nor yields: onStale tells of each try, and once that it is over", async () => {
    const reader = new FakeReader();
    const { seen, stale, stop } = start(reader);
    await vi.advanceTimersByTimeAsync(500);
    reader.breakDown(DOWN);
    await vi.advanceTimersByTimeAsync(750);
    expect(seen).toEqual(["1"]);
    expect(stale.map((item) => item?.retryInMs)).toEqual([100, 200, 400, 800]);
    expect(stale[0]?.error).toBe(DOWN);
    expect(stale.map((item) => Math.round(item?.forMs ?? -1))).toEqual([500, 600, 800, 1200]);
    reader.error = undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(stale).toHaveLength(5);
    expect(stale.at(-1)).toBeUndefined();
    expect(seen).toEqual(["1"]); // nothing had changed
    await stop();
  });

  test("after a failure everything is read afresh, and what changed meanwhile is seen", async () => {
    const reader = new FakeReader();
    const { seen, stop } = start(reader);
    await vi.advanceTimersByTimeAsync(10);
    reader.breakDown(DOWN);
    await vi.advanceTimersByTimeAsync(50);
    reader.error = undefined;
    reader.revision = 7;
    await vi.advanceTimersByTimeAsync(100);
    expect(seen).toEqual(["1", "7"]);
    expect(reader.reads.map(([, after]) => after)).toEqual([undefined, "1", undefined, "7"]);
    await stop();
  });

  test("the waits after failures begin anew after a success", async () => {
    const reader = new FakeReader();
    const { stale, stop } = start(reader);
    await vi.advanceTimersByTimeAsync(0);
    for (let i = 0; i < 2; i += 1) {
      reader.breakDown(DOWN);
      await vi.advanceTimersByTimeAsync(150);
      reader.error = undefined;
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(stale.map((item) => item?.retryInMs)).toEqual([100, 200, undefined, 100, 200, undefined]);
    await stop();
  });

  test("a registry that is down from the start yields nothing until it is there", async () => {
    const reader = new FakeReader();
    reader.error = DOWN;
    const { seen, stale, stop } = start(reader);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen).toEqual([]);
    expect(stale.length).toBeGreaterThan(8);
    reader.error = undefined;
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen).toEqual(["1"]);
    await stop();
  });

  test("what no event told of is seen after a resync", async () => {
    const reader = new FakeReader();
    reader.isDeaf = true;
    const { seen, stale, stop } = start(reader, { resyncMs: 30_000 });
    await vi.advanceTimersByTimeAsync(1000);
    reader.set(2);
    await vi.advanceTimersByTimeAsync(28_000);
    expect(seen).toEqual(["1"]);
    await vi.advanceTimersByTimeAsync(1100);
    expect(seen).toEqual(["1", "2"]);
    await vi.advanceTimersByTimeAsync(90_000);
    expect(seen).toEqual(["1", "2"]);
    expect(reader.reads.filter(([, after]) => after === undefined).map(([atMs]) => atMs)).toEqual([
      0, 30_000, 60_000, 90_000, 120_000,
    ]);
    expect(stale).toEqual([]);
    await stop();
  });

  test("changes all the time do not put the resync off", async () => {
    const reader = new FakeReader();
    const { stop } = start(reader, { resyncMs: 1000 });
    for (let revision = 2; revision < 60; revision += 1) {
      await vi.advanceTimersByTimeAsync(100);
      reader.set(revision);
    }
    const full = reader.reads.filter(([, after]) => after === undefined).map(([atMs]) => atMs);
    expect(full.length).toBeGreaterThanOrEqual(5);
    await stop();
  });

  test.each([
    ["while it waits", 0, undefined],
    ["between two reads", 60_000, undefined],
    ["after a failure", 0, DOWN],
  ])("an abort ends it at once, %s, without throwing and without a timer left", async (_, minIntervalMs, error) => {
    const reader = new FakeReader();
    reader.error = error;
    const { stop, stale } = start(reader, { minIntervalMs, resyncMs: 60_000 });
    await vi.advanceTimersByTimeAsync(50);
    const before = stale.length;
    await stop();
    expect(vi.getTimerCount()).toBe(0);
    expect(stale).toHaveLength(before);
  });

  test("a bug in a reader is not hidden", async () => {
    const reader = new FakeReader();
    reader.error = new TypeError("bug");
    const { running } = start(reader);
    await expect(running).rejects.toThrow("bug");
  });
});
