/** Every kind of registry as the churn run treats it, read by its own interface and never through fairlead. */
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Consul, type Etcd, startConsul, startEtcd } from "../helpers/servers/index.ts";
import type { Held } from "./compare.ts";
import { judgeWrites, readEvents, type Writes } from "./etcd-history.ts";
import { readCatalogue, readFolder, readPairs, writeEntryFile } from "./read-stores.ts";

export const STORES = ["etcd", "etcd34", "consul", "consul-kv", "file"] as const;
export type StoreName = (typeof STORES)[number];

export interface ForeignEntry {
  readonly service: string;
  readonly id: string;
  readonly address: string;
  readonly port: number;
}

export interface Store {
  /** The `registry` of a configuration. */
  readonly registry: string;
  /** All entries that are there, whosever they are. */
  read(): Promise<readonly Held[]>;
  /** An entry as a person writes it, without an owner. */
  writeByHand(entry: ForeignEntry): Promise<void>;
  /** Everything that this owner has written so far, where the store remembers that. */
  writesOf?(owner: string): Promise<Writes>;
  /** A crash. `start` brings it back with its data. */
  kill(): Promise<void>;
  /** It holds its connections and answers nothing. Does nothing to a folder. */
  freeze(): void;
  thaw(): void;
  /** Politely down and up again. */
  restart(): Promise<void>;
  start(): Promise<void>;
  /** It is there, and all data are gone. */
  wipe(): Promise<void>;
  stop(): Promise<void>;
}

/** On etcd; the end is the first key after all that begin so. */
const SERVICES = "/fairlead/services/";
const SERVICES_END = "/fairlead/services0";

export async function openStore(name: StoreName, folder: string): Promise<Store> {
  switch (name) {
    case "etcd":
      return etcdStore(await startEtcd({ version: "3.6" }));
    case "etcd34":
      return etcdStore(await startEtcd({ version: "3.4" }));
    case "consul":
      return catalogueStore(await startConsul());
    case "consul-kv":
      return pairsStore(await startConsul());
    case "file":
      return folderStore(join(folder, "registry"));
  }
}

function etcdStore(etcd: Etcd): Store {
  return {
    registry: `etcd://${etcd.endpoint}`,
    ...lifeOf(etcd),
    async read() {
      const [key, end] = [SERVICES, SERVICES_END].map((text) => Buffer.from(text).toString("base64"));
      const { kvs = [] } = (await etcd.call("/v3/kv/range", { key, range_end: end })) as {
        readonly kvs?: readonly {
          readonly key: string;
          readonly value: string;
          readonly mod_revision: string;
          readonly version: string;
        }[];
      };
      return readPairs(
        kvs.map((kv) => ({
          path: Buffer.from(kv.key, "base64").toString().slice(SERVICES.length),
          value: Buffer.from(kv.value, "base64").toString(),
          revision: kv.mod_revision,
          writes: Number(kv.version),
        })),
      );
    },
    async writesOf(owner) {
      const last = `${SERVICES_END}-history`;
      await etcd.put(last, "");
      return judgeWrites(await readEvents(etcd.url, { key: SERVICES, end: `${last}-`, last }), owner);
    },
    async writeByHand({ service, id, address, port }) {
      await etcd.put(`${SERVICES}${service}/${id}`, JSON.stringify({ address, port }));
    },
  };
}

function catalogueStore(consul: Consul): Store {
  return {
    registry: `consul://127.0.0.1:${consul.port}`,
    ...lifeOf(consul),
    async read() {
      const [node, checks] = await Promise.all([consul.json("/v1/catalog/node/test"), consul.json("/v1/health/node/test")]);
      return readCatalogue(node, checks);
    },
    async writeByHand({ service, id, address, port }) {
      const body = { Name: service, ID: id, Address: address, Port: port };
      await consul.json("/v1/agent/service/register", { method: "PUT", body });
    },
  };
}

function pairsStore(consul: Consul): Store {
  const prefix = "fairlead/services/";
  return {
    registry: `consul-kv://127.0.0.1:${consul.port}`,
    ...lifeOf(consul),
    async read() {
      const { status, text } = await consul.http(`/v1/kv/${prefix}?recurse`);
      if (status !== 200 && status !== 404) {
        throw new Error(`Consul answers ${status}`);
      }
      const pairs = (status === 404 ? [] : JSON.parse(text)) as readonly {
        readonly Key: string;
        readonly Value: string;
        readonly CreateIndex: number;
        readonly ModifyIndex: number;
      }[];
      return readPairs(
        pairs.map(({ Key: key, Value: value, CreateIndex: created, ModifyIndex: modified }) => ({
          path: key.slice(prefix.length),
          value: Buffer.from(value, "base64").toString(),
          revision: String(modified),
          // It does not count, but it tells the first write from the others.
          writes: created === modified ? 1 : Number.POSITIVE_INFINITY,
        })),
      );
    },
    async writeByHand({ service, id, address, port }) {
      await consul.put(`${prefix}${service}/${id}`, JSON.stringify({ address, port }));
    },
  };
}

/** A folder cannot crash; taken away for a while it is what a lost mount is. */
function folderStore(dir: string): Store {
  const away = `${dir}.away`;
  return {
    registry: `file://${dir}`,
    read: () => readFolder(dir),
    async writeByHand(entry) {
      await writeEntryFile(dir, entry);
    },
    kill: () => rename(dir, away),
    start: async () => {
      await rm(dir, { recursive: true, force: true });
      await rename(away, dir);
    },
    freeze: () => undefined,
    thaw: () => undefined,
    restart: async () => {
      await rename(dir, away);
      await rename(away, dir);
    },
    wipe: async () => {
      await rm(join(dir, "owners"), { recursive: true, force: true });
      await rm(join(dir, "services"), { recursive: true, force: true });
    },
    stop: async () => undefined,
  };
}

function lifeOf(server: Etcd | Consul): Omit<Store, "registry" | "read" | "writesOf" | "writeByHand"> {
  return {
    kill: () => server.kill(),
    start: () => server.restart(),
    freeze: () => server.pause(),
    thaw: () => server.resume(),
    restart: () => server.restart(),
    wipe: () => server.wipe(),
    stop: () => server.stop(),
  };
}
