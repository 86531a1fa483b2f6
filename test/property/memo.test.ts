/** What blocks remember never shows: every render after a change is what a template that remembers nothing renders. */
import { describe, expect, it } from "vitest";
import { FairleadError } from "../../src/model/errors.ts";
import type { Entry } from "../../src/model/instance.ts";
import type { SetAside } from "../../src/model/provenance.ts";
import { EVERYTHING } from "../../src/model/selector.ts";
import type { Snapshot } from "../../src/model/snapshot.ts";
import { maskedText, type Order, renderFile } from "../../src/render/file-render.ts";
import type { FormatName } from "../../src/render/formats/index.ts";
import { compileTemplate, type Template } from "../../src/render/template/engine.ts";
import { entry, world } from "../helpers/snapshot.ts";

const ROUNDS = 80;
const CHANGES = 12;

/** Small, fast and the same each time (mulberry32). */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof createRandom>;

function pick<T>(random: Random, ...choices: readonly [T, ...T[]]): T {
  return choices[random(choices.length)] ?? choices[0];
}

const NGINX_LINES = [
  "upstream {{name}} {\n{{#each instances}}\n    server {{addr}} weight={{weight}};\n{{/each}}\n}\n",
  'upstream u_{{name}} {\n{{#each instances}}\n    server {{addr}}; # {{../name}} {{@index}}\n{{/each}}\n    zone "{{name}}" 64k;\n}\n',
  '# {{name}}\n{{#each instances as |i|}}\nset $x {{i.meta.note}};\n{{#unless @last}}\nset $y {{default i.meta.absent "-"}};\n{{/unless}}\n{{/each}}\n',
  'location /{{name}} {\n{{#if (gt (length instances) 2)}}\n    return 200 {{generation}};\n{{else}}\n    return 404 "{{join tags ","}}";\n{{/if}}\n}\n',
  "set $open {{name}} ", // leaves its statement open
  "{{#each instances}}\n{{#each tags}}\nset $t {{this}}{{../port}}{{../../name}};\n{{/each}}\n{{/each}}\n",
  '{{#each (sortBy instances "port")}}\nallow {{address}};\n{{/each}}\n',
  "{{name}} 1;\n", // data in a map, no directive anywhere else
  "set $last {{name}}; # end", // a comment that swallows what follows
] as const;

const OUTSIDE_LINES = [
  "set $i {{@index}};\n",
  "set $n {{@root.x}}{{name}};\n",
  'set $k {{key "app/k"}};\n',
  '{{#each (service "s1")}}\nset $a {{addr}};\n{{/each}}\n',
  '{{#each (service "s0")}}\nset $o {{../name}};\n{{/each}}\n',
  "{{#if @first}}\nset $first {{name}};\n{{/if}}\n",
] as const;

/** A list that a key chooses is no instance's own: its values are blamed in another way. */
const INNER_BLOCKS = [
  '{{#each (service "s0")}}\n    server {{addr}} {{protocol}};\n{{/each}}\n',
  '{{#each (service (key "app/s"))}}\n    set $p {{meta.note}}{{#each meta}}{{@key}}{{this}}{{/each}};\n{{/each}}\n',
  '{{#each (where (services) "name" (key "app/s"))}}\n    set $p {{name}}{{join tags "$"}};\n{{/each}}\n',
] as const;

/** What stands around the items changes with the key. */
const AROUND_CHANGES = '{{#if (eq (key "app/k") "1")}}\nmap $x $y {\n{{else}}\nhttp {\n{{/if}}\n';

function randomTemplate(random: Random): string {
  const lines: string[] = Array.from({ length: 1 + random(2) }, () => pick(random, ...NGINX_LINES));
  if (random(3) === 0) {
    lines.push(pick(random, ...OUTSIDE_LINES));
  }
  const each = pick(random, "services", "services as |s|", '(services health="any")', '(services tag="a")');
  const block = `{{#each ${each}}}\n${lines.join("")}{{else}}\n# none\n{{/each}}\n`;
  const around = pick(random, "", "", "http {\n", "map $x $y {\n", "# {{node}}\n", "set $q ", AROUND_CHANGES);
  const inner = pick(random, ...INNER_BLOCKS);
  return `${around}${block}${random(2) === 0 ? inner : ""}${around.includes("{\n") ? "}\n" : ""}set $g {{generation}};\n`;
}

const NOTES = ["v1", "v1", "v1", "v2", "v2", "a b", "x;y", '"', "", "#", "0", "\\", "{", "$a"] as const;
const NAMES = ["s0", "s0", "s0", "s1", "s2", "a b", "x;y"] as const;

function randomEntry(random: Random): Entry {
  return entry(pick(random, ...NAMES), `i${random(60)}`, {
    port: 1000 + random(4),
    tags: pick(random, [], ["a"], ["a", "b;"]),
    meta: { note: pick(random, ...NOTES) },
    health: pick(random, "passing", "passing", "critical"),
  });
}

function compile(text: string, format: FormatName): Template {
  return compileTemplate({ file: "t.hbs", text, format, allowRaw: false, partials: new Map() });
}

/** The same template, with everything in it rendered anew each time: the place in the list, when it is named, is more than the item. */
function withoutMemory(text: string): string {
  return text.replace(/\{\{#each (.*?)(?: as \|(\w+)\|)?\}\}/g, (_, list: string, item?: string) => {
    return `{{#each ${list} as |${item ?? "own"} place|}}`;
  });
}

const facts = { node: "n1", env: new Map<string, string>() };
const SECRETS = ["app/"];

interface Seen {
  readonly text: string | undefined;
  readonly masked: string | undefined;
  readonly setAside: readonly SetAside[];
}

/** What a render gives, or the error as a person would see it. */
function outcomeOf(template: Template, snapshot: Snapshot, onUnsafe: Order["onUnsafe"]): Seen | object {
  const order: Order = { dest: "/t", template, facts, onUnsafe };
  const sight = { snapshot, selector: EVERYTHING };
  try {
    const rendered = renderFile(order, sight);
    if ("outside" in rendered) {
      return rendered;
    }
    const { text, setAside } = rendered;
    return { text, setAside, masked: maskedText(order, rendered, sight, SECRETS)?.() };
  } catch (error) {
    if (!(error instanceof FairleadError)) {
      throw error;
    }
    const { message, code, location } = error;
    return { message, code, location };
  }
}

describe("what blocks remember", () => {
  it.each([
    ["nginx", "fail"],
    ["nginx", "skip-instance"],
    ["haproxy", "skip-instance"],
    ["text", "fail"],
  ] as const)("%s, %s: it never shows, in masked texts and in who is set aside neither", (format, onUnsafe) => {
    const random = createRandom(7);
    const seen = { text: 0, masked: 0, aside: 0, error: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const text = randomTemplate(random);
      const template = compile(text, format);
      const plain = compile(withoutMemory(text), format);
      const state = world(
        Array.from({ length: random(160) }, () => randomEntry(random)),
        { "app/k": "1", "app/s": "s0" },
      );
      for (let change = 0; change < CHANGES; change += 1) {
        const snapshot: Snapshot = state.snapshot();
        const outcome = outcomeOf(template, snapshot, onUnsafe);
        expect(outcome, text).toEqual(outcomeOf(plain, snapshot, onUnsafe));
        seen[typeof outcome === "object" && "text" in outcome ? "text" : "error"] += 1;
        seen.masked += "masked" in outcome && outcome.masked !== undefined && outcome.masked !== outcome.text ? 1 : 0;
        seen.aside += "setAside" in outcome && outcome.setAside.length > 0 ? 1 : 0;
        const one = randomEntry(random);
        pick(
          random,
          () => state.set(one),
          () => state.set(one),
          () => state.remove(one.service, one.id),
          () => state.setKey("app/k", String(random(2))),
          () => state.setKey("app/s", `s${random(3)}`),
        )();
      }
    }
    expect(seen.text).toBeGreaterThan(100);
    expect(seen.masked).toBeGreaterThan(50);
    expect(seen.aside > 100).toBe(onUnsafe === "skip-instance");
  });
});
