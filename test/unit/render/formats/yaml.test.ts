import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { markText, resolve } from "../../../../src/render/formats/index.ts";
import type { Structure } from "../../../../src/render/helpers/index.ts";
import { call } from "../helpers/call.ts";
import { gives, refuses } from "./table.ts";

const COMMENT = "it stands in a comment, where only a plain word is let through";
const LINES = "it is a part of a text over several lines without quotes";
const PROPERTY = "it would be a part of a tag, an anchor or an alias";

describe("yaml", () => {
  gives("yaml", [
    ["a: @@\nb: @@\nc: @@\nd: @@", [8080, true, null, 1e21], "a: 8080\nb: true\nc: null\nd: 1.0e+21"],
    ["a: @@\nb: @@\nc: @@", ["8080", "yes", "08"], 'a: "8080"\nb: "yes"\nc: "08"'],
    ["a: @@\nb: @@\nc: @@", ["1e3", "~", "2001-01-01"], 'a: "1e3"\nb: "~"\nc: "2001-01-01"'],
    ["a: @@\nb: @@\nc: @@", ["web-1", "10.0.0.1:80", "hello big world"], "a: web-1\nb: 10.0.0.1:80\nc: hello big world"],
    ["a: @@\nb: @@", ["", " x"], 'a: ""\nb: " x"'],
    ["a: @@", ["x: y # z\n- \u2028\u0085\ufeff"], 'a: "x: y # z\\n- \\u2028\\u0085\\ufeff"'],
    ["@@: 1\n@@: 2\n@@ : 3", ["web", 8080, "a: b"], 'web: 1\n"8080": 2\n"a: b" : 3'],
    ["ports: [ @@:@@, @@ ]", [22, 22, 80], 'ports: [ "22:22", 80 ]'],
    ["a: -@@\nb: 1.@@\nc: -@@", [5, 5, "5"], 'a: -5\nb: 1.5\nc: "-5"'],
    ["url: http://@@:@@/?q=@@#x", ["db", 5432, "a b"], "url: http://db:5432/?q=a b#x"],
    ["url: http://@@/ # c", ["a: b"], 'url: "http://a: b/" # c'],
    ["- '@@'\n- \"@@\"", ["it's", '"\\'], "- 'it''s'\n- \"\\\"\\\\\""],
    ["a: |\n    x\n    @@\nb: @@", ["l1\n\n  l2", "y"], 'a: |\n    x\n    l1\n    \n      l2\nb: "y"'],
    ["{@@: @@}", ["a,b", "c]"], '{"a,b": "c]"}'],
    ["# @@\n--- @@", ["web-1", "---"], '# web-1\n--- "---"'],
    ["a: &x !!str @@", ["yes"], 'a: &x !!str "yes"'],
  ]);

  refuses("yaml", [
    ["a: 1 # @@", "a b", COMMENT],
    ["# @@", "\nb: 1", COMMENT],
    ["%TAG @@ x\n---\n", "!", "it stands in a YAML directive"],
    ["a: !@@ x", "ruby/object:X", PROPERTY],
    ["a: *@@", "x", PROPERTY],
    ["a: [&@@ x]", "x", PROPERTY],
    ["a: 'x@@'", "a\nb", "it holds a line break or a control character, which has no escape in single quotes"],
    ["a: 'x\n  @@ y'", " a", "it has a blank at the edge of a line in single quotes, where it would be lost"],
    ['a: "x\n@@ y"', "---", "it stands at the very beginning of a line in quotes, where a document could end"],
    ['a: "\\@@"', "n", "it would be a part of an escape"],
    ['a: "\\x4@@"', "1", "it would be a part of an escape"],
    ['a: "x"@@', "y", "it is glued to something that is whole without it"],
    ['a: ["x"@@]', "y", "it is glued to a closing quote"],
    ["a: |\n  x @@", "a\r\nb", "it holds a control character, which has no escape in a block scalar"],
    ["a: |\n  x @@", "a\n", "it begins or ends with a line break, which a block scalar would not keep"],
    ["a: |\n  @@\n  x", " a", "it is empty or begins with a blank in the line that gives a block scalar its indentation"],
    ["a: |\n  @@\n    x", "", "it is empty or begins with a blank in the line that gives a block scalar its indentation"],
    ["a: >\n  x @@", "a\nb", "it holds a line break, which has no escape in a folded block scalar"],
    ["a: >\n  x\n  @@", " a", "it is empty or begins with a blank at the beginning of a folded line"],
    ["--- |\n@@", "...", "it stands at the very beginning of a line, where a document could end"],
    ["a: | @@\n", "x", "it stands in the header of a block scalar"],
    ["a: x\n  @@", "# y", LINES],
    ["a: @@\n  y", "x: y", LINES],
    ["a: [x\n  @@]", "x: y", LINES],
    ["@@: 1", "a".repeat(1100), "it makes a key longer than YAML can read (1024 characters)"],
  ]);
});

describe("structure in yaml", () => {
  const DATA = { host: "a", list: [1, { k: "yes" }], empty: [], deep: { text: "l1\nl2" } };
  const printed = [call("toJson", [DATA]), call("toJson", [DATA], { indent: 2 }), call("toYaml", [DATA])] as Structure[];

  function read(template: string, { text }: Structure): unknown {
    const resolved = resolve("yaml", template.replace(/@@/g, markText(0)), [{ value: text, structure: text }]);
    return resolved.ok ? (parse(resolved.text) as unknown) : resolved.problems.map(({ reason }) => reason);
  }

  test.each([
    ["@@", DATA],
    ["--- @@\n", DATA],
    ["a: @@\nb: 1\n", { a: DATA, b: 1 }],
    ["a:\n  @@\nb: 1\n", { a: DATA, b: 1 }],
    ["a:\n  - @@\n  - k: @@ # c\n    l: 1\n", { a: [DATA, { k: DATA, l: 1 }] }],
    ["- - @@\n", [[DATA]]],
    ["a: &x @@\nb: *x\n", { a: DATA, b: DATA }],
    ['a: "@@"\n', undefined],
    ["a: |\n  @@\n", undefined],
  ])("%j takes it in its place", (template, want) => {
    for (const structure of printed) {
      expect(read(template, structure)).toEqual(want ?? { a: template.includes("|") ? `${structure.text}\n` : structure.text });
    }
  });

  test("flow collections take JSON, and say so", () => {
    const [line, indented, block] = printed;
    expect(line && read("a: [@@, {k: @@}]", line)).toEqual({ a: [DATA, { k: DATA }] });
    expect(indented && read("a: [@@, {k: @@}]", indented)).toEqual({ a: [DATA, { k: DATA }] });
    expect(block && read("a: [@@]", block)).toEqual(["it is block structure inside of [ ] or { }, where toJson is needed"]);
  });

  test("indentation that somebody added by hand does no harm", () => {
    const indented = call("indent", [call("toYaml", [DATA]), 4]) as Structure;
    expect(read("a:\n  @@\nb: 1\n", indented)).toEqual({ a: DATA, b: 1 });
  });

  test("small things stay on the line", () => {
    const inline = (data: unknown): unknown => {
      const { text } = call("toYaml", [data]) as Structure;
      return resolve("yaml", `a: ${markText(0)}`, [{ value: text, structure: text }]);
    };
    expect([inline([]), inline(1), inline("yes"), inline("web"), inline({ b: 1 })]).toEqual(
      ["a: []", "a: 1", 'a: "yes"', "a: web", "a: \n  b: 1"].map((text) => ({ ok: true, text })),
    );
  });
});
