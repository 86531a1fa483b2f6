import { type ChildProcess, spawn } from "node:child_process";
import { monotonicMs } from "./time.ts";

/** Output beyond this is dropped from the middle. */
const OUTPUT_LIMIT_BYTES = 64 * 1024;
/** Between the polite signal to the group and the final one. */
const GRACE_MS = 2000;
/** How long output is still collected after the command itself has ended: a daemonised grandchild may hold the pipe for ever. */
const DRAIN_MS = 200;

export interface ExecOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The whole environment of the command; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Between TERM and KILL when its time is over or `signal` aborts. */
  readonly graceMs?: number;
}

export type ExecResult = {
  /** stdout and stderr as they came, at most 64 KiB, control characters replaced. */
  readonly output: string;
  readonly durationMs: number;
} & (
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly by: NodeJS.Signals }
  | { readonly kind: "timed-out"; readonly afterMs: number }
  | { readonly kind: "not-started"; readonly reason: string }
);

/**
 * Runs a command without a shell, in a process group of its own. Returns what happened, whatever it was; throws only when `signal`
 * aborts (after the group has been ended). At the time-out the whole group gets TERM, then KILL; the first reason stays the reason.
 */
export async function exec(argv: readonly string[], options: ExecOptions): Promise<ExecResult> {
  const [command, ...args] = argv;
  if (command === undefined) {
    throw new TypeError("exec needs a command");
  }
  options.signal.throwIfAborted();
  const started = monotonicMs();
  const output = createOutputBuffer(OUTPUT_LIMIT_BYTES);
  let child: ChildProcess;
  try {
    child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...options.env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    // Some failures come as an event, others at once: arguments too long, a NUL in one, a working directory that is a file.
    return { output: "", durationMs: monotonicMs() - started, kind: "not-started", reason: messageOfSpawn(error) };
  }
  // Without file descriptors left, a child has no streams.
  child.stdout?.on("data", output.add);
  child.stderr?.on("data", output.add);
  // Asked for now: `close` may come in the same breath as `exit`.
  const closed = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });

  const timers: NodeJS.Timeout[] = [];
  let timedOut = false;
  function endGroup(): void {
    killGroup(child.pid, "SIGTERM");
    timers.push(setTimeout(() => killGroup(child.pid, "SIGKILL"), options.graceMs ?? GRACE_MS));
  }
  timers.push(
    setTimeout(() => {
      timedOut = true;
      endGroup();
    }, options.timeoutMs),
  );
  options.signal.addEventListener("abort", endGroup, { once: true });
  try {
    const end = await waitForExit(child);
    if (timedOut || options.signal.aborted) {
      killGroup(child.pid, "SIGKILL");
    }
    await waitForOutput(closed);
    options.signal.throwIfAborted();
    const common = { output: output.text(), durationMs: monotonicMs() - started };
    if (end.kind === "error") {
      return { ...common, kind: "not-started", reason: end.error.message };
    }
    if (timedOut) {
      return { ...common, kind: "timed-out", afterMs: options.timeoutMs };
    }
    if (end.signal !== null) {
      return { ...common, kind: "killed", by: end.signal };
    }
    return { ...common, kind: "exited", code: end.code ?? 0 };
  } finally {
    timers.forEach(clearTimeout);
    options.signal.removeEventListener("abort", endGroup);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

/** What happened, as the end of a sentence: `exited with 1`. */
export function describeExec(result: ExecResult): string {
  switch (result.kind) {
    case "exited":
      return `exited with ${result.code}`;
    case "killed":
      return `was ended by ${result.by}`;
    case "timed-out":
      return `did not end within ${result.afterMs} ms and was killed`;
    case "not-started":
      return `could not be started: ${result.reason}`;
  }
}

type ProcessEnd =
  | { readonly kind: "exit"; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: "error"; readonly error: Error };

function waitForExit(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ kind: "exit", code, signal }));
    child.once("error", (error) => resolve({ kind: "error", error }));
  });
}

async function waitForOutput(closed: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, DRAIN_MS);
  });
  await Promise.race([closed, late]);
  clearTimeout(timer);
}

function messageOfSpawn(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) {
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already: nothing is left to end.
  }
}

interface OutputBuffer {
  add(chunk: Buffer): void;
  text(): string;
}

/** Keeps the first and the last half of `limit`, so that memory stays flat whatever a command prints. */
function createOutputBuffer(limit: number): OutputBuffer {
  const half = limit / 2;
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  let dropped = 0;
  return {
    add(chunk) {
      const room = half - head.length;
      if (room > 0) {
        head = Buffer.concat([head, chunk.subarray(0, room)]);
      }
      const rest = chunk.subarray(Math.max(0, room));
      if (rest.length > 0) {
        const joined = Buffer.concat([tail, rest]);
        dropped += Math.max(0, joined.length - half);
        tail = joined.subarray(-half);
      }
    },
    text() {
      const gap = dropped > 0 ? `\n… ${dropped} bytes left out …\n` : "";
      return printable(head.toString("utf8") + gap + tail.toString("utf8")).trimEnd();
    },
  };
}

/** Without escape sequences and control characters: command output ends in logs and on terminals. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}
