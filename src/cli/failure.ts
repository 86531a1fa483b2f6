import { CommanderError } from "commander";
import { ERROR_CODES, FairleadError, messageOf } from "../model/errors.ts";
import { type Context, hasColour, printJson } from "./context.ts";

/** The exit code of DESIGN §7; 1 is a bug. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof FairleadError) {
    return ERROR_CODES[error.code].exit;
  }
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? 0 : 2;
  }
  return 1;
}

export interface ErrorJson {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export function errorJson(error: FairleadError): ErrorJson {
  const { code, message, hint, location } = error;
  return { code, message, ...(hint !== undefined && { hint }), ...location };
}

/** Tells a person on stderr and, with `--json`, a program on stdout. */
export function printError(context: Context, error: unknown): void {
  if (error instanceof CommanderError) {
    if (context.json && error.exitCode !== 0) {
      printJson(context, { error: { code: "USAGE", message: error.message.replace(/^error: /, "") } });
    }
    return; // commander has told it already
  }
  if (!(error instanceof FairleadError)) {
    context.stderr.write(
      context.secrets.redact(`fairlead: a bug: ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`),
    );
    return;
  }
  if (context.json) {
    printJson(context, { error: errorJson(error) });
  }
  context.stderr.write(context.secrets.redact(`${describeError(error, hasColour(context, context.stderr))}\n`));
}

/** `error CODE place: message`, and below it what to do. */
export function describeError(error: FairleadError, colour: boolean): string {
  const { code, message, hint, location } = error;
  const place = code === "CONFIG_INVALID" && location !== undefined ? "" : placeOf(location);
  const label = colour ? `\u001b[31m${code}\u001b[0m` : code;
  const body = message.includes("\n") ? `\n${message}` : ` ${message}`;
  return `${label}${place === "" ? "" : ` ${place}:`}${body}${hint === undefined ? "" : `\n  ${hint.replaceAll("\n", "\n  ")}`}`;
}

function placeOf(location: FairleadError["location"]): string {
  return [location?.file, location?.line, location?.column].filter((part) => part !== undefined).join(":");
}
