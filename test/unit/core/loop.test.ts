import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLoop, type Loop, type LoopOptions, nextWait } from "../../../src/core/loop.ts";
import { sleep } from "../../../src/core/time.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Running {
  readonly loop: Loop;
  /** When each pass began, in ms since the start. */
  readonly passes: readonly number[];
  readonly errors: readonly (readonly [unknown, number])[];
  stop(): Promise<void>;
}

function start(options: Partial<LoopOptions> = {}): Running {
  const controller = new AbortController();
  const passes: number[] = [];
  const errors: (readonly [unknown, number])[] = [];
  const startedAt = performance.now();
  const loop = createLoop({
    settle: { quietMs: 20, maxMs: 2000 },
    resyncMs: Number.POSITIVE_INFINITY,
    backoff: { minMs: 100, maxMs: 1000 },
    onError: (error, retryInMs) => void errors.push([error, retryInMs]),
    random: () => 0.5,
    ...options,
    async work(signal) {
      passes.push(Math.round(performance.now() - startedAt));
      await options.work?.(signal);
    },
  });
  const running = loop.run(controller.signal);
  return {
    loop,
    passes,
    errors,
    async stop() {
      controller.abort(new Error("stop"));
      await running;
    },
  };
}

describe("createLoop()", () => {
  test("makes a pass at once, and none without a reason", async () => {
    const { passes, stop } = start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(passes).toEqual([0]);
    await stop();
  });

  test("a trigger after a calm waits only the quiet time; its company shares the pass", async () => {
    const { loop, passes, stop } = start();
    await vi.advanceTimersByTimeAsync(5000);
    loop.trigger();
    await vi.advanceTimersByTimeAsync(10);
    loop.trigger();
    loop.trigger();
    await vi.advanceTimersByTimeAsync(5000);
    expect(passes).toEqual([0, 5020]);
    await stop();
  });

  test("any number of triggers during a pass lead to exactly one more", async () => {
    const { loop, passes, stop } = start({ work: (signal) => sleep(500, signal) });
    await vi.advanceTimersByTimeAsync(100);
    for (let i = 0; i < 10; i += 1) {
      loop.trigger();
    }
    await vi.advanceTimersByTimeAsync(60_000);
    expect(passes).toEqual([0, 540]); // the pass, then twice the quiet time
    await stop();
  });

  test("passes never overlap", async () => {
    let running = 0;
    const { loop, passes, stop } = start({
      async work(signal) {
        running += 1;
        expect(running).toBe(1);
        await sleep(30, signal);
        running -= 1;
      },
    });
    for (let i = 0; i < 200; i += 1) {
      loop.trigger();
      await vi.advanceTimersByTimeAsync(7);
    }
    expect(passes.length).toBeGreaterThan(3);
    await vi.advanceTimersByTimeAsync(5000);
    await stop();
  });

  test("a storm makes few passes, and the newest state gets one", async () => {
    let world = 0;
    let seen = -1;
    const { loop, passes, stop } = start({
      async work() {
        seen = world;
      },
    });
    for (world = 0; world < 6000; world += 1) {
      loop.trigger();
      await vi.advanceTimersByTimeAsync(5);
    }
    expect(passes.length).toBeLessThan(25); // 30 s: the waits grow to 2 s
    expect(passes.slice(0, 5)).toEqual([0, 40, 120, 280, 600]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(seen).toBe(world);
    await vi.advanceTimersByTimeAsync(2000);
    const before = passes.length;
    loop.trigger();
    await vi.advanceTimersByTimeAsync(20); // calm again
    expect(passes.length).toBe(before + 1);
    await stop();
  });

  test("a failed pass is told and tried again, later each time, then as before", async () => {
    let failing = true;
    const { passes, errors, stop, loop } = start({
      async work() {
        if (failing) {
          throw new Error("broken");
        }
      },
    });
    await vi.advanceTimersByTimeAsync(750);
    expect(passes).toEqual([0, 100, 300, 700]);
    expect(errors.map(([, retryInMs]) => retryInMs)).toEqual([100, 200, 400, 800]);
    failing = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(passes).toEqual([0, 100, 300, 700, 1500]);
    failing = true;
    loop.trigger();
    await vi.advanceTimersByTimeAsync(20);
    expect(errors.at(-1)?.[1]).toBe(100);
    await stop();
  });

  test("triggered passes that fail do not make the waits grow, so the last one is tried again soon", async () => {
    const { loop, errors, stop } = start({ work: () => Promise.reject(new Error("broken")) });
    for (let i = 0; i < 40; i += 1) {
      loop.trigger();
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(errors.length).toBeGreaterThan(5);
    expect(errors.map(([, retryInMs]) => retryInMs).slice(0, -1)).toEqual(errors.slice(1).map(() => 100));
    await stop();
  });

  test("a trigger brings the next try forward", async () => {
    const { passes, stop, loop } = start({
      backoff: { minMs: 10_000, maxMs: 10_000 },
      work: () => Promise.reject(new Error("broken")),
    });
    await vi.advanceTimersByTimeAsync(3000);
    loop.trigger();
    await vi.advanceTimersByTimeAsync(3000);
    expect(passes).toEqual([0, 3020]);
    await stop();
  });

  test.each([
    [0, 800],
    [0.5, 1000],
    [1, 1200],
  ])("a resync of a second with random %s comes after %s ms", async (random, first) => {
    const { passes, stop } = start({ resyncMs: 1000, random: () => random });
    await vi.advanceTimersByTimeAsync(first + 10);
    expect(passes).toEqual([0, first]);
    await stop();
  });

  test("a resync longer than any timer is no spin", async () => {
    const { passes, stop } = start({ resyncMs: 1e12 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(passes).toEqual([0]);
    await stop();
  });

  test("an abort ends it at once, in a rest, in a settle and in a pass, and waits for the pass", async () => {
    const resting = start();
    await vi.advanceTimersByTimeAsync(1000);
    await resting.stop();

    const settling = start({ settle: { quietMs: 5000, maxMs: 5000 } });
    await vi.advanceTimersByTimeAsync(2000);
    settling.loop.trigger();
    await settling.stop();
    expect(settling.passes).toEqual([0]);

    let ended = false;
    const working = start({
      async work() {
        await sleep(300, new AbortController().signal);
        ended = true;
      },
    });
    await vi.advanceTimersByTimeAsync(10);
    const stopped = working.stop();
    await vi.advanceTimersByTimeAsync(300);
    await stopped;
    expect(ended).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a pass that throws because of the abort is no error", async () => {
    const { errors, stop } = start({ work: (signal) => sleep(1000, signal) });
    await vi.advanceTimersByTimeAsync(10);
    await stop();
    expect(errors).toEqual([]);
  });
});

describe("nextWait()", () => {
  test.each([
    // last wait, since the last pass, settle, next wait
    [20, 0, { quietMs: 20, maxMs: 2000 }, 40],
    [40, 0, { quietMs: 20, maxMs: 2000 }, 80],
    [1500, 0, { quietMs: 20, maxMs: 2000 }, 2000],
    [2000, 999, { quietMs: 20, maxMs: 2000 }, 2000],
    [2000, 1000, { quietMs: 20, maxMs: 2000 }, 20],
    [160, 300, { quietMs: 20, maxMs: 2000 }, 20],
    [160, 249, { quietMs: 20, maxMs: 2000 }, 320],
    [320, 300, { quietMs: 20, maxMs: 2000 }, 640],
    [0, 0, { quietMs: 0, maxMs: 100 }, 10],
    [0, 5000, { quietMs: 0, maxMs: 100 }, 0],
    [0, 0, { quietMs: 0, maxMs: 0 }, 0],
    [500, 0, { quietMs: 500, maxMs: 100 }, 500],
  ] as const)("after a wait of %s ms and %s ms since the pass, with %o: %s ms", (last, since, settle, expected) => {
    expect(nextWait(last, since, settle)).toBe(expected);
  });
});
