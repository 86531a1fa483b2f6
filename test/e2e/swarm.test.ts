/** A swarm's services in the registry: what is there is compared with the engine's containers, not with what the source has read. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import type { Instance } from "../../src/model/instance.ts";
import { fairlead, type Running, startFairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { describeWith, http, reservePorts } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { startSwarm, type TestSwarm } from "./swarm.ts";

const TTL = `${5 * PATIENCE}s`;
const RESYNC = "4s";
/** The time that the registry may take to be right once the swarm is. */
const STEP_MS = 3000 * PATIENCE;

describeWith(["docker"], "the services of a swarm", () => {
  let folder: string;
  let swarm: TestSwarm;
  let tasks: Running;
  let whole: Running;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-swarm-"));
    swarm = await startSwarm();
    tasks = await start("tasks", {});
    whole = await start("vip", { mode: "vip" });
  });
  afterAll(async () => {
    await Promise.all([tasks, whole].map((process) => process?.kill()));
    await swarm?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(name: string, source: { readonly mode?: "vip" }): Promise<Running> {
    const file = join(folder, `${name}.yaml`);
    const register = { ttl: TTL, resync: RESYNC, sources: { swarm: { host: swarm.docker.host, ...source } } };
    const registry = `file:${source.mode ?? "tasks"}`;
    await writeFile(file, stringify({ node: name, stateDir: `${name}-state`, registry, register, log: { format: "json" } }));
    return startFairlead(["run", "-c", file], { cwd: folder });
  }

  /** The entries of a service, read as the files that they are. */
  async function entries(registry: string, service: string): Promise<readonly Instance[]> {
    const dir = join(folder, registry, "services", service);
    const names = await readdir(dir).catch(() => []);
    const texts = await Promise.all(
      names.filter((name) => name.endsWith(".json")).map((name) => readFile(join(dir, name), "utf8")),
    );
    return texts.map((text) => JSON.parse(text) as Instance).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async function usable(registry: string, service: string): Promise<readonly string[]> {
    const found = await entries(registry, service);
    return found
      .filter(({ health }) => health !== "critical")
      .map(({ address, port }) => `${address}:${port}`)
      .sort();
  }

  async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    await waitFor(isSo, { timeoutMs: STEP_MS, what });
  }

  /** The swarm is as it is to be, and then the registry is the same in time: each task once, at its container's address. */
  async function untilRight(service: string, count: number): Promise<readonly string[]> {
    const ids = await swarm.untilRunning(service, count);
    const wanted = (await swarm.running(service)).map((line) => `${line.split(" ")[1]}:80`).sort();
    expect(wanted).toHaveLength(count);
    await until(`the registry to hold ${wanted.join(", ")}`, async () => {
      const found = await usable("tasks", service);
      const all = await entries("tasks", service);
      return JSON.stringify(found) === JSON.stringify(wanted) && all.length === count;
    });
    return ids;
  }

  it("an engine that is in no swarm is said so, and waited for", async () => {
    const line = await tasks.logged("registration pass failed");
    expect(line["error"]).toContain("this engine is not part of a swarm");
    const asked = await fairlead(["inspect", "swarm", "--docker", swarm.docker.host], { cwd: folder });
    expect(asked).toMatchObject({ code: 4, stderr: expect.stringContaining("docker swarm init") });
    await swarm.init();
  });

  it("scaled from 1 to 5 to 2, by task", async () => {
    const words = ["-l", "fairlead.port=80", "--container-label", "fairlead.tags=http,a", "-e", "SERVICE_ZONE=east"];
    await swarm.create("web", ["--network", "front", ...words, "web:1"]);
    const [first = ""] = await untilRight("web", 1);
    expect(await entries("tasks", "web")).toMatchObject([
      {
        id: `web.1.${first}:80`,
        service: "web",
        protocol: "tcp",
        tags: ["http", "a"],
        meta: { zone: "east" },
        health: "passing",
      },
    ]);
    await swarm.docker.docker(["service", "scale", "--detach", "web=5"]);
    await untilRight("web", 5);
    await swarm.docker.docker(["service", "scale", "--detach", "web=2"]);
    // What is told to go is unusable before it goes: the swarm gives it some seconds.
    await until("three to be unusable", async () => (await usable("tasks", "web")).length === 2);
    expect(await untilRight("web", 2)).toContain(first);
  });

  it("as a whole, at its virtual address", async () => {
    const addresses = await swarm.docker.docker([
      "service",
      "inspect",
      "web",
      "--format",
      "{{range .Endpoint.VirtualIPs}}{{.Addr}}{{end}}",
    ]);
    const wanted = [`${addresses.split("/")[0]}:80`];
    await until("the virtual address", async () => JSON.stringify(await usable("vip", "web")) === JSON.stringify(wanted));
    expect(await entries("vip", "web")).toMatchObject([{ id: "web:front:80", tags: ["http", "a"], meta: { zone: "east" } }]);
  });

  it("drained by a label, and back, without a task being restarted", async () => {
    const before = await swarm.untilRunning("web", 2);
    await swarm.update("web", ["--label-add", "fairlead.drain=true"]);
    await until("no usable entry", async () => (await usable("tasks", "web")).length + (await usable("vip", "web")).length === 0);
    expect(await entries("tasks", "web")).toHaveLength(2);
    await swarm.update("web", ["--label-rm", "fairlead.drain"]);
    expect(await untilRight("web", 2)).toEqual(before);
  });

  it("a rolling update to another image: new tasks, and always one that can be used", async () => {
    const before = await swarm.untilRunning("web", 2);
    let fewest = 2;
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        fewest = Math.min(fewest, (await usable("tasks", "web")).length);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await swarm.update("web", ["--image", "web:2", "--update-delay", "2s", "--container-label-add", "fairlead.version=2"]);
    const after = await waitFor(
      async () => {
        const ids = await swarm.untilRunning("web", 2);
        return ids.every((id) => !before.includes(id)) ? ids : undefined;
      },
      { timeoutMs: 60_000, what: "the new tasks" },
    );
    expect(await untilRight("web", 2)).toEqual(after);
    isOver = true;
    await watching;
    expect(fewest).toBe(1);
    expect((await entries("tasks", "web")).map(({ meta }) => meta)).toEqual([1, 2].map(() => ({ version: "2", zone: "east" })));
  });

  it("a task that is killed is replaced", async () => {
    const [dead = ""] = await swarm.untilRunning("web", 2);
    const container = await swarm.docker.docker(["ps", "-q", "--filter", `label=com.docker.swarm.task.id=${dead}`]);
    await swarm.docker.killContainer(container);
    await waitFor(async () => !(await swarm.untilRunning("web", 2)).includes(dead), { timeoutMs: 30_000, what: "another task" });
    await untilRight("web", 2);
  });

  it("published ports: in host mode by task, on each node; in the routing mesh as a whole", async () => {
    const [hostPort = 0, meshPort = 0] = await reservePorts(2);
    await swarm.create("hosted", ["--mode", "global", "--publish", `mode=host,target=80,published=${hostPort}`, "web:1"]);
    await swarm.create("meshed", ["--publish", `target=80,published=${meshPort}`, "web:1"]);
    const [task = ""] = await swarm.untilRunning("hosted", 1);
    const node = await swarm.node();
    await until("the port in host mode", async () => (await usable("tasks", "hosted")).length === 1);
    expect(await entries("tasks", "hosted")).toMatchObject([
      { id: `hosted.${await nodeId()}.${task}:80`, address: "127.0.0.1", port: hostPort },
    ]);
    expect((await http(`http://127.0.0.1:${hostPort}/`)).text).toBe("hello\n");
    await swarm.untilRunning("meshed", 1);
    await until("the port of the mesh", async () => (await usable("vip", "meshed")).length === 1);
    expect(await entries("vip", "meshed")).toMatchObject([
      { id: `meshed:${await nodeId()}:80`, address: "127.0.0.1", port: meshPort },
    ]);

    const inspected = await fairlead(["inspect", "swarm", "-c", "tasks.yaml", "--json"], { cwd: folder });
    const { services } = JSON.parse(inspected.stdout) as { services: { name: string; skipped: { reason: string }[] }[] };
    expect(services.map(({ name, skipped }) => [name, skipped.map(({ reason }) => reason)])).toEqual([
      ["hosted", []],
      [
        "meshed",
        ["it is on no network but those of Docker's own, and it is published in the routing mesh, which `mode: vip` registers"],
      ],
      ["web", []],
    ]);
    expect(node).toHaveLength(25);
  });

  it("a node that is drained: nothing of it can be used; and back", async () => {
    await swarm.docker.docker(["node", "update", "--availability", "drain", await swarm.node()]);
    await until("nothing usable", async () => (await usable("tasks", "web")).length + (await usable("vip", "web")).length === 0);
    await until("no place in the mesh", async () => (await entries("vip", "meshed")).length === 0);
    await swarm.docker.docker(["node", "update", "--availability", "active", await swarm.node()]);
    await untilRight("web", 2);
    await until("the virtual address", async () => (await usable("vip", "web")).length === 1);
  });

  it("another fairlead on the same swarm says once what is held, and takes over when the first one dies", async () => {
    const standby = await start("standby", {});
    const [first = ""] = (await entries("tasks", "web")).map(({ id }) => id);
    await standby.logged("entry is held by another owner and left alone", { id: first, holder: "tasks" });
    await tasks.kill();
    tasks = standby;
    await waitFor(async () => (await entries("tasks", "web")).every((entry) => "owner" in entry && entry.owner === "standby"), {
      timeoutMs: 15_000 * PATIENCE,
      what: "the entries to be the other's",
    });
    await untilRight("web", 2);
    const said = standby.log().filter(({ msg, id }) => msg === "entry is held by another owner and left alone" && id === first);
    expect(said).toHaveLength(1);
  });

  it("a service that is removed is gone at once", async () => {
    await swarm.docker.docker(["service", "rm", "web", "hosted", "meshed"]);
    await until("no entries", async () => {
      const all = await Promise.all(
        ["web", "hosted", "meshed"].flatMap((service) => [entries("tasks", service), entries("vip", service)]),
      );
      return all.flat().length === 0;
    });
    expect(tasks.log().filter(({ level }) => level === "error")).toEqual([]);
  });

  /** As containers have it on their labels. */
  async function nodeId(): Promise<string> {
    const [id = ""] = (
      await swarm.docker.docker([
        "ps",
        "--format",
        '{{.Label "com.docker.swarm.node.id"}}',
        "--filter",
        "label=com.docker.swarm.node.id",
      ])
    ).split("\n");
    return id;
  }
});
