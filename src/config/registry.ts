/** Where the registry is, from a URL or an object, and with what rights, from files and the environment: never from the command line. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { nearest } from "../core/nearest.ts";
import { FairleadError, messageOf } from "../model/errors.ts";
import type { Layout, StoreOptions, TlsFiles } from "../registry/store.ts";

export const REGISTRY_TYPES = ["etcd", "consul", "consul-kv", "file", "memory"] as const;
export type RegistryType = (typeof REGISTRY_TYPES)[number];
type StoreType = Exclude<RegistryType, "file" | "memory">;

/** What the configuration may say; all paths absolute. */
export interface RegistrySettings {
  readonly type: RegistryType;
  readonly dir?: string | undefined;
  readonly endpoints?: readonly string[] | undefined;
  readonly prefix?: string | undefined;
  readonly kvPrefix?: string | undefined;
  readonly layout?: Layout | undefined;
  readonly tls?:
    | boolean
    | { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined }
    | undefined;
  readonly tokenFile?: string | undefined;
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
}

export type RegistryLocation =
  | { readonly type: "memory" }
  | { readonly type: "file"; readonly dir: string }
  | { readonly type: StoreType; readonly store: StoreOptions };

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORT: Record<StoreType, number> = { etcd: 2379, consul: 8500, "consul-kv": 8500 };
const DEFAULT_PREFIX = "fairlead";

/**
 * Reads `etcd://h1:2379,h2:2379/prefix`, `consul+tls://host/prefix?layout=registrator`, `file:///dir`, `memory:`.
 * @throws FairleadError `CONFIG_INVALID`; the message never repeats what stands before an `@`
 */
export function parseRegistryUrl(text: string, baseDir: string): RegistrySettings {
  if (text === "memory") {
    return { type: "memory" }; // YAML does not allow the colon at the end without quotes
  }
  const scheme = /^([a-z0-9+-]+):/i.exec(text)?.[1]?.toLowerCase();
  const [type, suffix] = (scheme ?? "").split("+");
  if (scheme === undefined || type === undefined || !isRegistryType(type) || (suffix !== undefined && suffix !== "tls")) {
    const near = nearest(type ?? "", REGISTRY_TYPES);
    throw invalid(
      `"${redact(text)}" is no registry address`,
      `it begins with one of ${REGISTRY_TYPES.join(" ")}${near === undefined ? "" : `; did you mean ${near}:?`}`,
    );
  }
  if (type === "memory") {
    return { type };
  }
  if (type === "file") {
    return { type, dir: parseFileUrl(text, baseDir) };
  }
  const match = /^[a-z+-]+:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(text);
  if (match === null) {
    throw invalid(`"${redact(text)}" is no registry address`, `write ${type}://host:${DEFAULT_PORT[type]}/prefix`);
  }
  const [, authority = "", path = "", query = ""] = match;
  if (authority.includes("@")) {
    throw invalid(
      `"${redact(text)}" holds a user or password`,
      "passwords come from `passwordFile`, `tokenFile` or the environment (ETCDCTL_USER, CONSUL_HTTP_TOKEN), never from an address",
    );
  }
  return {
    type,
    endpoints: authority === "" ? undefined : authority.split(",").filter((host) => host !== ""),
    prefix: trimSlashes(decodePath(path)) || undefined,
    ...(suffix === "tls" && { tls: true }),
    ...parseQuery(query, text),
  };
}

function parseQuery(query: string, text: string): Pick<RegistrySettings, "layout" | "kvPrefix"> {
  const result: { layout?: Layout; kvPrefix?: string } = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === "layout" && (value === "json" || value === "registrator")) {
      result.layout = value;
    } else if (name === "kvPrefix") {
      result.kvPrefix = value;
    } else {
      throw invalid(
        `"${redact(text)}": "${name}=${value}" is not known`,
        "known are layout=json, layout=registrator and kvPrefix=…",
      );
    }
  }
  return result;
}

function parseFileUrl(text: string, baseDir: string): string {
  if (text.startsWith("file:///")) {
    return fileURLToPath(text);
  }
  if (text.startsWith("file://") || text === "file:") {
    throw invalid(`"${text}" is no folder`, "write file:///absolute/folder or file:relative/folder");
  }
  return resolve(baseDir, decodePath(text.slice("file:".length)));
}

/** Adds defaults and credentials. Files are read when the registry is used, not now. */
export function locateRegistry(settings: RegistrySettings, env: Environment): RegistryLocation {
  const { type } = settings;
  if (type === "memory") {
    return { type };
  }
  if (type === "file") {
    if (settings.dir === undefined) {
      throw invalid("a file registry needs a folder", "write registry: file:///dir or { type: file, dir: … }");
    }
    return { type, dir: settings.dir };
  }
  const addresses = settings.endpoints ?? endpointsFromEnvironment(type, env) ?? ["127.0.0.1"];
  const parsed = addresses.map((address) => parseEndpoint(address, DEFAULT_PORT[type]));
  const tls = tlsOf(
    settings,
    type,
    env,
    parsed.some((endpoint) => endpoint.tls),
  );
  const endpoints = parsed.map((endpoint) => endpoint.hostPort);
  const prefix = trimSlashes(settings.prefix ?? DEFAULT_PREFIX);
  if (prefix === "") {
    throw invalid("the prefix of a registry cannot be empty", `leave it out for "${DEFAULT_PREFIX}"`);
  }
  return {
    type,
    store: {
      name: `${type}${tls === undefined ? "" : "+tls"}://${endpoints.join(",")}/${prefix}`,
      endpoints,
      prefix,
      kvPrefix: trimSlashes(settings.kvPrefix ?? ""),
      layout: settings.layout ?? "json",
      ...(tls !== undefined && { tls }),
      ...credentials(settings, type, env),
    },
  };
}

/** Whether only this machine can read the registry: then loopback addresses are useful in it. */
export function isLocalRegistry(location: RegistryLocation | undefined): boolean {
  return location === undefined || location.type === "file" || location.type === "memory";
}

function endpointsFromEnvironment(type: StoreType, env: Environment): readonly string[] | undefined {
  const value = env[type === "etcd" ? "ETCDCTL_ENDPOINTS" : "CONSUL_HTTP_ADDR"];
  return value === undefined || value === "" ? undefined : value.split(",");
}

function parseEndpoint(text: string, defaultPort: number): { readonly hostPort: string; readonly tls: boolean } {
  const match = /^(?:(https?):\/\/)?(\[[0-9a-f:.%]+\]|[^:/\s@[\]]+)(?::(\d{1,5}))?\/?$/i.exec(text.trim());
  const port = Number(match?.[3] ?? defaultPort);
  if (match === null || port < 1 || port > 65535) {
    throw invalid(`"${redact(text)}" is no endpoint`, `write host:${defaultPort} or http://host:${defaultPort}`);
  }
  return { hostPort: `${match[2]}:${port}`, tls: match[1]?.toLowerCase() === "https" };
}

function tlsOf(settings: RegistrySettings, type: StoreType, env: Environment, isHttps: boolean): TlsFiles | undefined {
  const configured = typeof settings.tls === "object" ? settings.tls : {};
  const names =
    type === "etcd"
      ? (["ETCDCTL_CACERT", "ETCDCTL_CERT", "ETCDCTL_KEY"] as const)
      : (["CONSUL_CACERT", "CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY"] as const);
  const ca = configured.ca ?? env[names[0]];
  const cert = configured.cert ?? env[names[1]];
  const key = configured.key ?? env[names[2]];
  const wanted = (settings.tls ?? isHttps) || (type !== "etcd" && env["CONSUL_HTTP_SSL"] === "true");
  if (wanted === false) {
    return undefined;
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw invalid("a client certificate needs both `cert` and `key`", "give both, or neither");
  }
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) };
}

function credentials(settings: RegistrySettings, type: StoreType, env: Environment): Pick<StoreOptions, "token" | "login"> {
  const [envUser, envPassword] = splitOnce(env[type === "etcd" ? "ETCDCTL_USER" : "CONSUL_HTTP_AUTH"]);
  const username = settings.username ?? envUser;
  const { passwordFile } = settings;
  const password = type === "etcd" ? (envPassword ?? env["ETCDCTL_PASSWORD"]) : envPassword;
  if (username !== undefined && passwordFile === undefined && password === undefined) {
    throw invalid(
      `user "${username}" has no password`,
      `give passwordFile, or set ${type === "etcd" ? "ETCDCTL_PASSWORD" : "CONSUL_HTTP_AUTH=user:password"}`,
    );
  }
  const login = username === undefined ? {} : { login: { username, password: () => secret(passwordFile, password) } };
  if (type === "etcd") {
    return login;
  }
  const tokenFile = settings.tokenFile ?? env["CONSUL_HTTP_TOKEN_FILE"];
  const token = env["CONSUL_HTTP_TOKEN"];
  return tokenFile === undefined && token === undefined ? login : { ...login, token: () => secret(tokenFile, token) };
}

/** A file beats the environment, and is read each time: renewed secrets are used. */
async function secret(file: string | undefined, value: string | undefined): Promise<string> {
  if (file === undefined) {
    return value ?? "";
  }
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    throw new FairleadError("REGISTRY_DENIED", `cannot read the secret in "${file}": ${messageOf(error)}`, {
      cause: error,
      retryable: true,
    });
  }
}

function splitOnce(text: string | undefined): readonly [string | undefined, string | undefined] {
  if (text === undefined || text === "") {
    return [undefined, undefined];
  }
  const at = text.indexOf(":");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function isRegistryType(text: string): text is RegistryType {
  return (REGISTRY_TYPES as readonly string[]).includes(text);
}

function trimSlashes(text: string): string {
  return text.replace(/^\/+|\/+$/g, "");
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // a literal percent sign: taken as it is
  }
}

/** Without user and password. */
function redact(text: string): string {
  return text.replace(/(^|\/\/)[^/]*@/, "$1…@");
}

function invalid(message: string, hint: string): FairleadError {
  return new FairleadError("CONFIG_INVALID", message, { hint });
}
