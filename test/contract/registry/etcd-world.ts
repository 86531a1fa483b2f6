import type { Registry } from "../../../src/ports.ts";
import { encodeAddress, encodeEntry } from "../../../src/registry/codec.ts";
import { keyLayout, type StoreOptions } from "../../../src/registry/store.ts";
import type { Etcd } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import type { OpenOptions, Place, World } from "./fixture.ts";

interface StoreChoice extends OpenOptions {
  /** Another address than the server's: a proxy's. */
  readonly endpoints?: readonly string[];
}

/** How a registry reaches this server. */
export function storeOptions(
  etcd: Etcd,
  { layout = "json", sibling, endpoints = [etcd.endpoint] }: StoreChoice = {},
): StoreOptions {
  const { credentials, tls } = etcd;
  const prefix = layout === "json" ? "fairlead" : "services";
  return {
    name: `etcd://${endpoints.join(",")}`,
    endpoints,
    prefix: sibling === undefined ? prefix : `${prefix}-${sibling}`,
    kvPrefix: "",
    layout,
    ...(tls !== undefined && { tls }),
    ...(credentials !== undefined && {
      login: { username: credentials.username, password: async () => credentials.password },
    }),
  };
}

interface RawKv {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision: string;
  readonly lease?: string;
}

/** One etcd, emptied. */
export async function createWorld(etcd: Etcd, create: (store: StoreOptions) => Registry): Promise<World> {
  await etcd.call("/v3/kv/deleterange", { key: base64("\0"), range_end: base64("\0") });
  let isUp = true;

  function keyOf(place: Place): string {
    const layout = keyLayout(
      storeOptions(etcd, place.kind === "entry" && place.layout !== undefined ? { layout: place.layout } : {}),
    );
    return `/${place.kind === "entry" ? layout.entryKey(place) : layout.configKey(place.key)}`;
  }
  async function range(key: string, end?: string): Promise<readonly RawKv[]> {
    const request = { key: base64(key), ...(end !== undefined && { range_end: base64(end) }) };
    const { kvs = [] } = (await etcd.call("/v3/kv/range", request)) as { readonly kvs?: readonly RawKv[] };
    return kvs;
  }
  async function start(): Promise<void> {
    await etcd.restart();
    isUp = true;
  }

  return {
    open: async (options) => create(storeOptions(etcd, options)),
    async outage() {
      await etcd.kill();
      isUp = false;
    },
    recover: start,
    restart: start,
    wipe: () => etcd.wipe(),
    async writeRaw(place, bytes) {
      await etcd.call("/v3/kv/put", { key: base64(keyOf(place)), value: Buffer.from(bytes).toString("base64") });
    },
    async writeForeign(instance, layout = "json") {
      const value = layout === "json" ? encodeEntry({ ...instance, owner: "" }) : encodeAddress(instance);
      await etcd.put(keyOf({ kind: "entry", ...instance, layout }), value);
    },
    async storeRevision(service, id) {
      return (await range(keyOf({ kind: "entry", service, id })))[0]?.mod_revision;
    },
    async expireLease(owner) {
      const { entriesPrefix } = keyLayout(storeOptions(etcd));
      const kvs = await range(`/${entriesPrefix}`, `/${entriesPrefix.slice(0, -1)}0`);
      const owned = kvs.filter(({ value }) => (JSON.parse(text(value)) as { readonly owner?: string }).owner === owner);
      const leases = new Set(owned.map(({ lease }) => lease).filter((lease) => lease !== undefined && lease !== "0"));
      for (const lease of leases) {
        await etcd.call("/v3/lease/revoke", { ID: lease });
      }
      await waitFor(async () => (await range(keyOf({ kind: "entry", service: "web", id: "1" }))).length === 0, {
        timeoutMs: 2000,
        what: "the lease to be revoked",
      });
    },
    ownKey: () => "fairlead/services/web/1",
    async teardown() {
      if (!isUp) {
        await start();
      }
    },
  };
}

function base64(value: string): string {
  return Buffer.from(value).toString("base64");
}

function text(value: string | undefined): string {
  return Buffer.from(value ?? "", "base64").toString();
}
