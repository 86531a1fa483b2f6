import type { IncomingMessage } from "node:http";
import { type ErrorDetail, FairleadError, messageOf, systemCode } from "../../../model/errors.ts";

/** Why a call failed, and what that means for the next try. */
export interface Failure {
  readonly error: FairleadError;
  /** Another endpoint may do better. */
  readonly elsewhere: boolean;
  /** Consul has not seen the call. */
  readonly unsent: boolean;
}

interface Place {
  /** What was tried, as the end of "cannot …". */
  readonly what: string;
  readonly url: string;
}

const UNSENT = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "ENOENT"];
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name cannot be looked up now",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ETIMEDOUT: "the connection timed out",
};

/** A failure without an HTTP answer: the connection, TLS, or an answer that cannot be read. */
export function connectionFailure(place: Place, error: unknown): Failure {
  if (error instanceof FairleadError) {
    return { error, elsewhere: error.retryable, unsent: error.code === "REGISTRY_UNAVAILABLE" };
  }
  if (hasFlag(error, "isCodec") || error instanceof SyntaxError) {
    // The parser's message holds a piece of the text, and that may be a value.
    return failure("REGISTRY_INCOMPLETE", place, "the answer is not JSON", { retryable: true });
  }
  const code = systemCode(error) ?? systemCode(causeOf(error));
  const why = (code !== undefined && WORDS[code]) || messageOf(error);
  const isTls = code !== undefined && /CERT|TLS|SSL|SIGNED/.test(code);
  return {
    ...failure("REGISTRY_UNAVAILABLE", place, why, {
      retryable: true,
      ...(isTls && { hint: "check the registry's tls files and that the address is one of the certificate's names" }),
      cause: code === undefined ? undefined : error,
    }),
    unsent: isTls || (code !== undefined && UNSENT.includes(code)),
  };
}

/** Consul wants to be left alone for longer than the call may take. */
export function pauseFailure(place: Place, ms: number): FairleadError {
  const why = `Consul limits our requests and asked us to wait ${Math.ceil(ms / 1000)} s more`;
  return failure("REGISTRY_UNAVAILABLE", place, why, { retryable: true }).error;
}

export function timeoutFailure(place: Place, ms: number): FairleadError {
  return failure("REGISTRY_UNAVAILABLE", place, `no answer within ${Math.round(ms)} ms`, { retryable: true }).error;
}

/** An HTTP status that the call has no use for. Bodies are quoted only where Consul explains its own state, never data. */
export function statusFailure(place: Place, status: number, body: unknown): Failure {
  const text = typeof body === "string" && body.length > 0 ? `: ${body.trim().split("\n")[0]?.slice(0, 120)}` : "";
  if (status === 401 || status === 403) {
    return failure("REGISTRY_DENIED", place, `${status}${text}`, {
      hint: "check the token or the login and the rights of its policies",
    });
  }
  if (status === 429 || status >= 500) {
    return failure("REGISTRY_UNAVAILABLE", place, `${status}${text}`, { retryable: true });
  }
  return failure("REGISTRY_UNAVAILABLE", place, `the unexpected status ${status}`, {
    hint: "check that the address is one of Consul's HTTP API",
    retryable: true,
  });
}

/** An answer that is whole as HTTP, and not as data. */
export function incomplete(place: Place, why: string): FairleadError {
  return failure("REGISTRY_INCOMPLETE", place, why, { retryable: true }).error;
}

export function denied(place: Place, why: string, hint: string): FairleadError {
  return failure("REGISTRY_DENIED", place, why, { hint }).error;
}

/** The answer inside the client's error for a status other than 2xx. The flag is the client's own, and its errors have no types. */
export function responseOf(error: unknown): (IncomingMessage & { readonly body?: unknown }) | undefined {
  return hasFlag(error, "isResponse") ? (error as unknown as { readonly response: IncomingMessage }).response : undefined;
}

function failure(code: FairleadError["code"], place: Place, why: string, detail: ErrorDetail): Failure {
  const error = new FairleadError(code, `cannot ${place.what}: ${why} (${place.url})`, detail);
  return { error, elsewhere: code === "REGISTRY_UNAVAILABLE", unsent: false };
}

function hasFlag(error: unknown, flag: string): error is Error {
  return error instanceof Error && flag in error;
}

function causeOf(error: unknown): unknown {
  if (error instanceof AggregateError) {
    return error.errors[0];
  }
  return error instanceof Error ? error.cause : undefined;
}
