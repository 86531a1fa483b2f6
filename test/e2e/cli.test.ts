/** The real command: every exit code, the JSON shapes, and what a person reads. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Ended, fairlead, startFairlead } from "../helpers/fairlead.ts";
import { reservePort } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-cli-"));
  await mkdir(join(folder, "registry/services/web"), { recursive: true });
  await mkdir(join(folder, "registry/kv/app"), { recursive: true });
  await writeFile(join(folder, "registry/services/web/b.json"), '{"address":"10.0.0.2","port":81,"tags":["http"],"weight":2}');
  await writeFile(
    join(folder, "registry/services/web/a.json"),
    '{"v":1,"address":"10.0.0.1","port":80,"health":"passing","meta":{"version":"2"}}',
  );
  await writeFile(join(folder, "registry/kv/app/greeting"), "hello");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const TEMPLATE = '{{#each (service "web")}}server {{addr}};\n{{/each}}# {{key "app/greeting" default="none"}}\n'
  .replace("# ", "greet ")
  .replace("}}\n", "}};\n");

/** Writes a configuration with one target and runs the command in its folder. */
async function configure(target: string, more = ""): Promise<void> {
  await writeFile(join(folder, "web.conf.hbs"), TEMPLATE);
  await writeFile(
    join(folder, "fairlead.yaml"),
    `node: n1\nstateDir: state\nregistry: file:registry\nrender:\n  targets:\n    web:\n      files: [{ template: web.conf.hbs, dest: web.conf }]\n${target}${more}`,
  );
}

function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return fairlead(args, { cwd: folder, env });
}

function json(ended: Ended): unknown {
  try {
    return JSON.parse(ended.stdout);
  } catch (error) {
    throw new Error(`no JSON in ${JSON.stringify(ended)}`, { cause: error });
  }
}

const content = (name: string): Promise<string | undefined> => readFile(join(folder, name), "utf8").catch(() => undefined);

describe("render tells the truth (G20)", () => {
  it("exits 0 when everything is live, and again when nothing had to change", async () => {
    await configure("");
    const first = await run(["render", "--json"]);
    expect(first.code, first.stderr).toBe(0);
    expect(json(first)).toEqual({
      revision: expect.any(String),
      targets: [
        {
          name: "web",
          outcome: "written",
          generation: expect.stringMatching(/^[0-9a-f]{16}$/),
          files: [{ dest: join(folder, "web.conf"), changed: true, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
        },
      ],
    });
    expect(await content("web.conf")).toBe("server 10.0.0.1:80;\nserver 10.0.0.2:81;\ngreet hello;\n");
    const second = await run(["render"]);
    expect(second).toMatchObject({ code: 0, stdout: "", stderr: "web: unchanged\n" });
  });

  it("works without a configuration", async () => {
    await writeFile(join(folder, "x.hbs"), 'A={{key "app/greeting"}}\n');
    const args = [
      "render",
      "--registry",
      "file:registry",
      "--template",
      "x.hbs",
      "--dest",
      "x.env",
      "--mode",
      "0600",
      "--state",
      "state",
    ];
    const ended = await run([
      ...args,
      "--check",
      `grep -q 'A=hello' {{staged}}`,
      "--reload",
      `sh -c 'echo "reloaded it" > done'`,
      "--json",
    ]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(json(ended)).toMatchObject({ targets: [{ name: "x.env", outcome: "written" }] });
    expect(await content("x.env")).toBe("A=hello\n");
    expect(await content("done")).toBe("reloaded it\n");
  });

  it("exits 10 when a dry run would change something, shows what, and touches nothing", async () => {
    await configure("");
    const ended = await run(["render", "--dry-run", "--exit-code", "--diff"]);
    expect(ended.code).toBe(10);
    expect(ended.stdout).toContain("+server 10.0.0.1:80;");
    expect(await content("web.conf")).toBeUndefined();
    await run(["render"]);
    expect((await run(["render", "--dry-run", "--exit-code"])).code).toBe(0);
  });

  it.each<[string, string, string, number, RegExp]>([
    ["an option that does not exist", "--dryrun", "", 2, /unknown option '--dryrun'\n.*Did you mean --dry-run/],
    ["a duration that is none", "--timeout=soon", "", 2, /^USAGE --timeout: "soon" is no duration\n {2}write 250ms, 5s or 1m/],
    ["a target that does not exist", "wbe", "", 2, /^USAGE there is no target "wbe"\n {2}did you mean "web"\?/],
    [
      "a check that refuses",
      "",
      "      check: [sh, -c, 'echo broken line 3 >&2; exit 1']\n",
      3,
      /^CHECK_REJECTED check "sh -c .*" exited with 1: broken line 3/m,
    ],
    ["a reload that fails", "", "      reload: [sh, -c, 'exit 7']\n", 5, /^RELOAD_FAILED reload "sh -c exit 7" exited with 7/m],
    [
      "a proof that does not come",
      "",
      "      verify: { exec: [sh, -c, 'exit 1'], timeout: 50ms }\n",
      5,
      /^VERIFY_FAILED not proven live within 50 ms/m,
    ],
    [
      "a configuration with a wrong key",
      "",
      "      reloads: [x]\n",
      2,
      /fairlead.yaml:8:7: unknown key "reloads".*\n.*8 \| {7}reloads: \[x\]\n.*\^\n.*did you mean "reload"\?/,
    ],
  ])("with %s exits with the right code and a clear message", async (_what, argument, target, code, message) => {
    await configure(target);
    const ended = await run(["render", ...(argument === "" ? [] : [argument])]);
    expect(ended.stderr).toMatch(message);
    expect(ended.code).toBe(code);
    expect(await content("web.conf")).toBeUndefined();
  });

  it("exits 3 for a key that is not there, after waiting for it, and takes one that comes in time", async () => {
    await configure("");
    await writeFile(join(folder, "web.conf.hbs"), 'x {{key "app/late"}};\n');
    const missing = await run(["render", "--timeout", "300ms", "--json"]);
    expect(missing.code).toBe(3);
    expect(json(missing)).toMatchObject({
      targets: [
        {
          outcome: "failed",
          error: {
            code: "KEY_MISSING",
            file: join(folder, "web.conf.hbs"),
            line: 1,
            column: 3,
            hint: expect.stringContaining("kv put app/late"),
          },
        },
      ],
    });
    const waiting = run(["render", "--timeout", "20s"]);
    await run(["kv", "put", "app/late", "here"]);
    expect((await waiting).code).toBe(0);
    expect(await content("web.conf")).toBe("x here;\n");
  });

  it.each(["etcd", "consul", "consul-kv"])("exits 4 when %s cannot be reached, and touches nothing", async (type) => {
    await configure("");
    await writeFile(join(folder, "web.conf"), "precious\n");
    const ended = await run([
      "render",
      "--registry",
      `${type}://127.0.0.1:${await reservePort()}`,
      "--timeout",
      "700ms",
      "--json",
    ]);
    expect(ended.code, ended.stderr).toBe(4);
    expect(json(ended)).toMatchObject({ targets: [{ outcome: "failed", error: { code: "REGISTRY_UNAVAILABLE" } }] });
    expect(await content("web.conf")).toBe("precious\n");
  });

  it("exits 3 for a destination that cannot be written, with the path and the reason", async () => {
    await configure("");
    await mkdir(join(folder, "web.conf"));
    const ended = await run(["render"]);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/DEST_REFUSED cannot write ".*web.conf": it is not a regular file/);
  });

  it("exits 4 when another process holds the target", async () => {
    await configure("      check: { exec: [sh, -c, 'touch started; sleep 3'], sandbox: off }\n");
    const first = run(["render"]);
    await waitFor(() => content("started").then((text) => text !== undefined), { timeoutMs: 10_000, what: "the first to begin" });
    const second = await run(["render", "--timeout", "200ms"]);
    expect(second.code).toBe(4);
    expect(second.stderr).toMatch(/LOCKED target "web" is held by another process \(pid \d+\)/);
    expect((await first).code).toBe(0);
  });

  it("exits 3 for a template that is wrong, with file, line and column", async () => {
    await configure("");
    await writeFile(join(folder, "web.conf.hbs"), "ok\n  {{#each services}}\n  {{uper name}}\n  {{/each}}\n");
    const ended = await run(["render"]);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/TEMPLATE_SYNTAX .*web.conf.hbs:3:3: unknown helper "uper"\n {2}did you mean "upper"\?/);
  });

  it("never shows a secret (G11)", async () => {
    await configure("");
    const secret = "canary-5d1c0a7e";
    const env = { CONSUL_HTTP_TOKEN: secret, ETCDCTL_USER: `root:${secret}`, CONSUL_HTTP_AUTH: `u:${secret}` };
    const outputs: string[] = [];
    for (const url of ["etcd", "consul", "consul-kv"]) {
      const ended = await run(
        ["render", "--registry", `${url}://127.0.0.1:${await reservePort()}`, "--timeout", "300ms", "--json"],
        env,
      );
      outputs.push(ended.stdout, ended.stderr);
    }
    const inUrl = await run(["services", "--registry", `etcd://root:${secret}@127.0.0.1:1`]);
    expect(inUrl.code).toBe(2);
    expect([...outputs, inUrl.stdout, inUrl.stderr].join("\n")).not.toContain(secret);
  });
});

describe("check", () => {
  it("is content with a good configuration", async () => {
    await configure("");
    expect(await run(["check"])).toMatchObject({ code: 0, stdout: "ok\n" });
    expect(json(await run(["check", "--json"]))).toEqual({ ok: true, problems: [], checks: [] });
  });

  it("exits 2 for the configuration and 3 for templates, and names every problem with its place", async () => {
    await configure("", "log: { level: loud }\nnodes: x\n");
    const bad = await run(["check", "--json"]);
    expect(bad.code).toBe(2);
    expect(json(bad)).toMatchObject({
      ok: false,
      problems: [
        { severity: "error", code: "CONFIG_INVALID", line: 8, column: 15 },
        { severity: "error", code: "CONFIG_INVALID", line: 9, column: 1, hint: 'did you mean "node"?' },
      ],
    });
    await configure("");
    await writeFile(join(folder, "web.conf.hbs"), "{{{key 'x'}}}\n{{> nothing}}\n");
    const templates = await run(["check", "--json"]);
    expect(templates.code).toBe(3);
    expect(json(templates)).toMatchObject({
      problems: [
        { severity: "warning", code: "TEMPLATE_UNSAFE", line: 1, column: 1 },
        { severity: "error", code: "TEMPLATE_SYNTAX", line: 2, column: 1, message: 'unknown partial "nothing"' },
      ],
    });
  });

  it("with --probe asks the registry", async () => {
    await configure("");
    const ended = await run(["check", "--probe", "--timeout", "1s"]);
    expect(ended.code, ended.stdout).toBe(0);
  });
});

describe("services", () => {
  it("prints the catalogue, sorted, all healths", async () => {
    await writeFile(join(folder, "registry/services/web/c.json"), '{"address":"10.0.0.3","port":82,"health":"critical"}');
    const ended = await run(["services", "--registry", "file:registry", "--json"]);
    expect(json(ended)).toEqual([
      {
        name: "web",
        tags: ["http"],
        instances: [
          {
            id: "a",
            service: "web",
            address: "10.0.0.1",
            port: 80,
            protocol: "tcp",
            tags: [],
            meta: { version: "2" },
            health: "passing",
            node: "",
          },
          {
            id: "b",
            service: "web",
            address: "10.0.0.2",
            port: 81,
            protocol: "tcp",
            tags: ["http"],
            meta: {},
            health: "unknown",
            weight: 2,
            node: "",
          },
          {
            id: "c",
            service: "web",
            address: "10.0.0.3",
            port: 82,
            protocol: "tcp",
            tags: [],
            meta: {},
            health: "critical",
            node: "",
          },
        ],
      },
    ]);
    expect((await run(["services", "--registry", "file:registry"])).stdout).toMatch(/^SERVICE +ADDRESS +HEALTH/);
  });

  it("with --watch prints one document a line at each change", async () => {
    const watching = startFairlead(["services", "--watch", "--json", "--registry", "file:registry"], { cwd: folder });
    const lines = (): unknown[] =>
      watching
        .stdout()
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as unknown);
    await waitFor(() => lines().length === 1, { timeoutMs: 10_000, what: "the first document" });
    await rm(join(folder, "registry/services/web/a.json"));
    await waitFor(() => lines().length === 2, { timeoutMs: 10_000, what: "the second document" });
    expect(lines()[1]).toMatchObject([{ name: "web", instances: [{ id: "b" }] }]);
    await watching.stop();
  });
});

describe("kv", () => {
  it("gets, puts, lists, removes and imports", async () => {
    const kv = (...args: string[]): Promise<Ended> => run(["kv", ...args, "--registry", "file:registry"]);
    expect(await kv("get", "app/greeting")).toMatchObject({ code: 0, stdout: "hello\n" });
    expect(await kv("get", "/app/nothing")).toMatchObject({
      code: 3,
      stdout: "",
      stderr: expect.stringContaining('KEY_MISSING key "app/nothing" is not in the registry'),
    });
    expect((await kv("put", "app/db/host", "db 1")).code).toBe(0);
    await writeFile(join(folder, "keys.yaml"), "app:\n  db: { port: 5432, tls: true }\n");
    expect((await kv("import", "keys.yaml")).code).toBe(0);
    await writeFile(join(folder, "keys.json"), '[{"key":"other/x","value":"1"}]');
    expect((await kv("import", "keys.json")).code).toBe(0);
    expect(json(await kv("ls", "app/db", "--json"))).toEqual([
      { key: "app/db/host", value: "db 1" },
      { key: "app/db/port", value: "5432" },
      { key: "app/db/tls", value: "true" },
    ]);
    expect((await kv("ls")).stdout).toBe("app/db/host\napp/db/port\napp/db/tls\napp/greeting\nother/x\n");
    expect((await kv("rm", "app/db/host")).code).toBe(0);
    expect((await kv("rm", "app/db/host")).code).toBe(3);
  });

  it("tells errors on stdout too with --json", async () => {
    const ended = await run(["kv", "get", "nothing", "--registry", "file:registry", "--json"]);
    expect(json(ended)).toEqual({ error: { code: "KEY_MISSING", message: 'key "nothing" is not in the registry' } });
  });
});

describe("the command line", () => {
  it.each<[readonly string[], RegExp]>([
    [["rendr"], /unknown command 'rendr'\n.*Did you mean render/],
    [["kv", "git"], /unknown command 'git'\n.*Did you mean get/],
    [["inspect", "dokcer"], /cannot inspect "dokcer"\n {2}did you mean "docker"\?/],
    [["services", "--registry", "etdc://x"], /--registry: "etdc:\/\/x" is no registry address\n.*did you mean etcd:/],
    [["services"], /USAGE no registry is named\n {2}give --registry URL, or a configuration with -c FILE/],
    [["run"], /CONFIG_INVALID there is no configuration\n {2}write one of fairlead.yaml/],
    [["run", "-c", "nowhere.yaml"], /nowhere.yaml: cannot be read: ENOENT/],
    [["render", "--template", "x"], /without a configuration `render` needs --registry, --template and --dest/],
    [
      ["render", "--registry", "file:registry", "--template", "x", "--dest", "y", "--format", "ngnix"],
      /"ngnix" is no format\n {2}did you mean "nginx"\?/,
    ],
    [["render", "--registry", "file:registry", "--template", "x", "--dest", "y", "--mode", "999"], /"999" is no file mode/],
    [["render", "--registry", "file:registry", "--template", "x", "--dest", "y", "--check", "a 'b"], /a quote is not closed/],
  ])("%j is refused with exit 2 and a way out", async (args, message) => {
    const ended = await run(args);
    expect(ended.stderr).toMatch(message);
    expect(ended.code).toBe(2);
  });

  it("prints its version, help with examples, and the schema", async () => {
    expect((await run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await run(["render", "--help"])).stdout).toContain("Examples:\n  $ fairlead render\n");
    expect(json(await run(["schema"]))).toMatchObject({ properties: { registry: expect.anything() } });
  });
});

describe("run", () => {
  it.each<NodeJS.Signals>(["SIGTERM", "SIGINT"])("ends on %s within 5 s with exit 0", async (signal) => {
    await configure("");
    const daemon = startFairlead(["run"], { cwd: folder });
    await daemon.logged("target is live");
    const { code, ms } = await daemon.stop(signal);
    expect(code).toBe(0);
    expect(ms).toBeLessThan(5000);
  });

  it("says nothing but its log, however many targets wait on one signal", async () => {
    const files = Array.from(
      { length: 15 },
      (_, i) => `    t${i}:\n      files: [{ template: web.conf.hbs, dest: out${i}.conf }]\n`,
    );
    await configure("", files.join(""));
    const daemon = startFairlead(["run"], { cwd: folder });
    await waitFor(() => daemon.log().filter((line) => line.msg === "target is live").length === 16, {
      timeoutMs: 15_000,
      what: "all targets",
    });
    await daemon.stop();
    expect(
      daemon
        .stderr()
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("{")),
    ).toEqual([]);
  });

  it("ends in time even when a hook ignores its end", async () => {
    await configure(
      "      reload: { exec: [sh, -c, 'trap \"\" TERM; touch started; while :; do sleep 1; done'], timeout: 60s }\n",
    );
    const daemon = startFairlead(["run"], { cwd: folder });
    await waitFor(() => content("started").then((text) => text !== undefined), { timeoutMs: 10_000, what: "the reload to hang" });
    const { code, ms } = await daemon.stop();
    expect(ms).toBeLessThan(5500);
    expect(code).toBe(0);
  });

  it("starts with the registry down (G10): waits, says so, touches nothing, and goes on when it is there", async () => {
    await configure("");
    await writeFile(join(folder, "web.conf"), "precious\n");
    await chmod(join(folder, "web.conf"), 0o600);
    await rm(join(folder, "registry"), { recursive: true });
    await writeFile(join(folder, "registry"), "no folder");
    const daemon = startFairlead(["run"], { cwd: folder });
    await daemon.logged("registry cannot be read; files stay as they are");
    expect(await content("web.conf")).toBe("precious\n");
    await rm(join(folder, "registry"));
    await mkdir(join(folder, "registry/kv/app"), { recursive: true });
    await daemon.logged("target is live");
    expect(await content("web.conf")).toBe("greet none;\n");
    await daemon.stop();
  });

  it("names an entry that cannot be understood, and lives on", async () => {
    await configure("");
    await writeFile(join(folder, "registry/services/web/bad.json"), Buffer.from([0xff, 0xfe]));
    const daemon = startFairlead(["run"], { cwd: folder });
    const line = await daemon.logged("registry entry is left out");
    expect(line).toMatchObject({ level: "warn", reason: "it is not UTF-8", leftOut: 1 });
    await daemon.logged("target is live");
    expect(await content("web.conf")).toContain("server 10.0.0.1:80;");
    await daemon.stop();
  });

  it("renders again when a template changes, and keeps the file when the template breaks", async () => {
    await configure("");
    const daemon = startFairlead(["run"], { cwd: folder });
    await daemon.logged("target is live");
    await writeFile(join(folder, "web.conf.hbs"), "{{#each services}}");
    const line = await daemon.logged("target cannot be rendered and keeps its last good files");
    expect(line).toMatchObject({ code: "TEMPLATE_SYNTAX", at: expect.stringMatching(/web.conf.hbs:\d+:\d+$/) });
    expect(await content("web.conf")).toContain("greet hello;");
    await writeFile(join(folder, "web.conf.hbs"), "new;\n");
    await waitFor(async () => (await content("web.conf")) === "new;\n", { timeoutMs: 10_000, what: "the new template" });
    await daemon.stop();
    expect((await readdir(folder)).filter((name) => name.includes(".fairlead-"))).toEqual([]);
  });
});
