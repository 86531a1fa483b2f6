/** Running the operator's commands: check, reload, verify. */
import { type ExecResult, exec } from "../core/exec.ts";
import type { Log } from "../ports.ts";

export interface Command {
  /** No shell; may hold the placeholders `{{staged}}`, `{{staged.2}}`, `{{generation}}`. */
  readonly argv: readonly string[];
  readonly timeoutMs: number;
}

/** What commands inherit: enough to run, no token and no password. */
const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

export interface CommandContext {
  readonly signal: AbortSignal;
  /** This process's environment, of which a command sees only a few names. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly target: string;
  /** For what is no failure and has to be said all the same. */
  readonly log?: Log;
}

export async function runCommand(argv: readonly string[], timeoutMs: number, context: CommandContext): Promise<ExecResult> {
  return await exec(argv, { timeoutMs, signal: context.signal, env: commandEnvironment(context) });
}

export function commandEnvironment(context: Pick<CommandContext, "environment" | "target">): Readonly<Record<string, string>> {
  const env: Record<string, string> = { FAIRLEAD_TARGET: context.target };
  for (const name of INHERITED) {
    const value = context.environment[name];
    if (value !== undefined) {
      env[name] = value;
    }
  }
  return env;
}

/** Whether a check judges the staged files by name, instead of the whole tree. */
export function namesStagedFiles(command: Command): boolean {
  return command.argv.some((argument) => /\{\{staged(\.\d+)?\}\}/.test(argument));
}

/** Puts paths and generation in: values that we chose, never data. */
export function fillPlaceholders(
  argv: readonly string[],
  values: { readonly staged?: readonly string[]; readonly generation: string },
): string[] {
  return argv.map((argument) =>
    argument
      .replace(
        /\{\{staged(?:\.(\d+))?\}\}/g,
        (whole, number: string | undefined) => values.staged?.[Number(number ?? 1) - 1] ?? whole,
      )
      .replaceAll("{{generation}}", values.generation),
  );
}

/** The last lines of a command's output, for a message. */
export function outputTail(result: ExecResult): string {
  const lines = result.output.split("\n").filter((line) => line.trim() !== "");
  return lines.length === 0 ? "" : `: ${lines.slice(-3).join(" | ")}`;
}
