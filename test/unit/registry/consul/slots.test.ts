import { expect, test } from "vitest";
import { createExclusive, firstOrDue, mapLimited, raceAbort } from "../../../../src/registry/consul/api/concurrency.ts";
import { createSlots, type SlotKind } from "../../../../src/registry/consul/slots.ts";

const signal = new AbortController().signal;
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Work {
  readonly done: Promise<unknown>;
  end(): void;
}

test("blocking queries leave a slot for the rest, which comes first come, first served", async () => {
  const slots = createSlots({ total: 4, long: 3 });
  const running: string[] = [];
  function start(name: string, kind: SlotKind): Work {
    let end = (): void => undefined;
    const done = slots.use(kind, signal, async () => {
      running.push(name);
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      running.splice(running.indexOf(name), 1);
    });
    return { done, end: () => end() };
  }
  const long = ["l1", "l2", "l3", "l4"].map((name) => start(name, "long"));
  const short = ["s1", "s2", "s3"].map((name) => start(name, "short"));
  await tick();
  expect(running).toEqual(["l1", "l2", "l3", "s1"]);
  short[0]?.end();
  await tick();
  expect(running).toEqual(["l1", "l2", "l3", "s2"]);
  long[0]?.end();
  await tick();
  expect(running).toEqual(["l2", "l3", "s2", "l4"]);
  long[1]?.end();
  await tick();
  expect(running).toEqual(["l3", "s2", "l4", "s3"]);
  [...long, ...short].forEach((work) => work.end());
  await Promise.all([...long, ...short].map(({ done }) => done));
});

test("who is aborted while waiting for a slot takes none", async () => {
  const slots = createSlots({ total: 1, long: 1 });
  let end = (): void => undefined;
  const first = slots.use("short", signal, () => new Promise<void>((resolve) => (end = resolve)));
  const controller = new AbortController();
  const second = slots.use("short", controller.signal, async () => "never").catch((error: unknown) => error);
  const third = slots.use("short", signal, async () => "third");
  controller.abort("enough");
  expect(await second).toBe("enough");
  end();
  await first;
  expect(await third).toBe("third");
  await expect(slots.use("short", AbortSignal.abort("before"), async () => 1)).rejects.toBe("before");
});

test("a failed work frees its slot", async () => {
  const slots = createSlots({ total: 1, long: 1 });
  await expect(slots.use("long", signal, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await slots.use("long", signal, async () => "yes")).toBe("yes");
});

test("exclusive work runs one after the other, also around one that gave up waiting", async () => {
  const exclusive = createExclusive();
  const order: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    order.push(`${name}+`);
    await tick();
    order.push(`${name}-`);
  };
  const controller = new AbortController();
  const all = [
    exclusive(work("a"), signal),
    exclusive(work("b"), controller.signal).catch((error: unknown) => void order.push(String(error))),
    exclusive(work("c"), signal),
    exclusive(() => Promise.reject(new Error("d")), signal).catch(() => undefined),
    exclusive(work("e"), signal),
  ];
  controller.abort("b gave up");
  await Promise.all(all);
  expect(order).toEqual(["a+", "b gave up", "a-", "c+", "c-", "e+", "e-"]);
});

test("mapLimited keeps the order and the limit, and starts nothing after a failure", async () => {
  let running = 0;
  let most = 0;
  const doubled = await mapLimited([1, 2, 3, 4, 5], 2, async (n) => {
    running += 1;
    most = Math.max(most, running);
    await tick();
    running -= 1;
    return n * 2;
  });
  expect([doubled, most]).toEqual([[2, 4, 6, 8, 10], 2]);
  const started: number[] = [];
  const failing = mapLimited([1, 2, 3, 4], 1, async (n) => {
    started.push(n);
    if (n === 2) {
      throw new Error("two");
    }
  });
  await expect(failing).rejects.toThrow("two");
  expect(started).toEqual([1, 2]);
});

test("raceAbort ends with the first signal, firstOrDue with the time", async () => {
  const never = new Promise<never>(() => undefined);
  const controller = new AbortController();
  const racing = raceAbort([signal, controller.signal], never).catch((error: unknown) => error);
  controller.abort("now");
  expect(await racing).toBe("now");
  await firstOrDue([never], 5);
  await firstOrDue([Promise.resolve()], Number.POSITIVE_INFINITY);
});
