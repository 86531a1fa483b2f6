import { describe, expect, test } from "vitest";
import type { Entry } from "../../src/model/instance.ts";
import type { Selector } from "../../src/model/selector.ts";
import type { Snapshot } from "../../src/model/snapshot.ts";
import { createTargetRenderer, type TargetPlan, type TargetRender } from "../../src/render/target-render.ts";
import { compileTemplate, type Template } from "../../src/render/template/engine.ts";
import type { Library } from "../../src/render/template/library.ts";
import { createView } from "../../src/render/template/view.ts";
import { entry, world } from "../helpers/snapshot.ts";
import { createRandom } from "../unit/render/formats/values.ts";
import { KEYS, PREFIXES, randomTemplate, SERVICES } from "./random-template.ts";

/**
 * Only what changed is rendered again, and it is always what rendering everything gives: random templates, random sequences of changes.
 * A failure names its seed.
 */
const SETS = 300;
const SEQUENCES_OF_A_SET = 7;
const STEPS = 7;
const FILES = 3;
const EVERYTHING: Selector = { services: "all", keys: [""] };
const FACTS = { node: "n1", env: new Map<string, string>() };

type Random = (below: number) => number;
type World = ReturnType<typeof world>;

describe("rendering what is stale", () => {
  test("equals rendering everything, and renders nothing that a change did not touch", { timeout: 300_000 }, async () => {
    const sums = { sequences: 0, renders: 0, kept: 0 };
    for (let seed = 1; seed <= SETS; seed += 1) {
      await runSet(seed, sums);
    }
    expect(sums.sequences).toBeGreaterThanOrEqual(2000);
    expect(sums.renders).toBeGreaterThan(sums.sequences);
    expect(sums.kept).toBeGreaterThan(sums.renders); // most changes touch one of the templates, or none
  });
});

interface Sums {
  sequences: number;
  renders: number;
  kept: number;
}

/** A few templates, compiled once, and several sequences for them. */
async function runSet(seed: number, sums: Sums): Promise<void> {
  const random = createRandom(seed);
  const partials = new Map(["p", "q"].map((name) => [name, { file: `${name}.hbs`, text: randomTemplate(random, []) }]));
  const texts = Array.from({ length: FILES }, () => randomTemplate(random, [...partials.keys()]));
  const templates = texts.map((text, i) =>
    compileTemplate({ file: `${i}.hbs`, text, format: "text", allowRaw: false, partials }),
  );
  for (let i = 0; i < SEQUENCES_OF_A_SET; i += 1) {
    await runSequence(random, { templates, where: `seed ${seed}, sequence ${i}, templates ${JSON.stringify(texts)}` }, sums);
    sums.sequences += 1;
  }
}

interface Templates {
  readonly templates: readonly Template[];
  /** For messages. */
  readonly where: string;
}

async function runSequence(random: Random, { templates, where }: Templates, sums: Sums): Promise<void> {
  const counted = templates.map((template) => countRenders(template));
  const plan = planOf(FILES);
  const library: Library = { load: async ({ path }) => counted[Number(path)]?.template ?? Promise.reject(new Error(path)) };
  const renderer = createTargetRenderer(plan, library, FACTS);
  const state = world();
  for (let i = 0; i < 6; i += 1) {
    change(random, state);
  }

  let before: Snapshot | undefined;
  for (let step = 0; step < STEPS; step += 1) {
    const snapshot = state.snapshot();
    const wasStale = renderer.isStale(snapshot);
    const counts = counted.map(({ count }) => count());
    const result = await renderer.render(snapshot, EVERYTHING);
    const fresh = templates.map((template) => renderAfresh(template, snapshot));
    expect(textsOf(result), `step ${step}, ${where}`).toEqual(fresh.every((one) => typeof one === "string") ? fresh : "failed");

    if (!wasStale) {
      expect(
        counted.map(({ count }) => count()),
        where,
      ).toEqual(counts);
    }
    if (before !== undefined) {
      const known = before;
      templates.forEach((template, i) => {
        const rendered = (counted[i]?.count() ?? 0) - (counts[i] ?? 0);
        const isNeedless = rendered > 0 && !touches(template, known, snapshot);
        expect(isNeedless, `${where}: file ${i} was rendered although nothing that it read changed`).toBe(false);
        sums.renders += rendered;
        sums.kept += 1 - rendered;
      });
    }
    before = snapshot;
    change(random, state);
  }
}

function planOf(files: number): TargetPlan {
  const target = { name: "t" } as TargetPlan["target"]; // the renderer only carries it along
  return {
    target,
    files: Array.from({ length: files }, (_, i) => ({
      dest: `/d/${i}`,
      template: { path: String(i), format: "text" as const, allowRaw: false },
    })),
  };
}

function countRenders(template: Template): { readonly template: Template; readonly count: () => number } {
  let count = 0;
  return {
    template: {
      ...template,
      attempt: (view, facts, context) => {
        count += 1;
        return template.attempt(view, facts, context);
      },
    },
    count: () => count,
  };
}

/** The text, or the failure's code, of a render that knows nothing of those before. */
function renderAfresh(template: Template, snapshot: Snapshot): string | { readonly code: string } {
  try {
    return template.render(createView(snapshot, EVERYTHING), FACTS);
  } catch (error) {
    return { code: String(error) };
  }
}

function textsOf(result: TargetRender): unknown {
  return result.kind === "ready" ? result.files.map(({ text }) => text) : result.kind;
}

/** Whether anything that the template reads in the older snapshot is another thing in the newer one; judged from the data alone. */
function touches(template: Template, older: Snapshot, newer: Snapshot): boolean {
  const view = createView(older, EVERYTHING);
  try {
    template.render(view, FACTS);
  } catch {
    return true; // a failed render is tried again
  }
  return view.reads.some(({ kind, name }) => describeRead(older, kind, name) !== describeRead(newer, kind, name));
}

function describeRead(snapshot: Snapshot, kind: string, name: string): string {
  switch (kind) {
    case "services":
      return JSON.stringify([...snapshot.services.values()]);
    case "service":
      return JSON.stringify(snapshot.services.get(name) ?? null);
    case "key":
      return JSON.stringify(snapshot.keys.get(name) ?? null);
    default:
      return JSON.stringify([...snapshot.keys].filter(([key]) => key.startsWith(name)));
  }
}

/** One step of the world: an instance or a key comes, changes or goes; sometimes several at once, sometimes there and back. */
function change(random: Random, state: World): void {
  const times = random(5) === 0 ? 1 + random(3) : 1;
  for (let i = 0; i < times; i += 1) {
    const service = SERVICES[random(SERVICES.length)] ?? "";
    const key = KEYS[random(KEYS.length)] ?? "";
    switch (random(8)) {
      case 0:
      case 1:
        state.set(randomEntry(random, service));
        break;
      case 2:
        state.remove(service, `i${random(3)}`);
        break;
      case 3:
      case 4:
        state.setKey(key, ["", "on", "a", "b", "web", "5"][random(6)] ?? "");
        break;
      case 5:
        state.removeKey(key);
        break;
      case 6:
        state.setKey(`${PREFIXES[random(PREFIXES.length)]}new${random(3)}`, "n");
        break;
      default: {
        const item = randomEntry(random, "gone-again");
        state.set(item);
        state.remove(item.service, item.id);
      }
    }
  }
}

function randomEntry(random: Random, service: string): Entry {
  return entry(service, `i${random(3)}`, {
    port: 80 + random(2),
    tags: random(2) === 0 ? ["http"] : [],
    health: (["passing", "warning", "critical"] as const)[random(3)] ?? "passing",
  });
}
