/** Faults of the disk that only a real file system shows; they need root, for mounts. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApplyReport, RenderedFile } from "../../../src/ports.ts";
import { createTarget, type TargetOptions } from "../../../src/target/target.ts";
import { noProvenance } from "../../helpers/provenance.ts";
import { recordLog } from "../../helpers/quiet-log.ts";

const run = promisify(execFile);
const options = { signal: new AbortController().signal, lockTimeoutMs: 500, provenance: noProvenance };
const isRoot = process.getuid?.() === 0;

let folder: string;
let mounts: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-disk-"));
  mounts = [];
});
afterEach(async () => {
  for (const mount of mounts.reverse()) {
    await run("umount", [mount]);
  }
  await rm(folder, { recursive: true, force: true });
});

async function mount(name: string, ...args: string[]): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  await run("mount", [...args, path]);
  mounts.push(path);
  return path;
}

function target(more: Partial<TargetOptions> = {}) {
  return createTarget({ name: "t", stateDir: join(folder, "state"), log: recordLog(), environment: process.env, ...more });
}

function errorOf(report: ApplyReport) {
  return "error" in report.outcome ? report.outcome.error : undefined;
}

describe.skipIf(!isRoot)("a target on a faulty disk (needs root)", () => {
  it("keeps the old file when the disk is full, says so, and leaves nothing behind", async () => {
    const disk = await mount("disk", "-t", "tmpfs", "-o", "size=1m", "tmpfs");
    const file = (text: string): RenderedFile => ({ dest: join(disk, "app.conf"), text });
    const app = target({ check: { argv: ["true"], timeoutMs: 5000 } });
    expect((await app.apply([file("old\n")], options)).outcome.kind).toBe("written");
    const big = await app.apply([file("x".repeat(2 * 1024 * 1024))], options);
    expect(errorOf(big)).toMatchObject({
      code: "DEST_REFUSED",
      message: expect.stringMatching(/app.conf": (the disk is full|only \d+ of)/),
    });
    expect(await readFile(join(disk, "app.conf"), "utf8")).toBe("old\n");
    expect(await readdir(disk)).toEqual(["app.conf"]);
    expect((await app.apply([file("small\n")], options)).outcome.kind).toBe("written");
  });

  it("installs none of two files when only the first fits", async () => {
    const disk = await mount("disk", "-t", "tmpfs", "-o", "size=1m", "tmpfs");
    const files = (a: string, b: string): RenderedFile[] => [
      { dest: join(disk, "a.conf"), text: a },
      { dest: join(disk, "b.conf"), text: b },
    ];
    const app = target({ check: { argv: ["true"], timeoutMs: 5000 } });
    await app.apply(files("a1", "b1"), options);
    expect(errorOf(await app.apply(files("a2", "x".repeat(2 * 1024 * 1024)), options))).toMatchObject({ code: "DEST_REFUSED" });
    expect([await readFile(join(disk, "a.conf"), "utf8"), await readFile(join(disk, "b.conf"), "utf8")]).toEqual(["a1", "b1"]);
  });

  it("keeps the old file when the state's disk is full", async () => {
    const state = await mount("state", "-t", "tmpfs", "-o", "size=64k", "tmpfs");
    await writeFile(join(state, "ballast"), "x".repeat(60 * 1024));
    const dest = join(folder, "app.conf");
    await writeFile(dest, "old\n");
    const app = target({ stateDir: join(state, "t"), check: { argv: ["true"], timeoutMs: 5000 } });
    expect(errorOf(await app.apply([{ dest, text: "new\n".repeat(5000) }], options))).toMatchObject({ code: "DEST_REFUSED" });
    expect(await readFile(dest, "utf8")).toBe("old\n");
  });

  it("names a read-only file system", async () => {
    const disk = await mount("disk", "-t", "tmpfs", "tmpfs");
    await writeFile(join(disk, "app.conf"), "old\n");
    await run("mount", ["-o", "remount,ro", disk]);
    const report = await target().apply([{ dest: join(disk, "app.conf"), text: "new\n" }], options);
    expect(errorOf(report)).toMatchObject({
      code: "DEST_REFUSED",
      message: expect.stringContaining("the file system is read-only"),
    });
    await run("mount", ["-o", "remount,rw", disk]);
  });

  async function mountFile(name: string, text: string): Promise<string> {
    const dest = join(folder, name);
    await writeFile(join(folder, `${name}.source`), text, { mode: 0o640 });
    await writeFile(dest, "");
    await run("mount", ["--bind", join(folder, `${name}.source`), dest]);
    mounts.push(dest);
    return dest;
  }

  it.each([
    ["bare", {}],
    ["with a check in a namespace", { check: { argv: ["true"], timeoutMs: 5000 } }],
    ["with a check in place", { check: { argv: ["true"], timeoutMs: 5000 }, findCheckLevel: async () => "swap" as const }],
  ])(
    "writes a file that is mounted by itself in place, mode and owner too, and only when it differs: a target %s",
    async (_, more) => {
      const dest = await mountFile("app.conf", "old and longer\n");
      const app = target(more);
      const file: RenderedFile = { dest, text: "new\n", mode: 0o604, uid: 1234, gid: 1235 };
      const { ino } = await stat(dest);
      expect((await app.apply([file], options)).outcome.kind).toBe("written");
      const { mode, uid, gid, mtimeMs, ino: same } = await stat(dest);
      expect([mode & 0o7777, uid, gid, same]).toEqual([0o604, 1234, 1235, ino]);
      expect(await readFile(dest, "utf8")).toBe("new\n");
      expect((await app.apply([file], options)).outcome.kind).toBe("unchanged");
      expect((await app.apply([{ ...file, mode: 0o600 }], options)).outcome.kind).toBe("written");
      expect((await stat(dest)).mtimeMs).toBe(mtimeMs);
      expect((await readdir(folder)).filter((name) => name.includes("fairlead-"))).toEqual([]);
    },
  );

  it("brings a file that is mounted by itself back when the check or the reload refuses", async () => {
    const dest = await mountFile("app.conf", "old\n");
    const refusing = target({ check: { argv: ["false"], timeoutMs: 5000 }, findCheckLevel: async () => "swap" });
    expect((await refusing.apply([{ dest, text: "new\n" }], options)).outcome.kind).toBe("rejected");
    expect(await readFile(dest, "utf8")).toBe("old\n");
    const failing = target({ reload: { exec: { argv: ["grep", "-q", "old", dest], timeoutMs: 5000 } } });
    expect((await failing.apply([{ dest, text: "new\n" }], options)).outcome.kind).toBe("rolled-back");
    expect(await readFile(dest, "utf8")).toBe("old\n");
  });

  it("refuses a file that is mounted by itself and read-only, with a way out, and leaves it as it was", async () => {
    const dest = await mountFile("app.conf", "old\n");
    await run("mount", ["-o", "remount,ro,bind", dest]);
    const report = await target({ check: { argv: ["true"], timeoutMs: 5000 } }).apply([{ dest, text: "new\n" }], options);
    expect(errorOf(report)).toMatchObject({ code: "DEST_REFUSED", hint: expect.stringContaining("mount it writable") });
    expect(await readFile(dest, "utf8")).toBe("old\n");
  });

  it("gives the first file back when the second cannot be put in place, and owes nothing afterwards", async () => {
    const first = join(folder, "a.conf");
    await writeFile(first, "old\n");
    const second = await mountFile("b.conf", "old\n");
    await run("mount", ["-o", "remount,ro,bind", second]);
    const app = target({ reload: { exec: { argv: ["touch", join(folder, "reloaded")], timeoutMs: 5000 } } });
    const report = await app.apply(
      [
        { dest: first, text: "new\n" },
        { dest: second, text: "new\n" },
      ],
      options,
    );
    expect(errorOf(report)).toMatchObject({ code: "DEST_REFUSED" });
    expect(await readFile(first, "utf8")).toBe("old\n");
    expect(await app.recover(options)).toBeUndefined();
    expect(await readdir(folder)).not.toContain("reloaded");
  });

  it("lets a check see the new tree while everybody else sees the old one", async () => {
    const dest = join(folder, "app.conf");
    await writeFile(dest, "old\n");
    const script = `grep -q new ${dest} && touch ${folder}/checking && while ! test -e ${folder}/seen; do sleep 0.02; done`;
    // At this level, and no better one, the check can leave a file behind to say where it is.
    const app = target({ check: { argv: ["sh", "-c", script], timeoutMs: 10_000 }, findCheckLevel: async () => "namespace" });
    const applied = app.apply([{ dest, text: "new\n" }], options);
    await expect.poll(() => readdir(folder), { timeout: 5000 }).toContain("checking");
    expect(await readFile(dest, "utf8")).toBe("old\n");
    await writeFile(join(folder, "seen"), "");
    expect((await applied).outcome.kind).toBe("written");
    expect(await readFile(dest, "utf8")).toBe("new\n");
  });
});
