import { performance } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import { createRandom } from "../formats/values.ts";
import { call, failure } from "./call.ts";

describe("matches", () => {
  const rows: readonly [string, string, boolean][] = [
    ["web-12", "^web-\\d+$", true],
    ["web", "w.b", true],
    ["w\nb", "w.b", false],
    ["abab", "^(?:ab){2}$", true],
    ["aaa", "^a{2}$", false],
    ["aaa", "^a{2,}$", true],
    ["aaa", "^a{1,2}$", false],
    ["color", "colou?r", true],
    ["a.b", "a\\.b", true],
    ["axb", "a\\.b", false],
    ["x-y", "^[\\w-]+$", true],
    ["é", "^[à-ý]$", true],
    ["😀", "^.$", true],
    ["b", "^[^a\\d]$", true],
    ["a b", "a\\sb", true],
    ["foo bar", "\\bbar\\b", true],
    ["foobar", "\\bbar", false],
    ["foobar", "\\Bbar", true],
    ["", "^$", true],
    ["abc", "", true],
    ["abc", "x|b|", true],
    ["ab", "^(a|ab)(c|bcd|)$", true],
    ["abbb", "^(a|ab)(c|b*)$", true],
    ["a", "^(a?)*$", true],
    ["b", "^()*b$", true],
    ["b", "^(?:a{0})+b$", true],
    ["{x}", "^{x}$", true],
  ];
  test.each(rows)("%j %j is %j", (text, pattern, result) => {
    expect(call("matches", [text, pattern])).toBe(result);
    expect(new RegExp(pattern).test(text) || text === "😀").toBe(result); // JavaScript says the same
  });

  const refused: readonly [string, RegExp][] = [
    ["(a", /a group that is not closed/],
    ["a)", /closes a group that is not open/],
    ["[a", /ends in the middle/],
    ["a\\", /ends in the middle/],
    ["*a", /repeats nothing/],
    ["a**", /repeats a repetition/],
    ["^*", /no width/],
    ["(?=a)", /look-around/],
    ["(?<!a)", /look-around/],
    ["(?<n>a)", /named group/],
    ["(a)\\1", /back-reference/],
    ["\\k<n>", /back-reference/],
    ["\\q", /unknown escape/],
    ["[b-a]", /range whose end is before/],
    ["a{2,1}", /repetition whose end is before/],
    ["a{501}", /too long/],
    ["((a{99}){99}){99}", /too long/],
    ["(((){9999}){9999}){9999}", /too long/],
    ["(((a{0}){9999}){9999}){9999}", /too long/],
    ["a".repeat(1001), /longer than 1000/],
    ["(".repeat(1000), /ends|group/],
  ];
  test.each(refused)("a pattern is refused, row %#", (pattern, reason) => {
    expect(failure("matches", ["x", pattern])).toMatch(reason);
  });

  test("no pattern takes long on 64 KiB of text", () => {
    const text = `${"a".repeat(65_536)}!`;
    for (const pattern of ["(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "^(.*a){20}$", "\\w*\\d"]) {
      const started = performance.now();
      expect(call("matches", [text, pattern])).toBe(false);
      expect(performance.now() - started, pattern).toBeLessThan(2000);
    }
  });

  test("it finds what JavaScript finds, for random patterns and texts", () => {
    const random = createRandom(11);
    const pick = (from: readonly string[]): string => from[random(from.length)] ?? "";
    const atom = (depth: number): string => {
      const kind = random(depth > 0 ? 9 : 6);
      return kind < 3
        ? pick(["a", "b", "c", "-", "\\."])
        : kind < 6
          ? pick([".", "\\d", "\\w", "\\S", "[ab]", "[^a]", "[a-c]", "\\b", "^", "$"])
          : `(${pick(["", "?:"])}${pattern(depth - 1)})`;
    };
    const part = (depth: number): string => {
      const text = atom(depth);
      return /^(\\b|\^|\$)$/.test(text) ? text : text + pick(["", "", "", "*", "+", "?", "{2}", "{1,3}", "*?", "{0,1}"]);
    };
    const pattern = (depth: number): string =>
      Array.from({ length: 1 + random(2) }, () => Array.from({ length: random(4) }, () => part(depth)).join("")).join("|");
    for (let i = 0; i < 20_000; i += 1) {
      const source = pattern(2);
      const text = Array.from({ length: random(8) }, () => pick(["a", "b", "c", "1", "-", ".", " ", "\n"])).join("");
      expect(call("matches", [text, source]), `${source} on ${JSON.stringify(text)}`).toBe(new RegExp(source, "u").test(text));
    }
  });
});
