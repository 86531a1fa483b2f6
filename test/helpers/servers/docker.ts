import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { waitFor } from "../wait.ts";
import { companionOf, requireProgram } from "./acquire.ts";
import { type Certificates, type ClientFiles, makeCertificates } from "./certificates.ts";
import { runCommand } from "./command.ts";
import { type ImageOptions, importArgs, makeRootfs } from "./docker-image.ts";
import { foreignEngine, isNamed, prepareNetwork } from "./docker-machine.ts";
import { makeFolder, removeFolder, sweepFolder, sweepLeftovers } from "./folders.ts";
import { type HttpAnswer, type HttpInit, http } from "./http.ts";
import { takeLock } from "./lock.ts";
import { reservePort } from "./ports.ts";
import { flags, ServerProcess } from "./process.ts";
import type { Server } from "./server.ts";

export interface DockerOptions {
  /** Also listens on 127.0.0.1, plain or with certificates on both sides. */
  readonly tcp?: "plain" | "tls";
  /** More command line arguments of dockerd. */
  readonly args?: readonly string[];
}

export interface Docker extends Server {
  /** For DOCKER_HOST: `unix://…`. */
  readonly host: string;
  readonly socketPath: string;
  /** `tcp://127.0.0.1:PORT`, when asked for. */
  readonly tcpHost: string | undefined;
  readonly tls: ClientFiles | undefined;
  /** Of the engine. */
  readonly version: string;
  /** The command line client. @returns stdout, trimmed. @throws when it exits other than 0 */
  docker(args: readonly string[]): Promise<string>;
  /** The engine's API, for example `http("/containers/json")`. */
  http(path: string, init?: HttpInit): Promise<HttpAnswer>;
  /** Makes an image of BusyBox. @returns its name */
  importImage(name: string, options?: ImageOptions): Promise<string>;
  /** `docker run -d …`, stopped by KILL. @returns the container's id */
  run(args: readonly string[]): Promise<string>;
  stopContainer(id: string): Promise<void>;
  killContainer(id: string): Promise<void>;
  removeContainer(id: string): Promise<void>;
  /** Where a published port can be reached: `127.0.0.1:32768`. */
  publishedPort(id: string, containerPort: number): Promise<string>;
}

const CLI_MS = 60_000;
const END_MS = 10_000;
const TURN_MS = 600_000;
/** After a crash it clears away what each container has left, which takes a busy machine more than a second for each. */
const READY_MS = 120_000;

/**
 * A real Docker engine with a data folder, bridge and containers of its own. Needs root.
 *
 * There is one at a time on a machine: two would share docker0 and iptables. Tests that start one wait for one another, so give it back
 * with `stop()` as soon as it is not needed, and never start two in one file.
 */
export async function startDocker(options: DockerOptions = {}): Promise<Docker> {
  const { path, version } = await requireProgram("docker");
  const cli = companionOf(path, "docker");
  if (cli === undefined) {
    throw new Error("there is a Docker engine here, but no docker command");
  }
  const lock = await takeLock("docker", { timeoutMs: TURN_MS, what: "the test that uses the Docker engine" });
  try {
    // Containers outlive a killed engine, so those of a killed test run may be left.
    await sweepLeftovers("docker");
    const stranger = foreignEngine();
    if (stranger !== undefined) {
      throw new Error(`another Docker engine runs on this machine (process ${stranger})`);
    }
    return await startEngine({ path, version, cli, options, release: lock.release });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

interface EngineInput {
  readonly path: string;
  readonly version: string;
  readonly cli: string;
  readonly options: DockerOptions;
  readonly release: () => Promise<void>;
}

async function startEngine({ path, version, cli, options, release }: EngineInput): Promise<Docker> {
  const folder = await makeFolder("docker");
  // Apart from the socket: clients that name the socket on their command line are not swept away with the containers.
  const engine = join(folder, "engine");
  const socketPath = join(folder, "docker.sock");
  const host = `unix://${socketPath}`;
  await mkdir(engine);
  await writeFile(join(engine, "daemon.json"), "{}");
  const certificates = options.tcp === "tls" ? await makeCertificates(join(folder, "tls")) : undefined;
  const tcpHost = options.tcp === undefined ? undefined : `tcp://127.0.0.1:${await reservePort()}`;
  const restoreNetwork = await prepareNetwork();

  async function api(path: string, init: HttpInit = {}): Promise<HttpAnswer> {
    return http(`http://docker${path}`, { ...init, socketPath });
  }
  async function docker(args: readonly string[]): Promise<string> {
    // The caller's own settings of the client must not lead it elsewhere.
    const env = {
      DOCKER_HOST: host,
      DOCKER_CONFIG: join(folder, "client"),
      DOCKER_CONTEXT: "",
      DOCKER_TLS_VERIFY: "",
      DOCKER_API_VERSION: "",
    };
    return (await runCommand([cli, ...args], { timeoutMs: CLI_MS, env })).stdout.trim();
  }

  const process = new ServerProcess({
    name: "dockerd",
    argv: () => [path, ...engineArgs({ engine, host, tcpHost, certificates }), ...(options.args ?? [])],
    logFile: join(folder, "dockerd.log"),
    isReady: async () => (await api("/_ping", { timeoutMs: 2000 })).text === "OK",
    readyMs: READY_MS,
  });
  async function start(): Promise<void> {
    // The kernel ends containerd with a killed engine, a moment later; the next engine would take the dying one for its own.
    await waitFor(() => !isNamed(join(engine, "exec/containerd/containerd.toml")), {
      timeoutMs: END_MS,
      what: "containerd to end",
    });
    for (const pidFile of ["dockerd.pid", "exec/containerd/containerd.pid"]) {
      await rm(join(engine, pidFile), { force: true });
    }
    await process.start();
  }
  async function removeEverything(): Promise<void> {
    if (!process.isRunning) {
      await start();
    }
    process.resume();
    if ((await docker(["info", "--format", "{{.Swarm.LocalNodeState}}"])) !== "inactive") {
      await docker(["swarm", "leave", "--force"]);
    }
    const containers = await docker(["ps", "-aq"]);
    if (containers !== "") {
      await docker(["rm", "-f", "-v", ...containers.split("\n")]);
    }
    await docker(["network", "prune", "-f"]);
  }
  let stopped: Promise<void> | undefined;
  async function stopOnce(): Promise<void> {
    try {
      await removeEverything().catch((error: unknown) => console.error(`docker is not taken down in order: ${String(error)}`));
      await process.stop();
      await sweepFolder(engine);
      await removeFolder(folder);
      await restoreNetwork();
    } finally {
      await release();
    }
  }
  function stop(): Promise<void> {
    stopped ??= stopOnce();
    return stopped;
  }

  let rootfs: Promise<string> | undefined;
  try {
    await start();
  } catch (error) {
    await sweepFolder(engine);
    await removeFolder(folder);
    await restoreNetwork();
    throw error;
  }
  return {
    get pid() {
      return process.pid;
    },
    folder,
    host,
    socketPath,
    tcpHost,
    tls: certificates?.client,
    version,
    stop,
    async restart() {
      await process.stop();
      await start();
    },
    kill: () => process.kill(),
    pause: () => process.pause(),
    resume: () => process.resume(),
    output: () => process.output(),
    docker,
    http: api,
    async importImage(name, image = {}) {
      rootfs ??= makeRootfs(folder);
      await docker(importArgs(await rootfs, name, image));
      return name;
    },
    run: (args) => docker(["run", "-d", "--stop-signal", "KILL", ...args]),
    async stopContainer(id) {
      await docker(["stop", id]);
    },
    async killContainer(id) {
      await docker(["kill", id]);
    },
    async removeContainer(id) {
      await docker(["rm", "-f", "-v", id]);
    },
    async publishedPort(id, containerPort) {
      const [first = ""] = (await docker(["port", id, String(containerPort)])).split("\n");
      return first.replace("0.0.0.0", "127.0.0.1");
    },
  };
}

interface ArgsInput {
  readonly engine: string;
  readonly host: string;
  readonly tcpHost: string | undefined;
  readonly certificates: Certificates | undefined;
}

function engineArgs({ engine, host, tcpHost, certificates }: ArgsInput): string[] {
  return [
    ...flags({
      // A file of its own: the machine's settings are for the machine's engine.
      "config-file": join(engine, "daemon.json"),
      "data-root": join(engine, "data"),
      "exec-root": join(engine, "exec"),
      pidfile: join(engine, "dockerd.pid"),
      "ip-forward": "false",
      host,
    }),
    ...(tcpHost === undefined ? [] : flags({ host: tcpHost })),
    ...(certificates === undefined
      ? []
      : flags({
          tlsverify: "true",
          tlscacert: certificates.ca,
          tlscert: certificates.server.cert,
          tlskey: certificates.server.key,
        })),
  ];
}
