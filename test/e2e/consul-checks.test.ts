/** From a container's labels to a check that Consul's agent runs, and back to what templates see. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { type Running, startFairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { type Consul, type Docker, describeWith, startConsul, startDocker } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";

const TIMEOUT_MS = 15_000 * PATIENCE;

describeWith(["docker", "consul"], "a container that asks for a check", () => {
  let engine: Docker;
  let consul: Consul;
  let folder: string;
  let running: Running | undefined;

  beforeAll(async () => {
    [engine, consul] = await Promise.all([startDocker(), startConsul()]);
    await engine.importImage("web:1", { expose: [80] });
  });
  afterAll(async () => {
    await Promise.all([engine?.stop(), consul?.stop()]);
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-consul-checks-"));
  });
  afterEach(async () => {
    await running?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  interface Check {
    readonly CheckID: string;
    readonly Status: string;
    readonly Type: string;
    readonly ServiceName: string;
  }
  async function checks(): Promise<readonly Check[]> {
    return Object.values((await consul.json("/v1/agent/checks")) as Readonly<Record<string, Check>>);
  }

  it("is used while Consul finds it well: http from a port's own label; a script is never asked for", {
    timeout: 120_000 * PATIENCE,
  }, async () => {
    await writeFile(join(folder, "web.hbs"), '{{#each (service "web")}}{{addr}} {{/each}}\n');
    const config = {
      node: "n1",
      stateDir: "state",
      registry: `consul://127.0.0.1:${consul.port}`,
      register: { ttl: "10s", sources: { docker: { host: engine.host, address: "127.0.0.1" } } },
      render: { targets: { web: { files: [{ template: "web.hbs", dest: "web.txt" }], guard: "off" } } },
      log: { level: "info", format: "json" },
    };
    const file = join(folder, "fairlead.yaml");
    await writeFile(file, stringify(config));
    const labels = [
      "SERVICE_80_NAME=web",
      "SERVICE_80_CHECK_HTTP=/index.html",
      "SERVICE_80_CHECK_INTERVAL=1s",
      "SERVICE_80_CHECK_SCRIPT=id",
    ];
    const argv = ["run", "-d", "--name", "app", ...labels.flatMap((label) => ["--label", label])];
    await engine.docker([...argv, "-p", "127.0.0.1:0:80", "web:1"]);
    const port = (await engine.docker(["port", "app", "80"])).split(":").at(-1);
    running = startFairlead(["run", "-c", file], { cwd: folder });

    const rendered = async (): Promise<string> => (await readFile(join(folder, "web.txt"), "utf8").catch(() => "")).trim();
    const until = (text: string, what: string): Promise<unknown> =>
      waitFor(async () => (await rendered()) === text, { timeoutMs: TIMEOUT_MS, what });
    await until(`127.0.0.1:${port}`, "the instance that Consul found well");
    const asked = (await checks()).filter(({ CheckID }) => CheckID === "service:n1:app:80");
    expect(asked).toMatchObject([{ Type: "http", Status: "passing", ServiceName: "web" }]);
    expect(new Set((await checks()).map(({ Type }) => Type))).toEqual(new Set(["http", "ttl"]));
    expect(JSON.stringify(await consul.json("/v1/agent/services"))).not.toMatch(/script/i);

    await engine.docker(["exec", "app", "rm", "/www/index.html"]);
    await until("", "the instance that Consul found ill to go from the file");
    expect((await checks()).find(({ CheckID }) => CheckID === "fairlead-health:n1:app:80")?.Status).toBe("passing");
    await engine.docker(["rm", "-f", "app"]);
    await waitFor(async () => (await checks()).every(({ ServiceName }) => ServiceName !== "web"), {
      timeoutMs: TIMEOUT_MS,
      what: "the entry and its checks to go",
    });
  });
});
