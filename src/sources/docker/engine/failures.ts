import { statSync } from "node:fs";
import { printable } from "../../../core/exec.ts";
import { type ErrorDetail, FairleadError, messageOf, systemCode } from "../../../model/errors.ts";
import type { Endpoint } from "./host.ts";

export const NO_ENGINE = "this does not look like a Docker engine: set DOCKER_HOST to its socket";

/** What went wrong between us and the engine, as one error with what to do about it. */
export function unavailable(endpoint: Endpoint, what: string, error: unknown): FairleadError {
  if (error instanceof FairleadError) {
    return error;
  }
  const { why, hint } = explain(endpoint, error);
  return problem(endpoint, what, why, { cause: error, ...(hint !== undefined && { hint }) });
}

/** Retryable unless `detail` says otherwise: engines restart, sockets appear, rights are mended. */
export function problem(endpoint: Endpoint, what: string, why: string, detail: ErrorDetail = {}): FairleadError {
  return new FairleadError("SOURCE_UNAVAILABLE", `cannot ${what} of Docker at ${endpoint.name}: ${why}`, {
    retryable: true,
    ...detail,
  });
}

/** The cause of what `notAnswering` tells. */
export class NotAnswering extends Error {}

export function notAnswering(endpoint: Endpoint, what: string, ms: number): FairleadError {
  return problem(endpoint, what, `no answer within ${ms} ms`, {
    cause: new NotAnswering(),
    hint: "the engine accepts connections but hangs; what is registered stays as it is until it answers",
  });
}

/** An answer other than 200. */
export function refused(
  endpoint: Endpoint,
  what: string,
  { status, body }: { readonly status: number; readonly body: string },
): FairleadError {
  const said = engineMessage(body);
  const why = `it answered ${status}${said === "" ? "" : `: ${said}`}`;
  if (isVersionRefusal(body)) {
    const isEngineNewer = said.includes("is too old");
    return problem(endpoint, what, why, {
      retryable: false,
      hint: isEngineNewer
        ? "this engine speaks only newer versions of its API than this fairlead: update fairlead"
        : "this engine is older than it says, or there are several behind this address: update it, or name one",
    });
  }
  if (/HTTP request to an HTTPS server/.test(said)) {
    return problem(endpoint, what, why, { hint: "the engine wants TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH" });
  }
  if (status === 401 || status === 403) {
    return problem(endpoint, what, why, {
      hint: "a proxy in front of the socket has to allow GET on /_ping, /info, /events and /containers",
    });
  }
  return problem(endpoint, what, why);
}

/** The engine does not speak the version of its API that it was asked in. */
export function isVersionRefusal(body: string): boolean {
  return /client version \S+ is too (old|new)/.test(body);
}

/** What an answer other than 200 says, as one short line. */
export function engineMessage(body: string): string {
  let text = body;
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed && typeof parsed.message === "string") {
      text = parsed.message;
    }
  } catch {
    // Not from the engine itself; a proxy's own text says enough.
  }
  return printable(text).replace(/\s+/g, " ").trim().slice(0, 300);
}

interface Explanation {
  readonly why: string;
  readonly hint?: string;
}

function explain(endpoint: Endpoint, error: unknown): Explanation {
  const code = systemCode(error) ?? "";
  if (endpoint.kind === "unix") {
    return explainSocket(endpoint.socketPath, code) ?? explainCommon(endpoint, code, error);
  }
  return explainTls(endpoint, code, error) ?? explainCommon(endpoint, code, error);
}

function explainSocket(path: string, code: string): Explanation | undefined {
  switch (code) {
    case "ENOENT":
      return {
        why: "there is no such socket",
        hint: `start Docker, set DOCKER_HOST, or inside a container mount the socket: -v /var/run/docker.sock:${path}`,
      };
    case "EACCES":
    case "EPERM":
      return {
        why: "permission denied",
        hint: "run as root, or as a member of the group that owns the socket (usually docker); for a container: --group-add and that group's number",
      };
    case "ECONNREFUSED":
      return explainRefusal(path);
    case "ENOTSOCK":
    case "ENOTDIR":
      return { why: `${path} is no socket`, hint: "set DOCKER_HOST to the engine's socket" };
    default:
      return undefined;
  }
}

/** The kernel says the same of a socket on which nobody listens and of what is no socket at all. */
function explainRefusal(path: string): Explanation {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) {
    return {
      why: `${path} is a folder`,
      hint: "it was mounted when Docker's socket was not there, and a folder was made in its place: remove it, start Docker, then this container anew",
    };
  }
  if (stat?.isFile() === true) {
    return { why: `${path} is no socket`, hint: "set DOCKER_HOST to the engine's socket" };
  }
  return { why: "connection refused", hint: "the socket is there, but nobody listens: start Docker" };
}

function explainTls(endpoint: Endpoint, code: string, error: unknown): Explanation | undefined {
  const why = `TLS: ${messageOf(error)}`;
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/.test(code)) {
    return { why, hint: "renew the engine's certificate, or set this machine's clock" };
  }
  if (/ALTNAME_INVALID/.test(code)) {
    return { why, hint: "connect by a name that stands in the engine's certificate" };
  }
  if (/SELF_SIGNED|UNABLE_TO|ISSUER|CERT_(UNTRUSTED|SIGNATURE|REVOKED)/.test(code)) {
    return { why, hint: "ca.pem in DOCKER_CERT_PATH must hold the authority that signed the engine's certificate" };
  }
  if (/ALERT|HANDSHAKE|BAD_CERTIFICATE/i.test(code)) {
    return { why, hint: "the engine refused our client certificate: cert.pem and key.pem in DOCKER_CERT_PATH" };
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(code)) {
    return {
      why,
      hint: "the engine does not speak TLS on this port: unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or use its TLS port",
    };
  }
  if (/^ERR_(SSL|OSSL|TLS)_|^EPROTO$/.test(code)) {
    return { why, hint: `look at ca.pem, cert.pem and key.pem for ${endpoint.name}` };
  }
  return undefined;
}

function explainCommon(endpoint: Endpoint, code: string, error: unknown): Explanation {
  switch (code) {
    case "ECONNREFUSED":
      return { why: "connection refused", hint: "is the engine running, and does it listen on this address?" };
    case "ECONNRESET":
    case "EPIPE":
      return { why: "the connection was cut" };
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return { why: "the host name cannot be resolved", hint: "look at DOCKER_HOST and at this machine's DNS" };
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return { why: "the host cannot be reached", hint: `look at the network and the firewall on the way to ${endpoint.name}` };
    default:
      return code.startsWith("HPE_")
        ? { why: `the answer is not HTTP (${messageOf(error)})`, hint: NO_ENGINE }
        : { why: messageOf(error) };
  }
}
