import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { sleep } from "../../../src/core/time.ts";
import type { FairleadError } from "../../../src/model/errors.ts";
import { EVERYTHING, type Selector } from "../../../src/model/selector.ts";
import type { Snapshot } from "../../../src/model/snapshot.ts";
import type { Registry } from "../../../src/ports.ts";
import { type ConsulDeps, createConsulRegistry } from "../../../src/registry/consul/registry.ts";
import { follow } from "../../../src/registry/follow.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { type Consul, describeWith, startConsul } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { idsOf, instance, instancesOf, outcomesOf } from "./arena.ts";
import { consulContract } from "./consul-contract.ts";
import {
  agentServices,
  catalogItems,
  createCatalogWorld,
  emptyConsul,
  grantRights,
  type StoreChoice,
  startGauge,
  storeOptions,
} from "./consul-world.ts";

consulContract("Consul's catalogue", {
  createWorld: async (consul) => await createCatalogWorld(consul, (store) => createConsulRegistry(store)),
  minTtlMs: 2000,
  slackMs: 1000,
  noticeMs: 5000,
  outageNoticeMs: 5000,
  recoverMs: 15_000,
  leavesOut: {
    writeRaw: "services have no raw value, Consul checks their shape",
    sibling: "the catalogue knows no prefixes: every service in it is read",
    registrator: "that is a layout of keys",
    ownersWithoutEntries: "an owner is known by the checks of its entries",
    shortHolders: "it hangs on a session, and Consul has none that is shorter than 10 s; see consul-holder.test.ts",
    atomicClaims: "an agent cannot compare and set: the last of two that register at the same moment wins",
  },
});

describeWith(["consul"], "Consul's catalogue, beyond the contract", () => {
  let consul: Consul;
  let opened: Registry[] = [];
  let controller: AbortController;

  beforeAll(async () => {
    consul = await startConsul({ acl: true });
  });
  afterAll(async () => {
    await consul?.stop();
  });
  beforeEach(async () => {
    await emptyConsul(consul);
    controller = new AbortController();
  });
  afterEach(async () => {
    controller.abort();
    await Promise.all(opened.map((registry) => registry.close()));
    opened = [];
  });

  function open(choice: StoreChoice = {}, deps: ConsulDeps = {}): Registry {
    const registry = createConsulRegistry(storeOptions(consul, choice), deps);
    opened.push(registry);
    return registry;
  }
  function put(registry: Registry, ...instances: readonly Parameters<Registry["asStored"]>[0][]): Promise<unknown> {
    return registry.write("n1", { put: instances.map((item) => ({ instance: item })), remove: [] }, controller.signal);
  }
  async function indexes(): Promise<unknown> {
    const paths = ["/v1/catalog/services", "/v1/health/state/any", "/v1/health/service/web"];
    return await Promise.all(paths.map(async (path) => (await consul.http(path)).headers["x-consul-index"]));
  }
  function startFollowing(
    registry: Registry,
    selector: Selector,
  ): { readonly seen: Snapshot[]; readonly stale: FairleadError[] } {
    const seen: Snapshot[] = [];
    const stale: FairleadError[] = [];
    const options = {
      signal: controller.signal,
      backoff: { minMs: 50, maxMs: 500 },
      minIntervalMs: 5,
      resyncMs: Number.POSITIVE_INFINITY,
      onStale: (item: { readonly error: FairleadError } | undefined): void => void (item && stale.push(item.error)),
    };
    void (async () => {
      for await (const snapshot of follow(registry, selector, options)) {
        seen.push(snapshot);
      }
    })();
    return { seen, stale };
  }

  test("200 services are written, read, followed and kept alive over four connections", { timeout: 120_000 }, async () => {
    const gauge = await startGauge(consul.port);
    const registry = open({ endpoints: [gauge.endpoint] });
    const { signal } = controller;
    await registry.keepAlive("n1", 30_000, signal);
    const { seen, stale } = startFollowing(registry, EVERYTHING);
    const many = Array.from({ length: 200 }, (_, i) => instance(`svc-${i}`, `id-${i}`, { port: i + 1 }));
    await put(registry, ...many);
    await waitFor(() => seen.at(-1)?.services.size === 201, { timeoutMs: 20_000, what: "all services and consul" });
    const before = seen.length;
    for (let i = 0; i < 5; i += 1) {
      expect(await registry.keepAlive("n1", 30_000, signal)).toBe("kept");
    }
    await registry.putKey("k", "v", signal);
    await waitFor(() => seen.at(-1)?.keys.get("k") === "v", { timeoutMs: 5000, what: "the key" });
    expect(seen.length).toBe(before + 1);
    await waitFor(async () => (await registry.owned("n1", signal)).length === 200, { timeoutMs: 5000, what: "all of ours" });
    expect(stale).toEqual([]);
    expect(gauge.most).toBeLessThanOrEqual(4);
    await gauge.stop();
  });

  test("one change of many services costs a few requests, and being idle next to none", { timeout: 60_000 }, async () => {
    const gauge = await startGauge(consul.port);
    const reader = open({ endpoints: [gauge.endpoint] }, { timing: { sweepMs: 60_000 } });
    const writer = open();
    await writer.keepAlive("n1", 30_000, controller.signal);
    await put(writer, ...Array.from({ length: 100 }, (_, i) => instance(`svc-${i}`, `id-${i}`)));
    const { seen } = startFollowing(reader, EVERYTHING);
    await waitFor(() => seen.at(-1)?.services.size === 101, { timeoutMs: 20_000, what: "all services" });
    const loaded = gauge.requests;
    await sleep(5000, controller.signal);
    expect(gauge.requests - loaded).toBeLessThanOrEqual(3); // the blocking queries, each for half a minute
    await put(writer, instance("svc-7", "another"));
    await waitFor(() => idsOf(seen.at(-1) as Snapshot, "svc-7").length === 2, { timeoutMs: 5000, what: "the change" });
    const [old] = (await writer.owned("n1", controller.signal)).filter(({ entry }) => entry.id === "id-8");
    const change = {
      put: [{ instance: instance("svc-8", "id-8", { meta: { a: "b" } }), ...(old && { replaces: old }) }],
      remove: [],
    };
    await writer.write("n1", change, controller.signal);
    await waitFor(() => instancesOf(seen.at(-1) as Snapshot, "svc-8")[0]?.meta.a === "b", {
      timeoutMs: 5000,
      what: "the metadata",
    });
    await sleep(1000, controller.signal);
    expect(gauge.requests - loaded).toBeLessThanOrEqual(25);
    await gauge.stop();
  });

  test("heart-beats move no index", async () => {
    const registry = open();
    await registry.keepAlive("n1", 30_000, controller.signal);
    await put(
      registry,
      instance("web", "1"),
      instance("web", "2", { health: "critical" }),
      instance("web", "3", { health: "unknown" }),
    );
    const before = await indexes();
    for (let beat = 0; beat < 20; beat += 1) {
      expect(await registry.keepAlive("n1", 30_000, controller.signal)).toBe("kept");
    }
    await sleep(500, controller.signal);
    expect(await indexes()).toEqual(before);
  });

  test("a service of another program without checks that changes its address is seen", async () => {
    const body = { ID: "f", Name: "web", Address: "10.0.0.1", Port: 1 };
    await consul.json("/v1/agent/service/register", { method: "PUT", body });
    const { seen } = startFollowing(open(), { services: ["web"], keys: [] });
    await waitFor(() => seen.at(-1)?.services.has("web"), { timeoutMs: 5000, what: "the service" });
    await consul.json("/v1/agent/service/register", { method: "PUT", body: { ...body, Address: "10.0.0.2" } });
    await waitFor(() => instancesOf(seen.at(-1) as Snapshot, "web")[0]?.address === "10.0.0.2", { timeoutMs: 5000, what: "it" });
  });

  test("what others see of ours, and what we see of others", async () => {
    const registry = open();
    await registry.keepAlive("n1", 30_000, controller.signal);
    await put(registry, instance("web", "n1:web:80", { meta: { version: "2", "a.b": "c" }, tags: ["x"], weight: 5 }));
    const [item] = await catalogItems(consul, "web");
    expect(item?.Service).toMatchObject({ ID: "n1:web:80", Service: "web", Tags: ["x"], Weights: { Passing: 5 } });
    expect(item?.Service.Meta).toMatchObject({ "fairlead-owner": "n1", version: "2" });
    const register = (body: unknown): Promise<unknown> => consul.json("/v1/agent/service/register", { method: "PUT", body });
    await register({ ID: "no-port", Name: "worker" });
    await register({ ID: "f", Name: "Foreign App", Port: 7, Meta: { a: "b" }, Check: { TTL: "60s", Status: "warning" } });
    const hostile = { ID: "hostile", Name: "../../etc", Port: 1 };
    await register(hostile);
    await waitFor(
      async () => ((await consul.json("/v1/catalog/services")) as object) && (await agentServices(consul)).length === 4,
      {
        timeoutMs: 5000,
        what: "all services",
      },
    );
    const snapshot = await waitFor(
      async () => {
        const now = await registry.read(EVERYTHING, { signal: controller.signal });
        return now.services.has("Foreign App") && now.invalid.length === 1 && now;
      },
      { timeoutMs: 5000, what: "the others' services" },
    );
    expect([...snapshot.services.keys()]).toEqual(["Foreign App", "consul", "web"]);
    expect(instancesOf(snapshot, "Foreign App")).toMatchObject([
      { id: "f", address: "127.0.0.1", port: 7, meta: { a: "b" }, health: "warning", owner: "" },
    ]);
    expect(snapshot.invalid.map(({ key }) => key)).toEqual(["../../etc/"]);
    expect(await registry.owned("n1", controller.signal)).toHaveLength(1);
  });

  test("a key that is not UTF-8 is left out and named, a folder of Consul's user interface is not shown", async () => {
    const txn = [
      { KV: { Verb: "set", Key: "app/bad", Value: Buffer.from([0x61, 0xff]).toString("base64") } },
      { KV: { Verb: "set", Key: "app/folder/", Value: "" } },
      { KV: { Verb: "set", Key: "app/good", Value: "dg==" } },
    ];
    await consul.json("/v1/txn", { method: "PUT", body: txn });
    const snapshot = await open().read({ services: [], keys: ["app/", "b"] }, { signal: controller.signal });
    expect([...snapshot.keys]).toEqual([["app/good", "v"]]);
    expect(snapshot.invalid).toEqual([{ key: "app/bad", reason: "it is not UTF-8" }]);
  });

  const ALL = 'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" } key_prefix "" { policy = "write" }';
  test.each<readonly [string, string | undefined]>([
    ["revoked", undefined],
    ["narrowed to other services", 'service "other" { policy = "read" } node_prefix "" { policy = "read" }'],
    ["narrowed to no node", 'service_prefix "" { policy = "read" } key_prefix "" { policy = "read" }'],
  ])("a token that is %s while following: the last good stays in force, and it is told why", async (_, rules) => {
    const rights = await grantRights(consul, ALL);
    // An agent speaks for a service with the token that registered it: that one has to stay good.
    const writer = open();
    await writer.keepAlive("n1", 30_000, controller.signal);
    await put(writer, instance("web", "1"), instance("web", "2"));
    const registry = open({ token: rights.token }, { timing: { waitMs: 1000 } });
    const { seen, stale } = startFollowing(registry, { services: "all", keys: [] });
    await waitFor(() => seen.length > 0 && idsOf(seen.at(-1) as Snapshot, "web").length === 2, { timeoutMs: 5000, what: "ours" });
    const before = seen.length;
    await (rules === undefined ? rights.revoke() : rights.change(rules));
    await waitFor(() => stale.some(({ code }) => code === "REGISTRY_DENIED"), { timeoutMs: 10_000, what: "the refusal" });
    await sleep(1500, controller.signal);
    expect(seen.length).toBe(before);
    expect(stale.map(({ message }) => message).join()).not.toContain(rights.token);
  });

  test("with a renewed token entries are registered again: the agent speaks for each with the token it came with", async () => {
    const [first, second] = [await grantRights(consul, ALL), await grantRights(consul, ALL)];
    let token = first.token;
    const registry = createConsulRegistry({ ...storeOptions(consul), token: async () => token });
    opened.push(registry);
    const { signal } = controller;
    await registry.keepAlive("n1", 30_000, signal);
    await put(registry, instance("web", "1"), instance("web", "2"));
    const unleased = async (): Promise<readonly boolean[]> => (await registry.owned("n1", signal)).map((item) => item.unleased);
    expect(await unleased()).toEqual([false, false]);
    token = second.token;
    expect(await registry.keepAlive("n1", 30_000, signal)).toBe("kept");
    expect(await unleased()).toEqual([true, true]);
    const owned = await registry.owned("n1", signal);
    const change = { put: owned.map((replaces) => ({ instance: replaces.entry, replaces })), remove: [] };
    expect(outcomesOf(await registry.write("n1", change, signal))).toEqual(["written", "written"]);
    expect(await unleased()).toEqual([false, false]);
    await first.revoke();
    await registry.release("n1", signal);
    const isGone = async (): Promise<boolean> => (await catalogItems(consul, "web")).length === 0;
    await waitFor(isGone, { timeoutMs: 5000, what: "the catalogue to forget them" });
  });

  test("without rights nothing can be written, and that is told", async () => {
    const rights = await grantRights(consul, 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }');
    const registry = open({ token: rights.token });
    await registry.keepAlive("n1", 30_000, controller.signal);
    const results = await put(registry, instance("web", "1"));
    expect(results).toMatchObject([{ outcome: "failed", error: { code: "REGISTRY_DENIED" } }]);
    await expect(registry.putKey("k", "v", controller.signal)).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
    await expect(registry.removeKey("k", controller.signal)).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
    await expect(registry.putKey("a//b", "v", controller.signal)).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
  });

  test("a server that hangs fails every call in time, and all goes on after it", { timeout: 60_000 }, async () => {
    const registry = open({}, { timing: { waitMs: 1000, callMs: 1500, bulkMs: 1500 } });
    const { signal } = controller;
    await registry.keepAlive("n1", 30_000, signal);
    await put(registry, instance("web", "1"));
    const { seen, stale } = startFollowing(registry, EVERYTHING);
    await waitFor(() => seen.length > 0, { timeoutMs: 5000, what: "a snapshot" });
    consul.pause();
    const startedAt = performance.now();
    await expect(registry.keepAlive("n1", 30_000, signal)).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
      retryable: true,
    });
    expect(performance.now() - startedAt).toBeLessThan(4000 * PATIENCE);
    await waitFor(() => stale.length > 0, { timeoutMs: 10_000, what: "onStale" });
    consul.resume();
    await waitFor(async () => (await registry.keepAlive("n1", 30_000, signal)) === "kept", { timeoutMs: 10_000, what: "a beat" });
    expect(outcomesOf((await put(registry, instance("web", "2"))) as never)).toEqual(["written"]);
    await waitFor(() => idsOf(seen.at(-1) as Snapshot, "web").length === 2, { timeoutMs: 10_000, what: "the change" });
    expect(seen.every((snapshot) => idsOf(snapshot, "web").includes("1"))).toBe(true);
  });

  test("Consul reaps what a dead owner left, and never the unhealthy instance of a living one", {
    timeout: 180_000,
  }, async () => {
    const [living, dead] = [open(), open()];
    const { signal } = controller;
    await living.keepAlive("n1", 3000, signal);
    await put(living, instance("web", "ill", { health: "critical" }));
    await dead.keepAlive("n2", 3000, signal);
    await dead.write("n2", { put: [{ instance: instance("web", "dead", { health: "passing" }) }], remove: [] }, signal);
    const ids = async (): Promise<readonly string[]> => (await agentServices(consul)).map(({ ID }) => ID).sort();
    expect(await ids()).toEqual(["dead", "ill"]);
    const beats: string[] = [];
    await waitFor(
      async () => {
        beats.push(await living.keepAlive("n1", 3000, signal));
        return !(await ids()).includes("dead");
      },
      { timeoutMs: 150_000, intervalMs: 1000, what: "Consul to reap the dead owner's" },
    );
    expect(new Set(beats)).toEqual(new Set(["kept"]));
    expect(await ids()).toEqual(["ill"]);
    const snapshot = await living.read(EVERYTHING, { signal });
    expect(instancesOf(snapshot, "web")).toMatchObject([{ id: "ill", health: "critical", owner: "n1" }]);
  });
});
