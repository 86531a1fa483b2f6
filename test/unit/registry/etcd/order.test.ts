import type { IEvent } from "etcd3";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Order } from "../../../../src/registry/etcd/order.ts";

function event(key: string, revision: number): IEvent {
  return { type: "Put", kv: { key: Buffer.from(key), mod_revision: String(revision) } } as unknown as IEvent;
}

interface Setup {
  readonly order: Order;
  readonly released: (readonly string[])[];
  asked(): number;
}

function setup(watches: number): Setup {
  const released: (readonly string[])[] = [];
  let questions = 0;
  const order = new Order(watches, {
    release: (events) => released.push(events.map(({ kv }) => `${kv.key.toString()}@${kv.mod_revision}`)),
    ask: () => {
      questions += 1;
    },
  });
  return { order, released, asked: () => questions };
}

describe("Order", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("one watch waits for nothing", () => {
    const { order, released, asked } = setup(1);
    order.received(0, [event("a", 5), event("b", 5)], 5);
    order.received(0, [], 9);
    order.received(0, [event("a", 10)], 10);
    expect(released).toEqual([["a@5", "b@5"], ["a@10"]]);
    expect(asked()).toBe(0);
  });

  test("a transaction over two watches is released when both have brought it", () => {
    const { order, released } = setup(2);
    order.received(0, [event("a", 5)], 5);
    expect(released).toEqual([]);
    order.received(1, [event("b", 5)], 5);
    expect(released).toEqual([["a@5", "b@5"]]);
  });

  test("where only one watch has something, two answers of the server release it", () => {
    const { order, released, asked } = setup(2);
    order.received(0, [event("a", 5)], 5);
    expect(asked()).toBe(1);
    order.answered(5);
    expect([asked(), released]).toEqual([2, []]);
    order.answered(5);
    expect(released).toEqual([["a@5"]]);
    vi.advanceTimersByTime(10_000);
    expect(asked()).toBe(2);
  });

  test("an answer that an old server sends too early shows no half of a transaction", () => {
    const { order, released } = setup(2);
    order.received(0, [event("a", 5)], 5);
    order.answered(5);
    order.received(1, [event("b", 5)], 5);
    expect(released).toEqual([["a@5", "b@5"]]);
    order.answered(6);
    order.received(0, [event("a", 6)], 6);
    order.answered(6);
    order.received(1, [event("b", 6)], 6);
    expect(released).toEqual([
      ["a@5", "b@5"],
      ["a@6", "b@6"],
    ]);
  });

  test("the second half of a transaction that comes between two answers goes with the first", () => {
    const { order, released } = setup(3); // the third one has nothing to bring, so that only answers release anything
    order.received(0, [event("a", 5)], 5);
    order.answered(5);
    order.received(1, [event("b", 5)], 5);
    order.answered(5);
    expect(released).toEqual([["a@5", "b@5"]]);
  });

  test("an answer from before an event's revision does not count", () => {
    const { order, released } = setup(2);
    order.received(0, [event("a", 5)], 5);
    order.answered(4);
    order.answered(4);
    expect(released).toEqual([]);
    order.answered(5);
    order.answered(4);
    expect(released).toEqual([]);
    order.answered(5);
    expect(released).toEqual([["a@5"]]);
  });

  test("a storm is released bit by bit: nothing waits for its end", () => {
    const { order, released, asked } = setup(2);
    for (let revision = 1; revision <= 6; revision += 1) {
      order.received(0, [event("a", revision)], revision);
      order.answered(revision);
    }
    expect(released).toEqual([["a@1"], ["a@2"], ["a@3"], ["a@4"], ["a@5"]]);
    expect(asked()).toBe(7);
  });

  test("while a watch may still be catching up, answers do not count; they are asked for again", () => {
    const { order, released, asked } = setup(2);
    order.distrust(300);
    order.received(0, [event("a", 5)], 5);
    order.answered(5);
    order.answered(5);
    expect(released).toEqual([]);
    vi.advanceTimersByTime(350);
    expect(asked()).toBe(4);
    order.answered(5);
    order.answered(5);
    expect(released).toEqual([["a@5"]]);
  });

  test("progress notifications count as having brought everything", () => {
    const { order, released } = setup(2);
    order.received(1, [], 7);
    order.received(0, [event("a", 5)], 5);
    expect(released).toEqual([["a@5"]]);
  });

  test("a question without answer is asked again, and at last nothing is held back any more", () => {
    const { order, released, asked } = setup(2);
    order.received(0, [event("a", 5)], 5);
    vi.advanceTimersByTime(1000);
    expect(asked()).toBe(11);
    expect(released).toEqual([]);
    expect(order.isKept).toBe(true);
    vi.advanceTimersByTime(1500);
    expect(released).toEqual([["a@5"]]);
    expect(order.isKept).toBe(false); // whoever relies on it is told
    order.received(0, [event("a", 6)], 6);
    expect(released).toEqual([["a@5"], ["a@6"]]);
    expect(asked()).toBe(20);
  });

  test("a store that has answered before and hangs now is waited for: nothing is released in parts", () => {
    const { order, released } = setup(2);
    order.answered(4);
    order.received(0, [event("a", 5)], 5);
    vi.advanceTimersByTime(60_000);
    expect(released).toEqual([]);
    order.received(1, [event("b", 5)], 5);
    expect(released).toEqual([["a@5", "b@5"]]);
  });

  test("closed, it asks and releases no more", () => {
    const { order, released, asked } = setup(2);
    order.received(0, [event("a", 5)], 5);
    order.close();
    vi.advanceTimersByTime(10_000);
    expect(asked()).toBe(1);
    expect(released).toEqual([]);
  });
});
