import { describe, expect, it } from "vitest";
import { parsePointer, readPointer } from "../../../src/core/pointer.ts";

describe("a JSON pointer", () => {
  // The document and the rows are RFC 6901's own.
  const document = { foo: ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7, "m~n": 8 };
  it.each<[string, unknown]>([
    ["", document],
    ["/foo", ["bar", "baz"]],
    ["/foo/0", "bar"],
    ["/", 0],
    ["/a~1b", 1],
    ["/c%d", 2],
    ["/e^f", 3],
    ["/g|h", 4],
    ["/i\\j", 5],
    ['/k"l', 6],
    ["/ ", 7],
    ["/m~0n", 8],
    ["/foo/2", undefined],
    ["/foo/-", undefined],
    ["/foo/00", undefined],
    ["/foo/length", undefined],
    ["/foo/0/0", undefined],
    ["/nothing/at/all", undefined],
    ["/__proto__", undefined],
    ["/constructor/name", undefined],
    ["/foo/__proto__", undefined],
  ])("%s", (text, expected) => {
    const pointer = parsePointer(text);
    expect(pointer === undefined ? "no pointer" : readPointer(document, pointer)).toEqual(expected);
  });

  it.each(["foo", "#/foo", "/a~", "/a~2b", " /a"])("is not %s", (text) => {
    expect(parsePointer(text)).toBeUndefined();
  });

  it("finds a field that is named like what every object has, when the document has one", () => {
    expect(readPointer(JSON.parse('{"__proto__": {"x": 1}}'), ["__proto__", "x"])).toBe(1);
  });
});
