import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Selector } from "../../../src/model/selector.ts";
import type { Service, Snapshot } from "../../../src/model/snapshot.ts";
import type { ReadOptions, Registry } from "../../../src/ports.ts";
import { encodeAddress, encodeEntry, encodeSegment } from "../../../src/registry/codec.ts";
import { keyLayout, type StoreOptions } from "../../../src/registry/store.ts";
import type { Consul } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import type { OpenOptions, Place, World } from "./fixture.ts";

const SYNC_MS = 15_000;

export interface StoreChoice extends OpenOptions {
  /** Other addresses than the server's: a proxy's. */
  readonly endpoints?: readonly string[];
  readonly token?: string;
}

/** How a registry reaches this server. */
export function storeOptions(consul: Consul, choice: StoreChoice = {}): StoreOptions {
  const { layout = "json", sibling, endpoints = [`127.0.0.1:${consul.port}`], token = consul.token } = choice;
  const prefix = layout === "json" ? "fairlead" : "services";
  return {
    name: `consul://${endpoints.join(",")}`,
    endpoints,
    prefix: sibling === undefined ? prefix : `${prefix}-${sibling}`,
    kvPrefix: "",
    layout,
    ...(consul.tls !== undefined && { tls: consul.tls }),
    ...(token !== undefined && { token: async () => token }),
  };
}

interface Session {
  readonly ID: string;
  readonly Name: string;
}

interface AgentService {
  readonly ID: string;
  readonly Service: string;
  readonly Tags: readonly string[];
  readonly Meta: Readonly<Record<string, string>>;
}

interface CatalogItem {
  readonly Node: { readonly Node: string };
  readonly Service: AgentService & {
    readonly Address: string;
    readonly Port: number;
    readonly Weights: unknown;
    readonly CreateIndex: number;
    readonly ModifyIndex: number;
  };
  readonly Checks: readonly { readonly CheckID: string; readonly Status: string; readonly ModifyIndex: number }[];
}

/** A Consul without entries, keys and sessions; what it registers by itself stays. */
export async function emptyConsul(consul: Consul): Promise<void> {
  await consul.json("/v1/kv/?recurse", { method: "DELETE" });
  for (const { ID } of (await consul.json("/v1/session/list")) as readonly { readonly ID: string }[]) {
    await consul.json(`/v1/session/destroy/${ID}`, { method: "PUT" });
  }
  // A write that was aborted may still be going on inside of the agent.
  const isEmpty = async (): Promise<boolean> => {
    for (const { ID } of await agentServices(consul)) {
      await consul.http(`/v1/agent/service/deregister/${encodeURIComponent(ID)}`, { method: "PUT" }); // it may be gone by now
    }
    return Object.keys((await consul.json("/v1/catalog/services")) as object).join() === "consul";
  };
  await waitFor(isEmpty, { timeoutMs: SYNC_MS, what: "the catalogue to be empty" });
}

/** What the catalogue says of one of fairlead's services, by its own name. */
export async function catalogItems(consul: Consul, service: string): Promise<readonly CatalogItem[]> {
  const path = `/v1/health/service/${encodeURIComponent(encodeSegment(service))}`;
  return (await consul.json(path)) as readonly CatalogItem[];
}

export async function agentServices(consul: Consul): Promise<readonly AgentService[]> {
  return Object.values((await consul.json("/v1/agent/services")) as Readonly<Record<string, AgentService>>).filter(
    ({ Service }) => Service !== "consul",
  );
}

/** Stopping, starting and losing data, the same for the catalogue and the key-value store. */
function machine(consul: Consul): Pick<World, "outage" | "recover" | "restart" | "wipe" | "teardown"> {
  let isUp = true;
  async function start(): Promise<void> {
    await consul.restart();
    isUp = true;
  }
  return {
    async outage() {
      await consul.kill();
      isUp = false;
    },
    recover: start,
    restart: start,
    wipe: () => consul.wipe(),
    async teardown() {
      if (!isUp) {
        await start();
      }
    },
  };
}

/** The catalogue, emptied. Consul's own service is hidden from the cases, which begin with nothing. */
export async function createCatalogWorld(consul: Consul, create: (store: StoreOptions) => Registry): Promise<World> {
  await emptyConsul(consul);
  return {
    ...machine(consul),
    open: async (options) => withoutConsul(create(storeOptions(consul, options))),
    writeRaw: leftOut,
    async writeForeign({ id, service, address, port }) {
      const body = { ID: id, Name: service, Address: address, Port: port };
      await consul.json("/v1/agent/service/register", { method: "PUT", body });
      const isThere = async (): Promise<boolean> =>
        (await catalogItems(consul, service)).some(({ Service }) => Service.ID === id);
      await waitFor(isThere, { timeoutMs: SYNC_MS, what: "the foreign service to be in the catalogue" });
    },
    async storeRevision(service, id) {
      const item = (await catalogItems(consul, service)).find(({ Service }) => Service.ID === id);
      return item && JSON.stringify([item.Service.ModifyIndex, ...item.Checks.map(({ ModifyIndex }) => ModifyIndex)]);
    },
    async expireLease(owner) {
      for (const { ID, Service } of (await agentServices(consul)).filter(({ Meta }) => Meta["fairlead-owner"] === owner)) {
        const check = `fairlead-alive:${ID}`;
        await consul.json(`/v1/agent/check/fail/${encodeURIComponent(check)}`, { method: "PUT" });
        const isOver = async (): Promise<boolean> =>
          (await catalogItems(consul, decodeURIComponent(Service)))
            .flatMap(({ Checks }) => Checks)
            .some(({ CheckID, Status }) => CheckID === check && Status === "critical");
        await waitFor(isOver, { timeoutMs: SYNC_MS, what: "the lease to be over" });
      }
      for (const { ID, Name } of (await consul.json("/v1/session/list")) as readonly Session[]) {
        if (Name === `fairlead writes as ${JSON.stringify(owner)}`) {
          await consul.json(`/v1/session/destroy/${ID}`, { method: "PUT" });
        }
      }
    },
    ownKey: () => "fairlead/services/web/1",
  };
}

/** The key-value store, emptied. */
export async function createKvWorld(consul: Consul, create: (store: StoreOptions) => Registry): Promise<World> {
  await emptyConsul(consul);
  function keyOf(place: Place): string {
    const choice = place.kind === "entry" && place.layout !== undefined ? { layout: place.layout } : {};
    const layout = keyLayout(storeOptions(consul, choice));
    return place.kind === "entry" ? layout.entryKey(place) : layout.configKey(place.key);
  }
  async function put(key: string, bytes: Uint8Array): Promise<void> {
    const operation = { KV: { Verb: "set", Key: key, Value: Buffer.from(bytes).toString("base64") } };
    await consul.json("/v1/txn", { method: "PUT", body: [operation] });
  }
  return {
    ...machine(consul),
    open: async (options) => create(storeOptions(consul, options)),
    writeRaw: (place, bytes) => put(keyOf(place), bytes),
    async writeForeign(instance, layout = "json") {
      const value = layout === "json" ? encodeEntry({ ...instance, owner: "" }) : encodeAddress(instance);
      await put(keyOf({ kind: "entry", ...instance, layout }), Buffer.from(value));
    },
    async storeRevision(service, id) {
      const path = keyOf({ kind: "entry", service, id }).split("/").map(encodeURIComponent).join("/");
      const { status, text } = await consul.http(`/v1/kv/${path}`);
      return status === 404 ? undefined : String((JSON.parse(text) as [{ readonly ModifyIndex: number }])[0].ModifyIndex);
    },
    async expireLease(owner) {
      const sessions = (await consul.json("/v1/session/list")) as readonly Session[];
      for (const { ID } of sessions.filter(({ Name }) => Name.includes(JSON.stringify(owner)))) {
        await consul.json(`/v1/session/destroy/${ID}`, { method: "PUT" });
      }
    },
    ownKey: () => "fairlead/services/web/1",
  };
}

function leftOut(): never {
  throw new Error("this is left out");
}

/** Hides the service under which Consul's servers register themselves; equal maps stay equal. */
function withoutConsul(registry: Registry): Registry {
  const shown = new WeakMap<ReadonlyMap<string, Service>, ReadonlyMap<string, Service>>();
  return {
    ...registry,
    async read(selector: Selector, options: ReadOptions): Promise<Snapshot> {
      const snapshot = await registry.read(selector, options);
      const services = shown.get(snapshot.services) ?? new Map([...snapshot.services].filter(([name]) => name !== "consul"));
      shown.set(snapshot.services, services);
      return { ...snapshot, services };
    },
  };
}

export interface Gauge {
  readonly endpoint: string;
  /** The most connections that were open at once. */
  readonly most: number;
  /** HTTP requests that went through. */
  readonly requests: number;
  stop(): Promise<void>;
}

/** Counts on the way to a server: connections and, without TLS, requests. */
export async function startGauge(port: number): Promise<Gauge> {
  const open = new Set<Socket>();
  let most = 0;
  let requests = 0;
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    open.add(client);
    most = Math.max(most, open.size);
    client.on("data", (chunk) => {
      requests += chunk.toString("latin1").match(/^(GET|PUT|POST|DELETE) \/v1\//gm)?.length ?? 0;
    });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        open.delete(client);
        to.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get most() {
      return most;
    },
    get requests() {
      return requests;
    },
    async stop() {
      const closed = once(server, "close");
      server.close();
      for (const client of open) {
        client.destroy();
      }
      await closed;
    },
  };
}

export interface Rights {
  readonly token: string;
  /** Other rules for the same token. */
  change(rules: string): Promise<void>;
  /** The token is no token any more. */
  revoke(): Promise<void>;
}

/** A token of a Consul with ACLs that may do what `rules` say. */
export async function grantRights(consul: Consul, rules: string): Promise<Rights> {
  const put = (path: string, body: unknown): Promise<unknown> => consul.json(path, { method: "PUT", body });
  const name = `p-${Math.random().toString(36).slice(2)}`;
  const policy = (await put("/v1/acl/policy", { Name: name, Rules: rules })) as { readonly ID: string };
  const token = (await put("/v1/acl/token", { Policies: [{ ID: policy.ID }] })) as {
    readonly AccessorID: string;
    readonly SecretID: string;
  };
  return {
    token: token.SecretID,
    async change(next) {
      await put(`/v1/acl/policy/${policy.ID}`, { Name: name, Rules: next });
    },
    async revoke() {
      await consul.json(`/v1/acl/token/${token.AccessorID}`, { method: "DELETE" });
    },
  };
}
