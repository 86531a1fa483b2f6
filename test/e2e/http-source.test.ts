/** The example of Marathon's tasks, with the real command: tasks come and go, the server goes and comes. */
import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fairlead, type Running, startFairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { waitFor } from "../helpers/wait.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TIMEOUT_MS = 10_000 * PATIENCE;

interface Task {
  readonly id: string;
  state?: string;
  healthCheckResults?: { alive: boolean; lastSuccess?: string }[];
}

let folder: string;
let server: Server;
let tasks: Task[];
/** What it says instead of its tasks. */
let broken: string | undefined;
let statuses: number[];
let env: Record<string, string>;
const running: Running[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-marathon-"));
  await cp(join(ROOT, "examples/marathon"), join(folder, "examples/marathon"), { recursive: true });
  await cp(join(ROOT, "templates"), join(folder, "templates"), { recursive: true });
  const file = join(folder, "examples/marathon/fairlead.yaml");
  await writeFile(file, (await readFile(file, "utf8")).replace("interval: 2s", "interval: 200ms"));
  ({ tasks } = JSON.parse(await readFile(join(ROOT, "test/fixtures/http/marathon-tasks.json"), "utf8")) as { tasks: Task[] });
  broken = undefined;
  statuses = [];
  server = createServer((request, response) => {
    const body = broken ?? JSON.stringify({ tasks });
    const etag = `"${createHash("sha256").update(body).digest("hex")}"`;
    const isKnown = request.headers["if-none-match"] === etag;
    statuses.push(isKnown ? 304 : 200);
    response.writeHead(isKnown ? 304 : 200, { etag }).end(isKnown ? undefined : body);
  });
  await listen(0);
  env = { MARATHON_URL: `http://127.0.0.1:${portOf()}` };
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.kill()));
  await close();
  await rm(folder, { recursive: true, force: true });
});

const cwd = (): string => join(folder, "examples/marathon");
const portOf = (): number => (server.address() as AddressInfo).port;

async function listen(port: number): Promise<void> {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
}

async function close(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

function start(...args: readonly string[]): Running {
  const one = startFairlead(["run", ...args], { cwd: cwd(), env });
  running.push(one);
  return one;
}

async function registered(): Promise<readonly string[]> {
  const services = await readdir(join(cwd(), "registry/services")).catch(() => []);
  const files = await Promise.all(
    services.map(async (service) =>
      (await readdir(join(cwd(), "registry/services", service))).map((name) => `${service}/${name}`),
    ),
  );
  return files
    .flat()
    .filter((name) => name.endsWith(".json"))
    .sort();
}

function entryOf(id: string): string {
  return `${id.startsWith("prod_web") ? "prod-web" : "prod-api-search"}/${id}.json`;
}

async function holds(ids: readonly string[]): Promise<void> {
  const wanted = JSON.stringify(ids.map(entryOf).sort());
  await waitFor(async () => JSON.stringify(await registered()) === wanted, { timeoutMs: TIMEOUT_MS, what: `exactly ${wanted}` });
}

const [WEB_1, WEB_2, API, STAGING] = [
  "prod_web.4f1a1c52-6d1e-11e7-9d3c-70b3d5800001",
  "prod_web.51b0c7c4-6d1e-11e7-9d3c-70b3d5800001",
  "prod_api_search.9d0e4f66-6d20-11e7-9d3c-70b3d5800001",
  "prod_api_search.a2f3c2a8-6d20-11e7-9d3c-70b3d5800001",
];

function task(id: string): Task {
  const found = tasks.find((one) => one.id === id);
  if (found === undefined) {
    throw new Error(`there is no task ${id}`);
  }
  return found;
}

/** Everything that a needless write would change. */
async function stamps(): Promise<unknown> {
  return await Promise.all(
    (await registered()).map(async (name) => {
      const { ino, mtimeMs } = await stat(join(cwd(), "registry/services", name));
      return [name, ino, mtimeMs];
    }),
  );
}

async function polls(count: number, status?: number): Promise<void> {
  const seen = statuses.length;
  await waitFor(() => statuses.slice(seen).filter((one) => status === undefined || one === status).length >= count, {
    timeoutMs: TIMEOUT_MS,
    what: `${count} polls`,
  });
}

it("G4 tasks of a scheduler are registered, follow it, and stay while it says nothing that makes sense", async () => {
  const daemon = start();
  await holds([WEB_1, WEB_2, API]);

  const before = await stamps();
  await polls(4, 304);
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  task(API).healthCheckResults = []; // the same
  for (const check of task(WEB_1).healthCheckResults ?? []) {
    check.lastSuccess = "2017-07-20T09:31:00.000Z"; // other bytes, nothing that counts
  }
  await polls(2, 304);
  expect(await stamps()).toEqual(before);

  task(STAGING).state = "TASK_RUNNING";
  await holds([WEB_1, WEB_2, API, STAGING]);
  tasks = tasks.filter(({ id }) => id !== WEB_1);
  await holds([WEB_2, API, STAGING]);
  const upstreams = (): Promise<string> => readFile(join(cwd(), "out/upstreams.conf"), "utf8").catch(() => "");
  await waitFor(async () => (await upstreams()).includes("10.0.0.7:31201"), {
    timeoutMs: TIMEOUT_MS,
    what: "the new task in the file",
  });
  await waitFor(async () => !(await upstreams()).includes("10.0.0.5"), {
    timeoutMs: TIMEOUT_MS,
    what: "the old task out of the file",
  });
  task(WEB_2).healthCheckResults = [{ alive: true }];
  await waitFor(async () => (await upstreams()).includes("10.0.0.6:31480"), {
    timeoutMs: TIMEOUT_MS,
    what: "the healed task in the file",
  });

  const good = await stamps();
  for (const text of ['{"tasks": [', '{"tasks": {}}', "{}", "<html>"]) {
    broken = text;
    await polls(2);
  }
  const port = portOf();
  await close();
  await daemon.logged("http source cannot be read; what it said last stays", {
    error: `cannot read the list at http://127.0.0.1:${port}/v2/tasks: connection refused`,
  });
  expect(await stamps()).toEqual(good);
  broken = undefined;
  tasks = tasks.filter(({ id }) => id !== API);
  await listen(port);
  await holds([WEB_2, STAGING]);
  await daemon.logged("http source answers again");
  expect((await daemon.stop()).code).toBe(0);
});

it("G8 two that poll one list write it once, and the second takes over when the first is gone", async () => {
  const config = await readFile(join(cwd(), "fairlead.yaml"), "utf8");
  const fast = config.replace("register:", "register:\n  ttl: 5s\n  resync: 1s");
  await writeFile(join(cwd(), "fairlead.yaml"), fast.replace(/render:[\s\S]*/, ""));
  await writeFile(join(cwd(), "second.yaml"), fast.replace(/render:[\s\S]*/, "").replace("marathon-feed", "second"));
  const first = start();
  await holds([WEB_1, WEB_2, API]);
  const second = start("-c", "second.yaml");
  await second.logged("entry is held by another owner and left alone", { id: WEB_1, holder: "marathon-feed" });
  const owner = async (): Promise<string> => {
    const text = await readFile(join(cwd(), "registry/services", entryOf(WEB_1)), "utf8");
    return (JSON.parse(text) as { owner: string }).owner;
  };
  expect(await owner()).toBe("marathon-feed");
  await first.kill();
  await waitFor(async () => (await owner()) === "second", { timeoutMs: TIMEOUT_MS, what: "the second to hold it" });
  await holds([WEB_1, WEB_2, API]);
});

it("inspect http shows each item, and check --probe and a wrong pointer say what is wrong", async () => {
  const { stdout, code } = await fairlead(["inspect", "http", "--json"], { cwd: cwd(), env });
  expect(code).toBe(0);
  const [source] = (JSON.parse(stdout) as { sources: { items: number; instances: { id: string }[]; skipped: object[] }[] })
    .sources;
  expect(source?.items).toBe(5);
  expect(source?.instances.map(({ id }) => id)).toEqual([API, WEB_1, WEB_2]);
  expect(source?.skipped).toEqual([
    { place: "/tasks/3", id: STAGING, reason: "/state is not what `where` asks for" },
    { place: "/tasks/4", id: "batch_nightly.c7754a0a-6d20-11e7-9d3c-70b3d5800001", reason: "port: there is nothing at /ports/0" },
  ]);
  const table = await fairlead(["inspect", "http"], { cwd: cwd(), env });
  expect(table.stdout).toContain(`http://127.0.0.1:${portOf()}/v2/tasks: 5 items, 3 instances, 2 left out`);

  const two = (await readFile(join(cwd(), "fairlead.yaml"), "utf8")).replace(/http:\n([\s\S]*)\nrender/, (_, one: string) => {
    const item = one.replace(/^ {6}/gm, "        ").replace(/^ {8}/, "      - ");
    return `http:\n${item.replace("v2/tasks", "none")}\n${item}\nrender`;
  });
  await writeFile(join(cwd(), "two.yaml"), two.replace("MARATHON_URL:-", "NONE:-").replace("8090", "1"));
  const both = await fairlead(["inspect", "http", "-c", "two.yaml"], { cwd: cwd(), env });
  expect(both.code).toBe(4);
  expect(both.stdout).toContain("5 items, 3 instances, 2 left out");
  expect(both.stderr).toContain("SOURCE_UNAVAILABLE cannot read the list at http://127.0.0.1:1/none: ");

  broken = "[]";
  const probe = await fairlead(["check", "--probe"], { cwd: cwd(), env });
  expect(probe.code).toBe(4);
  expect(probe.stdout).toContain('there is nothing at path "/tasks"');

  const config = await readFile(join(cwd(), "fairlead.yaml"), "utf8");
  await writeFile(
    join(cwd(), "fairlead.yaml"),
    config.replace("port: /ports/0", "port: /ports~0/~").replace("/tasks\n", "tasks\n"),
  );
  const checked = await fairlead(["check"], { cwd: cwd(), env });
  expect(checked.code).toBe(2);
  expect(checked.stdout).toMatch(/"register.sources.http.path" is no JSON pointer; write \/name/);
  expect(checked.stdout).toMatch(/"register.sources.http.map.port" is no JSON pointer/);
});
