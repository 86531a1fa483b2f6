import Handlebars from "handlebars";
import { describe, expect, it } from "vitest";
import { EVERYTHING } from "../../../../src/model/selector.ts";
import { renderFile } from "../../../../src/render/file-render.ts";
import { prepare } from "../../../../src/render/template/ast.ts";
import { compileTemplate } from "../../../../src/render/template/engine.ts";
import { MEMO } from "../../../../src/render/template/memo.ts";
import { createView } from "../../../../src/render/template/view.ts";
import { entry, world } from "../../../helpers/snapshot.ts";

const facts = { node: "n1", env: new Map<string, string>() };

function compile(text: string, partials: Readonly<Record<string, string>> = {}) {
  const files = new Map(Object.entries(partials).map(([name, body]) => [name, { file: `${name}.hbs`, text: body }]));
  return compileTemplate({ file: "t.hbs", text, format: "nginx", allowRaw: false, partials: files });
}

/** Renders three times: all, the same again, and with one instance changed; how often bodies looked at an instance each time. */
function countLooks(text: string, shape: { readonly services: number; readonly each: number }): readonly number[] {
  let looks = 0;
  const counted = (service: number, n: number, port: number) =>
    entry(`s${service}`, `i${n}`, {
      port,
      meta: {
        get note() {
          looks += 1;
          return "1";
        },
      },
    });
  const state = world();
  for (let service = 0; service < shape.services; service += 1) {
    for (let n = 0; n < shape.each; n += 1) {
      state.set(counted(service, n, 80));
    }
  }
  const template = compile(text);
  const render = (): number => {
    looks = 0;
    template.render(createView(snapshot, EVERYTHING), facts);
    return looks;
  };
  let snapshot = state.snapshot();
  const first = render();
  const again = render();
  state.set(counted(0, 0, 81));
  snapshot = state.snapshot();
  return [first, again, render()];
}

const NESTED = "upstream {{name}} {\n{{#each instances}}\n    server {{addr}} weight={{meta.note}};\n{{/each}}\n}\n";

/** By the argument that `prepare` adds. */
function outermostIsRemembered(text: string): boolean {
  const program = Handlebars.parseWithoutProcessing(text);
  prepare(program, { file: "t.hbs", helpers: new Set(HELPERS), partials: new Set(), allowRaw: false, sites: [] });
  const [block] = program.body;
  const pairs = block !== undefined && "hash" in block ? ((block as hbs.AST.BlockStatement).hash?.pairs ?? []) : [];
  return pairs.some(({ key }) => key === MEMO);
}

const HELPERS = ["each", "if", "with", "where", "upper", "join", "key", "service", "services", "node", "generation"];

describe("one change among 10,000 instances", () => {
  it.each([
    ["1,000 services × 10", { services: 1000, each: 10 }, `{{#each services}}\n${NESTED}{{/each}}\n`, 10],
    ["2 services × 5,000", { services: 2, each: 5000 }, `{{#each services}}\n${NESTED}{{/each}}\n`, 1],
    ["10,000 services × 1", { services: 10_000, each: 1 }, `{{#each services as |s|}}\n${NESTED}{{/each}}\n`, 1],
    ["one service", { services: 1, each: 10_000 }, '{{#each (service "s0")}}\nserver {{addr}} w={{meta.note}};\n{{/each}}\n', 1],
  ] as const)("%s: bodies run for what changed only", (_, shape, text, changed) => {
    expect(countLooks(text, shape)).toEqual([10_000, 0, changed]);
  });
});

describe("a body that hangs on more than its item", () => {
  it.each([
    ["the loop's data", "{{#each services}}{{@index}}{{/each}}"],
    ["the loop's data through a block", "{{#each services}}{{#if @last}}x{{/if}}{{/each}}"],
    ["data of the root", "{{#each services}}{{@root.x}}{{/each}}"],
    ["what is around the block", "{{#each services}}{{../name}}{{/each}}"],
    ["a block that may not be a step down", "{{#each services}}{{#with this}}{{../name}}{{/with}}{{/each}}"],
    [
      "a loop over what may be the item itself",
      "{{#each services as |s|}}{{#each (where (services) 'name' s.name)}}{{../../name}}{{/each}}{{/each}}",
    ],
    ["the place in the list, by name", "{{#each services as |s i|}}{{i}}{{/each}}"],
    ["a read of the registry", '{{#each services}}{{key "a"}}{{/each}}'],
    ["a read in an argument", "{{#each services}}{{#each (service name)}}{{addr}}{{/each}}{{/each}}"],
    ["all services", "{{#each services}}{{#each services}}{{name}}{{/each}}{{/each}}"],
  ])("%s: is not remembered", (_, text) => {
    expect(outermostIsRemembered(text)).toBe(false);
  });

  it.each([
    ["fields", "{{#each services}}{{name}}{{tags.[0]}}{{/each}}"],
    ["fields named like a read", '{{#each (service "web")}}{{service}}{{node}}{{/each}}'],
    ["a nested loop and its data", "{{#each services}}{{#each instances}}{{@index}}{{../name}}{{/each}}{{/each}}"],
    ["block parameters", "{{#each services as |s|}}{{#each s.instances as |i n|}}{{s.name}}{{i.addr}}{{n}}{{/each}}{{/each}}"],
    ["pure helpers and the generation", '{{#each services}}{{upper (join tags ",")}}{{generation}}{{/each}}'],
  ])("%s: are remembered", (_, text) => {
    expect(outermostIsRemembered(text)).toBe(true);
  });
});

describe("a remembered block", () => {
  it("names the place of a value that becomes unsafe, as if it were new", () => {
    const state = world(Array.from({ length: 100 }, (_, n) => entry("web", `i${n}`, { meta: { note: "fine" } })));
    const template = compile('{{#each (service "web")}}\nset $n {{meta.note}};\n{{/each}}\n');
    const render = (): string => template.render(createView(state.snapshot(), EVERYTHING), facts);
    expect(render()).toContain("set $n fine;");
    state.set(entry("web", "i7", { meta: { note: "$bad" } }));
    expect(render).toThrow(expect.objectContaining({ code: "TEMPLATE_UNSAFE", location: { file: "t.hbs", line: 2, column: 8 } }));
    state.set(entry("web", "i7", { meta: { note: "good" } }));
    expect(render()).toContain("set $n good;");
  });

  it.each([
    ["leaves a comment open, which swallows the next", "{{#each services}}\nset $x {{name}}; # {{/each}}\n"],
    [
      "leaves a statement open",
      "{{#each services}}\n{{#if tags}}\nset $y {{name}};\ninclude\n{{else}}\nx {{name}};\n{{/if}}\n{{/each}}\n",
    ],
  ])("is seen in the whole text when it %s", (_, text) => {
    const snapshot = world([entry("a", "i", { tags: ["t"] }), entry("b c", "i")]).snapshot();
    const render = (): string => compile(text).render(createView(snapshot, EVERYTHING), facts);
    expect(render).toThrow(expect.objectContaining({ code: "TEMPLATE_UNSAFE" }));
  });

  it("is seen in the whole text when it stands in an open quote", () => {
    const snapshot = world([entry("b c", "i")]).snapshot();
    const template = compile("set $q '\n{{#each services}}\nset $x {{name}};\n{{/each}}\n';\n");
    expect(template.render(createView(snapshot, EVERYTHING), facts)).toBe("set $q '\nset $x b c;\n';\n");
  });

  it("is rendered anew for other facts", () => {
    const snapshot = world([entry("web", "a")]).snapshot();
    const template = compile("{{#each services}}\nserver {{node}};\n{{/each}}\n");
    const render = (node: string): string => template.render(createView(snapshot, EVERYTHING), { ...facts, node });
    expect([render("1a"), render("2b")]).toEqual(["server 1a;\n", "server 2b;\n"]);
  });

  it("is not blamed on the key that chose the list when it comes from another list too", () => {
    const snapshot = world([entry("a", "i"), entry("$b", "i")], { "app/s": "$b" }).snapshot();
    const template = compile('{{> p list=(where (services) "name" (key "app/s"))}}{{> p list=(services)}}', {
      p: "{{#each list}}\nset $x {{name}};\n{{/each}}\n",
    });
    const order = { dest: "/t", template, facts, onUnsafe: "skip-instance" } as const;
    expect(renderFile(order, { snapshot, selector: EVERYTHING })).toMatchObject({
      text: "set $x a;\n",
      setAside: [{ service: "$b", id: "i" }],
    });
  });

  it("is blamed on each instance that chose its list", () => {
    const choosers = ["i0", "i1", "i2"].map((id) => entry("a", id, { meta: { of: id === "i2" ? "c" : "$b" } }));
    const snapshot = world([...choosers, entry("$b", "i"), entry("c", "i")]).snapshot();
    const list = '(where (services) "name" meta.of)';
    const template = compile(`{{#each (service "a")}}\n{{#each ${list}}}\nset $x {{name}};\n{{/each}}\n{{/each}}\n`);
    const order = { dest: "/t", template, facts, onUnsafe: "skip-instance" } as const;
    expect(renderFile(order, { snapshot, selector: EVERYTHING })).toMatchObject({
      text: "set $x c;\n",
      setAside: [{ id: "i0" }, { id: "i1" }],
    });
  });

  it("uses up what its first render used up", () => {
    const items = Array.from({ length: 40 }, (_, n) => entry("web", `i${n}`, { meta: { note: "x".repeat(2_000_000) } }));
    const template = compile('{{#each (service "web")}}\nset $x {{meta.note}};\n{{/each}}\n');
    const render = (): string => template.render(createView(snapshot, EVERYTHING), facts);
    const snapshot = world(items).snapshot();
    expect(render).toThrow(expect.objectContaining({ message: expect.stringContaining("grows beyond") }));
    expect(render).toThrow(expect.objectContaining({ message: expect.stringContaining("grows beyond") }));
  });
});
