import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FairleadError } from "../../../src/model/errors.ts";
import type { ApplyReport, Memory, RenderedFile, Target } from "../../../src/ports.ts";
import { createMemoryRegistry } from "../../../src/registry/memory.ts";
import { renderOnce } from "../../../src/render/once.ts";
import type { TargetPlan } from "../../../src/render/target-render.ts";
import { createLibrary } from "../../../src/render/template/library.ts";
import { entry, world } from "../../helpers/snapshot.ts";

const GUARD = { maxShrink: 0.5, holdMs: 60_000, onEmpty: "hold", minInstances: 0 } as const;
const never = new AbortController().signal;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-once-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A target that only remembers what it was given. */
function paper(name: string, memory?: Memory): Target & { readonly applied: (readonly RenderedFile[])[] } {
  const applied: (readonly RenderedFile[])[] = [];
  return {
    name,
    runsNothing: false,
    applied,
    apply: async (files): Promise<ApplyReport> => {
      applied.push(files);
      return { outcome: { kind: "written" }, generation: "g", files: [] };
    },
    recover: async () => undefined,
    recall: async () => memory,
  };
}

async function plan(
  name: string,
  template: string,
  memory?: Memory,
): Promise<TargetPlan & { readonly target: ReturnType<typeof paper> }> {
  const path = join(folder, `${name}.hbs`);
  await writeFile(path, template);
  return {
    target: paper(name, memory),
    files: [{ dest: join(folder, name), template: { path, format: "text", allowRaw: false } }],
  };
}

function once(
  reader: ReturnType<typeof createMemoryRegistry>,
  targets: readonly TargetPlan[],
  timeoutMs: number,
  acceptShrink = false,
) {
  const facts = { node: "n", env: new Map<string, string>() };
  return renderOnce({
    reader,
    targets,
    library: createLibrary({}),
    facts,
    timeoutMs,
    signal: never,
    apply: {},
    acceptShrink,
    onStale: () => undefined,
  });
}

describe("renderOnce", () => {
  it("follows reads that are known only while rendering", async () => {
    const registry = createMemoryRegistry();
    await registry.putKey("a", "b", never);
    await registry.putKey("b", "c", never);
    await registry.putKey("c", "the end", never);
    const chain = await plan("chain", '{{key (key (key "a"))}}');
    expect((await once(registry, [chain], 2000)).targets).toMatchObject([{ name: "chain", outcome: { kind: "written" } }]);
    expect(chain.target.applied.map((files) => files[0]?.text)).toEqual(["the end"]);
  });

  it("lets a target that waits for a key delay no other, and takes the key when it comes", async () => {
    const registry = createMemoryRegistry();
    await registry.putKey("now", "1", never);
    const waits = await plan("waits", '{{key "late"}}');
    const ready = await plan("ready", '{{key "now"}}');
    const done = once(registry, [waits, ready], 5000);
    await expect.poll(() => ready.target.applied.length).toBe(1);
    expect(waits.target.applied).toHaveLength(0);
    await registry.putKey("late", "2", never);
    expect((await done).targets.map((target) => target.outcome.kind)).toEqual(["written", "written"]);
  });

  it("blames the registry when it stops answering while a key is waited for", async () => {
    const registry = createMemoryRegistry();
    let reads = 0;
    const read: typeof registry.read = async (selector, options) => {
      reads++;
      if (reads > 1) {
        throw new FairleadError("REGISTRY_UNAVAILABLE", "gone", { retryable: true });
      }
      return await registry.read(selector, options);
    };
    const waits = await plan("waits", '{{key "late"}}');
    const report = await once({ ...registry, read }, [waits], 300);
    expect(report.targets).toMatchObject([{ outcome: { kind: "failed", error: { code: "REGISTRY_UNAVAILABLE" } } }]);
  });

  it("blames the key when the registry answers, and names the target's other faults at once", async () => {
    const registry = createMemoryRegistry();
    const missing = await plan("missing", '{{key "nope"}}');
    const broken = await plan("broken", "{{#each services}}");
    const report = await once(registry, [missing, broken], 100);
    expect(report.targets).toMatchObject([
      { name: "missing", outcome: { kind: "failed", error: { code: "KEY_MISSING" } } },
      { name: "broken", outcome: { kind: "failed", error: { code: "TEMPLATE_SYNTAX" } } },
    ]);
  });

  it("keeps what vanished, applies the rest, and says that something is held; a person may accept it (G3, G20)", async () => {
    const registry = createMemoryRegistry();
    await registry.keepAlive("n2", 60_000, never);
    await registry.write("n2", { put: [{ instance: entry("db", "d2") }], remove: [] }, never);
    const { services } = world([entry("web", "a"), entry("web", "b"), entry("db", "d2", { owner: "n2", port: 81 })]).snapshot();
    const provenance = { files: [], services, keys: new Map(), holds: [], setAside: [] };
    const memory = { generation: "", appliedAt: "", files: [], provenance, lastChange: "" };
    const template = '{{#each (service "web")}}{{id}} {{/each}}{{#each (service "db")}}{{id}} {{/each}}';
    const guarded = { ...(await plan("t", template, memory)), guard: GUARD };

    const held = await once(registry, [guarded], 1000);
    expect(held.targets[0]?.outcome).toMatchObject({ kind: "rejected", error: { code: "GUARD_HELD" } });
    expect(held.targets[0]?.outcome).toHaveProperty(
      "error.message",
      expect.stringMatching(
        /^2 instances of service "web" vanished, kept in force until 2.*Z: no usable instance would be left$/,
      ),
    );
    const accepted = await once(registry, [guarded], 1000, true);
    expect(accepted.targets[0]?.outcome).toEqual({ kind: "written" });
    expect(guarded.target.applied.map(([file]) => file?.text)).toEqual(["a b d2 ", "d2 "]);
  });
});
