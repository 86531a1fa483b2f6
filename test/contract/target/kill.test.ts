/** `kill -9` before every single step of a change (G1, G6). */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GENERATION_MARK, type RenderedFile } from "../../../src/ports.ts";
import { createTarget } from "../../../src/target/target.ts";
import { noProvenance } from "../../helpers/provenance.ts";
import { recordLog } from "../../helpers/quiet-log.ts";
import type { MortalJob } from "./mortal-job.ts";

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const options = { signal: new AbortController().signal, lockTimeoutMs: 5000, provenance: noProvenance };

let base: string;
let program: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "fairlead-kill-"));
  program = join(base, "mortal.mjs");
  const bundle = await rolldown({ input: join(import.meta.dirname, "mortal.ts"), platform: "node" });
  await bundle.write({ file: program, format: "esm" });
  await bundle.close();
});
/** Files that are mounted by themselves now: a test that fails must not leave one behind. */
const mounted = new Set<string>();
afterAll(async () => {
  await Promise.all([...mounted].map(unmount));
  await rm(base, { recursive: true, force: true });
});

async function unmount(path: string): Promise<void> {
  await run("umount", [path]);
  mounted.delete(path);
}

interface Variant {
  readonly title: string;
  /** None that keeps a check from leaving behind what it passed. */
  readonly level: "namespace" | "swap";
  readonly from: "a good state" | "no state";
  readonly rollBack?: boolean;
  /** The second file is mounted by itself. */
  readonly isMounted?: boolean;
  readonly needsRoot?: boolean;
}

const variants: readonly Variant[] = [
  { title: "checked in a namespace", level: "namespace", from: "a good state", needsRoot: true },
  { title: "checked in a namespace, no state", level: "namespace", from: "no state", needsRoot: true },
  { title: "checked in place", level: "swap", from: "a good state" },
  { title: "checked in place, no state", level: "swap", from: "no state" },
  { title: "going back to the state before", level: isRoot ? "namespace" : "swap", from: "a good state", rollBack: true },
  { title: "a file that is mounted by itself", level: "namespace", from: "a good state", isMounted: true, needsRoot: true },
];

/** Two files that tell their generation, and a program that reads them when it is told to. */
function scene(folder: string) {
  const [a, b, live, passed] = ["etc/a.conf", "etc/b.conf", "live", "passed"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ];
  const files = (text: string): RenderedFile[] => [a, b].map((dest) => ({ dest, text: `${text} ${GENERATION_MARK}\n` }));
  return {
    a,
    b,
    live,
    passed,
    files,
    stateDir: join(folder, "state"),
    // Both have to be of one kind; what passed is written down.
    check: ["sh", "-c", `cmp -s ${a} ${b} && cat ${a} >> ${passed}`],
    reload: ["sh", "-c", `cat ${a} ${b} > ${live}`],
    verify: ["grep", "-q", "{{generation}}", live],
    read: (path: string) => readFile(path, "utf8").catch(() => undefined),
  };
}

type Scene = ReturnType<typeof scene>;

function targetOf(at: Scene, level: Variant["level"]) {
  return createTarget({
    name: "mortal",
    stateDir: at.stateDir,
    log: recordLog(),
    environment: process.env,
    check: { argv: at.check, timeoutMs: 10_000 },
    reload: { exec: { argv: at.reload, timeoutMs: 10_000 } },
    verify: { exec: at.verify, timeoutMs: 10_000 },
    findCheckLevel: async () => level,
  });
}

async function makeScene(variant: Variant, folder: string): Promise<Scene> {
  const at = scene(folder);
  await mkdir(join(folder, "etc"), { recursive: true });
  if (variant.isMounted === true) {
    await writeFile(join(folder, "mounted"), "");
    await writeFile(at.b, "");
    await run("mount", ["--bind", join(folder, "mounted"), at.b]);
    mounted.add(at.b);
  }
  if (variant.from === "a good state") {
    const target = targetOf(at, variant.level);
    for (const text of variant.rollBack === true ? ["new", "old"] : ["old"]) {
      expect((await target.apply(at.files(text), options)).outcome).toEqual({ kind: "written" });
    }
  }
  return at;
}

/** How many steps it takes when it lives; undefined: it was killed. */
async function applyMortally(variant: Variant, at: Scene, killAt: number): Promise<{ readonly steps: number } | undefined> {
  const { stateDir, check, reload, verify } = at;
  const { level, rollBack } = variant;
  const job: MortalJob = {
    killAt,
    stateDir,
    level,
    files: at.files("new"),
    check,
    reload,
    verify,
    ...(rollBack && { rollBack }),
  };
  try {
    const { stdout } = await run(process.execPath, [program, JSON.stringify(job)]);
    const report = JSON.parse(stdout) as { readonly steps: number; readonly outcome: string };
    expect(report.outcome).toBe("written");
    return report;
  } catch (error) {
    if (typeof error === "object" && error !== null && "signal" in error && error.signal === "SIGKILL") {
      return undefined;
    }
    throw error;
  }
}

/** At every moment a file holds what passed its check, or, without a namespace, what is being checked. */
async function expectChecked(variant: Variant, at: Scene): Promise<void> {
  const passed = (await at.read(at.passed)) ?? "";
  for (const path of variant.isMounted === true ? [at.a] : [at.a, at.b]) {
    const text = await at.read(path);
    const isBeingChecked = variant.level === "swap" || variant.from === "no state";
    if (text !== undefined && !(isBeingChecked && text.startsWith("new "))) {
      expect(passed).toContain(text);
    }
  }
}

/** Both files are of one generation, whole, and what the program runs. */
async function expectWhole(at: Scene): Promise<string | undefined> {
  const [a, b, live] = await Promise.all([at.a, at.b, at.live].map(at.read));
  expect(b).toBe(a);
  expect(live).toBe(a === undefined ? undefined : `${a}${b}`);
  expect(a ?? "new 0123456789abcdef\n").toMatch(/^(old|new) [0-9a-f]{16}\n$/);
  return a;
}

describe.each(variants)("a process that is killed before any step: $title (G1, G6)", (variant) => {
  it.skipIf(variant.needsRoot === true && !isRoot)("is made good by the next one", { timeout: 600_000 }, async () => {
    const name = variant.title.replaceAll(/[^a-z]+/g, "-");
    const template = join(base, `${name}-0`);
    const life = await applyMortally(variant, await makeScene(variant, template), 0);
    await dismiss(variant, template);
    const steps = life?.steps ?? 0;
    expect(steps).toBeGreaterThan(20);
    for (let killAt = 1; killAt <= steps; killAt++) {
      const folder = join(base, `${name}-${killAt}`);
      const at = await makeScene(variant, folder);
      const lived = await applyMortally(variant, at, killAt);
      expect(lived, `killed before step ${killAt} of ${steps}`).toBeUndefined();
      await expectChecked(variant, at);

      const next = targetOf(at, variant.level);
      const outcome = await next.recover(options);
      expect(outcome === undefined || outcome.kind === "written", `recovery after step ${killAt}`).toBe(true);
      await expectWhole(at);
      if (variant.from === "a good state") {
        expect((await readdir(join(folder, "etc"))).sort()).toEqual(["a.conf", "b.conf"]);
      }

      const last = await next.apply(at.files(variant.rollBack === true ? "newest" : "new"), options);
      expect(last.outcome).toEqual({ kind: expect.stringMatching(/^(written|unchanged)$/) });
      expect(await at.read(at.a)).toBe(`${variant.rollBack === true ? "newest" : "new"} ${last.generation}\n`);
      expect(await at.read(at.live)).toBe(`${await at.read(at.a)}${await at.read(at.b)}`);
      expect((await readdir(join(folder, "etc"))).sort()).toEqual(["a.conf", "b.conf"]);
      expect((await next.recall())?.generation).toBe(last.generation);
      await dismiss(variant, folder);
    }
  });
});

async function dismiss(variant: Variant, folder: string): Promise<void> {
  if (variant.isMounted === true) {
    await unmount(join(folder, "etc/b.conf"));
  }
  await rm(folder, { recursive: true, force: true });
}
