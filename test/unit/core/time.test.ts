import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  childAbort,
  createAlarm,
  createBackoff,
  graceAfter,
  jitter,
  MAX_TIMER_MS,
  monotonicMs,
  sleep,
  untilAborted,
  withDeadline,
} from "../../../src/core/time.ts";

const never = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What a promise has come to by now. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  let state: unknown = "pending";
  promise.then(
    (value) => {
      state = ["resolved", value];
    },
    (error: unknown) => {
      state = ["rejected", error];
    },
  );
  await vi.advanceTimersByTimeAsync(0);
  return state;
}

describe("sleep()", () => {
  test("waits as long as it says", async () => {
    const sleeping = sleep(100, never);
    await vi.advanceTimersByTimeAsync(99);
    expect(await stateOf(sleeping)).toBe("pending");
    await vi.advanceTimersByTimeAsync(1);
    expect(await stateOf(sleeping)).toEqual(["resolved", undefined]);
  });

  test("rejects with the signal's reason at once, and leaves no timer", async () => {
    const controller = new AbortController();
    const sleeping = sleep(100, controller.signal);
    controller.abort("enough");
    await expect(sleeping).rejects.toBe("enough");
    expect(vi.getTimerCount()).toBe(0);
    await expect(sleep(100, controller.signal)).rejects.toBe("enough");
  });

  test("leaves no listener on a signal that lives long", async () => {
    const { signal } = new AbortController();
    const remove = vi.spyOn(signal, "removeEventListener");
    const sleeping = sleep(10, signal);
    await vi.advanceTimersByTimeAsync(10);
    await sleeping;
    expect(remove).toHaveBeenCalledOnce();
  });

  test.each([MAX_TIMER_MS + 1, 1e12, Number.POSITIVE_INFINITY])("a wait of %s ms does not end at once", async (ms) => {
    const sleeping = sleep(ms, never);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await stateOf(sleeping)).toBe("pending");
  });
});

describe("withDeadline()", () => {
  const onTimeout = (): Error => new Error("too late");

  test("gives the result of work that is in time, and leaves no timer", async () => {
    expect(await withDeadline({ ms: 100, signal: never, onTimeout }, async () => 7)).toBe(7);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("passes the error of work", async () => {
    const error = new Error("broken");
    await expect(withDeadline({ ms: 100, signal: never, onTimeout }, () => Promise.reject(error))).rejects.toBe(error);
  });

  test.each([
    ["follows its signal", (signal: AbortSignal) => sleep(1000, signal)],
    ["ignores its signal", () => new Promise<void>(() => undefined)],
  ])("ends work that is late and %s", async (_, work) => {
    const outcome = expect(withDeadline({ ms: 100, signal: never, onTimeout }, work)).rejects.toThrow("too late");
    await vi.advanceTimersByTimeAsync(100);
    await outcome;
  });

  test("the parent's reason wins over what work makes of it", async () => {
    const controller = new AbortController();
    const running = withDeadline({ ms: 100, signal: controller.signal, onTimeout }, async (signal) => {
      await sleep(1000, signal).catch(() => undefined);
      throw new Error("something else");
    });
    const outcome = expect(running).rejects.toBe("stop");
    controller.abort("stop");
    await outcome;
    await expect(withDeadline({ ms: 100, signal: controller.signal, onTimeout }, async () => 1)).rejects.toBe("stop");
  });

  test("a deadline that no timer can hold is none at once", async () => {
    const running = withDeadline({ ms: Number.POSITIVE_INFINITY, signal: never, onTimeout }, () => sleep(50, never));
    await vi.advanceTimersByTimeAsync(50);
    expect(await stateOf(running)).toEqual(["resolved", undefined]);
  });
});

describe("untilAborted()", () => {
  test("gives what work gives, value or error, and unhooks itself", async () => {
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    expect(await untilAborted(controller.signal, async () => 1)).toBe(1);
    await expect(untilAborted(controller.signal, () => Promise.reject("no"))).rejects.toBe("no");
    expect(remove).toHaveBeenCalledTimes(2);
  });

  test("rejects with the reason at once, whatever work does", async () => {
    const controller = new AbortController();
    const running = untilAborted(controller.signal, () => new Promise(() => undefined));
    controller.abort("stop");
    await expect(running).rejects.toBe("stop");
    const work = vi.fn(async () => 1);
    await expect(untilAborted(controller.signal, work)).rejects.toBe("stop");
    expect(work).not.toHaveBeenCalled();
  });
});

describe("childAbort()", () => {
  test("aborts with its parent and by itself, never the parent", () => {
    const parent = new AbortController();
    const [one, other] = [childAbort(parent.signal), childAbort(parent.signal)];
    one.abort("mine");
    expect([one.signal.reason, other.signal.aborted, parent.signal.aborted]).toEqual(["mine", false, false]);
    parent.abort("all");
    expect([one.signal.reason, other.signal.reason]).toEqual(["mine", "all"]);
    expect(childAbort(parent.signal).signal.reason).toBe("all");
  });

  test("hears nothing after dispose()", () => {
    const parent = new AbortController();
    const child = childAbort(parent.signal);
    child.dispose();
    parent.abort();
    expect(child.signal.aborted).toBe(false);
  });
});

describe("graceAfter()", () => {
  test("aborts so long after its parent, with the parent's reason", async () => {
    const parent = new AbortController();
    const grace = graceAfter(parent.signal, 100);
    await vi.advanceTimersByTimeAsync(1000);
    expect(grace.signal.aborted).toBe(false);
    parent.abort("stop");
    await vi.advanceTimersByTimeAsync(99);
    expect(grace.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(grace.signal.reason).toBe("stop");
  });
});

describe("createAlarm()", () => {
  test("rings once, at the time that was set last; never after clear()", async () => {
    const ring = vi.fn();
    const alarm = createAlarm(ring);
    alarm.set(100);
    await vi.advanceTimersByTimeAsync(90);
    alarm.set(100);
    await vi.advanceTimersByTimeAsync(99);
    expect(ring).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1000);
    expect(ring).toHaveBeenCalledOnce();
    alarm.set(100);
    alarm.clear();
    await vi.advanceTimersByTimeAsync(1000);
    expect(ring).toHaveBeenCalledOnce();
  });
});

describe("jitter() and createBackoff()", () => {
  test.each([
    [0, 80],
    [0.5, 100],
    [1, 120],
  ])("jitter() with random %s moves 100 by 20 %% to %s", (random, expected) => {
    expect(jitter(100, 0.2, () => random)).toBeCloseTo(expected);
  });

  test("waits double up to the cap and begin anew after reset()", () => {
    const backoff = createBackoff({ minMs: 100, maxMs: 1000, random: () => 0.5 });
    expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  test("no wait is over the cap, none below 80 % of the least, however long it goes on", () => {
    const backoff = createBackoff({ minMs: 50, maxMs: 700, factor: 3 });
    for (let i = 0; i < 5000; i += 1) {
      const wait = backoff.next();
      expect(wait).toBeLessThanOrEqual(700);
      expect(wait).toBeGreaterThanOrEqual(40);
    }
  });
});

test("monotonicMs() moves with time", async () => {
  const before = monotonicMs();
  await vi.advanceTimersByTimeAsync(250);
  expect(monotonicMs() - before).toBeCloseTo(250, 0);
});
