import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeExec, type ExecOptions, type ExecResult, exec, printable } from "../../../src/core/exec.ts";
import { waitFor } from "../../helpers/wait.ts";

const signal = new AbortController().signal;
const env = { PATH: process.env.PATH ?? "/usr/bin:/bin" };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-exec-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function run(argv: readonly string[], more: Partial<ExecOptions> = {}): Promise<ExecResult> {
  return exec(argv, { timeoutMs: 10_000, signal, env, ...more });
}

const sh = (script: string, more: Partial<ExecOptions> = {}): Promise<ExecResult> => run(["/bin/sh", "-c", script], more);

async function isGone(pidFile: string): Promise<boolean> {
  const pid = Number(await readFile(pidFile, "utf8"));
  try {
    process.kill(pid, 0);
    return /^State:\s+Z/m.test(await readFile(`/proc/${pid}/status`, "utf8")); // nobody reaps it in a container
  } catch {
    return true;
  }
}

describe("exec()", () => {
  test.each([
    ["exit 0", { kind: "exited", code: 0, output: "" }],
    ["echo out; echo err >&2; exit 3", { kind: "exited", code: 3 }],
    ["kill -KILL $$", { kind: "killed", by: "SIGKILL" }],
    ["kill -TERM $$", { kind: "killed", by: "SIGTERM" }],
  ])("%s", async (script, expected) => {
    expect(await sh(script)).toMatchObject(expected);
  });

  test("output is stdout and stderr together", async () => {
    expect((await sh("echo one; echo two >&2; echo three")).output.split("\n").sort()).toEqual(["one", "three", "two"]);
  });

  test("no shell sees the arguments", async () => {
    expect((await run(["printf", "%s|", "a b", "$HOME", "; rm x", "*", ""])).output).toBe("a b|$HOME|; rm x|*||");
  });

  test("the environment is what was given and nothing else", async () => {
    process.env.FAIRLEAD_TEST_SECRET = "hunter2";
    const { output } = await run(["/usr/bin/env"], { env: { PATH: env.PATH, GIVEN: "yes" } });
    delete process.env.FAIRLEAD_TEST_SECRET;
    expect(output.split("\n").sort()).toEqual([`GIVEN=yes`, `PATH=${env.PATH}`]);
  });

  test("it runs in the folder that was given", async () => {
    expect((await sh("pwd", { cwd: folder })).output).toBe(folder);
  });

  test("a quick command is not held up", async () => {
    const startedAt = performance.now();
    for (let i = 0; i < 10; i += 1) {
      await run(["/bin/true"]);
    }
    expect(performance.now() - startedAt).toBeLessThan(1500); // a missed `close` would cost 200 ms each
  });

  test.each([
    ["a command that is not there", ["/nonexistent/command"], {}],
    ["a file that is no program", ["/etc/passwd"], {}],
    ["a folder", ["/tmp"], {}],
    ["arguments beyond the system's limit", ["/bin/echo", "x".repeat(4_000_000)], {}],
    ["a NUL in an argument", ["/bin/echo", "a\0b"], {}],
    ["a working directory that is not there", ["/bin/true"], { cwd: "/nonexistent" }],
    ["a working directory that is a file", ["/bin/true"], { cwd: "/etc/passwd" }],
  ])("%s is not started, and says why", async (_, argv, more) => {
    const result = await run(argv, more);
    expect(result.kind).toBe("not-started");
    expect(describeExec(result)).toMatch(/^could not be started: ./);
  });

  test("no command at all is a bug", async () => {
    await expect(run([])).rejects.toThrow(TypeError);
  });

  test("at the time-out the whole group ends, and the reason stays", async () => {
    const pidFile = join(folder, "pid");
    const result = await sh(`sleep 60 & echo $! > ${pidFile}; echo started; wait`, { timeoutMs: 300 });
    expect(result).toMatchObject({ kind: "timed-out", afterMs: 300, output: "started" });
    expect(result.durationMs).toBeLessThan(2000);
    await waitFor(() => isGone(pidFile), { timeoutMs: 2000, what: "the grandchild to end" });
  });

  test("what ignores the polite signal is killed", async () => {
    const pidFile = join(folder, "pid");
    const result = await sh(`trap '' TERM; echo $$ > ${pidFile}; while :; do sleep 0.1; done`, { timeoutMs: 200 });
    expect(result).toMatchObject({ kind: "timed-out" });
    expect(result.durationMs).toBeGreaterThan(2000);
    expect(result.durationMs).toBeLessThan(5000);
    await waitFor(() => isGone(pidFile), { timeoutMs: 2000, what: "it to end" });
  });

  test("without grace it is killed at once", async () => {
    const result = await sh("trap '' TERM; while :; do sleep 0.1; done", { timeoutMs: 200, graceMs: 0 });
    expect(result).toMatchObject({ kind: "timed-out" });
    expect(result.durationMs).toBeLessThan(1900);
  });

  test("a command that cleans up on the polite signal is timed out all the same", async () => {
    expect(await sh("trap 'echo bye; exit 0' TERM; sleep 60 & wait", { timeoutMs: 200 })).toMatchObject({
      kind: "timed-out",
      output: "bye",
    });
  });

  test("an abort ends the group and rejects with the reason", async () => {
    const pidFile = join(folder, "pid");
    const controller = new AbortController();
    const running = sh(`sleep 60 & echo $! > ${pidFile}; wait`, { signal: controller.signal });
    const outcome = expect(running).rejects.toBe("stop");
    await waitFor(async () => (await readFile(pidFile, "utf8")).trim(), { timeoutMs: 5000, what: "it to start" });
    controller.abort("stop");
    await outcome;
    await waitFor(() => isGone(pidFile), { timeoutMs: 2000, what: "the grandchild to end" });
    await expect(sh("true", { signal: controller.signal })).rejects.toBe("stop");
  });

  test("a daemon that keeps the pipe open does not hold the result up, and lives on", async () => {
    const pidFile = join(folder, "pid");
    const result = await sh(`sleep 30 & echo $! > ${pidFile}; echo done`);
    expect(result).toMatchObject({ kind: "exited", code: 0, output: "done" });
    expect(result.durationMs).toBeLessThan(2000);
    expect(await isGone(pidFile)).toBe(false);
    process.kill(Number(await readFile(pidFile, "utf8")));
  });

  test("a flood of output is drained, its beginning and its end are kept", async () => {
    const script = join(folder, "flood.mjs");
    await writeFile(script, `process.stdout.write("first\\n" + "x".repeat(3_000_000) + "\\nlast\\n")`);
    const { kind, output } = await run([process.execPath, script]);
    expect(kind).toBe("exited");
    expect(output.length).toBeLessThan(66_000);
    expect(output).toMatch(/^first\nx+\n… \d+ bytes left out …\nx+\nlast$/);
    expect(Number(/… (\d+)/.exec(output)?.[1])).toBe(3_000_012 - 65_536);
  });
});

describe("printable()", () => {
  test.each([
    ["plain text", "plain text"],
    ["lines\nand\ttabs", "lines\nand\ttabs"],
    ["\u001b[31mred\u001b[0m", "red"],
    ["a\u0000b\rc\u009b", "a\ufffdb\ufffdc\ufffd"],
    ["bell\u0007 and \u001b]0;title\u0007", "bell\ufffd and \ufffd]0;title\ufffd"],
  ])("%j is shown as %j", (text, expected) => {
    expect(printable(text)).toBe(expected);
  });
});

test.each([
  [{ kind: "exited", code: 2 }, "exited with 2"],
  [{ kind: "killed", by: "SIGSEGV" }, "was ended by SIGSEGV"],
  [{ kind: "timed-out", afterMs: 50 }, "did not end within 50 ms and was killed"],
  [{ kind: "not-started", reason: "no" }, "could not be started: no"],
] as const)("describeExec(%o) is %j", (result, text) => {
  expect(describeExec({ output: "", durationMs: 1, ...result })).toBe(text);
});
