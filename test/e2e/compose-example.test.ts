/** examples/compose on a real engine: the script does what the compose file says, and the registry follows. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { parse } from "yaml";
import { FAIRLEAD, fairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { companionOf } from "../helpers/servers/acquire.ts";
import { type Docker, describeWith, http, requireProgram, reservePort, startDocker } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { nginxImage } from "./compose-image.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/compose", import.meta.url));
const SCRIPT_MS = 90_000 * PATIENCE;
const SETTLED_MS = 15_000 * PATIENCE;

interface ComposeService {
  readonly command?: readonly string[];
  readonly expose?: readonly string[];
  readonly scale?: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes?: readonly string[];
}

interface Inspected {
  readonly Name: string;
  readonly Config: {
    readonly Cmd: readonly string[] | null;
    readonly Labels: Readonly<Record<string, string>>;
    readonly ExposedPorts: Readonly<Record<string, unknown>>;
    readonly Healthcheck?: { readonly Test: readonly string[] };
  };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
  readonly State: { readonly Health?: { readonly Status: string } };
}

interface Instance {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly health: string;
  readonly tags: readonly string[];
}

describeWith(["docker", "nginx"], "examples/compose", () => {
  let engine: Docker;
  let folder: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    engine = await startDocker();
    await engine.importImage("busybox:latest", { cmd: ["sh"] });
    await engine.docker(await nginxImage(engine.folder, "nginx:alpine"));
  });
  afterAll(() => engine?.stop());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-compose-"));
    const port = await reservePort();
    env = {
      DOCKER: companionOf((await requireProgram("docker")).path, "docker") ?? "docker",
      DOCKER_HOST: engine.host,
      DOCKER_CONFIG: join(folder, "client"),
      FAIRLEAD: `${process.execPath} ${FAIRLEAD}`,
      WORK: folder,
      PORT: String(port),
      CONF: join(folder, "conf"),
      PROXY: `http://127.0.0.1:${port}`,
    };
  });
  afterEach(async () => {
    await script("down");
    await rm(folder, { recursive: true, force: true });
  });

  async function script(...args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
    const child = spawn(join(EXAMPLE, "run.sh"), args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
    return { code, output };
  }

  async function containers(): Promise<readonly Inspected[]> {
    const ids = (await engine.docker(["ps", "-q"])).split("\n").filter((id) => id !== "");
    return ids.length === 0 ? [] : (JSON.parse(await engine.docker(["inspect", ...ids])) as readonly Inspected[]);
  }

  /** The entries of a service, by `fairlead services`. */
  async function instancesOf(service: string): Promise<readonly Instance[]> {
    const asked = await fairlead(["services", service, "-c", join(EXAMPLE, "fairlead.yaml"), "--json"], { env });
    const [found] = JSON.parse(asked.stdout) as readonly { readonly instances: readonly Instance[] }[];
    return found?.instances ?? [];
  }

  /** What the script has started is what compose.yaml describes. */
  async function expectAsDescribed(running: readonly Inspected[]): Promise<void> {
    const file = parse(await readFile(join(EXAMPLE, "compose.yaml"), "utf8")) as {
      readonly name: string;
      readonly services: Readonly<Record<string, ComposeService>>;
    };
    for (const [name, service] of Object.entries(file.services).filter(([key]) => key !== "fairlead")) {
      const own = running.filter(({ Config }) => Config.Labels["com.docker.compose.service"] === name);
      expect(own.map(({ Name }) => Name).sort()).toEqual(
        Array.from({ length: service.scale ?? 1 }, (_, i) => `/${file.name}-${name}-${i + 1}`),
      );
      for (const { Name, Config } of own) {
        expect(Config.Labels).toMatchObject({
          ...service.labels,
          "com.docker.compose.project": file.name,
          "com.docker.compose.container-number": Name.split("-").at(-1),
          "com.docker.compose.oneoff": "False",
        });
        expect(Object.keys(Config.ExposedPorts)).toEqual((service.expose ?? ["80"]).map((port) => `${port}/tcp`));
        expect(Config.Healthcheck?.Test).toEqual(service.healthcheck?.test);
        if (service.command !== undefined) {
          expect(Config.Cmd).toEqual(service.command);
        }
      }
    }
  }

  const addressOf = (name: string, all: readonly Inspected[]): string =>
    all.find((container) => container.Name === `/${name}`)?.NetworkSettings.Networks["shop_default"]?.IPAddress ?? "none";
  const isHealthy = async (name: string): Promise<boolean> =>
    (await engine.docker(["inspect", "-f", "{{.State.Health.Status}}", name])) === "healthy";

  it("the tour ends by itself, shows the catalogue and the files, and leaves nothing", { timeout: SCRIPT_MS }, async () => {
    const { code, output } = await script();
    expect(code, output).toBe(0);
    expect(output).toMatch(/^web {6}[\d.]+:80 {4}passing {2}http {2}shop {2}shop:shop-web-2:80$/m);
    expect(output.match(/^upstream web \{\n(?: {4}server [\d.]+:80;\n){2}\}$/gm)).toHaveLength(2);
    expect(output.match(/^upstream web \{\n {4}server [\d.]+:80;\n\}$/gm)).toHaveLength(1);
    expect(output).toContain("DB_HOST=\nDB_PORT=\n");
    expect(output.match(/^DB_HOST=[\d.]+\nDB_PORT=5432$/gm)).toHaveLength(3);
    expect(await engine.docker(["ps", "-aq"])).toBe("");
    expect(await engine.docker(["network", "ls", "-q", "--filter", "name=shop_default"])).toBe("");
  });

  it("the script starts what compose.yaml describes; scaled services are instances of one service, and a database that is restarted goes and comes back, with what depends on it", {
    timeout: SCRIPT_MS,
  }, async () => {
    expect((await script("up")).code).toBe(0);
    const first = await containers();
    await expectAsDescribed(first);
    const web = await instancesOf("web");
    expect(web.map(({ id, address, port, tags }) => [id, address, port, tags])).toEqual(
      [1, 2].map((n) => [`shop:shop-web-${n}:80`, addressOf(`shop-web-${n}`, first), 80, ["http"]]),
    );
    expect(await instancesOf("proxy")).toEqual([]);
    const answers = new Set<string>();
    await waitFor(async () => answers.add((await http(`${env["PROXY"]}/`)).text.trim()).size === 2, {
      timeoutMs: SETTLED_MS,
      what: "both instances to answer through nginx",
    });

    await engine.docker(["stop", "-t", "1", "shop-db-1"]);
    await waitFor(async () => (await instancesOf("db")).length === 0, { timeoutMs: SETTLED_MS, what: "the database to go" });
    await engine.docker(["start", "shop-db-1"]);
    await waitFor(async () => (await instancesOf("db")).length === 1, { timeoutMs: SETTLED_MS, what: "the database to be seen" });
    await waitFor(() => isHealthy("shop-db-1"), { timeoutMs: SETTLED_MS, what: "the database to be healthy" });
    await engine.docker(["restart", "-t", "1", "shop-web-1", "shop-web-2"]);

    await waitFor(
      async () => {
        const [all, db, again] = [await containers(), await instancesOf("db"), await instancesOf("web")];
        expect(db).toMatchObject([{ id: "shop:shop-db-1:5432", address: addressOf("shop-db-1", all), health: "passing" }]);
        expect(again.map(({ id, address }) => [id, address])).toEqual(
          [1, 2].map((n) => [`shop:shop-web-${n}:80`, addressOf(`shop-web-${n}`, all)]),
        );
        return true;
      },
      { timeoutMs: SETTLED_MS, what: "the registry to be as the engine is" },
    );
    await engine.removeContainer("shop-web-2");
    await waitFor(async () => (await instancesOf("web")).map(({ id }) => id).join() === "shop:shop-web-1:80", {
      timeoutMs: SETTLED_MS,
      what: "one web to go",
    });
  });
});
