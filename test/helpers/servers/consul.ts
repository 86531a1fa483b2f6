import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { requireProgram } from "./acquire.ts";
import { type Certificates, type ClientFiles, makeCertificates } from "./certificates.ts";
import { makeFolder } from "./folders.ts";
import { type HttpAnswer, type HttpInit, http } from "./http.ts";
import { reservePorts } from "./ports.ts";
import { ServerProcess } from "./process.ts";
import { type StoreServer, startStore } from "./server.ts";

export interface ConsulOptions {
  /** Access control with "deny" as default. */
  readonly acl?: boolean;
  /** HTTPS only; "mutual": it also asks for a client certificate. */
  readonly tls?: "server" | "mutual";
  /** In memory: starts faster, forgets everything at each restart. */
  readonly dev?: boolean;
  /** More settings of the agent's configuration file, for example `{ session_ttl_min: "1s" }`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface Consul extends StoreServer {
  /** `http://127.0.0.1:PORT`, or https. */
  readonly url: string;
  readonly port: number;
  readonly dataFolder: string;
  /** Present with ACLs: may do everything, the same across restarts and wipes. */
  readonly token: string | undefined;
  /** Present with TLS. */
  readonly tls: ClientFiles | undefined;
  /** A request to `/v1/…` with the token; any status is an answer. */
  http(path: string, init?: HttpInit): Promise<HttpAnswer>;
  /** The same; throws unless the status is 2xx. */
  json(path: string, init?: HttpInit): Promise<unknown>;
  put(key: string, value: string): Promise<void>;
  get(key: string): Promise<string | undefined>;
  del(key: string, options?: { readonly prefix?: boolean }): Promise<void>;
}

/** One real Consul server on 127.0.0.1 that is its own leader, on ports that stay its own across restarts. */
export async function startConsul(options: ConsulOptions = {}): Promise<Consul> {
  const { path, version } = await requireProgram("consul");
  const [port = 0, serfLan = 0, serfWan = 0, server = 0] = await reservePorts(4);
  const folder = await makeFolder("consul");
  const dataFolder = join(folder, "data");
  const certificates =
    options.tls === undefined ? undefined : await makeCertificates(join(folder, "tls"), { names: ["server.dc1.consul"] });
  const tls = certificates?.client;
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const token = options.acl === true ? randomUUID() : undefined;

  const configFile = join(folder, "consul.json");
  const web = tls === undefined ? { http: port } : { http: -1, https: port };
  const config = {
    bind_addr: "127.0.0.1",
    client_addr: "127.0.0.1",
    node_name: "test",
    disable_update_check: true,
    ports: {
      ...web,
      server,
      serf_lan: serfLan,
      serf_wan: serfWan,
      dns: -1,
      grpc: -1,
      ...(atLeast(version, 14) ? { grpc_tls: -1 } : {}),
    },
    ...(options.dev === true
      ? {}
      : { server: true, bootstrap_expect: 1, data_dir: dataFolder, performance: { raft_multiplier: 1 } }),
    ...(token === undefined ? {} : { acl: aclConfig(token, version) }),
    ...(certificates === undefined ? {} : tlsConfig(certificates, options.tls === "mutual")),
    ...options.config,
  };
  await writeFile(configFile, JSON.stringify(config, undefined, 2));

  async function ask(path: string, init: HttpInit = {}): Promise<HttpAnswer> {
    const headers = { ...(token === undefined ? {} : { "x-consul-token": token }), ...init.headers };
    return http(`${url}${path}`, { ...init, headers, ...(tls === undefined ? {} : { tls }) });
  }
  async function must(path: string, init: HttpInit = {}): Promise<HttpAnswer> {
    const answer = await ask(path, init);
    if (answer.status < 200 || answer.status > 299) {
      throw new Error(`${init.method ?? "GET"} ${path}: ${answer.status} ${answer.text.trim()}`);
    }
    return answer;
  }

  const process = new ServerProcess({
    name: "consul",
    argv: () => [path, "agent", ...(options.dev === true ? ["-dev"] : []), "-config-file", configFile],
    logFile: join(folder, "consul.log"),
    async isReady() {
      // A leader is known before it can be written to, and before the server's own node is in the catalogue.
      const leader = await must("/v1/status/leader", { timeoutMs: 2000 });
      const nodes = await must("/v1/catalog/nodes", { timeoutMs: 2000 });
      return leader.text.includes(":") && nodes.text.includes('"test"');
    },
  });
  const store = await startStore({ process, folder, dataFolder });

  return Object.assign(store, {
    url,
    port,
    dataFolder,
    token,
    tls,
    http: ask,
    async json(path: string, init?: HttpInit) {
      const { text } = await must(path, init);
      return text === "" ? undefined : (JSON.parse(text) as unknown);
    },
    async put(key: string, value: string) {
      await must(`/v1/kv/${keyPath(key)}`, { method: "PUT", body: value });
    },
    async get(key: string) {
      const { status, text } = await ask(`/v1/kv/${keyPath(key)}?raw`);
      return status === 404 ? undefined : text;
    },
    async del(key: string, del: { readonly prefix?: boolean } = {}) {
      await must(`/v1/kv/${keyPath(key)}${del.prefix === true ? "?recurse" : ""}`, { method: "DELETE" });
    },
  });
}

function aclConfig(token: string, version: string): unknown {
  const first = atLeast(version, 11) ? "initial_management" : "master";
  return { enabled: true, default_policy: "deny", enable_token_persistence: true, tokens: { [first]: token, agent: token } };
}

function tlsConfig({ ca, server }: Certificates, mutual: boolean): Readonly<Record<string, unknown>> {
  return { ca_file: ca, cert_file: server.cert, key_file: server.key, verify_incoming_https: mutual };
}

/** Of version 1.`minor`. */
function atLeast(version: string, minor: number): boolean {
  return Number(version.split(".")[1]) >= minor;
}

function keyPath(key: string): string {
  return key.split("/").map(encodeURIComponent).join("/");
}
