import { describe, expect, test } from "vitest";
import { GENERATION_MARK } from "../../../../src/ports.ts";
import {
  FORMAT_NAMES,
  FORMATS,
  type FormatName,
  formatForDest,
  isPlain,
  marksAll,
  markText,
  resolve,
} from "../../../../src/render/formats/index.ts";
import { fill, fillGeneration } from "./places.ts";

describe("formatForDest", () => {
  const rows: readonly [string, FormatName][] = [
    ["/etc/nginx/conf.d/app.conf", "nginx"],
    ["/etc/haproxy/haproxy.cfg", "haproxy"],
    ["a.json", "json"],
    ["a.YAML", "yaml"],
    ["a.yml", "yaml"],
    ["a.toml", "toml"],
    ["a.env", "env"],
    [".env", "env"],
    [".env.production", "env"],
    [".env.json", "json"],
    ["run.sh", "shell"],
    ["a.ini", "ini"],
    ["application.properties", "ini"],
    ["a.xml", "xml"],
    ["a.txt", "text"],
    ["/etc/conf.d/app", "text"],
    ["/etc/app.conf/readme", "text"],
    ["conf", "text"],
    ["a.constructor", "text"],
    ["", "text"],
  ];
  test.each(rows)("%s is %s", (path, format) => {
    expect(formatForDest(path)).toBe(format);
  });
});

describe("every format", () => {
  test("is in the table under its name", () => {
    expect(Object.keys(FORMATS)).toEqual(FORMAT_NAMES);
    expect(Object.values(FORMATS).map(({ name }) => name)).toEqual(FORMAT_NAMES);
  });

  const valid: Readonly<Record<FormatName, string>> = {
    nginx: "set $a '@@';",
    haproxy: "d '@@'",
    json: '"@@"',
    yaml: '"@@"',
    toml: 'a = "@@"',
    env: 'A="@@"',
    shell: 'A="@@"',
    ini: 'a = "@@"',
    xml: "<a>@@</a>",
    text: "@@",
  };
  const rows = FORMAT_NAMES.map((format) => [format, valid[format]] as const);

  test.each(rows)("%s gives text without marks back as it is", (format) => {
    const text = "any \" ' { ${ text # \\ \ue000 \ue001 \ue000x\ue001";
    expect(resolve(format, "any text", [])).toEqual({ ok: true, text: "any text" });
    expect(resolve("text", text, [{ value: 1 }])).toEqual({ ok: true, text });
  });

  test.each(rows)("%s refuses what no text is, and is not plain then", (format, text) => {
    for (const [value, reason] of [
      ["a\0b", "it holds a NUL character"],
      ["a\ud800", "it holds half of a surrogate pair, which is no text"],
      ["\udc00a", "it holds half of a surrogate pair, which is no text"],
      ["\ue0001\ue001", "it holds a private-use character that fairlead marks places with"],
      [GENERATION_MARK, "it holds a private-use character that fairlead marks places with"],
      ["\uf8ff", "it holds a private-use character that fairlead marks places with"],
      [Number.NaN, "it is a number without a finite value"],
      [Number.NEGATIVE_INFINITY, "it is a number without a finite value"],
    ] as const) {
      const offset = text.indexOf("@");
      expect(fill(format, text, value)).toEqual({
        ok: false,
        problems: [{ index: 0, offset, line: 1, column: offset + 1, reason }],
      });
      expect(isPlain(format, String(value)) && typeof value === "string").toBe(false);
    }
    expect(fill(format, text, "a😀b")).toEqual({ ok: true, text: text.replace("@@", "a😀b") });
  });

  test.each(rows)("%s keeps the mark of the generation", (format, text) => {
    expect(fillGeneration(format, text)).toEqual({ ok: true, text: text.replace("@@", GENERATION_MARK) });
  });

  test("the generation is quoted where digits would be a number", () => {
    expect(fillGeneration("yaml", "a: @@\nb: x-@@")).toEqual({
      ok: true,
      text: `a: "${GENERATION_MARK}"\nb: x-${GENERATION_MARK}`,
    });
    expect(fillGeneration("json", "[@@]")).toEqual({ ok: true, text: `["${GENERATION_MARK}"]` });
    expect(fillGeneration("nginx", "return 200 @@;")).toEqual({ ok: true, text: `return 200 ${GENERATION_MARK};` });
  });

  test.each(rows)("%s refuses a value by name in a comment, without the value", (format) => {
    const sign = { xml: "<!-- @@ -->", json: "// @@\n1", text: undefined }[format as string] ?? "# @@\n";
    if (format !== "text") {
      const refused = fill(format, sign, "s3cret\n} evil");
      expect(refused).toMatchObject({
        ok: false,
        problems: [{ reason: "it stands in a comment, where only a plain word is let through" }],
      });
      expect(JSON.stringify(refused)).not.toContain("s3cret");
      expect(fill(format, sign, "web-1")).toMatchObject({ ok: true });
    }
  });
});

describe("marksAll: places for which plain does not speak", () => {
  const rows: readonly (readonly [FormatName, string, boolean])[] = [
    ["nginx", "server {{addr}};", false],
    ["nginx", "{{~#each x~}} server {{addr}}; {{~/each~}}", false],
    ["nginx", "location ~ ^/{{x}}$ { }", true],
    ["nginx", "rewrite ^/{{x}} /y;", true],
    ["nginx", "include sites/{{x}}.conf;", true],
    ["nginx", "return 200 $arg_{{x}};", true],
    ["nginx", "return 200 ${arg_{{x}}};", true],
    ["haproxy", "  {{#each x}}\n  server {{id}} {{addr}}\n  {{else}}\n  x\n  {{/each}}", false],
    ["haproxy", "  {{x}} y", true],
    ["haproxy", "{{#if x}}  {{x}} y{{/if}}", true],
    ["haproxy", 'd "${{x}}"', true],
    ["text", "$~{{x}}", false],
  ];
  test.each(rows)("%s %j: %s", (format, template, expected) => {
    expect(marksAll(format, template)).toBe(expected);
  });
});

describe("problems", () => {
  test("all are named at once, one for each value, in the order of the text", () => {
    const text = `set $a ${markText(1)};\n  set $b "x${markText(0)}${markText(2)}";\n# ${markText(1)}\n${markText(3)} x;`;
    const resolved = resolve("nginx", text, [{ value: "$x" }, { value: "a\nb" }, { value: "fine" }, { value: "root" }]);
    expect(resolved).toEqual({
      ok: false,
      problems: [
        { index: 1, offset: 7, line: 1, column: 8, reason: "it holds a line break, which has no escape in nginx" },
        { index: 0, offset: 23, line: 2, column: 12, reason: "it holds a $, which has no escape in nginx" },
        { index: 3, offset: text.lastIndexOf("\ue000"), line: 4, column: 1, reason: "it would be the name of a directive" },
      ],
    });
  });
});
