/** Everything that a fault run needs around it: etcd behind a proxy, nginx, small disks, and fairlead between them. */
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { fairlead, type Running, startFairlead } from "../helpers/fairlead.ts";
import {
  type Etcd,
  type FaultProxy,
  makeFolder,
  type Nginx,
  nginxMain,
  removeFolder,
  reservePort,
  reservePorts,
  startEtcd,
  startNginx,
  startProxy,
} from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { type Contents, createContents } from "./contents.ts";
import type { FileName, History } from "./history.ts";
import { createHooks, type Hooks } from "./hooks.ts";
import { createJudge, type Judge } from "./judge.ts";
import { type Observer, observe } from "./observe.ts";
import type { Dice } from "./random.ts";
import { expectedHashes, TEMPLATES } from "./state.ts";
import { createWriter, type Writer } from "./writer.ts";

const BACKENDS = 6;
/** Held for good while the registry is empty; this long where something has come back. */
const HOLD = "2s";
const DISK = "size=512k,mode=0755";

export interface WorldOptions {
  readonly history: History;
  /** For the data. */
  readonly dice: Dice;
  readonly etcdVersion: "3.4" | "3.6";
  /** Whether the target is guarded against an empty registry. */
  readonly guard: boolean;
  /** `network`: the check tells what it judged. `full`: as people have it, so nobody hears of it. */
  readonly sandbox: Sandbox;
}

export type Sandbox = "network" | "full";

export interface World {
  readonly history: History;
  readonly contents: Contents;
  readonly judge: Judge;
  /** Whether the check really runs in that sandbox, so that files are never in place before it has passed. */
  readonly isSandboxed: boolean;
  readonly etcd: Etcd;
  readonly nginx: Nginx;
  readonly proxy: FaultProxy;
  readonly hooks: Hooks;
  readonly writer: Writer;
  readonly observer: Observer;
  readonly files: Readonly<Record<FileName, string>>;
  readonly stateDir: string;
  /** The folders of the destinations and of the state, each a small disk of its own; undefined: that needs root. */
  readonly disks: { readonly dest: string; readonly state: string } | undefined;
  readonly fairlead: { readonly pid: number; readonly isRunning: boolean };
  /** `kill -9` now, if it runs. */
  kill(): Promise<void>;
  /** Starts it when it does not run. */
  ensureRunning(): Promise<void>;
  /** Writes what fairlead has logged since the last time into the history. */
  takeLog(): void;
  lastLog(): string;
  /** SIGTERM. @returns the exit code */
  end(): Promise<number | null>;
  stop(): Promise<void>;
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const { history, dice, guard, sandbox } = options;
  const undo: (() => Promise<unknown> | void)[] = [];
  async function stop(): Promise<void> {
    for (const step of undo.splice(0).reverse()) {
      await step();
    }
  }
  try {
    const folder = await makeFolder("faults");
    undo.push(() => removeFolder(folder));
    const etcd = await startEtcd({ version: options.etcdVersion });
    undo.push(() => etcd.stop());
    const proxy = await startProxy({ port: etcd.port });
    undo.push(() => proxy.stop());
    const backends = await reservePorts(BACKENDS);
    const nginx = await startNginx({ conf: (paths) => withBackends(nginxMain(paths), backends) });
    undo.push(() => nginx.stop());
    const stateDisk = join(folder, "disk");
    await mkdir(stateDisk);
    const disks = mountDisks([nginx.confFolder, stateDisk], undo) ? { dest: nginx.confFolder, state: stateDisk } : undefined;
    const sitePort = await reservePort();
    const files = { upstreams: join(nginx.confFolder, "a-upstreams.conf"), site: join(nginx.confFolder, "b-site.conf") };
    const contents = createContents(join(dirname(history.file), "contents"));
    const hooks = await createHooks({ folder, history, contents, nginx, files, hasNetwork: sandbox === "network" });
    undo.push(() => hooks.stop());
    const judge = await createJudge({ folder: join(folder, "judge"), nginx, contents, sitePort });
    const stateDir = join(stateDisk, "state");
    const configFile = await writeConfig({ folder, proxy, files, hooks, sitePort, stateDir, guard, sandbox });
    const env = { FAULTS_PORT: String(sitePort) };
    const isSandboxed = (await findLevel(configFile, env)) === sandbox;
    const writer = createWriter({ etcd, history, ports: backends, sitePort, dice, guard });
    const observer = observe({ history, contents, files, sitePort });
    undo.push(() => observer.stop());
    const program = createProgram(history, () => startFairlead(["run", "-c", configFile], { env }));
    undo.push(() => program.kill());
    const around = { etcd, nginx, proxy, hooks, writer, observer, judge };
    return { history, contents, ...around, isSandboxed, files, stateDir, disks, ...program, fairlead: program, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** fairlead as a process that dies and is started again. */
function createProgram(history: History, start: () => Running) {
  let running: Running | undefined;
  let logged = 0;
  let kept = 0;

  const program = {
    get pid() {
      return running?.pid ?? 0;
    },
    get isRunning() {
      return running !== undefined && isAlive(running.pid);
    },
    async kill(): Promise<void> {
      if (program.isRunning) {
        history.add({ kind: "death", pid: program.pid, asked: true });
      }
      await running?.kill();
    },
    async ensureRunning(): Promise<void> {
      if (!program.isRunning) {
        await running?.kill(); // its last words have arrived
        program.takeLog();
        running = start();
        logged = 0;
        kept = 0;
        history.add({ kind: "start", pid: running.pid });
      }
    },
    takeLog(): void {
      const lines = running?.log() ?? [];
      for (const line of lines.slice(logged)) {
        if (line.msg === "target is live") {
          history.add({ kind: "live", generation: String(line["generation"]) }, Date.parse(String(line["time"])));
        }
      }
      logged = lines.length;
      const text = running?.stderr() ?? "";
      appendFileSync(join(dirname(history.file), "fairlead.log"), text.slice(kept));
      kept = text.length;
    },
    lastLog: () => running?.stderr().split("\n").slice(-9).join("\n") ?? "",
    async end(): Promise<number | null> {
      return (await running?.stop())?.code ?? null;
    },
  };
  return program;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // nobody has that number
  }
}

interface ConfigOptions {
  readonly folder: string;
  readonly proxy: FaultProxy;
  readonly files: Readonly<Record<FileName, string>>;
  readonly hooks: Hooks;
  readonly sitePort: number;
  readonly stateDir: string;
  readonly guard: boolean;
  readonly sandbox: Sandbox;
}

async function writeConfig({ folder, proxy, files, hooks, sitePort, stateDir, guard, sandbox }: ConfigOptions): Promise<string> {
  for (const [name, text] of Object.entries(TEMPLATES)) {
    await writeFile(join(folder, `${name}.hbs`), text);
  }
  const file = join(folder, "fairlead.yaml");
  await writeFile(
    file,
    stringify({
      node: "faults",
      stateDir,
      registry: `etcd://${proxy.host}:${proxy.port}`,
      render: {
        // Faults are to meet many installations, not one that gathers everything.
        settle: { quiet: "10ms", max: "300ms" },
        env: ["FAULTS_PORT"],
        targets: {
          nginx: {
            files: Object.entries(files).map(([name, dest]) => ({ template: `${name}.hbs`, dest, format: "nginx" })),
            check: { exec: hooks.check, timeout: "2s", sandbox },
            reload: { exec: hooks.reload, timeout: "1s", minInterval: "0ms" },
            verify: { url: `http://127.0.0.1:${sitePort}/-/generation`, timeout: "3s" },
            guard: guard ? { hold: HOLD } : "off",
          },
        },
      },
    }),
  );
  return file;
}

/** What a check runs in here. */
async function findLevel(configFile: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await fairlead(["check", "-c", configFile, "--json"], { env });
  return /"level":\s*"(\w+)"/.exec(stdout)?.[1] ?? "";
}

function withBackends(main: string, ports: readonly number[]): string {
  const servers = ports.map((port) => `  server { listen 127.0.0.1:${port}; location / { return 200 "backend ${port}\\n"; } }`);
  return main.replace("  access_log off;", ["  access_log off;", ...servers].join("\n"));
}

/** False: that is not allowed here. */
function mountDisks(folders: readonly string[], undo: (() => void)[]): boolean {
  for (const folder of folders) {
    if (process.getuid?.() !== 0 || spawnSync("mount", ["-t", "tmpfs", "-o", DISK, "tmpfs", folder]).status !== 0) {
      return false;
    }
    undo.push(() => void spawnSync("umount", ["--lazy", folder]));
  }
  return true;
}

/** Returns when the newest data is live, or when the time is over: the checker says which. */
export async function untilLive({ observer, writer }: World, timeoutMs: number): Promise<void> {
  const isLive = (): boolean => {
    const expected = expectedHashes(writer.state, writer.sitePort);
    const served = observer.served();
    return (
      observer.seen("upstreams")?.plain === expected.upstreams &&
      observer.seen("site")?.plain === expected.site &&
      observer.seen("site")?.generation === served?.generation &&
      served?.serial === writer.state.serial
    );
  };
  await waitFor(isLive, { timeoutMs, what: "the newest data to be live", intervalMs: 5 }).catch(() => undefined);
}

/** For a fault that ends with the process. */
export async function untilDead(world: World, timeoutMs: number): Promise<boolean> {
  return await waitFor(() => !world.fairlead.isRunning, { timeoutMs, what: "the process to be killed", intervalMs: 5 }).then(
    () => true,
    () => false,
  );
}

/** Removes a folder with all that is in it; whoever writes into it meanwhile is no reason to stop. */
export async function removeTree(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 5 });
}
