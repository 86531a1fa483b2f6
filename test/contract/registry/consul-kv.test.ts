import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { sleep } from "../../../src/core/time.ts";
import type { FairleadError } from "../../../src/model/errors.ts";
import { EVERYTHING, type Selector } from "../../../src/model/selector.ts";
import type { Snapshot } from "../../../src/model/snapshot.ts";
import type { Registry, WriteResult } from "../../../src/ports.ts";
import { type ConsulDeps, createConsulKvRegistry } from "../../../src/registry/consul/registry.ts";
import { follow } from "../../../src/registry/follow.ts";
import { type Consul, describeWith, startConsul, startProxy } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { idsOf, instance, instancesOf, outcomesOf } from "./arena.ts";
import { consulContract } from "./consul-contract.ts";
import { createKvWorld, emptyConsul, grantRights, type StoreChoice, startGauge, storeOptions } from "./consul-world.ts";

consulContract("Consul's key-value store", {
  createWorld: async (consul) => await createKvWorld(consul, (store) => createConsulKvRegistry(store)),
  minTtlMs: 10_000,
  slackMs: 12_000, // Consul ends a session after up to twice its time
  noticeMs: 5000,
  outageNoticeMs: 5000,
  recoverMs: 15_000,
  leavesOut: {},
});

describeWith(["consul"], "Consul's key-value store, beyond the contract", () => {
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
    const registry = createConsulKvRegistry(storeOptions(consul, choice), deps);
    opened.push(registry);
    return registry;
  }
  function put(
    registry: Registry,
    ...instances: readonly Parameters<Registry["asStored"]>[0][]
  ): Promise<readonly WriteResult[]> {
    return registry.write("n1", { put: instances.map((item) => ({ instance: item })), remove: [] }, controller.signal);
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
  const last = (seen: readonly Snapshot[]): Snapshot => {
    const snapshot = seen.at(-1);
    if (snapshot === undefined) {
      throw new Error("no snapshot yet");
    }
    return snapshot;
  };

  test.each([9000, 90_000_000])("a lease of %i ms is none that Consul has: a configuration error with a hint", async (ttlMs) => {
    const error = await open()
      .keepAlive("n1", ttlMs, controller.signal)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "CONFIG_INVALID", hint: expect.stringContaining("10 s"), retryable: false });
    expect(await consul.json("/v1/session/list")).toEqual([]);
  });

  test("one session for all entries of a process, and none more after a restart", async () => {
    for (let start = 0; start < 3; start += 1) {
      const registry = open();
      await registry.keepAlive("n1", 10_000, controller.signal);
      expect(outcomesOf(await put(registry, instance("web", `${start}`), instance("db", `${start}`)))).toEqual([
        "written",
        "written",
      ]);
      await registry.close();
    }
    const sessions = (await consul.json("/v1/session/list")) as readonly object[];
    expect(sessions).toHaveLength(1);
    expect(sessions[0]).toMatchObject({ TTL: "10s", Behavior: "delete", LockDelay: 0, NodeChecks: [] });
    const owned = await open().owned("n1", controller.signal);
    expect(owned.map(({ unleased }) => unleased)).toEqual(Array(6).fill(false));
  });

  test("another time to live means another session, and nobody sees entries gone while they move to it", async () => {
    const registry = open();
    await registry.keepAlive("n1", 10_000, controller.signal);
    await put(registry, instance("web", "1"), instance("web", "2"));
    const { seen } = startFollowing(open(), { services: "all", keys: [] });
    await waitFor(() => idsOf(last(seen), "web").length === 2, { timeoutMs: 5000, what: "both" });
    const next = open();
    expect(await next.keepAlive("n1", 20_000, controller.signal)).toBe("lost");
    const owned = await next.owned("n1", controller.signal);
    expect(owned.map(({ unleased }) => unleased)).toEqual([true, true]);
    const change = { put: owned.map((replaces) => ({ instance: replaces.entry, replaces })), remove: [] };
    expect(outcomesOf(await next.write("n1", change, controller.signal))).toEqual(["written", "written"]);
    expect((await next.owned("n1", controller.signal)).map(({ unleased }) => unleased)).toEqual([false, false]);
    await sleep(300, controller.signal);
    expect(seen).toHaveLength(1);
  });

  test("a write under a session that has ended says so, and works after the next beat", async () => {
    const registry = open();
    await registry.keepAlive("n1", 10_000, controller.signal);
    for (const { ID } of (await consul.json("/v1/session/list")) as readonly { readonly ID: string }[]) {
      await consul.json(`/v1/session/destroy/${ID}`, { method: "PUT" });
    }
    const [result] = await put(registry, instance("web", "1"));
    expect(result).toMatchObject({
      outcome: "failed",
      error: { retryable: true, message: expect.stringContaining("lease has ended") },
    });
    expect(await registry.keepAlive("n1", 10_000, controller.signal)).toBe("lost");
    expect(outcomesOf(await put(registry, instance("web", "1")))).toEqual(["written"]);
  });

  test("an entry that is too large fails alone, as USAGE, and so does a key", async () => {
    const registry = open();
    await registry.keepAlive("n1", 10_000, controller.signal);
    const large = instance("web", "large", { meta: { x: "y".repeat(600_000) } });
    const results = await put(registry, instance("web", "1"), large, instance("web", "2"));
    expect(outcomesOf(results)).toEqual(["written", "failed", "written"]);
    expect(results[1]).toMatchObject({ error: { code: "USAGE", retryable: false } });
    await registry.putKey("big", "x".repeat(500_000), controller.signal);
    await expect(registry.putKey("big", "x".repeat(600_000), controller.signal)).rejects.toMatchObject({ code: "USAGE" });
    const { keys } = await registry.read({ services: [], keys: ["big"] }, { signal: controller.signal });
    expect(keys.get("big")).toHaveLength(500_000);
  });

  test("in the layout registrator the record says whose an address is, until another program writes it", async () => {
    const registry = open({ layout: "registrator" });
    await registry.keepAlive("n1", 10_000, controller.signal);
    await put(registry, instance("web", "1"), instance("web", "2"));
    const { seen } = startFollowing(open({ layout: "registrator" }), { services: "all", keys: [] });
    const owners = (snapshot: Snapshot): readonly string[] => instancesOf(snapshot, "web").map(({ owner }) => owner);
    await waitFor(() => owners(last(seen)).join() === "n1,n1", { timeoutMs: 5000, what: "both with their owner" });
    for (let port = 1; port <= 10; port += 1) {
      const owned = await registry.owned("n1", controller.signal);
      const change = {
        put: owned.map((replaces) => ({ instance: instance("web", replaces.entry.id, { port }), replaces })),
        remove: [],
      };
      await registry.write("n1", change, controller.signal);
    }
    await waitFor(() => instancesOf(last(seen), "web").every(({ port }) => port === 10), {
      timeoutMs: 5000,
      what: "the last port",
    });
    expect(new Set(seen.map((snapshot) => owners(snapshot).join()))).toEqual(new Set(["n1,n1"]));
    await consul.http("/v1/kv/services/web/2", { method: "DELETE" });
    await consul.put("services/web/2", "10.9.9.9:9");
    await waitFor(() => owners(last(seen)).join() === "n1,", { timeoutMs: 5000, what: "the stranger" });
    expect((await registry.owned("n1", controller.signal)).map(({ entry }) => entry.id)).toEqual(["1"]);
    const [result] = await put(registry, instance("web", "2"));
    expect(result).toEqual({ service: "web", id: "2", outcome: "conflict", holder: "" });
  });

  test("the layout registrator below fairlead's own prefix: records are no entries", async () => {
    const store = { ...storeOptions(consul, { layout: "registrator" }), prefix: "fairlead" };
    const registry = createConsulKvRegistry(store);
    opened.push(registry);
    await registry.keepAlive("n1", 10_000, controller.signal);
    await put(registry, instance("owners", "1"), instance("web", "1"));
    const snapshot = await registry.read(EVERYTHING, { signal: controller.signal });
    expect([...snapshot.services.keys()]).toEqual(["owners", "web"]);
    expect([snapshot.invalid, [...snapshot.keys]]).toEqual([[], []]);
    expect((await registry.owned("n1", controller.signal)).map(({ entry }) => entry.service)).toEqual(["owners", "web"]);
  });

  test("keys below several prefixes come from one moment", { timeout: 60_000 }, async () => {
    const writer = open();
    async function flip(value: string): Promise<void> {
      const operations = ["app/a", "app/x/b", "other/c"].map((Key) => ({
        KV: { Verb: "set", Key, Value: Buffer.from(value).toString("base64") },
      }));
      await consul.json("/v1/txn", { method: "PUT", body: operations });
    }
    await flip("0");
    const { seen } = startFollowing(writer, { services: [], keys: ["app/a", "app/x/", "other/"] });
    await waitFor(() => seen.length > 0, { timeoutMs: 5000, what: "a snapshot" });
    for (let i = 1; i <= 300; i += 1) {
      await flip(String(i));
    }
    await waitFor(() => last(seen).keys.get("other/c") === "300", { timeoutMs: 10_000, what: "the last value" });
    for (const { keys } of seen) {
      expect(new Set(keys.values()).size).toBe(1);
    }
  });

  test("500 entries and keys are written, read and followed over four connections", { timeout: 60_000 }, async () => {
    const gauge = await startGauge(consul.port);
    const registry = open({ endpoints: [gauge.endpoint] });
    const { signal } = controller;
    await registry.keepAlive("n1", 10_000, signal);
    const { seen, stale } = startFollowing(registry, EVERYTHING);
    await put(registry, ...Array.from({ length: 500 }, (_, i) => instance(`svc-${i % 200}`, `id-${i}`, { port: i + 1 })));
    await registry.putKey("k", "v", signal);
    await waitFor(() => last(seen).services.size === 200 && last(seen).keys.size === 1, { timeoutMs: 10_000, what: "all" });
    await Promise.all(Array.from({ length: 20 }, () => registry.keepAlive("n1", 10_000, signal)));
    expect(stale).toEqual([]);
    expect(gauge.most).toBeLessThanOrEqual(4);
    const before = gauge.requests;
    await sleep(3000, signal);
    expect(gauge.requests - before).toBeLessThanOrEqual(2); // the blocking queries
    await gauge.stop();
  });

  const ALL = 'key_prefix "" { policy = "write" } session_prefix "" { policy = "write" }';
  test.each<readonly [string, string | undefined]>([
    ["revoked", undefined],
    ["narrowed to other keys", 'key_prefix "other/" { policy = "read" }'],
    [
      "narrowed to some of the entries",
      'key_prefix "fairlead/services/db/" { policy = "read" } key_prefix "app/" { policy = "read" }',
    ],
  ])("a token that is %s while following: the last good stays in force, and it is told why", async (_, rules) => {
    const rights = await grantRights(consul, ALL);
    const writer = open();
    await writer.keepAlive("n1", 10_000, controller.signal);
    await put(writer, instance("web", "1"), instance("web", "2"), instance("db", "1"));
    await writer.putKey("app/k", "v", controller.signal);
    const { seen, stale } = startFollowing(open({ token: rights.token }, { timing: { waitMs: 1000 } }), {
      services: "all",
      keys: ["app/"],
    });
    await waitFor(() => last(seen).services.size === 2, { timeoutMs: 5000, what: "all" });
    const before = seen.length;
    await (rules === undefined ? rights.revoke() : rights.change(rules));
    await waitFor(() => stale.some(({ code }) => code === "REGISTRY_DENIED"), { timeoutMs: 10_000, what: "the refusal" });
    await sleep(1500, controller.signal);
    expect(seen.length).toBe(before);
    expect(stale.map(({ message }) => message).join()).not.toContain(rights.token);
  });

  test("without rights nothing can be written, and that is told", async () => {
    const rights = await grantRights(consul, 'key_prefix "" { policy = "read" } session_prefix "" { policy = "write" }');
    const registry = open({ token: rights.token });
    await registry.keepAlive("n1", 10_000, controller.signal);
    expect(await put(registry, instance("web", "1"))).toMatchObject([{ outcome: "failed", error: { code: "REGISTRY_DENIED" } }]);
    await expect(open({ token: "none" }).keepAlive("n1", 10_000, controller.signal)).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
    });
  });

  test("a network that swallows everything ends a waiting read with its deadline, and it goes on after it", async () => {
    const proxy = await startProxy({ port: consul.port });
    const registry = open({ endpoints: [`127.0.0.1:${proxy.port}`] }, { timing: { waitMs: 500, callMs: 1000, bulkMs: 1000 } });
    const writer = open();
    await writer.keepAlive("n1", 10_000, controller.signal);
    await put(writer, instance("web", "1"));
    const { seen, stale } = startFollowing(registry, EVERYTHING);
    await waitFor(() => last(seen).services.size === 1, { timeoutMs: 5000, what: "a snapshot" });
    await proxy.set({ kind: "blackhole" });
    await waitFor(() => stale.length > 0, { timeoutMs: 10_000, what: "onStale" });
    await proxy.set({ kind: "pass" });
    await put(writer, instance("web", "2"));
    await waitFor(() => idsOf(last(seen), "web").length === 2, { timeoutMs: 10_000, what: "the change" });
    await proxy.stop();
  });

  test("half a body, cut anywhere, is never a snapshot", { timeout: 60_000 }, async () => {
    const writer = open();
    await writer.keepAlive("n1", 10_000, controller.signal);
    await put(writer, ...Array.from({ length: 50 }, (_, i) => instance("web", `id-${i}`)));
    const proxy = await startProxy({ port: consul.port });
    for (let bytes = 1; bytes < 12_000; bytes += 1499) {
      await proxy.set({ kind: "limit", bytes });
      const registry = open({ endpoints: [`127.0.0.1:${proxy.port}`] }, { timing: { bulkMs: 3000 } });
      const result = await registry
        .read({ services: "all", keys: [] }, { signal: controller.signal })
        .catch((error: unknown) => error);
      if (result instanceof Error) {
        expect(result).toMatchObject({ code: expect.stringMatching(/^REGISTRY_(UNAVAILABLE|INCOMPLETE)$/) });
      } else {
        expect(idsOf(result as Snapshot, "web")).toHaveLength(50);
      }
      await registry.close();
    }
    await proxy.stop();
  });
});
