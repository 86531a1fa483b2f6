import { describe, expect, test } from "vitest";
import { waitFor } from "../../helpers/wait.ts";

describe("waitFor()", () => {
  test.each([
    ["a value", () => "x", "x"],
    ["zero", () => 0, 0],
    ["an empty text", () => "", ""],
    ["a promise", async () => 1, 1],
  ])("returns %s at once", async (_, attempt, expected) => {
    expect(await waitFor<unknown>(attempt, { timeoutMs: 1000, what: "it" })).toBe(expected);
  });

  test("takes undefined, null, false and exceptions as not yet", async () => {
    const answers: readonly (() => unknown)[] = [() => undefined, () => null, () => false, fail, () => "there"];
    let asked = 0;
    const found = await waitFor(() => answers[asked++]?.(), { timeoutMs: 2000, intervalMs: 1, what: "it" });
    expect([found, asked]).toEqual(["there", 5]);
  });

  test.each([
    ["never comes", () => false, "waited 50 ms for the moon"],
    ["fails", fail, "waited 50 ms for the moon; last seen: not here"],
    ["hangs", () => new Promise<never>(() => undefined), "waited 50 ms for the moon"],
  ])("says what it waited for when that %s", async (_, attempt, message) => {
    await expect(waitFor(attempt, { timeoutMs: 50, intervalMs: 5, what: "the moon" })).rejects.toThrow(new Error(message));
  });
});

function fail(): never {
  throw new Error("not here");
}
