/** Every kind of registry, as an end-to-end test may treat it. */
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Consul, type describeWith, type Etcd, startConsul, startEtcd } from "../helpers/servers/index.ts";

export interface Store {
  /** The `registry` of a configuration. */
  readonly registry: string;
  readonly env?: Readonly<Record<string, string>>;
  restart(): Promise<void>;
  /** A replaced machine: it is there, and all data are gone. */
  wipe(): Promise<void>;
  stop(): Promise<void>;
}

export const STORES: readonly {
  readonly name: string;
  readonly servers: Parameters<typeof describeWith>[0];
  readonly make: (folder: string) => Promise<Store>;
}[] = [
  { name: "file", servers: [], make: async (folder) => folderStore(join(folder, "registry")) },
  { name: "etcd 3.4", servers: ["etcd34"], make: () => etcdStore("3.4") },
  { name: "etcd 3.6", servers: ["etcd36"], make: () => etcdStore("3.6") },
  { name: "consul", servers: ["consul"], make: () => consulStore("consul") },
  { name: "consul-kv", servers: ["consul"], make: () => consulStore("consul-kv") },
];

/** A folder cannot be restarted; taken away and put back it is what a remounted disk is. */
function folderStore(dir: string): Store {
  return {
    registry: `file://${dir}`,
    restart: async () => {
      await rename(dir, `${dir}.away`);
      await rename(`${dir}.away`, dir);
    },
    wipe: async () => {
      await rm(join(dir, "owners"), { recursive: true, force: true });
      await rm(join(dir, "services"), { recursive: true, force: true });
    },
    stop: async () => undefined,
  };
}

export async function etcdStore(version: "3.4" | "3.6"): Promise<Store> {
  const etcd = await startEtcd({ version });
  return { registry: `etcd://${etcd.endpoint}`, ...lifeOf(etcd) };
}

async function consulStore(scheme: "consul" | "consul-kv"): Promise<Store> {
  const consul = await startConsul();
  return { registry: `${scheme}://127.0.0.1:${consul.port}`, ...lifeOf(consul) };
}

function lifeOf(server: Etcd | Consul): Pick<Store, "restart" | "wipe" | "stop"> {
  return { restart: () => server.restart(), wipe: () => server.wipe(), stop: () => server.stop() };
}
