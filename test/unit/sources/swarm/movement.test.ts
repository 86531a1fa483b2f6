import { describe, expect, test } from "vitest";
import { fingerprint, isMoving, nextLookMs } from "../../../../src/sources/swarm/movement.ts";
import { makeTask } from "./build.ts";

describe("whether tasks are on their way", () => {
  const rows: readonly [state: string, desired: string, moving: boolean][] = [
    ["running", "running", false],
    ["complete", "complete", false],
    ["shutdown", "shutdown", false],
    ["failed", "shutdown", false],
    ["pending", "running", true],
    ["starting", "running", true],
    ["failed", "running", true],
    ["running", "shutdown", true],
    ["running", "remove", true],
    ["ready", "ready", true],
    ["shutdown", "remove", false],
  ];
  test.each(rows)("state %s, desired %s: %s", (state, desired, moving) => {
    expect(isMoving([makeTask(), makeTask({ state, desired })])).toBe(moving);
  });
});

describe("what counts as a change", () => {
  const rows: readonly [Parameters<typeof makeTask>[0], boolean][] = [
    [{}, false],
    [{ state: "starting" }, true],
    [{ desired: "shutdown" }, true],
    [{ nodeId: "n2" }, true],
    [{ id: "t2" }, true],
    [{ networks: { front: "10.1.0.4" } }, true],
    [{ ports: ["8080->80 host"] }, true],
    [{ env: { SERVICE_NAME: "a" } }, false],
  ];
  test.each(rows)("%o: %s", (sketch, isChange) => {
    expect(fingerprint([makeTask(sketch)]) !== fingerprint([makeTask()])).toBe(isChange);
  });
  test("the order of the answer and tasks that have ended count for nothing", () => {
    const [a, b] = [makeTask({ id: "a" }), makeTask({ id: "b" })];
    expect(fingerprint([b, makeTask({ id: "c", state: "failed" }), a])).toBe(fingerprint([a, b]));
  });
});

test("a look each second while something moves, for a minute; else as the configuration says", () => {
  expect(nextLookMs({ isMoving: true, unchangedMs: 0, pollMs: 5000 })).toBe(1000);
  expect(nextLookMs({ isMoving: true, unchangedMs: 0, pollMs: 200 })).toBe(200);
  expect(nextLookMs({ isMoving: true, unchangedMs: 60_000, pollMs: 5000 })).toBe(5000);
  expect(nextLookMs({ isMoving: false, unchangedMs: 0, pollMs: 5000 })).toBe(5000);
});
