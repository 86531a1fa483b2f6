import { describe, expect, it } from "vitest";
import { FairleadError } from "../../../../src/model/errors.ts";
import { EVERYTHING } from "../../../../src/model/selector.ts";
import { GENERATION_MARK } from "../../../../src/ports.ts";
import { HELPERS } from "../../../../src/render/helpers/index.ts";
import { compileTemplate, type TemplateSource } from "../../../../src/render/template/engine.ts";
import { createView } from "../../../../src/render/template/view.ts";
import { entry, world } from "../../../helpers/snapshot.ts";

const facts = { node: "n1", env: new Map([["HOME", "/root"]]) };
const data = world(
  [
    entry("web", "a"),
    entry("web", "b", { port: 81, meta: { version: "2" } }),
    entry("db", "c", { address: "10.0.0.9", port: 5432 }),
  ],
  {
    "app/name": "x",
    "app/db/host": "db1",
    evil: 'a; } "b"',
    "two lines": "a\nb",
    forged: "\ue0000\ue001",
    json: '{"a":[1,true,null],"b":"c"}',
  },
);

function compile(text: string, more: Partial<TemplateSource> = {}, partials: Record<string, string> = {}) {
  const files = new Map(Object.entries(partials).map(([name, source]) => [name, { file: `${name}.hbs`, text: source }]));
  return compileTemplate({ file: "t.hbs", text, format: "text", allowRaw: false, ...more, partials: files });
}

function render(text: string, more: Partial<TemplateSource> = {}, partials: Record<string, string> = {}): string {
  return compile(text, more, partials).render(createView(data.snapshot(), EVERYTHING), facts);
}

function failure(text: string, partials: Record<string, string> = {}): string {
  try {
    render(text, {}, partials);
  } catch (error) {
    if (error instanceof FairleadError) {
      const { file, line, column } = error.location ?? {};
      return `${error.code} ${file}:${line}:${column} ${error.message}${error.hint === undefined ? "" : ` | ${error.hint}`}`;
    }
    throw error;
  }
  return "no failure";
}

describe("a template", () => {
  it.each<[string, string, string]>([
    [
      "reads services",
      "{{#each services}}{{name}}:{{#each instances}}{{addr}} {{/each}}{{/each}}",
      "db:10.0.0.9:5432 web:10.0.0.1:80 10.0.0.1:81 ",
    ],
    ["reads one service, with else", '{{#each (service "none")}}x{{else}}empty{{/each}}', "empty"],
    ["reads keys", '{{key "app/name"}} {{key "/app/db/host"}} {{key "no" default="d"}}', "x db1 d"],
    ["asks for keys", '{{#if (keyExists "app/name")}}yes{{/if}}{{#if (keyExists "no")}}no{{/if}}', "yes"],
    ["lists keys", '{{#each (keys "app/")}}{{name}}={{value} {{/each}}'.replace("{{value}", "{{value}}"), "db/host=db1 name=x "],
    ["lists names", '{{#each (ls "app")}}{{this}} {{/each}}', "db/ name "],
    ["reads a tree", '{{#with (tree "app")}}{{db.host}}{{/with}}', "db1"],
    ["knows node and env", '{{node}} {{env "HOME"}}', "n1 /root"],
    [
      "takes the field of a helper's name where there is one",
      '{{#each (service "db")}}{{service}} {{node}}{{/each}} {{node}}',
      "db n1 n1",
    ],
    ["takes a block parameter of a helper's name", '{{#each (service "db") as |node|}}{{node.port}}{{/each}}', "5432"],
    ["takes a block parameter of a helper's name alone", '{{#each (ls "app") as |node|}}{{node}} {{/each}}', "db/ name "],
    ["uses bare reads as arguments", "{{#if node}}{{length services}}{{/if}}", "2"],
    [
      "leaves no blank line for blocks on lines of their own",
      "a\n{{#each services}}\n{{name}}\n{{/each}}\nb\n",
      "a\ndb\nweb\nb\n",
    ],
    [
      "marks the generation at any depth",
      "{{#each services}}{{#if name}}{{generation}}{{/if}}{{/each}}",
      GENERATION_MARK.repeat(2),
    ],
    ["prints numbers, booleans", '{{#with (fromJson (key "json"))}}{{a.[0]}} {{a.[1]}}{{/with}}', "1 true"],
    ["includes partials", "{{> one}}", "partial db web "],
  ])("%s", (_what, text, expected) => {
    const result = render(text, {}, { one: "partial {{#each services}}{{name}} {{/each}}" });
    expect(result).toBe(expected);
  });

  it.each([
    ["quotes what would be syntax", 'x {{key "evil"}};', 'x "a; } \\"b\\"";'],
    ["escapes inside the author's quotes", `x "{{key "evil"}}";`, 'x "a; } \\"b\\"";'],
    ["leaves what is one safe word", 'server {{#each (service "db")}}{{addr}}{{/each}};', "server 10.0.0.9:5432;"],
  ])("for nginx %s", (_what, text, expected) => {
    expect(render(text, { format: "nginx" })).toBe(expected);
  });

  it("gives the same text each time", () => {
    const template = compile('{{#each services}}{{name}}{{/each}}{{key "evil"}}');
    const once = (): string => template.render(createView(data.snapshot(), EVERYTHING), facts);
    expect(once()).toBe(once());
  });

  it("knows its literal reads before it is rendered", () => {
    const template = compile(
      '{{service "web"}}{{#each (service "db")}}{{/each}}{{key "/app/x"}}{{#each (ls "a")}}{{/each}}{{> p}}',
      {},
      { p: '{{key "p"}}' },
    );
    expect(template.literalReads).toEqual({ services: ["db", "web"], keys: ["a", "p"] });
    expect(compile("{{#each services}}{{/each}}").literalReads.services).toBe("all");
    expect(compile('{{key (key "a")}}').literalReads.keys).toEqual(["a"]);
  });
});

describe("a template that is wrong", () => {
  it.each<[string, string, string]>([
    ["unknown helper", "a\n {{uper node}}", 'TEMPLATE_SYNTAX t.hbs:2:2 unknown helper "uper" | did you mean "upper"?'],
    [
      "unknown helper in parentheses",
      "{{#each (servces)}}{{/each}}",
      'TEMPLATE_SYNTAX t.hbs:1:9 unknown helper "servces" | did you mean "services"?',
    ],
    ["unknown block", "{{#foreach services}}{{/foreach}}", 'TEMPLATE_SYNTAX t.hbs:1:1 unknown helper "foreach"'],
    ["unknown partial", "{{> heder}}", 'TEMPLATE_SYNTAX t.hbs:1:1 unknown partial "heder" | did you mean "header"?'],
    [
      "a partial's name from data",
      '{{> (key "app/name")}}',
      "TEMPLATE_SYNTAX t.hbs:1:1 a partial's name is never data; write the name itself",
    ],
    ["a decorator", "{{* inline}}", "TEMPLATE_SYNTAX t.hbs:1:1 decorators are not allowed"],
    [
      "a block that is not closed",
      "a\n{{#each services}}",
      "TEMPLATE_SYNTAX t.hbs:2:19 cannot be parsed: unexpected EOF | a block is not closed: every {{#x}} needs its {{/x}}",
    ],
    ["a block that is closed by another", "{{#each services}}{{/with}}", "TEMPLATE_SYNTAX t.hbs:1:4 {{/with}} closes {{#each}}"],
    [
      "a missing key",
      'a\n  {{key "nope"}}',
      'KEY_MISSING t.hbs:2:3 key "nope" is not in the registry | put it there with `fairlead kv put nope …`, or make it optional: {{key "nope" default="…"}}',
    ],
    [
      "a missing field",
      "{{#each services}}\n{{nmae}}{{/each}}",
      'TEMPLATE_FAILED t.hbs:2:3 "nmae" is not there | did you mean "name"?',
    ],
    [
      "a list where text is needed",
      "{{services}}",
      'TEMPLATE_FAILED t.hbs:1:1 "services" is a list, not text | use {{join … ","}}, {{#each …}} or {{toJson …}}',
    ],
    [
      "an environment variable that is not listed",
      '{{env "SECRET"}}',
      'TEMPLATE_FAILED t.hbs:1:1 environment variable "SECRET" is not set, or not listed in render.env | list it: render: { env: [SECRET] }',
    ],
    ["a fault in a partial", "{{> header}}", 'TEMPLATE_FAILED header.hbs:2:3 "nope" is not there | did you mean "node"?'],
    [
      "a partial that includes itself",
      "{{> self}}",
      'TEMPLATE_FAILED self.hbs:undefined:undefined partial "self" includes itself without end | put a condition',
    ],
    [
      "a value that cannot stand there",
      'x\n{{key "two lines"}}',
      'TEMPLATE_UNSAFE t.hbs:2:1 the value of "key" cannot stand here',
    ],
  ])("%s is told with its place", (_what, text, expected) => {
    expect(failure(text, { header: "x\n{{nope}}", self: "{{> self}}" })).toContain(expected);
  });

  it("reports raw output as a warning unless the file allows it, and then still refuses our own marks", () => {
    expect(compile("{{{node}}}").findings).toMatchObject([
      { code: "TEMPLATE_UNSAFE", severity: "warning", location: { line: 1, column: 1 } },
    ]);
    expect(compile("{{{node}}}", { allowRaw: true }).findings).toEqual([]);
    expect(render('{{{key "evil"}}}', { allowRaw: true })).toBe('a; } "b"');
    expect(() => render('{{{key "forged"}}}', { allowRaw: true })).toThrow("holds a character that is never allowed");
  });

  it("cannot reach prototypes", () => {
    expect(failure("{{constructor}}")).toContain('"constructor" is not there');
    expect(failure("{{#each services}}{{__proto__}}{{/each}}")).toContain('"__proto__" is not there');
    expect(failure('{{lookup services "constructor"}}')).toContain("is not there");
  });
});

describe("the example of each helper gives what its page says", () => {
  it.each(HELPERS.map((helper) => [helper.name, helper.example] as const))("%s", (_name, { template, output, data: context }) => {
    const files = new Map([["example", { file: "example.hbs", text: template }]]);
    const keys = { context: JSON.stringify(context ?? {}) };
    const source = {
      file: "t.hbs",
      text: '{{#with (fromJson (key "context"))}}{{> example}}{{else}}{{> example}}{{/with}}',
      partials: files,
    };
    const compiled = compileTemplate({ ...source, format: "json", allowRaw: true });
    const plain = compileTemplate({ ...source, text: source.text, format: "text", allowRaw: true });
    const view = (): ReturnType<typeof createView> => createView(world([], keys).snapshot(), EVERYTHING);
    // Lines and structure can only be shown where the format takes them.
    const shown = output.includes("\n") ? unquote(compiled.render(view(), facts)) : plain.render(view(), facts);
    expect(shown).toBe(output);
  });

  function unquote(text: string): string {
    return text.startsWith('"') ? (JSON.parse(text) as string) : text;
  }
});
