import { describe, expect, test } from "vitest";
import { call, failure } from "./call.ts";

const ITEMS = [
  { id: "a", port: "8080", tags: ["x", "y"], meta: { zone: "b", "a.b": "dotted" } },
  { id: "b", port: 443, tags: ["y"], meta: { zone: "a" } },
  { id: "c", port: "none", tags: [], meta: {} },
  { id: "d", tags: ["x"], meta: { zone: "B" } },
];

function ids(value: unknown): string {
  return (value as readonly { readonly id: string }[]).map(({ id }) => id).join("");
}

describe("lists", () => {
  test.each([
    ["port", "bacd"], // numbers, then text, then nothing
    ["meta.zone", "dbac"],
    ["nothing", "abcd"],
    ["tags.length", "cbda"],
  ])("sortBy %s gives %s", (path, order) => {
    expect(ids(call("sortBy", [ITEMS, path]))).toBe(order);
  });

  const rows: readonly [string, readonly unknown[], unknown][] = [
    ["sortBy", [["b", "10", "9", "B", 1]], [1, "9", "10", "B", "b"]],
    ["first", [[]], undefined],
    ["last", [["a"]], "a"],
    ["unique", [["1", 1, "1", { a: 1 }, { a: 1 }, null, null]], ["1", 1, { a: 1 }, null]],
    ["reverse", [[1, 2]], [2, 1]],
    ["range", ["-1", 1], [-1, 0, 1]],
    ["range", [1, 0], []],
    ["length", ["a😀"], 2],
    ["length", [{ a: 1, b: 2 }], 2],
    ["length", [80], 2],
    ["pluck", [ITEMS, "meta.zone"], ["b", "a", "B"]],
    ["pluck", [ITEMS, "meta.a.b"], ["dotted"]],
    ["pluck", [ITEMS, "tags"], [["x", "y"], ["y"], [], ["x"]]],
    ["pluck", [ITEMS, "constructor"], []],
    ["pluck", [ITEMS, "meta.__proto__"], []],
    ["pluck", [["text"], "length"], []],
    ["includes", [["a", "80"], 80], true],
    ["includes", [[["a"]], "a"], false],
    ["merge", [{ a: 1, b: { c: 1 } }, { b: { d: 2 } }], { a: 1, b: { d: 2 } }],
    ["merge", [[1], [], [1]], [1, 1]],
  ];
  test.each(rows)("%s %j gives %j", (name, args, result) => {
    const given = JSON.stringify(args);
    const got = call(name, args);
    expect(got).toEqual(
      result === undefined || typeof result !== "object" || Array.isArray(result)
        ? result
        : Object.assign(Object.create(null), result),
    );
    expect(JSON.stringify(args)).toBe(given);
  });

  test.each([
    ["port", 8080, "a"],
    ["port", "443", "b"],
    ["tags", "y", "ab"],
    ["meta.zone", "b", "a"],
    ["meta.zone", undefined, "c"],
  ])("where %s %j gives %s", (path, value, found) => {
    expect(ids(call("where", [ITEMS, path, value]))).toBe(found);
  });

  test("groupBy sorts its groups, puts an item into each of its tags and leaves out what has nothing there", () => {
    const groups = call("groupBy", [ITEMS, "tags"]) as Record<string, unknown>;
    expect(Object.entries(groups).map(([name, items]) => name + ids(items))).toEqual(["xad", "yab"]);
    const zones = call("groupBy", [ITEMS, "meta.zone"]) as Record<string, unknown>;
    expect(Object.keys(zones)).toEqual(["B", "a", "b"]);
  });

  test("names of data that objects are born with are only data", () => {
    const items = [{ name: "__proto__" }, { name: "constructor" }, { name: "toString" }];
    const groups = call("groupBy", [items, "name"]) as Record<string, unknown>;
    expect(Object.keys(groups)).toEqual(["__proto__", "constructor", "toString"]);
    expect(Object.getPrototypeOf(groups)).toBeNull();
    const merged = call("merge", [JSON.parse('{"__proto__": {"polluted": 1}}'), { a: 1 }]) as Record<string, unknown>;
    expect(Object.keys(merged)).toEqual(["__proto__", "a"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  const refused: readonly [string, readonly unknown[], string][] = [
    ["sortBy", [[[1]]], "item 1 has a list to sort by"],
    ["range", [1, 1e6], "it would give more than 100000 numbers"],
    ["merge", [[1], {}], "argument 1 is a list, where all are objects or all are lists"],
    ["merge", [{}, "a"], "argument 2 is text, where all are objects or all are lists"],
    ["where", ["a", "b", "c"], '"list" is text, not a list'],
    ["length", [null], '"x" is null, not text'],
  ];
  test.each(refused)("%s %j is refused", (name, args, reason) => {
    expect(failure(name, args)).toBe(`helper "${name}": ${reason}`);
  });
});
