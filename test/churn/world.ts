/** Everything that a churn run needs: an engine, a registry, fairlead between them, and two others who write into the same registry. */
import { appendFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Running, startFairlead } from "../helpers/fairlead.ts";
import { makeFolder, removeFolder } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { type Engine, openEngine } from "./engine.ts";
import type { Mode, Setting } from "./expected.ts";
import { RESERVED, RESERVED_SERVICE } from "./operations.ts";
import { openStore, type Store, type StoreName } from "./stores.ts";

/** What fairlead takes when nobody says anything else. */
export const TTL_MS = 15_000;
/** So seldom that it makes up for nothing: whatever gets lost is to be found by other means. */
const RESYNC = "10m";
const OTHER = "other";
const START_MS = 60_000;
/** Of the second owner: static services, two of them in services that containers make too. */
const STATIC = {
  services: {
    web: [{ address: "10.1.0.1", port: 80 }],
    "plain-8080": [{ address: "10.1.0.2", port: 8080 }],
    ledger: [
      { address: "10.1.0.3", port: 5432, tags: ["primary"], weight: 2 },
      { address: "10.1.0.4", port: 5432 },
    ],
  },
};

export interface World {
  readonly engine: Engine;
  readonly store: Store;
  readonly setting: Setting;
  readonly program: Program;
  /** Where the logs of both fairleads are. */
  readonly logFile: string;
  stop(): Promise<void>;
}

/** fairlead as a process that is killed, frozen and started again. */
export interface Program {
  start(): void;
  kill(): Promise<void>;
  /** SIGTERM. */
  end(): Promise<number | null>;
  freeze(): void;
  thaw(): void;
  /** False: it has ended by itself. */
  isAlive(): boolean;
  lastLog(): string;
}

export interface WorldOptions {
  readonly store: StoreName;
  readonly mode: Mode;
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const undo: (() => Promise<unknown>)[] = [];
  async function stop(): Promise<void> {
    for (const step of undo.splice(0).reverse()) {
      await step();
    }
  }
  try {
    const folder = await makeFolder("churn");
    undo.push(() => removeFolder(folder));
    const store = await openStore(options.store, folder);
    undo.push(() => store.stop());
    const engine = await openEngine();
    undo.push(() => engine.docker.stop());
    const setting: Setting = { node: "churn", address: "10.20.30.40", mode: options.mode };
    await writeByHand(store, setting);
    const logFile = join(folder, "fairlead.log");
    const other = createProgram(logFile, await writeOther(folder, store));
    undo.push(() => other.kill());
    other.start();
    const program = createProgram(logFile, await writeConfig(folder, store, engine, setting));
    undo.push(() => program.kill());
    program.start();
    await waitFor(async () => (await store.read()).filter(({ owner }) => owner === OTHER).length === 4, {
      timeoutMs: START_MS,
      what: "the second owner's entries",
    });
    return { engine, store, setting, program, logFile, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** One of them stands where a container's entry would. */
async function writeByHand(store: Store, { node }: Setting): Promise<void> {
  await store.writeByHand({ service: "web", id: "by-hand", address: "10.2.0.1", port: 80 });
  await store.writeByHand({ service: "vault", id: "vault-1", address: "10.2.0.2", port: 8200 });
  await store.writeByHand({ service: RESERVED_SERVICE, id: `${node}:${RESERVED}:8080`, address: "10.2.0.3", port: 80 });
}

/** Its lease outlives every outage of the run, so that nothing but a mistake can touch its entries. */
async function writeOther(folder: string, store: Store): Promise<string> {
  await writeFile(join(folder, "services.yaml"), stringify(STATIC));
  const file = join(folder, "other.yaml");
  const register = { ttl: "3m", sources: { static: { file: "services.yaml" } } };
  await writeFile(file, stringify({ node: OTHER, stateDir: "other", registry: store.registry, register }));
  return file;
}

async function writeConfig(folder: string, store: Store, engine: Engine, setting: Setting): Promise<string> {
  const file = join(folder, "fairlead.yaml");
  const { node, address, mode } = setting;
  const docker = { host: engine.docker.host, address, mode };
  const register = { ttl: `${TTL_MS}ms`, resync: RESYNC, sources: { docker } };
  await writeFile(file, stringify({ node, stateDir: "state", registry: store.registry, register }));
  return file;
}

function createProgram(logFile: string, configFile: string): Program {
  let running: Running | undefined;
  let log = "";

  function keepLog(): void {
    const text = running?.stderr() ?? "";
    log += text;
    appendFileSync(logFile, text);
  }

  return {
    start() {
      running = startFairlead(["run", "-c", configFile]);
    },
    async kill() {
      await running?.kill();
      keepLog();
      running = undefined;
    },
    async end() {
      const ended = await running?.stop();
      keepLog();
      running = undefined;
      return ended?.code ?? null;
    },
    freeze() {
      signal(running?.pid, "SIGSTOP");
    },
    thaw() {
      signal(running?.pid, "SIGCONT");
    },
    isAlive: () => signal(running?.pid, 0),
    lastLog: () => (log + (running?.stderr() ?? "")).split("\n").slice(-25).join("\n"),
  };
}

function signal(pid: number | undefined, name: NodeJS.Signals | 0): boolean {
  try {
    return pid !== undefined && process.kill(pid, name);
  } catch {
    return false; // it has ended
  }
}
