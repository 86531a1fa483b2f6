import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "../wait.ts";

export interface ServerProcessOptions {
  /** For messages. */
  readonly name: string;
  /** Must name the server's folder (see `folders.ts`), or nothing ends the server when the test process dies. */
  readonly argv: () => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Everything the server says, of all its starts. */
  readonly logFile: string;
  /** One attempt to see whether it serves; an exception means not yet. */
  readonly isReady: () => Promise<boolean>;
  readonly readyMs?: number;
  /** Between TERM and KILL. */
  readonly stopMs?: number;
}

const READY_MS = 30_000;
const STOP_ALL_MS = 2000;
const STOP_MS = 15_000;
const END_MS = 10_000;
const TAIL_CHARS = 3000;

/** A server as a child process in a group of its own. One process at a time; it may be started again after it has ended. */
/** Whether every thread of a process is stopped; true where the system does not tell. */
function hasStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
      return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
    });
  } catch {
    return true; // a thread that has ended meanwhile, or no /proc
  }
}

export class ServerProcess {
  readonly #options: ServerProcessOptions;
  #child: ChildProcess | undefined;

  constructor(options: ServerProcessOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.isRunning ? this.#child?.pid : undefined;
  }

  /** Also while it is paused. */
  get isRunning(): boolean {
    return this.#child?.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Resolves when the server is ready.
   *
   * @throws when it ends before that or is not ready in time; it has been killed then, and the message holds the tail of its output
   */
  async start(): Promise<void> {
    const { name, argv, env, cwd, logFile, isReady, readyMs = READY_MS } = this.#options;
    if (this.isRunning) {
      throw new Error(`${name} is already running (process ${this.pid})`);
    }
    const [command = "", ...args] = argv();
    const log = openSync(logFile, "a");
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, detached: true, stdio: ["ignore", log, log] });
    closeSync(log);
    child.unref();
    this.#child = child;
    try {
      await once(child, "spawn");
      const ready = await waitFor(
        async () => {
          if (!this.isRunning) {
            return "ended" as const;
          }
          return (await isReady()) && ("ready" as const);
        },
        { timeoutMs: readyMs, what: `${name} to be ready` },
      );
      // An answer may have come from a stranger on the same port.
      if (ready === "ended" || !this.isRunning) {
        throw new Error(`${name} ended before it was ready: ${child.signalCode ?? `exit code ${child.exitCode}`}`);
      }
    } catch (error) {
      await this.kill();
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${reason}\n${this.output().slice(-TAIL_CHARS)}`, { cause: error });
    }
  }

  /** TERM, then KILL to the whole group when it takes too long. Resolves when the process has ended; does nothing when it is not running. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) {
      return;
    }
    const ended = once(child, "exit");
    this.resume();
    signal(child.pid, "SIGTERM");
    const deadline = new AbortController();
    const late = sleep(this.#options.stopMs ?? STOP_MS, undefined, { signal: deadline.signal }).catch(() => undefined);
    await Promise.race([ended, late]);
    deadline.abort();
    await this.kill();
  }

  /** KILL to the whole group, as a crash. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) {
      return;
    }
    const { pid } = child;
    signalGroup(pid, "SIGKILL");
    // Workers may outlive their parent by a moment, and hold its port.
    await waitFor(() => !this.isRunning && !groupLives(pid), {
      timeoutMs: END_MS,
      what: `${this.#options.name} (process ${pid}) to end`,
    });
    this.#child = undefined;
  }

  /** The server keeps its connections and its port, and answers nothing. Returns when the last of its threads has stopped. */
  pause(): void {
    const pid = this.#child?.pid;
    if (pid !== undefined && this.isRunning) {
      signalGroup(pid, "SIGSTOP");
      const deadline = performance.now() + STOP_ALL_MS;
      while (!hasStopped(pid) && performance.now() < deadline) {
        // The kernel delivers the signal to one thread after the other, on a busy machine not at once.
      }
    }
  }

  resume(): void {
    if (this.#child?.pid !== undefined && this.isRunning) {
      signalGroup(this.#child.pid, "SIGCONT");
    }
  }

  /** To the process itself, not to its workers. Does nothing when it is not running. */
  signal(name: NodeJS.Signals): void {
    if (this.isRunning) {
      signal(this.#child?.pid, name);
    }
  }

  /** What the server has said so far. */
  output(): string {
    return existsSync(this.#options.logFile) ? readFileSync(this.#options.logFile, "utf8") : "";
  }
}

/** `--name=value` for each. */
export function flags(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  signal(-pid, name);
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid !== undefined) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended by itself.
    }
  }
}

/** Zombies do not count: an orphan stays one for ever where the first process of a container reaps nothing. */
function groupLives(group: number): boolean {
  return readdirSync("/proc").some((name) => {
    if (!/^\d+$/.test(name)) {
      return false;
    }
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [state, , pgrp] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(pgrp) === group && state !== "Z";
    } catch {
      // It has ended since the listing.
      return false;
    }
  });
}
