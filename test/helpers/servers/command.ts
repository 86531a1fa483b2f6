import { spawn } from "node:child_process";

export interface CommandOptions {
  readonly timeoutMs: number;
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
}

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
}

const TAIL_CHARS = 2000;

/**
 * Runs a command without a shell and waits for its end. For the harness's own tools (apt-get, dpkg, go, openssl, docker); servers are
 * started by `process.ts`. The process group is ended when the time is over.
 *
 * @throws when it cannot start, exits other than 0 or takes too long; the message holds the command and the tail of what it said
 */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  // A command that does not read its input ends the pipe early: the exit code says what happened.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");

  let problem: string | undefined;
  const timer = setTimeout(() => {
    problem = `took longer than ${options.timeoutMs} ms`;
    endGroup(child.pid);
  }, options.timeoutMs);
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      problem ??= `cannot start: ${error.message}`;
      resolve(null);
    });
    child.once("close", resolve);
  });
  clearTimeout(timer);

  const stdout = Buffer.concat(out).toString();
  const stderr = Buffer.concat(err).toString();
  if (code !== 0 || problem !== undefined) {
    const tail = `${stdout.slice(-TAIL_CHARS)}${stderr.slice(-TAIL_CHARS)}`.trim();
    throw new Error(`${argv.join(" ")}: ${problem ?? `exit code ${code}`}${tail === "" ? "" : `\n${tail}`}`);
  }
  return { stdout, stderr };
}

function endGroup(pid: number | undefined): void {
  if (pid !== undefined) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // The group has ended by itself.
    }
  }
}
