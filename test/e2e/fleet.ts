/** The whole story on real servers, once for each kind of registry: containers start, nginx serves exactly those. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { fairlead, type Running, startFairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { type Docker, http, type Nginx, reservePort, startDocker, startNginx } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import type { Store } from "./stores.ts";

/** The time that nginx may take to serve the right set. */
const STEP_MS = 3000 * PATIENCE;

const IMAGE = "fleet:test";
const TEMPLATE = fileURLToPath(new URL("fleet.conf.hbs", import.meta.url));

export interface Fleet {
  readonly docker: Docker;
  readonly nginx: Nginx;
  readonly folder: string;
  readonly destination: string;
  readonly configFile: string;
  readonly store: Store;
  start(): Running;
  /** Starts a container that answers with its name, on a port of the engine's choice; it comes back with the engine. */
  up(name: string): Promise<string>;
  /** The names that answer through nginx, asked often enough to see each. */
  answering(): Promise<readonly string[]>;
  /** Waits until exactly these answer, and returns how long it took. */
  untilServed(names: readonly string[]): Promise<number>;
  /** What `fairlead services --json` and `docker ps` say, as `name:port`. */
  registered(): Promise<readonly string[]>;
  running(): Promise<readonly string[]>;
  /** Every content that the file has had since the start; each must have been valid. */
  contents(): ReadonlySet<string>;
  stop(): Promise<void>;
}

export async function createFleet(makeStore: (folder: string) => Promise<Store>): Promise<Fleet> {
  const folder = await mkdtemp(join(tmpdir(), "fairlead-fleet-"));
  const store = await makeStore(folder);
  const docker = await startDocker();
  await docker.importImage(IMAGE, { expose: [8080] });
  const nginx = await startNginx();
  const port = await reservePort();
  const destination = join(nginx.confFolder, "fleet.conf");
  const configFile = join(folder, "fairlead.yaml");
  await writeFile(
    configFile,
    stringify({
      node: "e2e",
      stateDir: "state",
      registry: store.registry,
      register: { ttl: "10s", resync: "5s", sources: { docker: { host: docker.host, address: "127.0.0.1" } } },
      render: {
        env: ["FLEET_PORT"],
        targets: {
          nginx: {
            files: [{ template: TEMPLATE, dest: destination }],
            check: [...nginx.argv, "-t"],
            reload: { signal: "HUP", pidFile: nginx.pidFile },
            verify: { url: `http://127.0.0.1:${port}/-/generation`, timeout: "5s" },
          },
        },
      },
    }),
  );
  const env = { ...store.env, FLEET_PORT: String(port) };
  const watcher = watchContents(destination);
  let runs: Running[] = [];

  async function answering(): Promise<readonly string[]> {
    const names = new Set<string>();
    for (let i = 0; i < 12; i++) {
      const answer = await http(`http://127.0.0.1:${port}/`, { timeoutMs: 1000 }).catch(() => undefined);
      names.add(answer === undefined ? "nobody" : answer.status === 200 ? answer.text.trim() : `status ${answer.status}`);
    }
    return [...names].sort();
  }

  return {
    docker,
    nginx,
    folder,
    destination,
    configFile,
    store,
    start() {
      const run = startFairlead(["run", "-c", configFile], { env });
      runs.push(run);
      return run;
    },
    up: (name) => {
      const script = `echo ${name} > /www/index.html; exec httpd -f -p 8080 -h /www`;
      return docker.run([
        "--name",
        name,
        "-p",
        "0:8080",
        "--restart",
        "always",
        "-e",
        "SERVICE_NAME=web",
        IMAGE,
        "sh",
        "-c",
        script,
      ]);
    },
    answering,
    async untilServed(names) {
      const startedAt = performance.now();
      const wanted = [...names].sort().join();
      let last: readonly string[] = [];
      await waitFor(
        async () => {
          last = await answering();
          return last.join() === wanted;
        },
        { timeoutMs: STEP_MS, what: `nginx to serve exactly ${wanted}` },
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}; it serves ${last.join()}\n${runs.at(-1)?.stderr() ?? ""}`);
      });
      return performance.now() - startedAt;
    },
    async registered() {
      const { stdout, stderr } = await fairlead(["services", "web", "--json", "-c", configFile], { env });
      const services = JSON.parse(stdout || `"${stderr}"`) as readonly {
        readonly instances: readonly { readonly id: string; readonly port: number }[];
      }[];
      return services.flatMap(({ instances }) => instances.map(({ id, port: at }) => `${id.split(":")[1]}:${at}`)).sort();
    },
    async running() {
      const lines = await docker.docker(["ps", "--format", "{{.Names}} {{.Ports}}"]);
      return lines
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => `${line.split(" ")[0]}:${/:(\d+)->8080/.exec(line)?.[1]}`)
        .sort();
    },
    contents: watcher.contents,
    async stop() {
      await watcher.stop();
      await Promise.all(runs.map((run) => run.kill()));
      runs = [];
      await nginx.stop();
      await docker.stop();
      await store.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Reads a file as often as it can, as a program might at any moment. */
function watchContents(file: string): { contents(): ReadonlySet<string>; stop(): Promise<void> } {
  const seen = new Set<string>();
  let isOver = false;
  const ended = (async () => {
    while (!isOver) {
      const text = await readFile(file, "utf8").catch(() => undefined);
      if (text !== undefined) {
        seen.add(text);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    contents: () => seen,
    stop: async () => {
      isOver = true;
      await ended;
    },
  };
}
