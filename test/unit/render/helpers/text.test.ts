import { describe, expect, test } from "vitest";
import { Structure } from "../../../../src/render/helpers/index.ts";
import { call, failure } from "./call.ts";

describe("text helpers", () => {
  const rows: readonly [string, readonly unknown[], unknown][] = [
    ["lower", ["ÄÖ"], "äö"],
    ["upper", [true], "TRUE"],
    ["trim", ["\n a b\t"], "a b"],
    ["replace", ["a.b", ".", "$&$1"], "a$&$1b"],
    ["replace", ["aaa", "aa", "b"], "ba"],
    ["split", ["", ","], []],
    ["split", ["a,,b", ","], ["a", "", "b"]],
    ["split", ["a😀b", ""], ["a", "😀", "b"]],
    ["join", [["a", 1, false], ""], "a1false"],
    ["join", [[], ","], ""],
    ["contains", ["abc", ""], true],
    ["startsWith", [8080, "80"], true],
    ["endsWith", [8080, 80], true],
    ["slice", ["a😀bc", 1, 3], "😀b"],
    ["slice", ["abc", -2], "bc"],
    ["slice", [["a", "b", "c"], "1"], ["b", "c"]],
    ["slice", [["a", "b", "c"], 0, -1], ["a", "b"]],
    ["slice", ["abc", 2, 1], ""],
    ["indent", ["a\n\nb\n", 2], "  a\n  \n  b\n  "],
    ["indent", ["a", 0], "a"],
    ["quote", ['a"\\\n'], '"a\\"\\\\\\n"'],
    ["default", [0, "x"], 0],
    ["default", [false, "x"], false],
    ["default", ["", "x"], "x"],
    ["default", [[], "x"], "x"],
    ["default", [null, "x"], "x"],
    ["coalesce", ["", null, undefined, []], ""],
    ["coalesce", ["", [], 0, "x"], 0],
    ["base64", ["é😀"], "w6nwn5iA"],
    ["base64Decode", ["w6nw\nn5iA"], "é😀"],
    ["base64Decode", ["YT8-w79-"], "a?>ÿ~"],
    ["base64Decode", ["YQ"], "a"],
    ["base64Decode", [""], ""],
    ["urlEncode", ["a b&c=d/é!'()*~"], "a%20b%26c%3Dd%2F%C3%A9%21%27%28%29%2A~"],
    ["sha256", [""], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ];
  test.each(rows)("%s %j gives %j", (name, args, result) => {
    expect(call(name, args)).toEqual(result);
  });

  const refused: readonly [string, readonly unknown[], string][] = [
    ["replace", ["a", "", "b"], '"from" is empty'],
    ["join", [["a", ["b"]], ","], 'item 2 of "list" is not text'],
    ["indent", ["a", -1], '"n" is not between 0 and 1000'],
    ["indent", ["a", 1e9], '"n" is not between 0 and 1000'],
    ["base64Decode", ["a b!"], '"text" is not base64'],
    ["base64Decode", ["abcde"], '"text" is not base64'],
    ["base64Decode", ["/+8="], '"text" holds bytes that are no UTF-8 text'],
    ["base64Decode", ["_-8"], '"text" holds bytes that are no UTF-8 text'],
    ["urlEncode", ["\ud800"], '"text" holds half of a surrogate pair'],
    ["matches", ["a", "("], '"pattern" has a group that is not closed'],
  ];
  test.each(refused)("%s %j is refused", (name, args, reason) => {
    expect(failure(name, args)).toBe(`helper "${name}": ${reason}`);
  });

  test("structure is text to them, and stays structure when it is indented", () => {
    expect(call("lower", [new Structure("A: 1")])).toBe("a: 1");
    expect(call("indent", [new Structure("a:\n  b: 1"), 2])).toEqual(new Structure("  a:\n    b: 1"));
  });
});
