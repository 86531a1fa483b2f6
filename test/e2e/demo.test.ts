/** What a person tries first: the tour, the quickstart, the package. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fairlead, startFairlead } from "../helpers/fairlead.ts";
import { runCommand } from "../helpers/servers/command.ts";
import { acquire, describeWith, http, reservePort, startDocker, startNginx } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

async function tour(path: string) {
  const startedAt = performance.now();
  const ended = await fairlead(["demo"], { env: { PATH: path } });
  return { ...ended, ms: performance.now() - startedAt };
}

describeWith(["nginx"], "the tour", () => {
  it("with nginx proves each step by requests, ends by itself within 30 s and leaves nothing running", async () => {
    const nginx = await acquire("nginx");
    const folder = nginx.ok ? dirname(nginx.path) : "";
    const { code, stdout, stderr, ms } = await tour(`${folder}${delimiter}${process.env["PATH"]}`);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("is answered by web-1, web-2, web-3");
    expect(stdout.match(/as promised/g)).toHaveLength(7);
    expect(ms).toBeLessThan(30_000);
  });

  it("without nginx says so and shows the files", async () => {
    const bin = await mkdtemp(join(tmpdir(), "fairlead-bin-"));
    for (const name of ["sh", "test", "env"]) {
      const found = await runCommand(["sh", "-c", `command -v ${name}`], { timeoutMs: 5000 });
      await symlink(found.stdout.trim().startsWith("/") ? found.stdout.trim() : `/usr/bin/${name}`, join(bin, name));
    }
    const { code, stdout, stderr } = await tour(bin);
    await rm(bin, { recursive: true });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/no nginx on this machine|this machine has nginx/);
    expect(stdout.match(/as promised/g)).toHaveLength(7);
  });
});

describe("the quickstart", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-quickstart-"));
    await cp(join(ROOT, "examples"), join(folder, "examples"), { recursive: true });
    await cp(join(ROOT, "templates"), join(folder, "templates"), { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const cwd = (): string => join(folder, "examples/quickstart");
  const text = (name: string): Promise<string> => readFile(join(cwd(), name), "utf8").catch(() => "");

  it("without Docker does what its page says", async () => {
    expect((await fairlead(["check"], { cwd: cwd() })).code).toBe(0);
    const daemon = startFairlead(["run"], { cwd: cwd() });
    await waitFor(async () => (await text("out/upstreams.conf")).includes("server 127.0.0.1:8082 weight=2;"), {
      timeoutMs: 10_000,
      what: "the upstreams",
    });
    expect((await fairlead(["kv", "put", "app/greeting", "hello there"], { cwd: cwd() })).code).toBe(0);
    await waitFor(async () => (await text("out/app.env")).includes('GREETING="hello there"'), {
      timeoutMs: 10_000,
      what: "the env file",
    });
    expect((await fairlead(["render"], { cwd: cwd() })).stderr).toContain("nginx: unchanged");
    expect((await daemon.stop()).code).toBe(0);
  });

  describeWith(["docker", "nginx"], "with Docker", () => {
    it("serves a container through the shipped template", async () => {
      const docker = await startDocker();
      const nginx = await startNginx();
      try {
        await docker.importImage("web:1", { expose: [80] });
        const id = await docker.run(["-p", "127.0.0.1:0:80", "-l", "fairlead.service=web", "web:1"]);
        const env = { DOCKER_HOST: docker.host };
        const inspected = await fairlead(["inspect", "docker", "-c", "docker.yaml", "--json"], { cwd: cwd(), env });
        expect(JSON.parse(inspected.stdout)).toMatchObject({
          containers: [{ id, instances: [{ service: "web", address: "127.0.0.1" }], skipped: [] }],
        });
        const daemon = startFairlead(["run", "-c", "docker.yaml"], { cwd: cwd(), env });
        const where = await docker.publishedPort(id, 80);
        await waitFor(async () => (await text("out/upstreams.conf")).includes(`server ${where};`), {
          timeoutMs: 10_000,
          what: "the upstream",
        });
        await daemon.stop();
        const port = await reservePort();
        const upstreams = (await text("out/upstreams.conf")).replace("127.0.0.1:8181", `127.0.0.1:${await reservePort()}`);
        await writeFile(
          join(nginx.confFolder, "site.conf"),
          `${upstreams}\nserver { listen 127.0.0.1:${port}; location / { proxy_pass http://web; } }\n`,
        );
        await nginx.check();
        nginx.reload();
        await waitFor(async () => (await http(`http://127.0.0.1:${port}/`)).text === "hello\n", {
          timeoutMs: 10_000,
          what: "the container's answer",
        });
      } finally {
        await nginx.stop();
        await docker.stop();
      }
    });
  });
});

describe("the package", () => {
  it("holds only built files, templates and texts, and runs where it is installed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fairlead-pack-"));
    try {
      const env = { npm_config_ignore_scripts: "true" };
      const packed = await runCommand(["npm", "pack", "--json", "--pack-destination", folder, ROOT], { timeoutMs: 60_000, env });
      const [manifest] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
      const strangers = manifest.files
        .map((file) => file.path)
        .filter((path) => !/^(dist|templates)\/|^(package\.json|README\.md|LICENSE)$/.test(path));
      expect(strangers).toEqual([]);
      await runCommand(
        ["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--prefer-offline", join(folder, manifest.filename)],
        { timeoutMs: 120_000, env },
      );
      const help = await runCommand([join(folder, "node_modules/.bin/fairlead"), "--version"], { timeoutMs: 20_000 });
      expect(help.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
      const keys = ["--registry", `file:${folder}/registry`];
      await runCommand([join(folder, "node_modules/.bin/fairlead"), "kv", "put", "a/b", "c", ...keys], { timeoutMs: 20_000 });
      const got = await runCommand([join(folder, "node_modules/.bin/fairlead"), "kv", "get", "a/b", ...keys], {
        timeoutMs: 20_000,
      });
      expect(got.stdout).toBe("c\n");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
