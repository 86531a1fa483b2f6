import { describe, expect, it } from "vitest";
import type { FormatName } from "../../../../src/render/formats/index.ts";
import { compileTemplate } from "../../../../src/render/template/engine.ts";

function told(format: FormatName, text: string, partials: Record<string, string> = {}): readonly string[] {
  const files = new Map(Object.entries(partials).map(([name, body]) => [name, { file: `${name}.hbs`, text: body }]));
  const template = compileTemplate({ file: "t.hbs", text, format, allowRaw: true, partials: files });
  expect(template.findings).toEqual([]);
  return template.lint().map(({ code, severity, message, location }) => {
    expect([code, severity]).toEqual(["TEMPLATE_UNSAFE", "warning"]);
    return `${location.file}:${location.line}:${location.column} ${message}`;
  });
}

describe("a value in a comment is doubtful", () => {
  it.each<[FormatName, string]>([
    ["nginx", "# {{node}}\n"],
    ["haproxy", "# {{node}}\n"],
    ["yaml", "a: 1 # {{node}}\n"],
    ["toml", "# {{node}}\n"],
    ["env", "# {{node}}\n"],
    ["shell", "# {{node}}\n"],
    ["ini", "; {{node}}\n"],
    ["xml", "<a><!-- {{node}} --></a>"],
  ])("in %s", (format, text) => {
    expect(told(format, text)).toEqual([`t.hbs:1:${text.indexOf("{{") + 1} the value of "node" stands in a comment`]);
  });

  it("wherever it is written: in branches, loops and partials", () => {
    const text =
      "{{#each services}}\n# {{name}}\n{{#if tags}}x {{name}};{{else}}# {{id}}\n{{/if}}{{> p}}\n{{/each}}y {{node}};\n";
    expect(told("nginx", text, { p: "z {{name}}; # a\n\t# b {{default name node}}\n" })).toEqual([
      't.hbs:2:3 the value of "name" stands in a comment',
      't.hbs:3:34 the value of "id" stands in a comment',
      'p.hbs:2:6 the value of "default" stands in a comment',
    ]);
  });

  it.each<[string, FormatName, string]>([
    ["the generation, which is a plain word", "nginx", "# {{generation}}\n"],
    ["a comment of Handlebars", "nginx", "{{!-- {{node}} --}}x 1;"],
    ["a sign that begins no comment", "nginx", 'x "#{{node}}";y a#{{node}};'],
    ["text that is no comment in its format", "text", "# {{node}}"],
    ["raw output, which is told apart", "nginx", "# {{{node}}}\n"],
  ])("but not %s", (_what, format, text) => {
    expect(told(format, text)).toEqual([]);
  });

  it("ends with a partial that includes itself", () => {
    expect(told("nginx", "{{> p}}", { p: "# {{node}}\n{{> p}}" }).length).toBeGreaterThan(0);
  });
});

describe("a value in a directive that loads or runs what it names is doubtful", () => {
  it.each<[string, string, string[]]>([
    [
      "include",
      "http {\n  include conf.d/{{node}}.conf;\n}",
      ['t.hbs:2:18 the value of "node" chooses what "include" loads or runs'],
    ],
    ["load_module", "load_module {{node}};", ['t.hbs:1:13 the value of "node" chooses what "load_module" loads or runs']],
    ["js_import", "http { js_import {{node}}; }", ['t.hbs:1:18 the value of "node" chooses what "js_import" loads or runs']],
    [
      "lua",
      "x; access_by_lua_file {{node}};",
      ['t.hbs:1:23 the value of "node" chooses what "access_by_lua_file" loads or runs'],
    ],
    ["a fixed include", "include x.conf; server { listen {{node}}; }", []],
    ["a comment", "# include it\nlisten {{node}};", []],
    ["the word elsewhere", "return 200 include {{node}};", []],
  ])("%s", (_what, text, expected) => {
    expect(told("nginx", text)).toEqual(expected);
  });
});
