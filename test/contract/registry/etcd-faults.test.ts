/** What the contract suite does not ask of every registry: faults of etcd's own kind, against real servers. */

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { sleep } from "../../../src/core/time.ts";
import { EVERYTHING, type Selector } from "../../../src/model/selector.ts";
import type { Registry } from "../../../src/ports.ts";
import { EtcdClient, type Task } from "../../../src/registry/etcd/client.ts";
import type { Work } from "../../../src/registry/etcd/connection.ts";
import { listRanges } from "../../../src/registry/etcd/list.ts";
import { prefixRange } from "../../../src/registry/etcd/ranges.ts";
import { createEtcdRegistry } from "../../../src/registry/etcd/registry.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { describeWith, type Etcd, type FaultProxy, reservePort, startEtcd, startProxy } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { instance, outcomesOf } from "./arena.ts";
import { storeOptions } from "./etcd-world.ts";

const { signal } = new AbortController();
const TTL_MS = 60_000;

describeWith(["etcd34", "etcd36"], "etcd's faults", () => {
  for (const version of ["3.4", "3.6"] as const) {
    faultsOf(version);
  }
});

function faultsOf(version: "3.4" | "3.6"): void {
  let etcd: Etcd;
  let proxy: FaultProxy;
  let registries: Registry[] = [];

  /** Through the proxy unless told otherwise. */
  function open(...endpoints: readonly string[]): Registry {
    const chosen = endpoints.length === 0 ? [`127.0.0.1:${proxy.port}`] : endpoints;
    const registry = createEtcdRegistry(storeOptions(etcd, { endpoints: chosen }));
    registries.push(registry);
    return registry;
  }
  async function read(registry: Registry, selector: Selector = EVERYTHING): Promise<string> {
    return (await registry.read(selector, { signal })).revision;
  }

  beforeAll(async () => {
    etcd = await startEtcd({ version });
  });
  beforeEach(async () => {
    await etcd.del("/", { prefix: true });
    proxy = await startProxy({ port: etcd.port });
  });
  afterEach(async () => {
    await Promise.all(registries.map((registry) => registry.close()));
    registries = [];
    await proxy.stop();
  });
  afterAll(async () => {
    await etcd?.stop();
  });

  test(`${version}: changes and deletions of a time that was compacted away while we were cut off are seen`, async () => {
    await etcd.put("/app/gone", "1");
    await etcd.put("/app/kept", "1");
    const registry = open();
    const first = await registry.read(EVERYTHING, { signal });
    const waiting = registry.read(EVERYTHING, { signal, after: first.revision }).catch((error: unknown) => error);
    await proxy.set({ kind: "refuse" });
    expect(await waiting).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
    await etcd.del("/app/gone");
    for (let i = 0; i < 50; i += 1) {
      await etcd.put("/app/kept", `${i}`);
    }
    await etcd.compact();
    await proxy.set({ kind: "pass" });
    const second = await registry.read(EVERYTHING, { signal });
    expect([...second.keys]).toEqual([["app/kept", "49"]]);
    await etcd.put("/app/kept", "after");
    expect([...(await registry.read(EVERYTHING, { signal, after: second.revision })).keys]).toEqual([["app/kept", "after"]]);
  });

  test(`${version}: a compaction between pages starts the list again; it never becomes a part of it`, async () => {
    await Promise.all(Array.from({ length: 30 }, (_, i) => etcd.put(`/app/${String(i).padStart(2, "0")}`, "v")));
    async function list(compactions: number): Promise<readonly string[]> {
      const client = new CompactedClient(storeOptions(etcd), compactions, async () => {
        await etcd.put("/other", "x");
        await etcd.compact();
      });
      try {
        const ranges = [prefixRange("app/"), prefixRange("other")];
        const { items } = await listRanges(client, { ranges, signal, maxPage: 7, decode: (kv) => [kv.key.toString()] });
        return items;
      } finally {
        await client.close();
      }
    }
    expect(await list(0)).toHaveLength(30);
    expect(new Set(await list(2)).size).toBe(31);
    expect(await list(2)).toHaveLength(31);
    await expect(list(Number.POSITIVE_INFINITY)).rejects.toMatchObject({ code: "REGISTRY_INCOMPLETE", retryable: true });
  });

  test(`${version}: a list of many pages is of one revision`, async () => {
    await Promise.all(Array.from({ length: 40 }, (_, i) => etcd.put(`/app/${i}`, "0")));
    const client = new EtcdClient(storeOptions(etcd));
    let isDone = false;
    async function write(): Promise<void> {
      for (let i = 1; !isDone; i += 1) {
        const success = ["/app/0", "/app/9"].map((key) => ({ request_put: { key: base64(key), value: base64(`${i}`) } }));
        await etcd.call("/v3/kv/txn", { success });
      }
    }
    const writing = write();
    for (let i = 0; i < 100; i += 1) {
      const { items } = await listRanges(client, {
        ranges: [prefixRange("app/")],
        signal,
        maxPage: 3,
        decode: ({ key, value }) => (/\/[09]$/.test(key.toString()) ? [value.toString()] : []),
      });
      expect(items[0]).toBe(items[1]);
    }
    isDone = true;
    await writing;
    await client.close();
  });

  test(`${version}: a dead connection is found in time, while an idle one stays`, { timeout: 60_000 }, async () => {
    const cutOff = open();
    const idle = open(etcd.endpoint);
    const after = [await read(cutOff), await read(idle)] as const;
    let idleEnded = false;
    const idling = idle.read(EVERYTHING, { signal, after: after[1] }).finally(() => {
      idleEnded = true;
    });
    const startedAt = performance.now();
    const waiting = cutOff.read(EVERYTHING, { signal, after: after[0] }).catch((error: unknown) => error);
    await sleep(100, signal);
    await proxy.set({ kind: "blackhole" });
    expect(await waiting).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
    expect(performance.now() - startedAt).toBeLessThan(20_000 * PATIENCE);
    await sleep(1000, signal);
    expect(idleEnded).toBe(false);
    await etcd.put("/app/k", "v");
    expect((await idling).keys.get("app/k")).toBe("v");
    await proxy.set({ kind: "pass" });
    expect((await cutOff.read(EVERYTHING, { signal })).keys.get("app/k")).toBe("v");
  });

  if (version === "3.6") {
    // It takes long, and the server has no part in it.
    test.runIf(version === "3.6")(
      `${version}: a server that hangs fails every call in time, an abort ends it at once`,
      { timeout: 60_000 },
      async () => {
        const registry = open(etcd.endpoint);
        await registry.keepAlive("node-1", 3000, signal);
        etcd.pause();
        try {
          const abort = new AbortController();
          const aborted = registry.read(EVERYTHING, { signal: abort.signal }).catch((error: unknown) => error);
          await sleep(50, signal);
          const reason = new Error("enough");
          const abortedAt = performance.now();
          abort.abort(reason);
          expect(await aborted).toBe(reason);
          expect(performance.now() - abortedAt).toBeLessThan(100 * PATIENCE);
          const startedAt = performance.now();
          const failures = await Promise.all([
            registry.read(EVERYTHING, { signal }).catch((error: unknown) => error),
            registry.keepAlive("node-1", 3000, signal).catch((error: unknown) => error),
            registry.putKey("k", "v", signal).catch((error: unknown) => error),
          ]);
          expect(performance.now() - startedAt).toBeLessThan(15_000 * PATIENCE);
          for (const failure of failures) {
            expect(failure).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
          }
          const closedAt = performance.now();
          void registry.read(EVERYTHING, { signal }).catch(() => undefined);
          await registry.close();
          expect(performance.now() - closedAt).toBeLessThan(500 * PATIENCE);
        } finally {
          etcd.resume();
        }
      },
    );
  }

  test.each([["refuse"], ["blackhole"]] as const)(
    `${version}: with one of two endpoints dead (%s) everything goes on over the other, under the same lease`,
    { timeout: 60_000 },
    async (kind) => {
      const registry = open(`127.0.0.1:${proxy.port}`, etcd.endpoint);
      expect(await registry.keepAlive("node-1", 15_000, signal)).toBe("lost");
      await registry.write("node-1", { put: [{ instance: instance("web", "1") }], remove: [] }, signal);
      await proxy.set({ kind });
      expect(await registry.keepAlive("node-1", 15_000, signal)).toBe("kept");
      expect((await registry.owned("node-1", signal)).map(({ unleased }) => unleased)).toEqual([false]);
      const results = await registry.write("node-1", { put: [{ instance: instance("web", "2") }], remove: [] }, signal);
      expect(outcomesOf(results)).toEqual(["written"]);
      expect((await registry.read(EVERYTHING, { signal })).services.get("web")?.instances).toHaveLength(2);
      expect(proxy.connections === 0 || kind === "blackhole").toBe(true);
    },
  );

  test(`${version}: a first endpoint where nobody listens costs nothing`, async () => {
    const registry = open(`127.0.0.1:${await reservePort()}`, etcd.endpoint);
    const startedAt = performance.now();
    expect(await registry.keepAlive("node-1", TTL_MS, signal)).toBe("lost");
    await registry.read(EVERYTHING, { signal });
    expect(performance.now() - startedAt).toBeLessThan(1000 * PATIENCE);
  });

  test(`${version}: after a restart of the server a follower is back within a second`, async () => {
    const registry = open(etcd.endpoint);
    await read(registry);
    await etcd.restart();
    const startedAt = performance.now();
    await waitFor(() => read(registry), { timeoutMs: 5000, what: "a read after the restart", intervalMs: 50 });
    expect(performance.now() - startedAt).toBeLessThan(1000 * PATIENCE);
  });

  test(`${version}: what an older state of the store lacks, no owner took away; what goes later, it did`, async () => {
    const writer = open();
    await writer.keepAlive("n1", TTL_MS, signal);
    const put = (...ids: readonly string[]): Promise<unknown> =>
      writer.write("n1", { put: ids.map((id) => ({ instance: instance("web", id) })), remove: [] }, signal);
    for (let i = 0; i < 20; i += 1) {
      await put(`id-${i}`);
    }
    const reader = open();
    const before = await reader.read(EVERYTHING, { signal });
    expect(before.owners).toEqual(new Set(["n1"]));
    await etcd.wipe();
    await waitFor(async () => (await writer.keepAlive("n1", TTL_MS, signal)) === "lost", {
      timeoutMs: 5000,
      what: "a new lease",
    });
    await put("id-0", "id-1"); // as if restored from a backup in which the others were not yet
    const restored = await reader.read(EVERYTHING, { signal });
    expect(restored.services.get("web")?.instances).toHaveLength(2);
    expect(restored.owners).toEqual(new Set());
    expect((await reader.read(EVERYTHING, { signal })).owners).toEqual(new Set());
    const [owned] = await writer.owned("n1", signal);
    await writer.write("n1", { put: [], remove: owned === undefined ? [] : [owned] }, signal);
    const next = await reader.read(EVERYTHING, { signal, after: restored.revision });
    expect(next.services.get("web")?.instances).toHaveLength(1);
    expect(next.owners).toEqual(new Set(["n1"]));
  });

  test(`${version}: two keys of one transaction are never seen apart, though two watches bring them`, async () => {
    const registry = open(etcd.endpoint);
    const selector = { services: [], keys: ["left/", "right/"] };
    let snapshot = await registry.read(selector, { signal });
    const total = 200;
    async function write(): Promise<void> {
      for (let i = 1; i <= total; i += 1) {
        const success = ["/left/k", "/right/k"].map((key) => ({ request_put: { key: base64(key), value: base64(`${i}`) } }));
        await etcd.call("/v3/kv/txn", { success });
      }
    }
    const writing = write();
    let last = "";
    while (last !== String(total)) {
      snapshot = await registry.read(selector, { signal, after: snapshot.revision });
      last = snapshot.keys.get("left/k") ?? "";
      expect(snapshot.keys.get("right/k")).toBe(last);
    }
    await writing;
  });
}

/** Runs something after each of its first answers. */
class CompactedClient extends EtcdClient {
  readonly #after: () => Promise<void>;
  #left: number;

  constructor(options: ConstructorParameters<typeof EtcdClient>[0], times: number, after: () => Promise<void>) {
    super(options);
    this.#left = times;
    this.#after = after;
  }

  override async call<T>(task: Task, work: Work<T>): Promise<T> {
    const answer = await super.call(task, work);
    if (this.#left > 0) {
      this.#left -= 1;
      await this.#after();
    }
    return answer;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
