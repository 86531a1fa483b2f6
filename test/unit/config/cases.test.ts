import { describe, expect, it } from "vitest";
import { parseCases } from "../../../src/config/cases.ts";

function problemsOf(text: string): readonly string[] {
  const read = parseCases(text, "a.case.yaml");
  return read.ok
    ? []
    : read.problems.map(
        ({ location: { line, column }, message, hint }) =>
          `${line}:${column} ${message}${hint === undefined ? "" : ` | ${hint}`}`,
      );
}

describe("a case file", () => {
  it("holds one case", () => {
    const read = parseCases("name: a\nexpect: |\n  text\n", "a.case.yaml");
    expect(read.ok && read.cases.map(({ fields }) => fields)).toEqual([{ name: "a", node: "node-1", env: {}, expect: "text\n" }]);
  });

  it("holds many, which share how the template is used; each can say otherwise", () => {
    const text =
      "template: t.hbs\nformat: json\ncases:\n  - { name: a, expect: x }\n  - { name: b, format: text, contains: [y] }\n";
    const read = parseCases(text, "a.case.yaml");
    expect(read.ok && read.cases.map(({ fields: { name, template, format } }) => [name, template, format])).toEqual([
      ["a", "t.hbs", "json"],
      ["b", "t.hbs", "text"],
    ]);
  });

  it("tells the place of each part of a case", () => {
    const read = parseCases("cases:\n  - name: a\n    expect: x\n    keys:\n      a: 1\n", "a.case.yaml");
    const places = read.ok
      ? read.cases.map(({ locate }) => [locate(["keys", "a"]), locate(["keys", "a"], true), locate([])])
      : [];
    expect(places).toEqual([
      [
        { file: "a.case.yaml", line: 5, column: 10 },
        { file: "a.case.yaml", line: 5, column: 7 },
        { file: "a.case.yaml", line: 2, column: 5 },
      ],
    ]);
  });

  it("tells the place of what all cases share where it is said", () => {
    const read = parseCases("template: t\ncases:\n  - { name: a, expect: x }\n  - { name: b, expect: x, template: u }\n", "f");
    expect(read.ok && read.cases.map(({ locate }) => locate(["template"]))).toEqual([
      { file: "f", line: 1, column: 11 },
      { file: "f", line: 4, column: 37 },
    ]);
  });

  it("takes data over by YAML's anchors", () => {
    const read = parseCases(
      "cases:\n  - { name: a, expect: x, keys: &keys { a: b } }\n  - { name: b, expect: x, keys: *keys }\n",
      "a.case.yaml",
    );
    expect(read.ok && read.cases.map(({ fields }) => fields.keys)).toEqual([{ a: "b" }, { a: "b" }]);
  });
});

const ONE_OF = "give one of expect, expectFile, contains, error";

describe.each<[string, string, readonly string[]]>([
  ["an unknown key, with the nearest", "name: a\nexpcet: x\nexpect: y", ['2:1 unknown key "expcet" | did you mean "expect"?']],
  [
    "an unknown key of a case among many",
    "cases:\n  - name: a\n    expect: x\n    servces: {}\n",
    ['4:5 unknown key "servces" in "cases[1]" | did you mean "services"?'],
  ],
  [
    "an unknown key beside the cases",
    "name: a\ncases: [{ name: a, expect: x }]\n",
    ['1:1 unknown key "name" | known are template, format, raw, onUnsafe, partials, cases'],
  ],
  ["no name", "expect: x", ['1:1 "name" is missing']],
  ["nothing at all", "", ['1:1 "name" is missing']],
  ["a list", "- name: a\n", ["1:1 the file has to be an object"]],
  ["no cases", "cases: []", ['1:8 "cases" is empty']],
  ["no expectation", "name: a\nkeys: {}", [`1:1 case "a" expects nothing | ${ONE_OF}`]],
  ["two expectations", "name: a\nexpect: x\ncontains: [y]", [`3:1 case "a" expects \`expect\` and \`contains\` | ${ONE_OF}`]],
  [
    "two cases of one name",
    "cases:\n  - { name: a, expect: x }\n  - { name: a, expect: y }",
    ['3:13 there is a case "a" already | give each a name of its own'],
  ],
  [
    "an error code that no template ends in",
    "name: a\nerror: { code: TEMPLATE_UNSAVE }",
    [
      '2:16 "error.code" has to be one of TEMPLATE_SYNTAX, TEMPLATE_FAILED, TEMPLATE_UNSAFE, KEY_MISSING | did you mean "TEMPLATE_UNSAFE"?',
    ],
  ],
  ["a line that is none", "name: a\nerror: { code: KEY_MISSING, line: 0 }", [expect.stringContaining('2:35 "error.line"')]],
  ["a format that is none", "name: a\nexpect: x\nformat: ngnix", [expect.stringContaining('did you mean "nginx"?')]],
  ["a number in the environment", "name: a\nexpect: x\nenv: { A: 1 }", ['3:11 "env.A" has to be a text']],
  ["text that is no YAML", "name: [", [expect.stringContaining("1:8 ")]],
  ["an alias that is unknown", "name: a\nexpect: *x", [expect.stringContaining("Unresolved alias")]],
])("%s", (_, text, problems) => {
  it("is told with its place", () => {
    expect(problemsOf(text)).toEqual(problems);
  });
});
