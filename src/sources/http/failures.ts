import { printable } from "../../core/exec.ts";
import { type ErrorDetail, FairleadError, messageOf, systemCode } from "../../model/errors.ts";
import type { Endpoint } from "./endpoint.ts";

/** Retryable: servers restart, certificates are renewed, and what was read before stays in force until then. */
export function problem(endpoint: Pick<Endpoint, "name">, why: string, detail: ErrorDetail = {}): FairleadError {
  return new FairleadError("SOURCE_UNAVAILABLE", `cannot read the list at ${endpoint.name}: ${why}`, {
    retryable: true,
    ...detail,
  });
}

/** What broke on the way, as one error with what to do about it. */
export function unreachable(endpoint: Endpoint, error: unknown): FairleadError {
  if (error instanceof FairleadError) {
    return error;
  }
  const { why, hint } = explain(endpoint, systemCode(error) ?? "", error);
  return problem(endpoint, why, { cause: error, ...(hint !== undefined && { hint }) });
}

export function notAnswering(endpoint: Endpoint): FairleadError {
  return problem(endpoint, `no whole answer within ${endpoint.timeoutMs} ms`, {
    hint: "the server hangs or is slow; raise `timeout` if it needs more time",
  });
}

/** An answer that is neither 200 nor 304. */
export function refused(endpoint: Endpoint, status: number, body: string): FairleadError {
  const said = printable(body).replace(/\s+/g, " ").trim().slice(0, 200);
  const why = `it answered ${status}${said === "" || said.startsWith("<") ? "" : `: ${said}`}`;
  return problem(endpoint, why, hintFor(endpoint, status));
}

function hintFor({ token }: Endpoint, status: number): { readonly hint?: string } {
  if (status === 401 || status === 403) {
    return { hint: token === undefined ? "give it a token: `tokenFile: FILE`" : "look at the token in `tokenFile`" };
  }
  return status === 404 ? { hint: "look at the path in `url`" } : {};
}

export function redirected(endpoint: Endpoint, location: URL | undefined): FairleadError {
  return location === undefined
    ? problem(endpoint, "it redirects to an address that is none")
    : problem(endpoint, `it redirects to another host, ${location.origin}, which is not followed`, {
        hint: "if that is the right one, write it into `url`",
      });
}

interface Explanation {
  readonly why: string;
  readonly hint?: string;
}

function explain(endpoint: Endpoint, code: string, error: unknown): Explanation {
  switch (code) {
    case "ECONNREFUSED":
      return { why: "connection refused", hint: "is the server running, and does it listen on this address?" };
    case "ECONNRESET":
    case "EPIPE":
      return { why: "the connection was cut before the answer was whole" };
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return { why: "the host name cannot be resolved", hint: "look at `url` and at this machine's DNS" };
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return {
        why: "the host cannot be reached",
        hint: `look at the network and the firewall on the way to ${endpoint.url.host}`,
      };
    default:
      return explainTls(code, messageOf(error)) ?? { why: messageOf(error) };
  }
}

function explainTls(code: string, message: string): Explanation | undefined {
  const why = `TLS: ${message}`;
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/.test(code)) {
    return { why, hint: "renew the server's certificate, or set this machine's clock" };
  }
  if (/ALTNAME_INVALID/.test(code)) {
    return { why, hint: "use a name in `url` that stands in the server's certificate" };
  }
  if (/SELF_SIGNED|UNABLE_TO|ISSUER|CERT_(UNTRUSTED|SIGNATURE|REVOKED)/.test(code)) {
    return { why, hint: "`tls.ca` has to be the authority that signed the server's certificate" };
  }
  if (/ALERT|HANDSHAKE|BAD_CERTIFICATE/i.test(code)) {
    return { why, hint: "the server refused our client certificate: `tls.cert` and `tls.key`" };
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|^EPROTO$/.test(code)) {
    return { why, hint: "does the server speak TLS on this port? if not, write http://" };
  }
  return /^ERR_(SSL|OSSL|TLS)_/.test(code) ? { why, hint: "look at the files under `tls`" } : undefined;
}
