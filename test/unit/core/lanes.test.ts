import { describe, expect, it } from "vitest";
import { withLanes } from "../../../src/core/lanes.ts";

/** Each step waits for its word; tells what ran at the same time. */
async function runAll(limit: number, steps: readonly (readonly [name: string, isTogether: boolean])[]) {
  const log: string[] = [];
  const running = new Set<string>();
  await withLanes(limit, async (lane) => {
    for (const [name, isTogether] of steps) {
      await lane(isTogether, async () => {
        running.add(name);
        log.push([...running].join("+"));
        await new Promise((resolve) => setImmediate(resolve));
        running.delete(name);
      });
    }
  });
  expect(running.size).toBe(0);
  return log;
}

describe("withLanes", () => {
  it.each([
    [
      "together",
      3,
      [
        ["a", true],
        ["b", true],
        ["c", true],
      ],
      ["a", "a+b", "a+b+c"],
    ],
    [
      "no more than the limit at once",
      2,
      [
        ["a", true],
        ["b", true],
        ["c", true],
      ],
      ["a", "a+b", "b+c"],
    ],
    [
      "alone, after all before and before all behind",
      9,
      [
        ["a", true],
        ["b", true],
        ["c", false],
        ["d", true],
      ],
      ["a", "a+b", "c", "d"],
    ],
  ] as const)("runs work %s", async (_, limit, steps, expected) => {
    expect(await runAll(limit, steps)).toEqual(expected);
  });

  it("rejects with the first error when everything is over", async () => {
    let isOver = false;
    const work = withLanes(4, async (lane) => {
      await lane(true, () => Promise.reject(new Error("one")));
      await lane(true, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        isOver = true;
      });
      throw new Error("two");
    });
    await expect(work).rejects.toThrow("one");
    expect(isOver).toBe(true);
  });

  it("does nothing alone after an error", async () => {
    const work = withLanes(4, async (lane) => {
      await lane(true, () => Promise.reject(new Error("one")));
      await lane(false, () => Promise.reject(new Error("must not run")));
    });
    await expect(work).rejects.toThrow("one");
  });
});
