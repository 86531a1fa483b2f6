import { describe, expect, test } from "vitest";
import { call, failure } from "./call.ts";

describe("numbers", () => {
  const rows: readonly [string, readonly unknown[], number][] = [
    ["add", ["08", "1e1"], 18],
    ["add", [1], 1],
    ["subtract", ["1", ".5"], 0.5],
    ["multiply", [2, "-3"], -6],
    ["divide", [1, 4], 0.25],
    ["modulo", [-7, 3], -1],
    ["min", [["3", 2]], 2],
    ["max", ["9", "10"], 10],
  ];
  test.each(rows)("%s %j gives %j", (name, args, result) => {
    expect(call(name, args)).toBe(result);
  });

  const refused: readonly [string, readonly unknown[], string][] = [
    ["divide", [1, "0"], '"b" is 0'],
    ["modulo", [1, 0], '"b" is 0'],
    ["min", [[]], "the list is empty"],
    ["multiply", [1e308, 10], "the result is too large for a number"],
    ["add", ["0x10", 1], "argument 1 is text, not a number"],
    ["add", [" 1", 1], "argument 1 is text, not a number"],
    ["add", ["1e999", 1], "argument 1 is text, not a number"],
    ["add", ["", 1], "argument 1 is text, not a number"],
    ["add", [true, 1], "argument 1 is a boolean, not a number"],
  ];
  test.each(refused)("%s %j is refused", (name, args, reason) => {
    expect(failure(name, args)).toBe(`helper "${name}": ${reason}`);
  });
});

describe("logic", () => {
  const rows: readonly [string, readonly unknown[], boolean][] = [
    ["eq", ["a", "a"], true],
    ["eq", ["a", "A"], false],
    ["eq", [80, "80"], true],
    ["eq", [80, "80.0"], true],
    ["eq", ["80", "80.0"], false],
    ["eq", [80, "x"], false],
    ["eq", [true, "true"], true],
    ["eq", [true, "1"], false],
    ["eq", [undefined, null], true],
    ["eq", [undefined, ""], false],
    ["eq", [0, undefined], false],
    ["ne", [0, "0"], false],
    ["lt", ["9", "10"], true],
    ["lt", [2, 2], false],
    ["le", ["2.0", 2], true],
    ["gt", [3, "2"], true],
    ["ge", [1, 2], false],
    ["and", ["x", []], false],
    ["and", [1, "0"], true],
    ["or", [0, null, ""], false],
    ["or", [0, ["a"]], true],
    ["not", [0], true],
    ["not", ["false"], false],
  ];
  test.each(rows)("%s %j is %j", (name, args, result) => {
    expect(call(name, args)).toBe(result);
  });

  test("lists and objects are not compared", () => {
    expect(failure("eq", [["a"], "a"])).toBe('helper "eq": "a" is a list, which cannot be compared');
    expect(failure("ne", ["a", {}])).toBe('helper "ne": "b" is an object, which cannot be compared');
  });
});
