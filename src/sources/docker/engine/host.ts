import { homedir } from "node:os";
import { join } from "node:path";
import { FairleadError } from "../../../model/errors.ts";

const DEFAULT_DOCKER_HOST = "unix:///var/run/docker.sock";

/** Where the engine is, in Docker's own words. */
export interface DockerHost {
  /** `unix:///var/run/docker.sock`, `tcp://10.0.0.3:2376`, … */
  readonly host: string;
  /** A folder with `ca.pem`, `cert.pem` and `key.pem`; present: TLS. */
  readonly certPath?: string;
  /** Whether the engine has to prove who it is; true also means TLS. */
  readonly tlsVerify: boolean;
}

/** What a configuration file says; all of it is optional. */
export interface DockerHostSettings {
  readonly host?: string;
  readonly certPath?: string;
  readonly tlsVerify?: boolean;
}

/**
 * Joins settings with `DOCKER_HOST`, `DOCKER_CERT_PATH` and `DOCKER_TLS_VERIFY`: a setting beats its variable. As Docker has it, an empty
 * variable is not set, any other `DOCKER_TLS_VERIFY` is a yes, and without it certificates are used but not verified.
 */
export function chooseDockerHost(
  settings: DockerHostSettings,
  env: Readonly<Record<string, string | undefined>>,
  home: string = homedir(),
): DockerHost {
  const host = settings.host ?? (env.DOCKER_HOST || DEFAULT_DOCKER_HOST);
  const tlsVerify = settings.tlsVerify ?? (Boolean(env.DOCKER_TLS_VERIFY) || settings.certPath !== undefined);
  const certPath = settings.certPath ?? (env.DOCKER_CERT_PATH || (tlsVerify ? join(home, ".docker") : undefined));
  return { host, tlsVerify, ...(certPath !== undefined && { certPath }) };
}

export type Endpoint = { readonly name: string } & (
  | { readonly kind: "unix"; readonly socketPath: string }
  | {
      readonly kind: "tcp";
      readonly hostname: string;
      readonly port: number;
      /** What a proxy wants in front of every path; without a slash at its end. */
      readonly basePath: string;
      readonly tls?: { readonly certPath?: string; readonly verify: boolean };
    }
);

/** @throws FairleadError `CONFIG_INVALID` with a hint, for an address that is none or that asks for what we cannot do */
export function parseDockerHost(settings: DockerHost): Endpoint {
  const { host } = settings;
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.*)$/.exec(host) ?? (isHostPort(host) ? [host, "tcp", host] : []);
  switch (scheme) {
    case "unix":
      if (!rest.startsWith("/")) {
        throw invalid(host, "the socket's path is not absolute", `write unix://${rest.startsWith("/") ? "" : "/"}${rest || "…"}`);
      }
      return { kind: "unix", name: host, socketPath: rest };
    case "tcp":
    case "http":
    case "https":
      return parseTcp(settings, scheme, rest);
    case "ssh":
      throw invalid(
        host,
        "ssh is not supported",
        "forward the socket, `ssh -nNT -L /run/remote-docker.sock:/var/run/docker.sock HOST`, and set unix:///run/remote-docker.sock",
      );
    case "npipe":
    case "fd":
      throw invalid(host, `${scheme} is not supported`, "set unix://… or tcp://…");
    default:
      throw invalid(
        host,
        scheme === "" ? "it is no URL" : `the scheme ${scheme} is not known`,
        host.startsWith("/") ? `write unix://${host}` : `set ${DEFAULT_DOCKER_HOST} or tcp://HOST:2376`,
      );
  }
}

function parseTcp(settings: DockerHost, scheme: string, rest: string): Endpoint {
  let url: URL;
  try {
    url = new URL(`http://${rest}`);
  } catch {
    throw invalid(withoutLogin(settings.host), "it is no URL", "write tcp://HOST:2376");
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid(withoutLogin(settings.host), "it holds a login", "use client certificates: DOCKER_CERT_PATH");
  }
  const isTls = scheme === "https" || (scheme === "tcp" && (settings.certPath !== undefined || settings.tlsVerify));
  // The URL parser drops port 80 as http's default; here only a port that is not written is a default.
  const written = /:(\d+)(?:[/?#]|$)/.exec(rest)?.[1];
  const port = written === undefined ? (isTls ? 2376 : 2375) : Number(written);
  const tls = {
    ...(settings.certPath !== undefined && { certPath: settings.certPath }),
    verify: settings.tlsVerify || settings.certPath === undefined,
  };
  return {
    kind: "tcp",
    name: settings.host,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    basePath: url.pathname.replace(/\/+$/, ""),
    ...(isTls && { tls }),
  };
}

function isHostPort(text: string): boolean {
  return /^[A-Za-z0-9.-]+:\d+$|^\[[0-9A-Fa-f:.]+\]:\d+$/.test(text);
}

function withoutLogin(host: string): string {
  return host.replace(/\/\/.*@/, "//…@");
}

function invalid(host: string, why: string, hint: string): FairleadError {
  return new FairleadError("CONFIG_INVALID", `cannot use Docker host "${withoutLogin(host)}": ${why}`, { hint });
}
