/**
 * Every failure that a person or a program may see, with the exit code it leads to (DESIGN §7).
 * The codes are stable: programs match on them, never on the text.
 */
export const ERROR_CODES = {
  CONFIG_INVALID: { exit: 2, meaning: "the configuration file is missing or wrong" },
  USAGE: { exit: 2, meaning: "the command line is wrong" },
  TEMPLATE_SYNTAX: { exit: 3, meaning: "a template cannot be parsed, or uses an unknown helper or partial" },
  TEMPLATE_MISSING: { exit: 3, meaning: "a template file is not there or cannot be read" },
  TEMPLATE_UNSAFE: { exit: 3, meaning: "a value cannot stand where the template puts it" },
  TEMPLATE_FAILED: { exit: 3, meaning: "a template failed while rendering" },
  KEY_MISSING: { exit: 3, meaning: "a configuration key is not in the registry" },
  CHECK_REJECTED: { exit: 3, meaning: "the check command refused the staged files" },
  GUARD_HELD: { exit: 3, meaning: "a guard holds a suspicious change back" },
  DEST_REFUSED: { exit: 3, meaning: "a destination cannot be written" },
  RELOAD_FAILED: { exit: 5, meaning: "the reload failed; the last good files are back" },
  VERIFY_FAILED: { exit: 5, meaning: "the program did not prove the new configuration; the last good files are back" },
  REGISTRY_UNAVAILABLE: { exit: 4, meaning: "the registry cannot be reached" },
  REGISTRY_DENIED: { exit: 4, meaning: "the registry refused our credentials or rights" },
  REGISTRY_INCOMPLETE: { exit: 4, meaning: "the registry's answer is not complete" },
  SOURCE_UNAVAILABLE: { exit: 4, meaning: "Docker, a source file or a list over HTTP cannot be read" },
  LOCKED: { exit: 4, meaning: "another process holds the target" },
  TIMEOUT: { exit: 4, meaning: "the time given was over before the work was done" },
} as const satisfies Record<string, { readonly exit: number; readonly meaning: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** A place in a file that a person wrote; `line` and `column` start at 1. */
export interface Location {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

export interface ErrorDetail {
  readonly hint?: string;
  readonly retryable?: boolean;
  readonly cause?: unknown;
  readonly location?: Location;
}

/**
 * The one error class. `code` is for programs, `message` for people (what was tried, on what, why it failed), `hint` says what to do now.
 * The place that understands the failure sets `retryable`. Messages never hold a secret or a registry value.
 */
export class FairleadError extends Error {
  override readonly name = "FairleadError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly location: Location | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.hint = detail.hint;
    this.retryable = detail.retryable ?? false;
    this.location = detail.location;
  }
}

export function hasCode(error: unknown, ...codes: readonly ErrorCode[]): error is FairleadError {
  return error instanceof FairleadError && (codes.length === 0 || codes.includes(error.code));
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map(messageOf).join("; ");
  }
  return error instanceof Error ? error.message : String(error);
}

/** The `code` that Node puts on its system errors (`ENOENT`, `ECONNREFUSED`, …), if there is one. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return undefined;
}
