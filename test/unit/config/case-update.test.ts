import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { replaceText } from "../../../src/config/case-update.ts";

const MANY = `# at the top
cases:
  - name: a   # the first
    expect: | # exact
      old
      text
    keys: { a:   "1" }

  - name: b
    expect: "x" # quoted
  - { name: c, expect: y, keys: {} } # in braces
# at the end
`;

describe("a text is replaced, and nothing else", () => {
  it.each<[string, number, string, string, string]>([
    [
      "a block",
      0,
      "new\n\n  text\n",
      "    expect: | # exact\n      old\n      text\n",
      "    expect: | # exact\n      new\n\n        text\n",
    ],
    ["a block by a text without its last newline", 0, "new", "| # exact\n      old\n      text\n", "|- # exact\n      new\n"],
    ["a block by one with more of them", 0, "new\n\n", "| # exact\n      old\n      text\n", "|+ # exact\n      new\n\n"],
    ["a block by one that begins with a blank", 0, "  new\n", "| # exact\n      old\n      text\n", "|2 # exact\n        new\n"],
    [
      "a block by one that holds what no block can hold",
      0,
      "a\r\u0007\n",
      "| # exact\n      old\n      text\n",
      '"a\\r\\u0007\\n" # exact\n',
    ],
    ["a block by nothing", 0, "", "| # exact\n      old\n      text\n", '"" # exact\n'],
    ["a quoted text by a block", 1, "new\n", '"x" # quoted\n', "| # quoted\n      new\n"],
    ["a text in braces", 2, "new: }\n", "expect: y", 'expect: "new: }\\n"'],
  ])("%s", (_, index, text, before, after) => {
    const replaced = replaceText(MANY, ["cases", index, "expect"], text);
    expect(replaced).toBe(MANY.replace(before, after));
  });

  it.each(["", "\n", "\n\n", "a", "a\n", " a\n", "\ta", "a\n\n\nb", "# a\n", "- a: b\n", "\u2028", "é\n", '"', "a\\\n"])(
    "any text comes back: %j",
    (text) => {
      for (const [source, path] of [
        ["name: a\nexpect: |\n  x\nkeys: {}\n", ["expect"]],
        ["expect: x", ["expect"]],
        ["name: a\nexpect: 'x'   # why\n", ["expect"]],
        ["cases:\n- name: a\n  expect: >-\n    x\n- name: b\n", ["cases", 0, "expect"]],
      ] as const) {
        const replaced = replaceText(source, path, text);
        expect(parseDocument(replaced ?? "").getIn(path), source).toBe(text);
      }
    },
  );
});

it.each<[string, string]>([
  ["an alias", "a: &x y\nexpect: *x\n"],
  ["a text that others use", "expect: &x y\nb: *x\n"],
  ["nothing", "name: a\n"],
])("%s is left as it is", (_, source) => {
  expect(replaceText(source, ["expect"], "new")).toBeUndefined();
});
