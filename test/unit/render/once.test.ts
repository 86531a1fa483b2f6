import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FairleadError } from "../../../src/model/errors.ts";
import type { ApplyReport, RenderedFile, Target } from "../../../src/ports.ts";
import { createMemoryRegistry } from "../../../src/registry/memory.ts";
import { createLibrary } from "../../../src/render/library.ts";
import { renderOnce } from "../../../src/render/once.ts";
import type { TargetPlan } from "../../../src/render/target-render.ts";

const never = new AbortController().signal;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-once-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A target that only remembers what it was given. */
function paper(name: string): Target & { readonly applied: (readonly RenderedFile[])[] } {
  const applied: (readonly RenderedFile[])[] = [];
  return {
    name,
    applied,
    apply: async (files): Promise<ApplyReport> => {
      applied.push(files);
      return { outcome: { kind: "written" }, generation: "g", files: [] };
    },
    recover: async () => undefined,
    recall: async () => undefined,
  };
}

async function plan(name: string, template: string): Promise<TargetPlan & { readonly target: ReturnType<typeof paper> }> {
  const path = join(folder, `${name}.hbs`);
  await writeFile(path, template);
  return { target: paper(name), files: [{ dest: join(folder, name), template: { path, format: "text", allowRaw: false } }] };
}

function once(reader: ReturnType<typeof createMemoryRegistry>, targets: readonly TargetPlan[], timeoutMs: number) {
  const facts = { node: "n", env: new Map<string, string>() };
  return renderOnce({
    reader,
    targets,
    library: createLibrary({}),
    facts,
    timeoutMs,
    signal: never,
    apply: {},
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
});
