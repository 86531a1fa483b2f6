/** How the level of a check is found, what it falls back to, and where it is shown. */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CheckLevel, explainCheckLevel } from "../../../src/target/check/sandbox.ts";
import { fairlead } from "../../helpers/fairlead.ts";
import { sh } from "./sandbox/attacks.ts";
import { isRoot, makeStage, type Stage } from "./sandbox/scene.ts";

const run = promisify(execFile);
const signal = new AbortController().signal;

let stage: Stage;
beforeEach(async () => {
  stage = await makeStage();
});
afterEach(() => stage.remove());

const finding = "finding the level (needs root)";
describe.skipIf(!isRoot(finding))(finding, () => {
  /** A PATH with these programs only; a text instead of a name is a script. */
  async function pathWith(programs: Readonly<Record<string, string | true>>): Promise<Record<string, string>> {
    const folder = join(stage.folder, "bin");
    await mkdir(folder);
    for (const [name, script] of Object.entries(programs)) {
      if (script === true) {
        await symlink((await run("which", [name])).stdout.trim(), join(folder, name));
      } else {
        await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      }
    }
    return { PATH: folder };
  }
  const tools = Object.fromEntries(
    [
      "sh",
      "true",
      "grep",
      "cat",
      "mount",
      "umount",
      "unshare",
      "setpriv",
      "prlimit",
      "mkdir",
      "cp",
      "ln",
      "chmod",
      "mv",
      "rm",
      "find",
    ].map((name) => [name, true] as const),
  );
  const REAL_MOUNT = 'exec /usr/bin/env PATH=/usr/bin:/bin mount "$@"';

  const CASES: readonly {
    readonly where: string;
    readonly programs: Record<string, string | true>;
    readonly level: CheckLevel;
    readonly reason?: RegExp;
  }[] = [
    { where: "all is there", programs: tools, level: "full" },
    {
      where: "layers cannot be mounted",
      programs: { ...tools, mount: `case "$*" in *overlay*) echo no overlay here; exit 32;; esac; ${REAL_MOUNT}` },
      level: "namespace",
      reason: /^`full` exited with 125: .*no overlay/,
    },
    {
      where: "name spaces are refused",
      programs: { ...tools, unshare: "echo unshare failed: Operation not permitted >&2; exit 1" },
      level: "basic",
      reason: /^`full` exited with 1: unshare failed: Operation not permitted; `namespace` exited with 1/,
    },
    {
      where: "there are no tools",
      programs: { sh: true, true: true, grep: true, cat: true },
      level: "swap",
      reason: /^`full` could not be started: .*ENOENT; `basic` could not be started/,
    },
  ];
  it.each(CASES)("is $level where $where, says why, and the check judges", async ({ programs, level, reason }) => {
    const environment = await pathWith(programs);
    const check = sh(`grep -q good ${stage.dest}`);
    const found = await explainCheckLevel(check, { signal, environment, target: stage.name });
    expect(found).toEqual({ level, ...(reason !== undefined && { reason: expect.stringMatching(reason) }) });
    const bad = await stage.apply(check, "bad\n", { environment });
    expect(bad.message).toMatch(/^check "sh -c grep .* exited with 1$/);
    expect(await readFile(stage.dest, "utf8")).toBe("old\n");
    const good = await stage.apply(check, "good\n", { environment });
    expect(good.report.outcome.kind, good.message).toBe("written");
    expect(good.log.lines).toEqual([
      {
        level: level === "full" ? "info" : "warn",
        message: `checks run at ${level === "full" ? "this" : "a lower"} level`,
        fields: { target: stage.name, ...found },
      },
    ]);
  });

  it("stays full where one mount cannot be layered: a copy of the destination's folder is, the rest of it is read-only", async () => {
    const disk = join(stage.folder, "disk");
    await mkdir(disk);
    await run("mount", ["-t", "tmpfs", "tmpfs", disk]);
    try {
      await mkdir(join(disk, "conf"));
      await writeFile(join(disk, "conf/kept"), "kept\n");
      await writeFile(join(disk, "precious"), "untouched\n");
      const mount = `case "$*" in *overlay*) [ "$PWD" = / ] || exit 32;; esac; ${REAL_MOUNT}`;
      const environment = { PATH: `${(await pathWith({ mount }))["PATH"]}:${process.env["PATH"]}` };
      const script = `cd ${disk}; grep -q new conf/new && grep -q kept conf/kept && ! echo x > precious; exit $((7 + $?))`;
      const files = [{ dest: join(disk, "conf/new"), text: "new\n" }];
      const { message, log } = await stage.apply(sh(script), files, { environment });
      expect(message).toContain("exited with 7");
      expect(log.lines[0]?.fields["level"]).toBe("full");
      expect(await readdir(join(disk, "conf"))).toEqual(["kept"]);
    } finally {
      await run("umount", [disk]);
    }
  });

  it("goes on with files put in place when a sandbox cannot be built after all, and says so", async () => {
    const mark = join(stage.folder, "broken");
    const mount = `case "$*" in *overlay*) [ -e ${mark} ] && exit 32;; esac; ${REAL_MOUNT}`;
    const environment = { PATH: `${(await pathWith({ mount }))["PATH"]}:${process.env["PATH"]}` };
    const check = sh(`grep -q good ${stage.dest}`);
    expect(await explainCheckLevel(check, { signal, environment, target: stage.name })).toEqual({ level: "full" });
    await writeFile(mark, "");
    const first = await stage.apply(check, "good\n", { environment });
    expect(first.report.outcome).toMatchObject({ kind: "rejected", error: { retryable: true } });
    expect(first.log.lines.at(-1)).toMatchObject({ level: "warn", message: "the sandbox of a check could not be built" });
    expect((await stage.apply(check, "bad\n", { environment })).report.outcome.kind).toBe("rejected");
    expect((await stage.apply(check, "good\n", { environment })).report.outcome.kind).toBe("written");
  });

  it("is shown by `fairlead check`, with what was asked for", async () => {
    await writeFile(join(stage.folder, "a.hbs"), "x\n");
    const targetOf = (name: string, check: string): string =>
      `    ${name}:\n      files: [{ template: a.hbs, dest: ${name}.conf }]\n      check: ${check}\n`;
    const targets = targetOf("a", "[nginx, -t]") + targetOf("b", "{ exec: [docker, exec, web, nginx, -t], sandbox: off }");
    await writeFile(
      join(stage.folder, "fairlead.yaml"),
      `node: n\nstateDir: state\nregistry: file:registry\nrender:\n  targets:\n${targets}`,
    );
    const ended = await fairlead(["check", "--json"], { cwd: stage.folder });
    expect(JSON.parse(ended.stdout)).toEqual({
      ok: true,
      problems: [],
      checks: [
        { target: "a", level: "full" },
        { target: "b", level: "swap", reason: "`sandbox: off`" },
      ],
    });
    const text = await fairlead(["check"], { cwd: stage.folder });
    expect(text.stdout).toBe("ok\n");
    expect(text.stderr).toContain('target "b": its check runs at level swap (`sandbox: off`)');
  });
});
