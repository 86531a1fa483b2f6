import { describe, expect, it } from "vitest";
import { FairleadError } from "../../../../src/model/errors.ts";
import { EVERYTHING } from "../../../../src/model/selector.ts";
import { compileTemplate } from "../../../../src/render/template/engine.ts";
import { createView } from "../../../../src/render/template/view.ts";
import { entry, world } from "../../../helpers/snapshot.ts";

const data = world([entry("web", "a", { tags: ["http", "blue"], meta: { host: "a.example", "odd name": "odd" } })], {
  "app/db/host": "db1",
  json: '{"list":[1],"empty":[],"none":null,"deep":{"x":"y"},"text":"t"}',
});

/** Inside an instance, unless the template begins with `!`. */
function render(text: string, partials: Record<string, string> = {}): string {
  const isBare = text.startsWith("!");
  const source = isBare ? text.slice(1) : `{{#each (service "web")}}${text}{{/each}}`;
  const files = new Map(Object.entries(partials).map(([name, body]) => [name, { file: `${name}.hbs`, text: body }]));
  const template = compileTemplate({ file: "t.hbs", text: source, format: "text", allowRaw: false, partials: files });
  try {
    return template.render(createView(data.snapshot(), EVERYTHING), { node: "n1", env: new Map() });
  } catch (error) {
    if (error instanceof FairleadError) {
      const { file, line, column } = error.location ?? {};
      const shift = isBare || file !== "t.hbs" || line !== 1 ? 0 : '{{#each (service "web")}}'.length;
      return `${error.code} ${file}:${line}:${(column ?? 0) - shift} ${error.message} | ${error.hint ?? ""}`;
    }
    throw error;
  }
}

const absent = (path: string, column: number, hint = ""): string =>
  `TEMPLATE_FAILED t.hbs:1:${column} "${path}" is not there | ${hint}`;

describe("a field with a known name that is not there is a typo, wherever it stands", () => {
  it.each<[string, string, string]>([
    ["inserted", "{{adress}}", absent("adress", 3, 'did you mean "address"?')],
    ["below this", "{{this.adress}}", absent("adress", 3, 'did you mean "address"?')],
    ["in #if", "{{#if adress}}{{/if}}", absent("adress", 7, 'did you mean "address"?')],
    ["in #unless", "{{#unless adress}}{{/unless}}", absent("adress", 11)],
    ["in #each", "{{#each tag}}{{/each}}", absent("tag", 9, 'did you mean "tags"?')],
    ["in #each with else", "{{#each tag}}{{else}}{{/each}}", absent("tag", 9)],
    ["in #with", "{{#with mtea}}{{/with}}", absent("mtea", 9, 'did you mean "meta"?')],
    ["in else if", "{{#if id}}{{#if (eq id 1)}}{{else if adress}}{{/if}}{{/if}}", absent("adress", 38)],
    ["as an argument", "{{lower nmae}}", absent("nmae", 9)],
    ["inside parentheses", "{{lower (trim adress)}}", absent("adress", 15)],
    ["in default", '{{default adress "x"}}', absent("adress", 11)],
    ["as an option", "{{toJson meta indent=prot}}", absent("prot", 22, 'did you mean "port"?')],
    ["under a name that does not exist", "{{#if mtea.host}}{{/if}}", absent("mtea.host", 7, 'did you mean "meta"?')],
    ["below ../", "{{#each tags}}{{#if ../adress}}{{/if}}{{/each}}", absent("../adress", 21)],
    [
      "of a block parameter",
      "{{#each tags as |t|}}{{#with .. as |s|}}{{#if s.adress}}{{/if}}{{/with}}{{/each}}",
      absent("s.adress", 47),
    ],
    [
      "of a service",
      "!{{#each services}}{{#if instanecs}}{{/if}}{{/each}}",
      absent("instanecs", 25, 'did you mean "instances"?'),
    ],
    ["of a key", '!{{#each (keys "app/")}}{{#if valeu}}{{/if}}{{/each}}', absent("valeu", 30, 'did you mean "value"?')],
    ["given to a partial", "{{> p adress}}", absent("adress", 7)],
    ["given to a partial by name", "{{> p at=adress}}", absent("adress", 10)],
    [
      "with a name known while rendering",
      '{{#if (lookup this "adress")}}{{/if}}',
      'TEMPLATE_FAILED t.hbs:1:7 "lookup" is not there',
    ],
    ["outside of everything", "!{{#if servces}}{{/if}}", absent("servces", 8 - 1, 'did you mean "services"?')],
    ["below a text", "{{#if id.x}}{{/if}}", absent("id.x", 7, 'there is text in front of "x"')],
    ["below a list", "{{#if tags.x}}{{/if}}", absent("tags.x", 7, 'there is a list in front of "x"')],
    ["a variable outside of #each", "!{{#if @first}}{{/if}}", absent("@first", 7, "it exists only inside {{#each}}")],
    ["an unknown variable", "{{@indx}}", 'TEMPLATE_SYNTAX t.hbs:1:3 unknown variable "@indx" | did you mean "@index"?'],
  ])("%s", (_where, text, expected) => {
    expect(render(text, { p: "" })).toContain(expected);
  });

  it("inside a partial, in the partial's own place", () => {
    expect(render("{{> p}}", { p: "x\n {{#if adress}}{{/if}}" })).toContain('TEMPLATE_FAILED p.hbs:2:8 "adress" is not there');
    expect(render("{{> p more=1}}", { p: "{{more}}{{#if adress}}{{/if}}" })).toContain("did you mean");
  });
});

describe("data that is not there", () => {
  it.each<[string, string, string]>([
    ["#if", "{{#if meta.x}}yes{{else}}no{{/if}}", "no"],
    ["#unless", "{{#unless meta.x}}no{{/unless}}", "no"],
    ["else if", "{{#if meta.x}}x{{else if meta.host}}host{{/if}}", "host"],
    ["default", '{{default meta.x "d"}}', "d"],
    ["coalesce", "{{coalesce meta.x meta.y meta.host}}", "a.example"],
    ["and, or, not", "{{and meta.x meta.host}} {{or meta.x meta.host}} {{not meta.x}}", "false true true"],
    ["eq, ne", '{{eq meta.x "a"}} {{ne meta.x "a"}}', "false true"],
    ["lookup", '{{#if (lookup meta "x")}}{{else}}no{{/if}}', "no"],
    ["a context of meta", "{{#with meta}}{{#if x}}{{else}}no {{host}}{{/if}}{{/with}}", "no a.example"],
    ["several levels", '{{#with (tree "app")}}{{#if a.b.c}}{{else}}{{db.host}}{{/if}}{{/with}}', "db1"],
    ["parsed text", '{{#with (fromJson (key "json"))}}{{#if deep.z}}{{else}}{{deep.x}}{{/if}}{{/with}}', "y"],
    ["null", '{{#with (fromJson (key "json"))}}{{#if none.z}}{{else}}no{{/if}}{{/with}}', "no"],
    ["an item of a list", "{{#if tags.[7]}}{{else}}{{tags.[1]}}{{/if}}", "blue"],
    ["a group", '{{#with (groupBy (service "web") "meta.zone")}}{{#if b}}{{else}}no{{/if}}{{else}}none{{/with}}', "no"],
    ["#each with else", "{{#each meta.x}}x{{else}}none{{/each}}", "none"],
    ["#with with else", "{{#with meta.x}}x{{else}}none{{/with}}", "none"],
    ["a name in brackets", "{{meta.[odd name]}}{{#if meta.[other name]}}{{else}} no{{/if}}", "odd no"],
    ["a partial that asks", "{{> p}}", "no"],
  ])("may be asked for: %s", (_what, text, expected) => {
    expect(render(text, { p: "{{#if meta.x}}{{else}}no{{/if}}" })).toBe(expected);
  });

  it.each<[string, string, string]>([
    ["inserted", "{{meta.x}}", absent("meta.x", 3, 'if it may be absent: {{default meta.x ""}}')],
    ["inserted, with a name that is near", "{{meta.hots}}", absent("meta.hots", 3, 'did you mean "host"? if it may be absent')],
    ["in #each", "{{#each meta.x}}{{/each}}", absent("meta.x", 9, "if it may be absent, say what stands there instead")],
    ["in #with", "{{#with meta.x}}{{/with}}", absent("meta.x", 9)],
    ["as an argument", "{{lower meta.x}}", absent("meta.x", 9, 'if it may be absent: (default meta.x "")')],
    ["inside what is asked", "{{#if (lower meta.x)}}{{/if}}", absent("meta.x", 14)],
    ["in brackets", "{{meta.[a b]}}", absent("meta.[a b]", 3)],
    ["given to a partial", "{{> p at=meta.x}}", absent("meta.x", 10)],
    ["inside default of a helper", '{{default (lower meta.x) "d"}}', absent("meta.x", 18)],
  ])("is an error: %s", (_what, text, expected) => {
    expect(render(text, { p: "" })).toContain(expected);
  });
});

describe("a block that gets the wrong kind of value says so at its place", () => {
  it.each<[string, string, string]>([
    ["#each of text", "{{#each id}}{{/each}}", 'TEMPLATE_FAILED t.hbs:1:1 "#each" got text | it takes a list or an object'],
    ["#each of nothing", '{{#each (lookup meta "x")}}{{/each}}', 'TEMPLATE_FAILED t.hbs:1:1 "#each" got something absent'],
    ["two arguments", "{{#if eq id}}{{/if}}", 'TEMPLATE_SYNTAX t.hbs:1:1 "if" takes one argument, not 2 | put parentheses'],
    ["no argument", "{{#each}}{{/each}}", 'TEMPLATE_SYNTAX t.hbs:1:1 "each" takes one argument, not 0'],
    ["two contexts", "{{> p id addr}}", "TEMPLATE_SYNTAX t.hbs:1:1 a partial takes one context, not 2"],
  ])("%s", (_what, text, expected) => {
    expect(render(text, { p: "" })).toContain(expected);
  });
});

it("blocks work as in Handlebars", () => {
  expect(render("{{#each tags}}{{@index}}{{@key}}{{#if @first}}F{{/if}}{{#if @last}}L{{/if}}{{this}} {{/each}}")).toBe(
    "00Fhttp 11Lblue ",
  );
  expect(render("{{#each meta as |v k|}}{{k}}={{v}};{{/each}}")).toBe("host=a.example;odd name=odd;");
  expect(render("{{#each tags}}{{#each ../meta}}{{@../index}}{{@index}}{{this}}{{../this}} {{/each}}{{/each}}")).toBe(
    "00a.examplehttp 01oddhttp 10a.exampleblue 11oddblue ",
  );
  expect(render("{{#with meta as |m|}}{{m.host}}{{/with}}{{#if 0}}x{{else}}0{{/if}}{{#if 0 includeZero=true}}0{{/if}}")).toBe(
    "a.example00",
  );
  expect(render("{{@root.x}}")).toContain('"@root.x" is not there');
  expect(render('{{> p meta a=id b="x"}}{{> p b=id}}', { p: "{{b}}:{{#if host}}{{host}}{{/if}} " })).toContain(
    '"host" is not there | known here are',
  );
  expect(render('{{> p meta a=id b="x"}}', { p: "{{a}}{{b}}:{{host}}" })).toBe("ax:a.example");
  expect(render("{{> p tags}}", { p: "{{#each this}}{{this}}{{/each}}" })).toBe("httpblue");
  expect(render("{{^if meta.x}}no{{/if}}")).toBe("no");
});
