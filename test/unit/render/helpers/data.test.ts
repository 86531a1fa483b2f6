import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { Structure } from "../../../../src/render/helpers/index.ts";
import { createRandom, hostileValue } from "../formats/values.ts";
import { call, failure } from "./call.ts";

const DEEP = 5000;

describe("fromJson and fromYaml", () => {
  const rows: readonly [string, string, unknown][] = [
    ["fromJson", '{"a": [1, "x", true, null]}', { a: [1, "x", true, null] }],
    ["fromJson", ' "x" ', "x"],
    ["fromYaml", "a: yes\nb: [1, 0x10, ~]\n", { a: "yes", b: [1, 16, null] }],
    ["fromYaml", "a: &x {k: 1}\nb: *x\nc: {<<: *x, l: 2}\n", { a: { k: 1 }, b: { k: 1 }, c: { k: 1, l: 2 } }],
    ["fromYaml", "1: a\ntrue: b\n2001-01-01: c\n", { 1: "a", true: "b", "2001-01-01": "c" }],
    ["fromYaml", "", null],
  ];
  test.each(rows)("%s %j gives %j", (name, text, result) => {
    expect(JSON.parse(JSON.stringify(call(name, [text])))).toEqual(result);
  });

  test("objects have no prototype, so that every key is data", () => {
    for (const [name, text] of [
      ["fromJson", '{"__proto__": {"polluted": 1}, "constructor": 2}'],
      ["fromYaml", "__proto__: {polluted: 1}\nconstructor: 2\n"],
    ] as const) {
      const value = call(name, [text]) as Record<string, Record<string, unknown>>;
      expect(Object.getPrototypeOf(value)).toBeNull();
      expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
      expect(Object.getPrototypeOf(value["__proto__"])).toBeNull();
    }
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  const refused: readonly [string, string, RegExp][] = [
    ["fromJson", "s3cret", /^helper "fromJson": "text" is not JSON$/],
    ["fromJson", '"\\u0000"', /it holds a NUL character$/],
    ["fromJson", '"\\ud800"', /it holds half of a surrogate pair/],
    ["fromJson", "[".repeat(DEEP) + "]".repeat(DEEP), /deep/],
    ["fromYaml", "a: s3cret: b", /^helper "fromYaml": "text" is not YAML \(\w+ at character \d+\)$/],
    ["fromYaml", "a: 1\na: s3cret\n", /"text" has a key twice in one object$/],
    ["fromYaml", "a: 1\n---\nb: 2\n", /not YAML \(MULTIPLE_DOCS/],
    ["fromYaml", "a: !!js/function s3cret\n", /not YAML \(TAG_RESOLVE_FAILED/],
    ["fromYaml", "a: *s3cret\n", /^helper "fromYaml": /],
    ["fromYaml", "? [a]\n: 1\n", /it holds a key that is a list or an object$/],
    [
      "fromYaml",
      `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefgh".replace(/./g, (c, i) => `${c}: &${c} [${`*${"abcdefg"[i]},`.repeat(9)}]\n`)}`,
      /aliases/,
    ],
    ["fromYaml", "[".repeat(DEEP), /deep|not YAML/],
  ];
  test.each(refused)("%s refuses row %# and does not tell the text", (name, text, message) => {
    expect(failure(name, [text])).toMatch(message);
    expect(failure(name, [text])).not.toContain("s3cret");
  });
});

describe("toJson and toYaml", () => {
  test("toJson is one line, or indented; keys keep their order", () => {
    expect(call("toJson", [{ b: 1, a: ["x"] }])).toEqual(new Structure('{"b":1,"a":["x"]}'));
    expect(call("toJson", [{ b: [] }], { indent: "2" })).toEqual(new Structure('{\n  "b": []\n}'));
    expect(call("toJson", ["\u2028\u007f"])).toEqual(new Structure('"\\u2028\\u007f"'));
    expect(failure("toJson", [{ a: () => 1 }])).toBe('helper "toJson": it holds something that is no data');
    expect(failure("toJson", [undefined])).toBe('helper "toJson": it holds something absent');
    expect(failure("toJson", [[Number.NaN]])).toBe('helper "toJson": it holds a number without a finite value');
  });

  test("toYaml is block style, with quotes where some YAML would read something else", () => {
    const value = {
      a: "yes",
      b: ["x", { c: 1, d: [] }, []],
      e: {},
      f: [[1, 2]],
      "": null,
      "12": "12",
      g: "a\nb",
      h: 1e21,
      i: "http://x/y",
    };
    expect(String(call("toYaml", [value]))).toBe(
      '"12": "12"\na: "yes"\nb:\n  - x\n  - c: 1\n    d: []\n  - []\ne: {}\nf:\n  - - 1\n    - 2\n"": null\ng: "a\\nb"\nh: 1.0e+21\ni: http://x/y',
    );
  });

  test("what they print reads back as the same data, in YAML 1.1 and 1.2", () => {
    const random = createRandom(3);
    const value = (depth: number): unknown => {
      const kind = random(depth > 0 ? 8 : 5);
      if (kind < 3) {
        return hostileValue(random).replace(/[\0\ud800]/g, "");
      }
      if (kind === 3) {
        return [0, -1.5, 1e21, 1e-9, 8080, true, null][random(7)];
      }
      const items = Array.from({ length: random(4) }, () => value(depth - 1));
      return kind < 6 ? items : Object.fromEntries(items.map((item) => [hostileValue(random).replace(/[\0\ud800]/g, ""), item]));
    };
    for (let i = 0; i < 1200; i += 1) {
      const data = value(4);
      const want = JSON.stringify(data);
      expect(JSON.stringify(JSON.parse(String(call("toJson", [data]))))).toBe(want);
      const printed = String(call("toYaml", [data]));
      for (const version of ["1.1", "1.2"] as const) {
        expect(JSON.stringify(parse(printed, { version, logLevel: "error" })), printed).toBe(want);
      }
    }
  });
});
