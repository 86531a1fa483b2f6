import { describe, expect, it } from "vitest";
import type { Change, Owned } from "../../../src/ports.ts";
import { createRetries } from "../../../src/registrator/retries.ts";
import { instance } from "./world.ts";

const middle = (): number => 0.5; // no jitter

function puts(...ids: readonly string[]): Change {
  return { put: ids.map((id) => ({ instance: instance(id) })), remove: [] };
}
function removal(id: string): Change {
  const owned: Owned = { entry: { ...instance(id), owner: "n1" }, revision: "1", unleased: false };
  return { put: [], remove: [owned] };
}
function idsOf({ put, remove }: Change): readonly string[] {
  return [...put.map((item) => item.instance.id), ...remove.map((item) => `-${item.entry.id}`)];
}

describe("entries whose writing failed", () => {
  it("are left alone for their own time, the others are not held up", () => {
    const retries = createRetries(middle);
    expect(idsOf(retries.due(puts("a", "b"), 0))).toEqual(["a", "b"]);
    expect(retries.failed(puts("a", "b"), instance("a"), 0)).toBe(200);
    expect(idsOf(retries.due(puts("a", "b"), 199))).toEqual(["b"]);
    expect(retries.nextDueMs()).toBe(200);
    expect(idsOf(retries.due(puts("a", "b"), 200))).toEqual(["a", "b"]);
  });

  it("wait 200 ms, then twice as long each time, 30 s at most", () => {
    const retries = createRetries(middle);
    const waits = Array.from({ length: 10 }, () => retries.failed(puts("a"), instance("a"), 0));
    expect(waits).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  });

  it.each<[string, () => number, number]>([
    ["least", () => 0, 160],
    ["most", () => 1, 240],
  ])("with a fifth of jitter, at %s", (_what, random, expected) => {
    expect(createRetries(random).failed(puts("a"), instance("a"), 0)).toBeCloseTo(expected);
  });

  it("are tried at once when something else is wanted there, and wait from the beginning", () => {
    const retries = createRetries(middle);
    retries.failed(puts("a"), instance("a"), 0);
    retries.failed(puts("a"), instance("a"), 0);
    const other: Change = { put: [{ instance: instance("a", "web", { port: 81 }) }], remove: [] };
    expect(idsOf(retries.due(other, 1))).toEqual(["a"]);
    expect(idsOf(retries.due(removal("a"), 1))).toEqual(["-a"]);
    expect(retries.failed(other, instance("a"), 1)).toBe(200);
    expect(idsOf(retries.due(other, 2))).toEqual([]);
  });

  it("to remove wait as well", () => {
    const retries = createRetries(middle);
    retries.failed(removal("a"), instance("a"), 0);
    expect(idsOf(retries.due(removal("a"), 100))).toEqual([]);
    expect(idsOf(retries.due(removal("a"), 200))).toEqual(["-a"]);
  });

  it("are forgotten when they succeed or are not wanted any more", () => {
    const retries = createRetries(middle);
    retries.failed(puts("a", "b"), instance("a"), 0);
    retries.failed(puts("a", "b"), instance("b"), 0);
    retries.succeeded(instance("a"));
    expect(idsOf(retries.due(puts("a", "b"), 1))).toEqual(["a"]);
    retries.retain(puts("a"));
    expect(retries.nextDueMs()).toBe(Number.POSITIVE_INFINITY);
  });
});
