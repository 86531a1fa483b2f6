import { describe, expect, it } from "vitest";
import { each } from "../../../src/core/each.ts";
import { sleep } from "../../../src/core/time.ts";

const { signal } = new AbortController();

describe("each", () => {
  it("gives the results in the items' order, and never works at more than the limit", async () => {
    let now = 0;
    let most = 0;
    const results = await each([5, 1, 3, 2, 4], { limit: 2, signal }, async (ms, inner) => {
      now += 1;
      most = Math.max(most, now);
      await sleep(ms, inner);
      now -= 1;
      return ms * 10;
    });
    expect(results).toEqual([50, 10, 30, 20, 40]);
    expect(most).toBe(2);
  });

  it("rejects with the first failure, when the others have ended, and begins nothing more", async () => {
    const begun: number[] = [];
    const ended: unknown[] = [];
    const work = each([0, 1, 2, 3], { limit: 2, signal }, async (item, inner) => {
      begun.push(item);
      if (item === 1) {
        throw new Error("no");
      }
      await sleep(10_000, inner).catch((error: unknown) => {
        ended.push(error);
        throw error;
      });
    });
    await expect(work).rejects.toThrow("no");
    expect(begun).toEqual([0, 1]);
    expect(ended).toHaveLength(1);
  });

  it("rejects with the signal's reason when that aborts", async () => {
    const controller = new AbortController();
    const work = each([1, 2, 3], { limit: 2, signal: controller.signal }, (_, inner) => sleep(10_000, inner));
    controller.abort(new Error("over"));
    await expect(work).rejects.toThrow("over");
  });
});
