/** Judges what a template made of a test case's data against what the case expects. */
import type { ErrorCode, FairleadError } from "../model/errors.ts";

/** What a case wants: the exact text, some texts in it, or an error. */
export type Expectation =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "contains"; readonly texts: readonly string[] }
  | { readonly kind: "error"; readonly error: ExpectedError };

export interface ExpectedError {
  readonly code: ErrorCode;
  /** A part of the message. */
  readonly message?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

export type Rendered = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: FairleadError };

export type Verdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** What is not as expected, as a sentence. */
      readonly reason: string;
      /** The text that was expected, where that is known to the last byte, and the one that came. */
      readonly texts?: { readonly expected: string; readonly rendered: string };
      /** The error that came instead. */
      readonly error?: FairleadError;
    };

export function judgeCase(expected: Expectation, rendered: Rendered): Verdict {
  if (expected.kind === "error") {
    return rendered.ok
      ? { ok: false, reason: `expected ${describeExpected(expected.error)}, but it rendered` }
      : judgeError(expected.error, rendered.error);
  }
  if (!rendered.ok) {
    return { ok: false, reason: "it does not render", error: rendered.error };
  }
  return expected.kind === "text" ? judgeText(expected.text, rendered.text) : judgeContains(expected.texts, rendered.text);
}

function judgeText(expected: string, rendered: string): Verdict {
  return expected === rendered ? { ok: true } : { ok: false, reason: "the text differs", texts: { expected, rendered } };
}

function judgeContains(texts: readonly string[], rendered: string): Verdict {
  const missing = texts.filter((text) => !rendered.includes(text));
  return missing.length === 0
    ? { ok: true }
    : { ok: false, reason: `the text does not contain ${missing.map((text) => JSON.stringify(text)).join(", ")}` };
}

function judgeError(expected: ExpectedError, error: FairleadError): Verdict {
  const isExpected =
    error.code === expected.code &&
    (expected.message === undefined || error.message.includes(expected.message)) &&
    (expected.line === undefined || error.location?.line === expected.line) &&
    (expected.column === undefined || error.location?.column === expected.column);
  return isExpected
    ? { ok: true }
    : { ok: false, reason: `expected ${describeExpected(expected)}, but another error came`, error };
}

function describeExpected({ code, message, line, column }: ExpectedError): string {
  const place = Object.entries({ line, column }).flatMap(([what, number]) => (number === undefined ? [] : [`${what} ${number}`]));
  const at = place.length === 0 ? "" : ` at ${place.join(", ")}`;
  return `${code}${at}${message === undefined ? "" : ` with ${JSON.stringify(message)}`}`;
}
