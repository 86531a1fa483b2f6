/** Processes that register in one store, and what can be seen of them from outside. */
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { openRegistry } from "../../src/compose/registry.ts";
import { parseRegistryUrl } from "../../src/config/registry.ts";
import { EVERYTHING } from "../../src/model/selector.ts";
import type { Snapshot } from "../../src/model/snapshot.ts";
import { createSecrets } from "../../src/observe/secrets.ts";
import { follow } from "../../src/registry/follow.ts";
import { type Running, startFairlead } from "../helpers/fairlead.ts";
import { recordLog } from "../helpers/quiet-log.ts";
import { type describeWith, type Etcd, startConsul, startEtcd } from "../helpers/servers/index.ts";

export interface LifeStore {
  /** The `registry` of a configuration. */
  readonly registry: string;
  readonly ttlMs: number;
  /** How much longer than the time to live the store may keep an entry. */
  readonly slackMs: number;
  /** The store's own version of each entry: equal versions prove that nothing was written. */
  versions(): Promise<Readonly<Record<string, string>>>;
  restart(): Promise<void>;
  wipe(): Promise<void>;
  stop(): Promise<void>;
}

export const LIFE_STORES: readonly {
  readonly name: string;
  readonly servers: Parameters<typeof describeWith>[0];
  readonly make: (folder: string) => Promise<LifeStore>;
}[] = [
  { name: "file", servers: [], make: async (folder) => folderStore(join(folder, "registry")) },
  { name: "etcd 3.4", servers: ["etcd34"], make: async () => etcdStoreOf(await startEtcd({ version: "3.4" })) },
  { name: "consul-kv", servers: ["consul"], make: kvStore },
  { name: "Consul's catalogue", servers: ["consul"], make: catalogueStore },
];

function folderStore(dir: string): LifeStore {
  const services = join(dir, "services");
  return {
    registry: `file://${dir}`,
    ttlMs: 8000,
    slackMs: 500,
    async versions() {
      const names = await readdir(services, { recursive: true }).catch(() => []);
      const files = names.filter((name) => name.endsWith(".json") && !name.includes("/."));
      const entries = files.map(async (name) => {
        const { ino, mtimeNs } = await stat(join(services, name), { bigint: true });
        return [decodeURIComponent(name).replace(/\.json$/, ""), `${ino} ${mtimeNs}`] as const;
      });
      return Object.fromEntries(await Promise.all(entries));
    },
    restart: leftOut,
    wipe: leftOut,
    stop: async () => undefined,
  };
}

/** A plain etcd, as such a store. */
export function etcdStoreOf(etcd: Etcd): LifeStore {
  const [key, end] = ["/fairlead/services/", "/fairlead/services0"].map((text) => Buffer.from(text).toString("base64"));
  return {
    registry: `etcd://${etcd.endpoint}`,
    ttlMs: 8000,
    slackMs: 2000,
    async versions() {
      const answer = (await etcd.call("/v3/kv/range", { key, range_end: end })) as {
        readonly kvs?: readonly { readonly key: string; readonly mod_revision: string }[];
      };
      return Object.fromEntries(
        (answer.kvs ?? []).map((kv) => [nameOf(Buffer.from(kv.key, "base64").toString()), kv.mod_revision]),
      );
    },
    restart: () => etcd.restart(),
    wipe: () => etcd.wipe(),
    stop: () => etcd.stop(),
  };
}

async function kvStore(): Promise<LifeStore> {
  const consul = await startConsul();
  return {
    registry: `consul-kv://127.0.0.1:${consul.port}`,
    ttlMs: 10_000, // Consul takes no less
    slackMs: 11_000, // it doubles the time, and looks once a second
    async versions() {
      const { status, text } = await consul.http("/v1/kv/fairlead/services?recurse");
      const pairs = status === 404 ? [] : (JSON.parse(text) as readonly { readonly Key: string; readonly ModifyIndex: number }[]);
      return Object.fromEntries(pairs.map((pair) => [nameOf(pair.Key), String(pair.ModifyIndex)]));
    },
    restart: () => consul.restart(),
    wipe: () => consul.wipe(),
    stop: () => consul.stop(),
  };
}

/** An entry that has lapsed stands there for another minute, and nobody uses it. */
async function catalogueStore(): Promise<LifeStore> {
  const consul = await startConsul();
  return {
    registry: `consul://127.0.0.1:${consul.port}`,
    ttlMs: 6000,
    slackMs: 1000,
    async versions() {
      const items = (await consul.json("/v1/health/service/web")) as readonly {
        readonly Service: { readonly ID: string; readonly ModifyIndex: number };
        readonly Checks: readonly { readonly CheckID: string; readonly Status: string }[];
      }[];
      const standing = items.filter(({ Service, Checks }) =>
        Checks.some(({ CheckID, Status }) => CheckID === `fairlead-alive:${Service.ID}` && Status === "passing"),
      );
      const versions = standing.map(({ Service }) => [`web/${Service.ID}`, String(Service.ModifyIndex)] as const);
      return Object.fromEntries(versions.toSorted(([a], [b]) => (a < b ? -1 : 1)));
    },
    restart: () => consul.restart(),
    wipe: () => consul.wipe(),
    stop: () => consul.stop(),
  };
}

function nameOf(key: string): string {
  return decodeURIComponent(key.split("/").slice(-2).join("/"));
}

function leftOut(): never {
  throw new Error("a folder has no server");
}

export interface Life {
  readonly name: string;
  readonly store: LifeStore;
  readonly folder: string;
  /** Default: `n1`. */
  readonly node?: string;
  /** Its instances, as `id` each. */
  readonly ids: readonly string[];
  readonly more?: object;
}

/** A process with a state folder and services of its own. */
export async function startLife({ name, store, folder, node = "n1", ids, more = {} }: Life): Promise<Running> {
  await writeServices(folder, name, ids);
  const config = {
    node,
    stateDir: `state-${name}`,
    registry: store.registry,
    register: { ttl: `${store.ttlMs}ms`, sources: { static: { file: `${name}.services.yaml` } } },
    log: { level: "debug", format: "json" },
    ...more,
  };
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, stringify(config));
  return startFairlead(["run", "-c", file], { cwd: folder });
}

async function writeServices(folder: string, name: string, ids: readonly string[]): Promise<void> {
  const services = ids.length === 0 ? {} : { web: ids.map((id) => ({ id, address: "10.0.0.1", port: 80 })) };
  await writeFile(join(folder, `${name}.services.yaml`), stringify({ services }));
}

/** The mark in a state folder. */
export async function markOf(folder: string, name: string): Promise<string> {
  const dir = join(folder, `state-${name}`, "registrations");
  const file = (await readdir(dir)).find((entry) => entry.endsWith(".json")) ?? "";
  return (JSON.parse(await readFile(join(dir, file), "utf8")) as { readonly mark: string }).mark;
}

export interface Watcher {
  /** The ids of every snapshot, in order. */
  readonly seen: readonly string[];
  stop(): Promise<void>;
}

/** A reader as a renderer is one. */
export async function watch(store: LifeStore): Promise<Watcher> {
  const registry = await openRegistry(parseRegistryUrl(store.registry, "/"), {
    env: {},
    log: recordLog(),
    secrets: createSecrets(),
  });
  const stop = new AbortController();
  const seen: string[] = [];
  const options = { signal: stop.signal, backoff: { minMs: 50, maxMs: 500 }, minIntervalMs: 5, resyncMs: 60_000 };
  async function run(): Promise<void> {
    for await (const snapshot of follow(registry, EVERYTHING, { ...options, onStale: () => undefined })) {
      seen.push(idsOf(snapshot));
    }
  }
  const running = run();
  return {
    seen,
    async stop() {
      stop.abort();
      await running;
      await registry.close();
    },
  };
}

function idsOf(snapshot: Snapshot): string {
  return (snapshot.services.get("web")?.instances ?? []).map(({ id }) => id).join();
}
