/** What a check has to be able to do at every level. */
import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { judge, needsSwap } from "../../../src/target/check/check.ts";
import type { CheckLevel, Staged } from "../../../src/target/check/sandbox.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { nginxConf, nginxTest, python, sh } from "./sandbox/attacks.ts";
import { isRoot, makeStage, type Stage } from "./sandbox/scene.ts";

const run = promisify(execFile);
const title = "a check at every level (needs root)";
const LEVELS = ["full", "network", "namespace", "basic", "swap"] as const satisfies readonly CheckLevel[];
const at = (level: CheckLevel) => ({ findCheckLevel: async () => level });
const signal = new AbortController().signal;

let stage: Stage;
beforeEach(async () => {
  stage = await makeStage();
});
afterEach(() => stage.remove());

describe.skipIf(!isRoot(title))(title, () => {
  /** As a distribution ships it: another user, root's keys, root's logs, a pid file in /run. */
  async function ordinaryConf(listen: string): Promise<string> {
    const [key, cert] = [join(stage.folder, "site.key"), join(stage.folder, "site.pem")];
    await run("openssl", ["req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=x", "-keyout", key, "-out", cert]);
    await chmod(key, 0o600);
    await chmod(join(stage.folder, "log"), 0o700);
    const http = `server { listen ${listen} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; access_log ${stage.folder}/log/ssl.log; }`;
    return nginxConf(stage, { main: `user www-data; pid /run/${stage.name}.pid;`, http });
  }

  it.each(LEVELS)("%s: an ordinary nginx configuration passes, a broken one does not and leaves no trace", async (level) => {
    if (stage.nginx === "") {
      console.warn("SKIPPED: nginx is missing");
      return;
    }
    try {
      const good = await ordinaryConf("127.0.0.1:443");
      const passed = await stage.apply(nginxTest(stage, stage.dest), good, at(level));
      expect(passed.report.outcome.kind, passed.message).toBe("written");
      const broken = await stage.apply(nginxTest(stage, stage.dest), good.replace("events {}", "event {}"), at(level));
      expect(broken.message).toContain('unknown directive "event"');
      expect(await readFile(stage.dest, "utf8")).toBe(good);
      expect(await readdir(join(stage.folder, "etc"))).toEqual(["app.conf"]);
    } finally {
      await rm(`/run/${stage.name}.pid`, { force: true });
    }
  });

  it("full: addresses that this machine does not have yet, and a log of gigabytes", async () => {
    const logs = `/var/log/${stage.name}`;
    await mkdir(logs);
    try {
      await writeFile(join(logs, "big.log"), "");
      await truncate(join(logs, "big.log"), 4 * 2 ** 30);
      const conf = (await ordinaryConf("10.1.2.3:443")).replace(`${stage.folder}/log/ssl.log`, `${logs}/big.log`);
      const passed = await stage.apply(nginxTest(stage, stage.dest), conf);
      expect(passed.report.outcome.kind, passed.message).toBe("written");
      expect(passed.log.lines[0]?.fields["level"]).toBe("full");
    } finally {
      await rm(logs, { recursive: true, force: true });
    }
  });

  it.each(LEVELS)("%s: sees new and changed files of several folders, whatever their names are", async (level) => {
    const names = ["etc/app.conf", "etc/a new 'one' \"quoted\".conf", "other folder/b,c:d\\e $(x).conf"];
    await mkdir(join(stage.folder, "other folder"));
    const files = names.map((name, n) => ({ dest: join(stage.folder, name), text: `text ${n}\n`, mode: 0o640 }));
    const script =
      'n=0; for f; do [ "$(cat "$f")" = "text $n" ] && [ "$(stat -c %a "$f")" = 640 ] || exit 1; n=$((n + 1)); done; exit 7';
    const argv = ["sh", "-c", script, "sh", ...files.map((file) => file.dest)];
    const seen = await stage.apply({ argv, timeoutMs: 5000 }, files, at(level));
    expect(seen.message).toContain("exited with 7");
    expect(await readFile(stage.dest, "utf8")).toBe("old\n");
    expect(await readdir(join(stage.folder, "etc"))).toEqual(["app.conf"]);
    const passed = await stage.apply(sh("exit 0"), files, at(level));
    expect(passed.report.outcome.kind, passed.message).toBe("written");
  });

  it.each(LEVELS)("%s: {{staged}} names files to read, and nothing is put in place", async (level) => {
    const argv = ["sh", "-c", `grep -q new "$0" && grep -q old ${stage.dest}; exit $((7 + $?))`, "{{staged}}"];
    const judged = await stage.apply({ argv, timeoutMs: 5000 }, [{ dest: stage.dest, text: "new\n", mode: 0o600 }], at(level));
    expect(judged.message).toContain("exited with 7");
  });

  it.each(LEVELS)("%s: gets the working folder, a clean environment (G11) and both outputs", async (level) => {
    const script = 'pwd; env | cut -d= -f1 | sort | tr "\\n" " "; echo; echo told >&2; exit 3';
    const { message } = await stage.apply(sh(script), "new\n", {
      ...at(level),
      environment: { PATH: process.env["PATH"], HOME: "/root", CONSUL_HTTP_TOKEN: "canary", NODE_OPTIONS: "--x" },
    });
    expect(message).toMatch(new RegExp(`exited with 3: ${process.cwd()} \\| FAIRLEAD_TARGET HOME (OLDPWD )?PATH PWD  \\| told$`));
  });

  it.each(LEVELS)("%s: Python and a shell judge what they are given", async (level) => {
    const parse = python(`import json; json.load(open(${JSON.stringify(stage.dest)}))`);
    expect((await stage.apply(parse, "{", at(level))).message).toContain("JSONDecodeError");
    expect((await stage.apply(parse, "{}", at(level))).report.outcome.kind).toBe("written");
  });

  it("full: files that are to go are gone for the check only, and one may leave its name to a folder's", async () => {
    const staged: Staged[] = [{ dest: stage.dest, replaces: true }];
    const job = (script: string) => ({
      command: sh(script),
      staged,
      files: [],
      generation: "",
      context: { signal, environment: process.env, target: stage.name },
    });
    const gone = job(`! test -e ${stage.dest}`);
    expect(LEVELS.map((level) => needsSwap(gone, level))).toEqual([false, false, true, true, true]);
    expect(await judge(gone, "full")).toBeUndefined();
    expect(await judge(job(`test -e ${stage.dest}`), "full")).toMatchObject({ code: "CHECK_REJECTED" });
    expect(await readFile(stage.dest, "utf8")).toBe("old\n");
  });

  it("full: a folder that is an absolute link leads to where it leads, and nothing is laid outside of the tree", async () => {
    await symlink(join(stage.folder, "etc"), join(stage.folder, "link"));
    const dest = join(stage.folder, "link/app.conf");
    const watch = `grep -q new ${stage.folder}/etc/app.conf && grep -q new ${dest}; exit $((7 + $?))`;
    expect((await stage.apply(sh(watch), [{ dest, text: "new\n" }])).message).toContain("exited with 7");
    expect(await readFile(stage.dest, "utf8")).toBe("old\n");
  });

  it("full: what is printed to /dev/stderr by name arrives", async () => {
    const { message } = await stage.apply(sh("echo told > /dev/stderr; echo more >> /dev/stdout; exit 1"), "new\n");
    expect(message).toContain("more | told");
  });

  it("network: sees the host's network, and still changes nothing", async () => {
    const script = `import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); open(${JSON.stringify(stage.dest)}, "w"); print(len(socket.if_nameindex()))`;
    const check = { ...python(`${script}; exit(9)`), sandbox: "network" as const };
    const { message, log } = await stage.apply(check, "new\n");
    expect(message).toContain("exited with 9");
    expect(log.lines[0]?.fields).toEqual({ target: stage.name, level: "network", reason: "`sandbox: network`" });
    expect(await readFile(stage.dest, "utf8")).toBe("old\n");
  });

  it("has hints for what a sandbox makes fail", async () => {
    const unknown = await stage.apply(
      sh('echo "nginx: [emerg] host not found in upstream \\"db.internal\\"" >&2; exit 1'),
      "new\n",
    );
    expect(unknown.hint).toContain("sandbox: network");
    const docker = await stage.apply({ argv: ["docker", "exec", "web", "nginx", "-t"], timeoutMs: 5000 }, "new\n");
    expect(docker.hint).toContain("sandbox: off");
  });

  it("full costs at most 50 ms more than the bare check", async () => {
    if (stage.nginx === "") {
      console.warn("SKIPPED: nginx is missing");
      return;
    }
    await writeFile(stage.dest, nginxConf(stage));
    const context = { signal, environment: process.env, target: stage.name };
    const job = { command: nginxTest(stage, stage.dest), staged: [], files: [], generation: "", context };
    const times = { swap: [] as number[], full: [] as number[] };
    for (let n = 0; n < 21; n += 1) {
      for (const level of ["swap", "full"] as const) {
        const started = performance.now();
        expect(await judge(job, level)).toBeUndefined();
        times[level].push(performance.now() - started);
      }
    }
    const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[10] ?? Number.NaN;
    const [bare, full] = [median(times.swap), median(times.full)];
    const load = (loadavg()[0] ?? 0) / cpus().length;
    console.info(
      `nginx -t, median of 21: bare ${bare.toFixed(1)} ms, in the sandbox ${full.toFixed(1)} ms, load ${load.toFixed(1)}`,
    );
    // Where others use the processors too, everything takes as many times longer.
    expect(full - bare).toBeLessThan(50 * Math.max(PATIENCE, load));
  });
});
