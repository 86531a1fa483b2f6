import { chmod, copyFile, cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ApplyReport, GENERATION_MARK, type RenderedFile } from "../../../src/ports.ts";
import { createTarget, type TargetOptions } from "../../../src/target/target.ts";
import { noProvenance } from "../../helpers/provenance.ts";
import { recordLog } from "../../helpers/quiet-log.ts";

const signal = new AbortController().signal;
const options = { signal, lockTimeoutMs: 500, provenance: noProvenance };

let folder: string;
let dest: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-target-"));
  await mkdir(join(folder, "etc"));
  dest = join(folder, "etc/app.conf");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function target(more: Partial<TargetOptions> = {}) {
  return createTarget({ name: "app", stateDir: join(folder, "state"), log: recordLog(), environment: process.env, ...more });
}

function file(text: string, more: Partial<RenderedFile> = {}): RenderedFile {
  return { dest, text, ...more };
}

function sh(script: string, timeoutMs = 5000) {
  return { argv: ["sh", "-c", script], timeoutMs };
}

function errorOf(report: ApplyReport) {
  return "error" in report.outcome ? report.outcome.error : undefined;
}

const kindOf = (report: ApplyReport): string => report.outcome.kind;

/** Everything in a folder, so that leftovers show. */
async function namesIn(path: string): Promise<string[]> {
  return (await readdir(path)).sort();
}

describe("a target without commands", () => {
  it("writes, then finds nothing to do", async () => {
    const app = target();
    expect(kindOf(await app.apply([file("one\n")], options))).toBe("written");
    expect(await readFile(dest, "utf8")).toBe("one\n");
    expect(kindOf(await app.apply([file("one\n")], options))).toBe("unchanged");
    expect(await namesIn(join(folder, "etc"))).toEqual(["app.conf"]);
  });

  it("makes a new file 0644 whatever the umask, keeps the mode of an existing one, and sets a wanted one", async () => {
    const umask = process.umask(0o077);
    try {
      await target().apply([file("one")], options);
      expect((await lstat(dest)).mode & 0o777).toBe(0o644);
      await chmod(dest, 0o600);
      await target().apply([file("two")], options);
      expect((await lstat(dest)).mode & 0o777).toBe(0o600);
      await target().apply([file("two", { mode: 0o640 })], options);
      expect((await lstat(dest)).mode & 0o777).toBe(0o640);
    } finally {
      process.umask(umask);
    }
  });

  it("says what would change in a dry run, and changes nothing", async () => {
    const report = await target().apply([file("one")], { ...options, dryRun: true });
    expect(kindOf(report)).toBe("would-write");
    expect(report.files).toMatchObject([{ dest, changed: true }]);
    expect(await namesIn(join(folder, "etc"))).toEqual([]);
  });

  it("puts the generation in, the same for the same files", async () => {
    const files = [file(`id ${GENERATION_MARK} end`)];
    const { generation } = await target().apply(files, options);
    expect(generation).toMatch(/^[0-9a-f]{16}$/);
    expect(await readFile(dest, "utf8")).toBe(`id ${generation} end`);
    expect((await target().apply(files, options)).generation).toBe(generation);
    expect((await target().apply([file(`id ${GENERATION_MARK} END`)], options)).generation).not.toBe(generation);
  });

  it("refuses a symbolic link (G14) and leaves it and what it points to alone", async () => {
    await writeFile(join(folder, "victim"), "precious");
    await symlink(join(folder, "victim"), dest);
    const report = await target().apply([file("one")], options);
    expect(errorOf(report)).toMatchObject({ code: "DEST_REFUSED" });
    expect((await lstat(dest)).isSymbolicLink()).toBe(true);
    expect(await readFile(join(folder, "victim"), "utf8")).toBe("precious");
  });

  it("names a missing folder and how to make it", async () => {
    const report = await target().apply([file("one", { dest: join(folder, "nowhere/app.conf") })], options);
    expect(errorOf(report)).toMatchObject({ code: "DEST_REFUSED", hint: expect.stringContaining("mkdir -p") });
  });
});

describe("a check (G1)", () => {
  it("sees the new file at its destination, and refuses without a trace", async () => {
    await writeFile(dest, "good\n");
    const app = target({ check: sh(`cat ${dest} >&2; ! grep -q bad ${dest}`) });
    const rejected = await app.apply([file("bad\n")], options);
    expect(kindOf(rejected)).toBe("rejected");
    expect(errorOf(rejected)).toMatchObject({ code: "CHECK_REJECTED", message: expect.stringContaining("exited with 1: bad") });
    expect(await readFile(dest, "utf8")).toBe("good\n");
    expect(await namesIn(join(folder, "etc"))).toEqual(["app.conf"]);
    expect(kindOf(await app.apply([file("better\n")], options))).toBe("written");
  });

  it("without mount namespaces puts the files in place for its length only", async () => {
    await writeFile(dest, "good\n", { mode: 0o604 });
    const app = target({ check: sh(`! grep -q bad ${dest}`), findCheckLevel: async () => "swap" });
    expect(kindOf(await app.apply([file("bad\n", { mode: 0o600 })], options))).toBe("rejected");
    expect(await readFile(dest, "utf8")).toBe("good\n");
    expect((await lstat(dest)).mode & 0o777).toBe(0o604);
    expect(kindOf(await app.apply([file("better\n")], options))).toBe("written");
    expect(await readFile(dest, "utf8")).toBe("better\n");
  });

  it("refuses a first file, and then there is none", async () => {
    const app = target({ check: sh("exit 1") });
    expect(kindOf(await app.apply([file("bad")], options))).toBe("rejected");
    expect(await namesIn(join(folder, "etc"))).toEqual([]);
  });

  it("judges staged files by name", async () => {
    const other = join(folder, "etc/other.conf");
    const app = target({
      check: { argv: ["sh", "-c", 'grep -q one "$0" && grep -q two "$1"', "{{staged}}", "{{staged.2}}"], timeoutMs: 5000 },
    });
    expect(kindOf(await app.apply([file("one"), file("two", { dest: other })], options))).toBe("written");
    expect(kindOf(await app.apply([file("one"), file("three", { dest: other })], options))).toBe("rejected");
    expect(await readFile(other, "utf8")).toBe("two");
  });

  it("sees all files of the target together and, when refused, installs none", async () => {
    const other = join(folder, "etc/other.conf");
    const app = target({ check: sh(`! { grep -q x ${dest} && grep -q x ${other}; }`) });
    expect(kindOf(await app.apply([file("x"), file("y", { dest: other })], options))).toBe("written");
    expect(kindOf(await app.apply([file("x"), file("x", { dest: other })], options))).toBe("rejected");
    expect(await readFile(other, "utf8")).toBe("y");
  });

  it("that hangs is ended with everything it started (G16)", async () => {
    const app = target({ check: sh("sleep 60 & sleep 60", 100) });
    const startedAt = Date.now();
    const report = await app.apply([file("one")], options);
    expect(errorOf(report)).toMatchObject({
      code: "CHECK_REJECTED",
      message: expect.stringContaining("did not end within 100 ms"),
    });
    expect(Date.now() - startedAt).toBeLessThan(4000);
  });

  it("gets a clean environment (G11)", async () => {
    const environment = { ...process.env, CONSUL_HTTP_TOKEN: "secret-token", NODE_OPTIONS: "" };
    const app = target({ check: sh(`env > ${folder}/env`), environment, findCheckLevel: async () => "swap" });
    await app.apply([file("one")], options);
    const env = await readFile(join(folder, "env"), "utf8");
    expect(env).toContain("PATH=");
    expect(env).not.toMatch(/TOKEN|NODE_OPTIONS/);
  });
});

describe("a reload", () => {
  it("is made once for all files, and not again when nothing changed", async () => {
    const other = join(folder, "etc/other.conf");
    const app = target({ reload: { exec: sh(`echo x >> ${folder}/reloads`) } });
    await app.apply([file("one"), file("two", { dest: other })], options);
    await app.apply([file("one"), file("two", { dest: other })], options);
    expect(await readFile(join(folder, "reloads"), "utf8")).toBe("x\n");
  });

  it("that fails brings the last good files back, with their mode, and reloads them", async () => {
    const reload = { exec: sh(`cat ${dest} >> ${folder}/reloads; ! grep -q bad ${dest}`) };
    const app = target({ reload });
    await app.apply([file("good\n", { mode: 0o640 })], options);
    const report = await app.apply([file("bad\n", { mode: 0o600 })], options);
    expect(kindOf(report)).toBe("rolled-back");
    expect(errorOf(report)).toMatchObject({ code: "RELOAD_FAILED" });
    expect(await readFile(dest, "utf8")).toBe("good\n");
    expect((await lstat(dest)).mode & 0o777).toBe(0o640);
    expect(await readFile(join(folder, "reloads"), "utf8")).toBe("good\nbad\ngood\n");
  });

  it("that fails goes back to what was proven, not to what somebody wrote over it", async () => {
    const app = target({ reload: { exec: sh(`! grep -q bad ${dest}`) } });
    await app.apply([file("proven\n")], options);
    await writeFile(dest, "by hand\n");
    expect(kindOf(await app.apply([file("bad\n")], options))).toBe("rolled-back");
    expect(await readFile(dest, "utf8")).toBe("proven\n");
  });

  it("that fails for a file that was not there before takes it away again", async () => {
    const app = target({ reload: { exec: sh(`! test -e ${dest}`) } });
    expect(kindOf(await app.apply([file("bad\n")], options))).toBe("rolled-back");
    expect(await namesIn(join(folder, "etc"))).toEqual([]);
  });

  it("that fails for a file of the operator's brings the operator's back", async () => {
    await writeFile(dest, "hand-made\n", { mode: 0o604 });
    const app = target({ reload: { exec: sh(`! grep -q bad ${dest}`) } });
    expect(kindOf(await app.apply([file("bad\n")], options))).toBe("rolled-back");
    expect(await readFile(dest, "utf8")).toBe("hand-made\n");
  });

  it("that was left out stays owed and is made by the next apply", async () => {
    const app = target({ reload: { exec: sh(`echo x >> ${folder}/reloads`) } });
    expect(kindOf(await app.apply([file("one")], { ...options, noReload: true }))).toBe("written");
    expect(await namesIn(folder)).not.toContain("reloads");
    expect(kindOf(await app.apply([file("one")], options))).toBe("written");
    expect(await readFile(join(folder, "reloads"), "utf8")).toBe("x\n");
  });

  it("by signal refuses a pid file that names no living process of its own", async () => {
    const pidFile = join(folder, "pid");
    const app = target({ reload: { signal: "SIGHUP", pidFile } });
    expect(errorOf(await app.apply([file("one")], options))?.message).toContain("cannot read");
    await writeFile(pidFile, "");
    expect(errorOf(await app.apply([file("one")], options))?.message).toContain("holds no process id");
    await writeFile(pidFile, "99999999");
    expect(errorOf(await app.apply([file("one")], options))?.message).toContain("there is no such process");
  });
});

describe("a proof (G5)", () => {
  it("that does not come rolls back, and the old generation is proven again", async () => {
    const verify = { exec: ["sh", "-c", `grep -q "{{generation}}" ${dest} && ! grep -q wrong ${dest}`], timeoutMs: 300 };
    const app = target({ verify });
    const good = await app.apply([file(`good ${GENERATION_MARK}`)], options);
    expect(kindOf(good)).toBe("written");
    const report = await app.apply([file(`wrong ${GENERATION_MARK}`)], options);
    expect(kindOf(report)).toBe("rolled-back");
    expect(errorOf(report)).toMatchObject({ code: "VERIFY_FAILED" });
    expect(await readFile(dest, "utf8")).toBe(`good ${good.generation}`);
  });
});

describe("recovery", () => {
  it("owes nothing at first and after a good apply", async () => {
    const app = target({ reload: { exec: sh("true") } });
    expect(await app.recover(options)).toBeUndefined();
    await app.apply([file("one")], options);
    expect(await app.recover(options)).toBeUndefined();
  });

  it("completes renames that a killed process left half done, and makes the reload", async () => {
    const other = join(folder, "etc/other.conf");
    const files = [file("new 1"), file("new 2", { dest: other })];
    const app = target({ reload: { exec: sh(`cat ${dest} ${other} > ${folder}/live`) } });
    await app.apply([file("old 1"), file("old 2", { dest: other })], options);
    await app.apply(files, { ...options, noReload: true });
    await writeFile(other, "old 2"); // as if it had been killed between the renames
    expect(await target({ reload: { exec: sh(`cat ${dest} ${other} > ${folder}/live`) } }).recover(options)).toEqual({
      kind: "written",
    });
    expect(await readFile(join(folder, "live"), "utf8")).toBe("new 1new 2");
  });

  it("takes files away again that were in place only to be checked when their process was killed", async () => {
    await writeFile(dest, "good\n", { mode: 0o604 });
    const keep = `cp -r ${folder}/state/files ${folder}/files; cp ${folder}/state/journal.json ${folder}/journal; cp -p ${dest} ${folder}/unchecked; exit 1`;
    await target({ check: sh(keep), findCheckLevel: async () => "swap" }).apply([file("unchecked\n")], options);
    await copyFile(join(folder, "journal"), join(folder, "state/journal.json"));
    await cp(join(folder, "files"), join(folder, "state/files"), { recursive: true });
    await copyFile(join(folder, "unchecked"), dest);
    expect(await readFile(dest, "utf8")).toBe("unchecked\n");
    expect(await target().recover(options)).toBeUndefined();
    expect(await readFile(dest, "utf8")).toBe("good\n");
  });

  it("survives a torn journal", async () => {
    const app = target({ reload: { exec: sh("true") } });
    await app.apply([file("one")], options);
    await writeFile(join(folder, "state/journal.json"), '{"v":1,"ow');
    expect(kindOf(await app.apply([file("two")], options))).toBe("written");
    expect(await readFile(dest, "utf8")).toBe("two");
  });

  it("sweeps what a killed process staged", async () => {
    await writeFile(join(folder, "etc/.app.conf.fairlead-0123456789ab"), "half");
    await target().apply([file("one")], options);
    expect(await namesIn(join(folder, "etc"))).toEqual(["app.conf"]);
  });
});

describe("two processes on one target", () => {
  it("wait for each other, and the one whose time is over gets LOCKED", async () => {
    const slow = target({ check: sh("sleep 1") });
    const first = slow.apply([file("one")], options);
    await expect.poll(() => namesIn(join(folder, "state")).catch(() => [])).toContain("lock");
    const second = await target().apply([file("two")], { ...options, lockTimeoutMs: 100 });
    expect(errorOf(second)).toMatchObject({ code: "LOCKED" });
    const third = target().apply([file("three")], { ...options, lockTimeoutMs: 5000 });
    expect(kindOf(await first)).toBe("written");
    expect(kindOf(await third)).toBe("written");
    expect(await readFile(dest, "utf8")).toBe("three");
  });

  it("take over the lock of a process that is gone", async () => {
    await mkdir(join(folder, "state"));
    await writeFile(
      join(folder, "state/lock"),
      JSON.stringify({ pid: 99999999, startTime: "1", host: (await import("node:os")).hostname() }),
    );
    expect(kindOf(await target().apply([file("one")], options))).toBe("written");
    expect(await namesIn(folder)).not.toContain("lock");
  });
});

it.each<[string, boolean, Parameters<typeof target>[0]]>([
  ["with nothing but files runs nothing", true, {}],
  ["with a check runs it", false, { check: sh("true") }],
  ["with a reload runs it", false, { reload: { exec: sh("true") } }],
  ["with a proof runs it", false, { verify: { exec: ["true"], timeoutMs: 1000 } }],
])("a target %s: only then it may be applied beside others", (_what, runsNothing, more) => {
  expect(target(more).runsNothing).toBe(runsNothing);
});
