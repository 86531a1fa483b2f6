import { describe, expect, it } from "vitest";
import { createGlob } from "../../../src/core/glob.ts";
import { PATIENCE } from "../../helpers/patience.ts";

describe("a pattern", () => {
  it.each<[string, string, boolean]>([
    ["web", "web", true],
    ["web", "web2", false],
    ["web", "Web", false],
    ["", "", true],
    ["", "x", false],
    ["*", "", true],
    ["*", "anything at all", true],
    ["web-*", "web-1", true],
    ["web-*", "web-", true],
    ["web-*", "web", false],
    ["*-web", "a-web", true],
    ["*-web", "a-web-b", false],
    ["a*b", "ab", true],
    ["a*b", "a", false],
    ["ab*ba", "aba", false],
    ["ab*ba", "abba", true],
    ["*.a.example", "www.a.example", true],
    ["*.a.example", "a.example", false],
    ["*.a.example", "www.xa.example", false],
    ["a*b*c", "a1b2c", true],
    ["a*b*c", "abcc", true],
    ["a*b*c", "acb", false],
    ["a*b*b*c", "abc", false],
    ["**", "x", true],
    ["a.c", "abc", false],
    ["[a-z]+", "abc", false],
    ["^(a|b)$", "^(a|b)$", true],
    ["a*", "a\nb", true],
  ])("%s on %j", (pattern, text, expected) => {
    expect(createGlob(pattern)(text)).toBe(expected);
  });

  it("is as fast with a hundred stars on a text made to slow it down", () => {
    const matches = createGlob(`${"*a".repeat(100)}*b`);
    const startedAt = performance.now();
    expect(matches("a".repeat(1_000_000))).toBe(false);
    expect(matches(`${"a".repeat(1_000_000)}b`)).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(200 * PATIENCE);
  });
});
