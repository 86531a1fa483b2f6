/** What blocks remember never shows: every render after a change is what a template that remembers nothing renders. */
import { describe, expect, it } from "vitest";
import { FairleadError } from "../../src/model/errors.ts";
import type { Entry } from "../../src/model/instance.ts";
import { EVERYTHING } from "../../src/model/selector.ts";
import type { Snapshot } from "../../src/model/snapshot.ts";
import { compileTemplate, type Template } from "../../src/render/engine.ts";
import type { FormatName } from "../../src/render/formats/index.ts";
import { createView, type View } from "../../src/render/view.ts";
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
  const inner = `{{#each (service "s0")}}\n    server {{addr}} {{protocol}};\n{{/each}}\n`;
  return `${around}${block}${random(2) === 0 ? inner : ""}${around.includes("{\n") ? "}\n" : ""}set $g {{generation}};\n`;
}

const NOTES = ["v1", "v1", "v2", "a b", "x;y", '"', "", "#", "0", "\\", "{"] as const;
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

/** A view whose items are copies: nothing is remembered of them. */
function forgettable(view: View): View {
  const copy = (list: ReturnType<View["service"]>): ReturnType<View["service"]> => list.map((item) => ({ ...item }));
  return {
    key: view.key,
    keys: view.keys,
    reads: view.reads,
    outside: view.outside,
    services: (filter) => view.services(filter).map((service) => ({ ...service, instances: copy(service.instances) })),
    service: (name, filter) => copy(view.service(name, filter)),
  };
}

/** The text, or the error as a person would see it. */
function outcomeOf(template: Template, view: View): unknown {
  try {
    return template.render(view, facts);
  } catch (error) {
    if (!(error instanceof FairleadError)) {
      throw error;
    }
    const { message, code, location } = error;
    return { message, code, location };
  }
}

const facts = { node: "n1", env: new Map<string, string>() };

describe("what blocks remember", () => {
  it.each(["nginx", "haproxy", "text"] as const)("%s: it never shows", (format) => {
    const random = createRandom(7);
    const seen = { text: 0, error: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const text = randomTemplate(random);
      const template = compile(text, format);
      const plain = compile(text, format);
      const state = world(
        Array.from({ length: random(160) }, () => randomEntry(random)),
        { "app/k": "1" },
      );
      for (let change = 0; change < CHANGES; change += 1) {
        const snapshot: Snapshot = state.snapshot();
        const outcome = outcomeOf(template, createView(snapshot, EVERYTHING));
        expect(outcome, text).toEqual(outcomeOf(plain, forgettable(createView(snapshot, EVERYTHING))));
        seen[typeof outcome === "string" ? "text" : "error"] += 1;
        const one = randomEntry(random);
        pick(
          random,
          () => state.set(one),
          () => state.set(one),
          () => state.remove(one.service, one.id),
          () => state.setKey("app/k", String(random(2))),
        )();
      }
    }
    expect(seen.text).toBeGreaterThan(100);
  });
});
