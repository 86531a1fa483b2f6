import { FairleadError } from "../model/errors.ts";
import { createLog, type LogLevel } from "../observe/log.ts";
import { addEnvironmentSecrets, createSecrets, type Secrets } from "../observe/secrets.ts";
import type { Log } from "../ports.ts";

type Environment = Readonly<Record<string, string | undefined>>;
type Out = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** What a command may touch of the process it runs in. */
export interface Context {
  readonly env: Environment;
  readonly cwd: string;
  /** Opened when it is asked for: that costs, and few commands read it. */
  readonly stdin: () => NodeJS.ReadStream;
  readonly stdout: Out;
  readonly stderr: Out;
  /** Aborts when the process is told to stop. */
  readonly signal: AbortSignal;
  /** Calls back at each SIGHUP, which from then on does not end the process. */
  readonly onHangup: (callback: () => void) => void;
  readonly secrets: Secrets;
  /** `--json`: an error is then told on stdout too. */
  readonly json: boolean;
  /** What a command that did its work ends with. */
  exitCode: number;
}

export function createContext(signal: AbortSignal): Context {
  const secrets = createSecrets();
  addEnvironmentSecrets(secrets, process.env);
  const { env, stdout, stderr } = process;
  // Known before the command line is understood: a mistake in it is told to a program too.
  const json = process.argv.includes("--json");
  return {
    env,
    cwd: process.cwd(),
    stdin: () => process.stdin,
    stdout,
    stderr,
    signal,
    onHangup: (callback) => void process.on("SIGHUP", callback),
    secrets,
    json,
    exitCode: 0,
  };
}

export function hasColour(context: Context, stream: Out): boolean {
  return stream.isTTY === true && (context.env["NO_COLOR"] ?? "") === "" && context.env["TERM"] !== "dumb";
}

export function logFor(
  context: Context,
  options: { readonly level: LogLevel; readonly format: "auto" | "pretty" | "json" },
): Log {
  return createLog({ ...options, stream: context.stderr, colour: hasColour(context, context.stderr), secrets: context.secrets });
}

/** For one-shot commands: only what went wrong. */
export function quietLog(context: Context): Log {
  return logFor(context, { level: "warn", format: "auto" });
}

export function usage(message: string, hint?: string): FairleadError {
  return new FairleadError("USAGE", message, hint === undefined ? {} : { hint });
}

export function printJson(context: Context, value: unknown): void {
  context.stdout.write(`${context.secrets.redact(JSON.stringify(value, undefined, 2))}\n`);
}

export function printLine(context: Context, text: string): void {
  context.stdout.write(`${text}\n`);
}

/** Columns padded to their widest cell; nothing is cut. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(head), ...rows.map(line)].join("\n");
}
