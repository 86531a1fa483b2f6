/** The real command, built, as a person would run it. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { waitFor } from "./wait.ts";

export const FAIRLEAD = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end. */
export async function fairlead(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = spawnFairlead(args, options);
  child.stdin?.end(options.input ?? "");
  const output = collect(child);
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 60_000);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return { code, stdout: output.stdout(), stderr: output.stderr() };
}

export interface Running {
  readonly pid: number;
  /** The log so far, a JSON object a line. */
  log(): readonly LogLine[];
  stderr(): string;
  stdout(): string;
  /** Waits for a log line. */
  logged(message: string, fields?: Readonly<Record<string, unknown>>, timeoutMs?: number): Promise<LogLine>;
  /** SIGTERM, and how it ended. */
  stop(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly ms: number }>;
  kill(): Promise<void>;
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) {
    child.kill("SIGKILL");
  }
});

/** Starts `fairlead run` (or another command that goes on). */
export function startFairlead(args: readonly string[], options: RunOptions = {}): Running {
  const child = spawnFairlead(args, options);
  running.add(child);
  const output = collect(child);
  const ended = new Promise<number | null>((resolve) => {
    child.once("close", (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  const log = (): readonly LogLine[] =>
    output
      .stderr()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as LogLine);
  return {
    pid: child.pid ?? 0,
    log,
    stderr: output.stderr,
    stdout: output.stdout,
    logged: async (message, fields = {}, timeoutMs = 15_000) =>
      await waitFor(
        () => log().find((line) => line.msg === message && Object.entries(fields).every(([name, value]) => line[name] === value)),
        { timeoutMs, what: `the log line ${JSON.stringify(message)} in\n${output.stderr()}` },
      ),
    stop: async (signal = "SIGTERM") => {
      const startedAt = performance.now();
      child.kill(signal);
      return { code: await ended, ms: performance.now() - startedAt };
    },
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function spawnFairlead(args: readonly string[], options: RunOptions): ChildProcess {
  const { FAIRLEAD_CONFIG: _, NODE_EXTRA_CA_CERTS: __, ...env } = process.env;
  return spawn(process.execPath, [FAIRLEAD, ...args], { cwd: options.cwd, env: { ...env, ...options.env }, stdio: "pipe" });
}

function collect(child: ChildProcess): { stdout(): string; stderr(): string } {
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout?.on("data", (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => chunks.stderr.push(chunk));
  return { stdout: () => Buffer.concat(chunks.stdout).toString(), stderr: () => Buffer.concat(chunks.stderr).toString() };
}
