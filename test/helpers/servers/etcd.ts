import { join } from "node:path";
import { requireProgram } from "./acquire.ts";
import { type Certificates, type ClientFiles, makeCertificates } from "./certificates.ts";
import { makeFolder } from "./folders.ts";
import { http, httpJson } from "./http.ts";
import { reservePorts } from "./ports.ts";
import { flags, ServerProcess } from "./process.ts";
import { type StoreServer, startStore } from "./server.ts";

export interface EtcdOptions {
  readonly version: "3.4" | "3.6";
  /** "mutual": the server also asks for a client certificate. */
  readonly tls?: "server" | "mutual";
  /** With a user root and a password. */
  readonly auth?: boolean;
  /** More command line arguments. */
  readonly args?: readonly string[];
}

export interface Etcd extends StoreServer {
  /** `http://127.0.0.1:PORT`, or https. */
  readonly url: string;
  /** `127.0.0.1:PORT`. */
  readonly endpoint: string;
  readonly port: number;
  readonly dataFolder: string;
  /** Present with TLS. */
  readonly tls: ClientFiles | undefined;
  /** Present with authentication. */
  readonly credentials: EtcdCredentials | undefined;
  /** POST to etcd's JSON gateway, for example `call("/v3/lease/grant", { TTL: 5 })`; signed in when there is authentication. */
  call(path: string, body: unknown): Promise<Readonly<Record<string, unknown>>>;
  /** @returns the revision of the write */
  put(key: string, value: string, options?: { readonly lease?: string }): Promise<number>;
  get(key: string): Promise<string | undefined>;
  /** All keys that begin so, with their values. */
  getPrefix(prefix: string): Promise<Readonly<Record<string, string>>>;
  /** @returns the revision after it */
  del(key: string, options?: { readonly prefix?: boolean }): Promise<number>;
  /** Forgets what was before `revision` (default: everything before now) and returns it. */
  compact(revision?: number): Promise<number>;
  revision(): Promise<number>;
}

export interface EtcdCredentials {
  readonly username: string;
  readonly password: string;
}

interface RangeAnswer {
  readonly header: { readonly revision: string };
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[];
}

/** One real etcd on 127.0.0.1, on a port that stays its own across restarts. */
export async function startEtcd(options: EtcdOptions): Promise<Etcd> {
  const { path } = await requireProgram(options.version === "3.4" ? "etcd34" : "etcd36");
  const [port = 0, peerPort = 0] = await reservePorts(2);
  const folder = await makeFolder("etcd");
  const dataFolder = join(folder, "data");
  const certificates = options.tls === undefined ? undefined : await makeCertificates(join(folder, "tls"));
  const tls = certificates?.client;
  const endpoint = `127.0.0.1:${port}`;
  const url = `${tls === undefined ? "http" : "https"}://${endpoint}`;
  // With authentication the gateway refuses certificates that name a user: it could not act as that user.
  const withTls = certificates === undefined ? {} : { tls: certificates.nameless };
  const credentials = options.auth === true ? { username: "root", password: "pass-word:1" } : undefined;

  const process = new ServerProcess({
    name: `etcd ${options.version}`,
    argv: () => [path, ...etcdArgs({ url, peerPort, dataFolder, certificates, options }), ...(options.args ?? [])],
    logFile: join(folder, "etcd.log"),
    isReady: async () => (await http(`${url}/health`, { ...withTls, timeoutMs: 2000 })).text.includes('"true"'),
  });

  async function post(
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    return (await httpJson(`${url}${path}`, { method: "POST", body, headers, ...withTls })) as Readonly<Record<string, unknown>>;
  }
  async function call(path: string, body: unknown): Promise<Readonly<Record<string, unknown>>> {
    if (credentials === undefined) {
      return post(path, body);
    }
    // Tokens end with the server that gave them, so each call fetches its own.
    const { token } = await post("/v3/auth/authenticate", { name: credentials.username, password: credentials.password });
    return post(path, body, { authorization: String(token) });
  }
  async function range(body: unknown, path = "/v3/kv/range"): Promise<RangeAnswer> {
    return (await call(path, body)) as unknown as RangeAnswer;
  }
  async function revision(): Promise<number> {
    return Number((await range({ key: encode("\0"), count_only: true })).header.revision);
  }

  const store = await startStore({
    process,
    folder,
    dataFolder,
    async setUp() {
      if (credentials !== undefined) {
        await post("/v3/auth/user/add", { name: credentials.username, password: credentials.password });
        await post("/v3/auth/role/add", { name: "root" });
        await post("/v3/auth/user/grant", { user: credentials.username, role: "root" });
        await post("/v3/auth/enable", {});
      }
    },
  });

  return Object.assign(store, {
    url,
    endpoint,
    port,
    dataFolder,
    tls,
    credentials,
    call,
    revision,
    async put(key: string, value: string, put: { readonly lease?: string } = {}) {
      return Number((await range({ key: encode(key), value: encode(value), ...put }, "/v3/kv/put")).header.revision);
    },
    async get(key: string) {
      const [found] = (await range({ key: encode(key) })).kvs ?? [];
      return found === undefined ? undefined : decode(found.value);
    },
    async getPrefix(prefix: string) {
      const { kvs = [] } = await range({ key: encode(prefix), range_end: prefixEnd(prefix) });
      return Object.fromEntries(kvs.map(({ key, value }) => [decode(key), decode(value)]));
    },
    async del(key: string, del: { readonly prefix?: boolean } = {}) {
      const end = del.prefix === true ? { range_end: prefixEnd(key) } : {};
      return Number((await range({ key: encode(key), ...end }, "/v3/kv/deleterange")).header.revision);
    },
    async compact(before?: number) {
      const at = before ?? (await revision());
      await call("/v3/kv/compaction", { revision: at, physical: true });
      return at;
    },
  });
}

interface ArgsInput {
  readonly url: string;
  readonly peerPort: number;
  readonly dataFolder: string;
  readonly certificates: Certificates | undefined;
  readonly options: EtcdOptions;
}

function etcdArgs({ url, peerPort, dataFolder, certificates, options }: ArgsInput): string[] {
  const peer = `http://127.0.0.1:${peerPort}`;
  return flags({
    name: "test",
    "data-dir": dataFolder,
    "listen-client-urls": url,
    "advertise-client-urls": url,
    "listen-peer-urls": peer,
    "initial-advertise-peer-urls": peer,
    "initial-cluster": `test=${peer}`,
    // It has nobody to vote with: the defaults make each start take a second.
    "heartbeat-interval": "20",
    "election-timeout": "200",
    // The default cost makes each sign-in take a tenth of a second.
    "bcrypt-cost": "4",
    // Tests kill processes, not machines: what is written is not lost without fsync.
    ...(options.version === "3.4" ? {} : { "unsafe-no-fsync": "true" }),
    ...(certificates === undefined ? {} : { "cert-file": certificates.server.cert, "key-file": certificates.server.key }),
    ...(certificates !== undefined && options.tls === "mutual"
      ? { "client-cert-auth": "true", "trusted-ca-file": certificates.ca }
      : {}),
  });
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}

function decode(base64: string | undefined): string {
  return Buffer.from(base64 ?? "", "base64").toString();
}

/** The first key after all those that begin with the prefix. */
function prefixEnd(prefix: string): string {
  const bytes = Buffer.from(prefix);
  for (let last = bytes.length - 1; last >= 0; last -= 1) {
    const byte = bytes[last] ?? 0xff;
    if (byte < 0xff) {
      bytes[last] = byte + 1;
      return bytes.subarray(0, last + 1).toString("base64");
    }
  }
  return encode("\0");
}
