import { describe, expect, test } from "vitest";
import { markText, resolve } from "../../../../src/render/formats/index.ts";
import { gives, refuses } from "./table.ts";

const GLUED = "it is glued to other text without quotes around both";
const SAME_KEY = "it makes a key that is there already";
const NO_JSON = "it stands behind text that is no JSON";

describe("json", () => {
  gives("json", [
    ["[@@, @@, @@, @@]", [1.5, true, null, "1"], '[1.5, true, null, "1"]'],
    ["{@@: @@}", [8080, 8080], '{"8080": 8080}'],
    ["{@@: 1, @@:2}", [null, true], '{"": 1, "true":2}'],
    ['"@@ @@ @@"', ['a"b\\\n', 1, null], '"a\\"b\\\\\\n 1 "'],
    ['{"a": [1, {"b": @@}], "c": @@}', ["x", "\u2028\u007f"], '{"a": [1, {"b": "x"}], "c": "\\u2028\\u007f"}'],
    ['{"a": {"@@": 1}, "b": [{"@@": 2}, "a", "a"]}', ["a", "a"], '{"a": {"a": 1}, "b": [{"a": 2}, "a", "a"]}'],
    ["[@@ // @@\n, /* @@ */ @@]", ["a", "b-1", "c", "d"], '["a" // b-1\n, /* c */ "d"]'],
  ]);
  refuses("json", [
    ['{"a": 1, "@@": 2}', "a", SAME_KEY],
    ['{"@@": 1, "a": 2}', "a", SAME_KEY],
    ["{@@: 1, @@: 2}", "k", SAME_KEY],
    ['{"x": {"\\u0061b": 1, "a@@": 2}}', "b", SAME_KEY],
    ["[1@@]", 2, GLUED],
    ["[-@@]", 2, GLUED],
    ["[@@@@]", "a", GLUED],
    ['["a"@@]', "a", GLUED],
    ['[@@"a"]', "a", GLUED],
    ['["\\@@"]', "n", "it would be a part of an escape"],
    ['["\\u00@@"]', "41", "it would be a part of an escape"],
    ["['x', @@]", "a", NO_JSON],
    ["[` @@ `]", "a", NO_JSON],
    ["/* @@ */ 1", "/x", "it could end the comment"],
  ]);

  test("structure takes the indentation of its line, and is text in quotes and as a key", () => {
    const structure = { value: '{\n  "a": 1\n}', structure: '{\n  "a": 1\n}' };
    const fillIn = (text: string): unknown => resolve("json", text.replace("@@", markText(0)), [structure]);
    expect(fillIn('{\n  "x": @@\n}')).toEqual({ ok: true, text: '{\n  "x": {\n    "a": 1\n  }\n}' });
    expect(fillIn('"@@"')).toEqual({ ok: true, text: '"{\\n  \\"a\\": 1\\n}"' });
    expect(fillIn("{@@: 1}")).toEqual({ ok: true, text: '{"{\\n  \\"a\\": 1\\n}": 1}' });
    expect(resolve("json", `[${markText(0)}]`, [{ value: "a: 1", structure: "a: 1" }])).toEqual({ ok: true, text: '["a: 1"]' });
  });
});

describe("toml", () => {
  gives("toml", [
    ["a = @@\nb = @@\nc = @@\n", [1, false, "1"], 'a = 1\nb = false\nc = "1"\n'],
    ["a = @@\nb = @@\n", [1e20, 1e21], "a = 100000000000000000000.0\nb = 1e+21\n"],
    ["@@ = 1\n@@ = 2\na.@@.b = 3", ["key-1", "a.b", ""], 'key-1 = 1\n"a.b" = 2\na."".b = 3'],
    ["[a.@@]\nx = [[@@], {@@ = @@}]", ["a b", "v", "k k", "w"], '[a."a b"]\nx = [["v"], {"k k" = "w"}]'],
    ["x_@@ = '@@'", ["y", 'a"\\b'], "x_y = 'a\"\\b'"],
    ['a = """x\n@@"""\n', ['"""\n'], 'a = """x\n\\"\\"\\"\\u000a"""\n'],
  ]);
  refuses("toml", [
    ["a = @@", null, "it is null, which TOML does not have"],
    ["a = 1@@", 2, GLUED],
    ["a = @@.@@", 2, GLUED],
    ["x_@@ = 1", "a b", GLUED],
    ["'a'@@ = 1", "b", "it is glued to a quote"],
    ["a = '@@'", "it's", "it holds a single quote, which has no escape in single quotes"],
    ["a = '''@@'''", "a\nb", "it holds a line break, which has no escape in single quotes"],
    ['a = "\\u00@@"', "41", "it would be a part of an escape"],
  ]);
});
