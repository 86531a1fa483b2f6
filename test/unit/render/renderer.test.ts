/** The daemon's half, on a registry in memory and on targets of paper. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHints } from "../../../src/core/hints.ts";
import type { Provenance } from "../../../src/model/provenance.ts";
import type { ApplyReport, Memory, Outcome, RenderedFile, Target } from "../../../src/ports.ts";
import { createMemoryRegistry } from "../../../src/registry/memory.ts";
import { createMemoryWorld } from "../../../src/registry/memory-world.ts";
import type { GuardRules } from "../../../src/render/guard/guard.ts";
import { createRenderer } from "../../../src/render/renderer.ts";
import type { TargetPlan } from "../../../src/render/target-render.ts";
import { createLibrary } from "../../../src/render/template/library.ts";
import { recordLog } from "../../helpers/quiet-log.ts";
import { entry } from "../../helpers/snapshot.ts";
import { waitFor } from "../../helpers/wait.ts";

const GUARD: GuardRules = { maxShrink: 0.5, holdMs: 300, onEmpty: "hold", minInstances: 0 };
const TEMPLATE = '{{#each (service "web")}}{{id}} {{/each}}| {{key "app/x" default="-"}} | {{#each services}}{{name}} {{/each}}';

let folder: string;
let stop: AbortController;
let running: Promise<void> = Promise.resolve();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-renderer-"));
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await running;
  await rm(folder, { recursive: true, force: true });
});

interface Paper extends Target {
  /** What it holds now. */
  text(): string | undefined;
  readonly writes: number[];
  provenance(): Provenance | undefined;
}

/** A target that keeps its files in memory. */
function paper(name: string, apply: (text: string) => Promise<Outcome> = async () => ({ kind: "written" })): Paper {
  let memory: Memory | undefined;
  let held: string | undefined;
  const writes: number[] = [];
  return {
    name,
    runsNothing: false,
    writes,
    text: () => held,
    provenance: () => memory?.provenance,
    apply: async ([file]: readonly RenderedFile[], options): Promise<ApplyReport> => {
      const text = file?.text ?? "";
      const outcome: Outcome = text === held ? { kind: "unchanged" } : await apply(text);
      if (!("error" in outcome)) {
        if (outcome.kind === "written") {
          writes.push(performance.now());
        }
        held = text;
        memory = { generation: "g", appliedAt: "", files: [], provenance: options.provenance(), lastChange: "" };
      }
      return { outcome, generation: "g", files: [] };
    },
    recover: async () => undefined,
    recall: async () => memory,
  };
}

async function plan(target: Target, template: string, more: Partial<TargetPlan> = {}): Promise<TargetPlan> {
  const path = join(folder, `${target.name}.hbs`);
  await writeFile(path, template);
  return {
    target,
    files: [{ dest: join(folder, target.name), template: { path, format: "text", allowRaw: false } }],
    ...more,
  };
}

function start(registry: ReturnType<typeof createMemoryRegistry>, targets: readonly TargetPlan[]): void {
  const renderer = createRenderer({
    reader: registry,
    targets,
    library: createLibrary({}),
    facts: { node: "n", env: new Map() },
    settle: { quietMs: 1, maxMs: 20 },
    resyncMs: 60_000,
    templateChanges: (signal) => createHints().read(signal),
    log: recordLog(),
  });
  running = renderer.run(stop.signal);
}

function shows(target: Paper, text: string): Promise<unknown> {
  return waitFor(() => target.text() === text, { timeoutMs: 5000, what: `"${text}" instead of "${target.text()}"` });
}

describe("a renderer", () => {
  it("keeps what vanished with its owner in force, confirms it by a fresh read after the hold, and delays nothing else (G3)", async () => {
    const worldOf = createMemoryWorld();
    const registry = createMemoryRegistry({ world: worldOf });
    const { signal } = stop;
    await registry.keepAlive("n1", 60_000, signal);
    await registry.keepAlive("n2", 60_000, signal);
    await registry.keepAlive("n3", 60_000, signal);
    await registry.write("n1", { put: [{ instance: entry("web", "a") }, { instance: entry("web", "b") }], remove: [] }, signal);
    await registry.write("n2", { put: [{ instance: entry("db", "d") }], remove: [] }, signal);
    await registry.write("n3", { put: [{ instance: entry("mail", "m") }], remove: [] }, signal);
    const target = paper("t");
    start(registry, [await plan(target, TEMPLATE, { guard: GUARD })]);
    await shows(target, "a b | - | db mail web ");

    worldOf.expire("n1");
    await registry.putKey("app/x", "1", signal);
    const heldAt = performance.now();
    await shows(target, "a b | 1 | db mail web ");
    expect(target.provenance()?.holds).toMatchObject([{ service: "web", instances: ["a", "b"] }]);
    await shows(target, "| 1 | db mail ");
    expect(performance.now() - heldAt).toBeGreaterThan(GUARD.holdMs - 20);
    expect(target.provenance()?.holds).toEqual([]);

    worldOf.expire("n2");
    await waitFor(() => target.provenance()?.holds.length === 1, { timeoutMs: 5000, what: "the second hold" });
    await shows(target, "| 1 | mail ");
  });

  it("never empties by itself what is all that the registry held, and takes what comes back (G3)", async () => {
    const worldOf = createMemoryWorld();
    const registry = createMemoryRegistry({ world: worldOf });
    const { signal } = stop;
    await registry.keepAlive("n1", 60_000, signal);
    await registry.write("n1", { put: [{ instance: entry("web", "a") }], remove: [] }, signal);
    const target = paper("t");
    start(registry, [await plan(target, TEMPLATE, { guard: { ...GUARD, holdMs: 20 } })]);
    await shows(target, "a | - | web ");
    worldOf.expire("n1");
    await registry.putKey("app/x", "1", signal);
    await shows(target, "a | 1 | web ");
    for (const value of ["2", "3", "4"]) {
      await registry.putKey("app/x", value, signal);
      await shows(target, `a | ${value} | web `);
    }
    await registry.keepAlive("n1", 60_000, signal);
    await registry.write("n1", { put: [{ instance: entry("web", "b") }], remove: [] }, signal);
    await shows(target, "b | 4 | web "); // the owner lives and has no "a" any more: that is only a matter of time
  });

  it("counts together what dies within a hold: a fleet that goes node by node does not slip through (G3)", async () => {
    const worldOf = createMemoryWorld();
    const registry = createMemoryRegistry({ world: worldOf });
    const { signal } = stop;
    for (const owner of ["n1", "n2", "n3", "n4"]) {
      await registry.keepAlive(owner, 60_000, signal);
      await registry.write(owner, { put: [{ instance: entry("web", owner) }], remove: [] }, signal);
    }
    const target = paper("t");
    start(registry, [await plan(target, TEMPLATE, { guard: { ...GUARD, holdMs: 60_000 } })]);
    await shows(target, "n1 n2 n3 n4 | - | web ");
    worldOf.expire("n1");
    await shows(target, "n2 n3 n4 | - | web ");
    worldOf.expire("n2");
    await shows(target, "n3 n4 | - | web ");
    worldOf.expire("n3");
    await shows(target, "n1 n2 n3 n4 | - | web ");
    expect(target.provenance()?.holds).toMatchObject([{ instances: ["n1", "n2", "n3"] }]);
  });

  it("lets one target that fails or hangs hurt only itself (G7)", async () => {
    const registry = createMemoryRegistry();
    const good = paper("good");
    const hanging = paper(
      "hanging",
      () => new Promise((_, reject) => stop.signal.addEventListener("abort", () => reject(stop.signal.reason))),
    );
    start(registry, [
      await plan(paper("broken"), "{{lower}}"),
      await plan(paper("missing"), '{{key "app/none"}}'),
      await plan(hanging, "hangs"),
      await plan(good, '{{key "app/x" default="-"}}'),
    ]);
    await shows(good, "-");
    await registry.putKey("app/x", "1", stop.signal);
    await shows(good, "1");
  });

  it("waits between two reloads as long as it was told, and then applies the newest state (G15)", async () => {
    const registry = createMemoryRegistry();
    const target = paper("t");
    start(registry, [await plan(target, '{{key "app/x" default="-"}}', { minReloadIntervalMs: 150 })]);
    await shows(target, "-");
    for (let i = 0; i < 50; i++) {
      await registry.putKey("app/x", String(i), stop.signal);
    }
    await shows(target, "49");
    await registry.putKey("app/x", "last", stop.signal);
    await shows(target, "last");
    expect(target.writes.length).toBeLessThanOrEqual(4);
    const gaps = target.writes.slice(1).map((at, i) => at - (target.writes[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(145);
  });
});
