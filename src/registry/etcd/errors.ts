import { FairleadError } from "../../model/errors.ts";

/** The gRPC status codes that matter here. */
export const STATUS = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  outOfRange: 11,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** How a call ended, in gRPC's and etcd's own words. They name neither values nor passwords. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;
  readonly details: string;
  readonly endpoint: string;

  constructor(status: { readonly code: number; readonly details: string }, endpoint: string) {
    super(`${status.code} ${status.details}`);
    this.code = status.code;
    this.details = status.details;
    this.endpoint = endpoint;
  }

  /** The endpoint did not answer, or not as a healthy etcd does: another one may. */
  get isUnreachable(): boolean {
    const codes: readonly number[] = [
      STATUS.unavailable,
      STATUS.deadlineExceeded,
      STATUS.internal,
      STATUS.unknown,
      STATUS.cancelled,
    ];
    return codes.includes(this.code);
  }

  /** The call never left this machine, so that repeating it cannot do its work twice. */
  get isUnsent(): boolean {
    return this.code === STATUS.unavailable && /no connection established|name resolution failed/i.test(this.details);
  }

  /** A fresh sign-in may help: tokens end with time, with the server that gave them, and with changes of users. */
  get isStaleToken(): boolean {
    return /invalid auth token|revision of auth store is old|user name is empty/.test(this.details);
  }

  /** The revision that was asked for is not there: compacted, or of a store that was there before. */
  get isRevisionGone(): boolean {
    return this.code === STATUS.outOfRange;
  }
}

/**
 * The error that the rest of the program sees.
 * @param what what was tried, as the begin of the message: `cannot read etcd range "/fairlead/services/"`
 */
export function toFairleadError(what: string, error: RpcError): FairleadError {
  const { code, hint, retryable, reason } = explain(error);
  return new FairleadError(code, `${what}: ${reason} (${error.endpoint})`, {
    retryable,
    cause: error,
    ...(hint !== undefined && { hint }),
  });
}

interface Explanation {
  readonly code: "REGISTRY_UNAVAILABLE" | "REGISTRY_DENIED" | "REGISTRY_INCOMPLETE" | "USAGE";
  readonly retryable: boolean;
  readonly reason: string;
  readonly hint?: string;
}

function explain(error: RpcError): Explanation {
  const reason = reasonOf(error);
  if (/authentication failed|user name is empty/.test(reason) || error.code === STATUS.unauthenticated) {
    const hint = "check the registry's user (or ETCDCTL_USER) and password; the user has to exist in etcd (`etcdctl user list`)";
    return { code: "REGISTRY_DENIED", retryable: false, reason, hint };
  }
  if (reason.startsWith(CERTIFICATE_REFUSED)) {
    const hint = "etcd wants a client certificate that it trusts: check `tls.cert` and `tls.key`";
    return { code: "REGISTRY_DENIED", retryable: false, reason, hint };
  }
  if (error.code === STATUS.permissionDenied) {
    const hint = "give the user's role rights on these keys: `etcdctl role grant-permission --prefix ROLE readwrite PREFIX`";
    return { code: "REGISTRY_DENIED", retryable: false, reason, hint };
  }
  if (error.isRevisionGone) {
    return { code: "REGISTRY_INCOMPLETE", retryable: true, reason };
  }
  if (/request is too large|message larger than max/.test(reason)) {
    return { code: "USAGE", retryable: false, reason: "it is larger than etcd takes (1.5 MiB by default)" };
  }
  return { code: "REGISTRY_UNAVAILABLE", retryable: true, reason, ...hintFor(reason) };
}

function hintFor(reason: string): { readonly hint?: string } {
  if (reason.includes("handshake")) {
    return { hint: "does this etcd speak TLS, and is it etcd at all?" };
  }
  if (reason.startsWith("TLS")) {
    return { hint: "check `tls.ca` (who signed etcd's certificate) and that the certificate names this address" };
  }
  if (reason === "connection refused") {
    return { hint: "is etcd running there, and is this its client address?" };
  }
  if (reason === "connection lost") {
    return { hint: "if this stays: does etcd expect TLS (`etcd+tls://`), or a client certificate?" };
  }
  if (reason.includes("database space exceeded")) {
    return { hint: "etcd is full: compact and defragment it, then `etcdctl alarm disarm`" };
  }
  return {};
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, "connection refused"],
  [/ENOTFOUND|EAI_AGAIN|name resolution failed/i, "the host name cannot be resolved"],
  [/EHOSTUNREACH|ENETUNREACH/, "no route to the host"],
  [/ETIMEDOUT/, "the connection timed out"],
  [/before secure TLS connection|wrong version number|packet length too long/i, "TLS: the connection ended in the handshake"],
  [
    /^failed to connect$|ECONNRESET|EPIPE|socket hang up|connection dropped|connection closed|RST_STREAM|socket disconnected/i,
    "connection lost",
  ],
];

const CERTIFICATE_REFUSED = "TLS: the server refuses our certificate";
const TLS_PROBLEM =
  /self[- ]signed certificate|unable to (?:verify|get)[^;.]*certificate|certificate has expired|certificate is not yet valid|match certificate/i;

/** One line without the wrapping that gRPC, OpenSSL and etcd put around it. */
function reasonOf({ code, details }: RpcError): string {
  if (code === STATUS.deadlineExceeded) {
    return "no answer in time";
  }
  if (details.startsWith("etcdserver: ")) {
    return details.slice("etcdserver: ".length);
  }
  const cause = details
    .replace(/^No connection established\. Last error: (?:Error: )?/, "")
    .replace(/\.? Resolution note:.*$/s, "")
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)$/, "");
  const alert = /SSL routines:[^:]*:\w+ alert ([a-z ]+)/.exec(cause)?.[1];
  if (alert !== undefined) {
    return `${CERTIFICATE_REFUSED} (${alert})`;
  }
  if (TLS_PROBLEM.test(cause)) {
    return `TLS: ${oneLine(cause)}`;
  }
  return REASONS.find(([pattern]) => pattern.test(cause))?.[1] ?? oneLine(cause);
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
