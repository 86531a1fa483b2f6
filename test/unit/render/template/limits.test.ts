import { describe, expect, it } from "vitest";
import { FairleadError } from "../../../../src/model/errors.ts";
import { EVERYTHING } from "../../../../src/model/selector.ts";
import { compileTemplate } from "../../../../src/render/template/engine.ts";
import { createView } from "../../../../src/render/template/view.ts";
import { entry, world } from "../../../helpers/snapshot.ts";

const isSlow = process.env["CI"] !== undefined;

function compile(text: string, partials: Record<string, string> = {}) {
  const files = new Map(Object.entries(partials).map(([name, body]) => [name, { file: `${name}.hbs`, text: body }]));
  return compileTemplate({ file: "t.hbs", text, format: "text", allowRaw: false, partials: files });
}

function failure(text: string, partials: Record<string, string> = {}): string {
  const snapshot = world([entry("web", "a")], { long: "a\n".repeat(500_000) }).snapshot();
  try {
    compile(text, partials).render(createView(snapshot, EVERYTHING), { node: "n1", env: new Map() });
  } catch (error) {
    if (error instanceof FairleadError) {
      return `${error.code} ${error.location?.file}:${error.location?.line ?? ""} ${error.message}`;
    }
    throw error;
  }
  return "no failure";
}

describe("a partial that includes itself without end is named, within a second", () => {
  const body = "{{#if (lt n 99)}}{{> a n=(add n 1)}}{{> a n=(add n 1)}}{{/if}}";
  it.each<[string, Record<string, string>, string]>([
    ["once", { a: "x{{> a}}" }, 'partial "a" includes itself without end'],
    ["twice", { a: "{{> a}}{{> a}}" }, 'partial "a" includes itself without end'],
    ["two that include each other", { a: "{{> b}}", b: "{{> a}}" }, "includes itself without end"],
    ["exponentially, with an end", { a: body }, 'partial "a" includes itself without end'],
    ["in a loop", { a: "{{#each (range 1 10)}}{{> a}}{{/each}}" }, 'partial "a" includes itself without end'],
  ])("%s", (_what, partials, expected) => {
    const startedAt = performance.now();
    expect(failure("{{> a n=1}}", partials)).toMatch(new RegExp(`^TEMPLATE_FAILED [ab].hbs: .*${expected}`));
    expect(performance.now() - startedAt).toBeLessThan(isSlow ? 5000 : 1000);
  });

  it("but a tree of data may be walked by one that includes itself", () => {
    const text = '{{#with (fromJson "{\\"n\\":1,\\"in\\":{\\"n\\":2,\\"in\\":{\\"n\\":3}}}")}}{{> walk}}{{/with}}'
      .replaceAll('\\"', '"')
      .replace('"{', "'{")
      .replace('}}}")', "}}}')");
    const template = compile(text, { walk: "{{n}}{{#if in}}{{> walk in}}{{/if}}" });
    expect(template.render(createView(world().snapshot(), EVERYTHING), { node: "n", env: new Map() })).toBe("123");
  });
});

describe("a template that would do too much ends with its place", () => {
  it.each<[string, string, string]>([
    [
      "loops inside loops",
      "{{#each (range 1 99999)}}{{#each (range 1 99999)}}{{/each}}{{/each}}",
      "t.hbs:1 the template takes more than",
    ],
    ["a huge range", "{{range 1 1000000000}}", 't.hbs:1 helper "range": it would give more than'],
    ["indentation", '{{indent (key "long") 1000}}', 't.hbs:1 helper "indent": it would make a text of more than'],
    ["join", '{{join (range 1 99999) (key "long")}}', 't.hbs:1 helper "join": it would make a text of more than'],
    ["replace", '{{replace (key "long") "a" (key "long")}}', 't.hbs:1 helper "replace": it would make a text of more than'],
    [
      "a text that is inserted again and again",
      '{{#each (range 1 99999)}}{{key "long"}}{{/each}}',
      "t.hbs:1 the text grows beyond",
    ],
    [
      "lists that double",
      `{{#with (range 1 99999) as |a|}}${"{{#with (merge this this this this)}}".repeat(9)}${"{{/with}}".repeat(9)}{{/with}}`,
      "t.hbs:1 ",
    ],
  ])(
    "%s",
    (_what, text, expected) => {
      expect(failure(text)).toContain(`TEMPLATE_FAILED ${expected}`);
    },
    60_000,
  );

  it("a pattern that hangs other engines is over in linear time", () => {
    const startedAt = performance.now();
    expect(failure('{{#if (matches (slice (key "long") 0 100000) "^(a+|a+\\n)*$x")}}{{/if}}')).toBe("no failure");
    expect(performance.now() - startedAt).toBeLessThan(isSlow ? 10_000 : 2000);
  });
});

it("100,000 instances with some helpers each are far below the limits", () => {
  const entries = Array.from({ length: 100_000 }, (_, i) =>
    entry("web", `i${i}`, { port: 1 + (i % 60_000), meta: { zone: `z${i % 9}` } }),
  );
  const text =
    '{{#each (service "web")}}{{#if (and (eq meta.zone "z1") (gt weight 0))}}{{lower (default meta.zone "x")}} {{/if}}{{addr}} {{upper id}}\n{{/each}}';
  const rendered = compile(text).render(createView(world(entries).snapshot(), EVERYTHING), { node: "n", env: new Map() });
  expect(rendered.split("\n").length).toBe(100_001);
}, 60_000);
