/** A server that lies: what Consul, an agent on its way up or down, or something between may answer. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sleep } from "../../../../src/core/time.ts";
import { EVERYTHING } from "../../../../src/model/selector.ts";
import type { Snapshot } from "../../../../src/model/snapshot.ts";
import type { Registry } from "../../../../src/ports.ts";
import { type Asked, catalogItem, FakeConsul, openRegistry, type Reply } from "./fake-consul.ts";

const signal = new AbortController().signal;
const ALL = { services: "all", keys: [] } as const;
const WEB = [
  { id: "a", port: 1 },
  { id: "b", port: 2 },
  { id: "c", port: 3 },
];

let fake: FakeConsul;
let registry: Registry;

beforeEach(async () => {
  fake = await new FakeConsul().start();
  fake.services = { web: WEB };
  fake.keys = { "app/a": "1", "app/b": "2", "app/c": "3" };
  registry = openRegistry(fake);
});
afterEach(async () => {
  await registry.close();
  await fake.stop();
});

const portsOf = (snapshot: Snapshot): readonly number[] =>
  (snapshot.services.get("web")?.instances ?? []).map(({ port }) => port);
const isBlocking = ({ query }: Asked): boolean => query.has("index");

describe("one answer that is wrong", () => {
  const rows: readonly (readonly [string, (asked: Asked) => Reply | undefined, object])[] = [
    ["500", () => ({ status: 500, body: "No cluster leader" }), { code: "REGISTRY_UNAVAILABLE", retryable: true }],
    ["403", () => ({ status: 403, body: "ACL not found" }), { code: "REGISTRY_DENIED", retryable: false }],
    ["no leader", () => ({ headers: { "x-consul-knownleader": "false" }, body: {} }), { code: "REGISTRY_INCOMPLETE" }],
    ["no JSON", () => ({ headers: { "content-type": "application/json" }, body: '{"web":' }), { code: "REGISTRY_INCOMPLETE" }],
    ["another shape", () => ({ body: [1] }), { code: "REGISTRY_INCOMPLETE" }],
    ["a page of something else", () => ({ body: "<html>hello" }), { code: "REGISTRY_INCOMPLETE" }],
    ["no index", () => ({ headers: { "x-consul-index": "" }, body: { consul: [] } }), { code: "REGISTRY_INCOMPLETE" }],
    [
      "half a body",
      () => ({ body: { consul: [], web: [], more: [] }, cut: true }),
      { code: "REGISTRY_UNAVAILABLE", retryable: true },
    ],
    ["nothing", () => "never", { code: "REGISTRY_UNAVAILABLE", retryable: true }],
    [
      "filtered by ACLs",
      () => ({ headers: { "x-consul-results-filtered-by-acls": "true" }, body: { consul: [] } }),
      { code: "REGISTRY_DENIED" },
    ],
  ];
  test.each(rows)("%s: the read rejects, and the next one works", async (_, lie, error) => {
    fake.lie = (asked) => (asked.path === "/catalog/services" ? lie(asked) : undefined);
    const startedAt = performance.now();
    await expect(registry.read(ALL, { signal })).rejects.toMatchObject(error);
    expect(performance.now() - startedAt).toBeLessThan(1500);
    fake.lie = () => undefined;
    expect(portsOf(await registry.read(ALL, { signal }))).toEqual([1, 2, 3]);
  });

  test("half of an answer in a waiting read ends it at once, not at its deadline", async () => {
    registry = openRegistry(fake, { timing: { waitMs: 20_000, floorMs: 1 } });
    const { revision } = await registry.read(ALL, { signal });
    const waiting = registry.read(ALL, { signal, after: revision }).catch((error: unknown) => error);
    await sleep(100, signal);
    fake.lie = (asked) => (isBlocking(asked) ? { body: { consul: [], web: [] }, cut: true } : undefined);
    const startedAt = performance.now();
    fake.wake();
    expect(await waiting).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  test("a waiting read on a server that hangs ends with its own deadline", async () => {
    registry = openRegistry(fake, { timing: { waitMs: 100 } });
    const { revision } = await registry.read(ALL, { signal });
    fake.lie = (asked) => (isBlocking(asked) ? "never" : undefined);
    const startedAt = performance.now();
    await expect(registry.read(ALL, { signal, after: revision })).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
    expect(performance.now() - startedAt).toBeLessThan(100 + 5000 + 1000);
  });
});

test("a filtered answer for one service is a refusal; that other services are hidden is none", async () => {
  const headers = { "x-consul-results-filtered-by-acls": "true" };
  const web = { services: ["web"], keys: [] };
  fake.lie = ({ path }) => (path === "/catalog/services" ? { headers, body: { consul: [], web: [] } } : undefined);
  expect(portsOf(await registry.read(web, { signal }))).toEqual([1, 2, 3]);
  fake.lie = ({ path }) => (path === "/health/service/web" ? { headers, body: [] } : undefined);
  await expect(registry.read(web, { signal })).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
});

describe("answers that shrink", () => {
  test.each<readonly [string, string, () => Reply]>([
    ["the list of services", "/catalog/services", () => ({ body: { consul: [] } })],
    ["a service without instances", "/health/service/web", () => ({ body: [] })],
    [
      "a service with less than half",
      "/health/service/web",
      () => ({ body: WEB.slice(0, 1).map((item) => catalogItem("web", item)) }),
    ],
  ])("%s: it is not believed when a consistent read says otherwise", async (_, path, lie) => {
    fake.services = { web: WEB, api: [{ id: "x", port: 8 }] };
    const before = await registry.read(ALL, { signal });
    fake.lie = (asked) => (asked.path === path && !asked.query.has("consistent") ? lie() : undefined);
    const checks = [{ id: "new", status: "passing" }]; // it makes the service be read again
    fake.change({ services: { ...fake.services, web: WEB.map((item) => ({ ...item, checks })), other: [{ id: "x", port: 9 }] } });
    const after = await registry.read(ALL, { signal, after: before.revision });
    expect([...after.services.keys()]).toEqual(["api", "other", "web"]);
    expect(portsOf(after)).toEqual([1, 2, 3]);
  });

  test("what a consistent read confirms is believed", async () => {
    const before = await registry.read(ALL, { signal });
    fake.change({ services: {} });
    const after = await registry.read(ALL, { signal, after: before.revision });
    expect([...after.services.keys()]).toEqual([]);
    expect(fake.asked.some(({ path, query }) => path === "/health/service/web" && query.has("consistent"))).toBe(true);
  });

  test("keys: an empty answer is confirmed, and asked whether we may read at all", async () => {
    const keys = { services: [], keys: ["app/"] };
    const before = await registry.read(keys, { signal });
    expect(before.keys.size).toBe(3);
    const isListing = ({ path, query }: Asked): boolean => path === "/kv/app/" && query.has("recurse");
    fake.lie = (asked) => (isListing(asked) && !asked.query.has("consistent") ? { status: 404 } : undefined);
    fake.change({ keys: { ...fake.keys, "app/d": "4" } });
    expect((await registry.read(keys, { signal, after: before.revision })).keys.size).toBe(4);
    fake.lie = (asked) => (isListing(asked) ? { status: 404 } : asked.path.startsWith("/kv/") ? { status: 403 } : undefined);
    await expect(registry.read(keys, { signal })).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
    fake.lie = () => undefined;
    fake.change({ keys: {} });
    expect((await registry.read(keys, { signal })).keys.size).toBe(0);
  });

  test("a 404 without index is no empty store", async () => {
    fake.lie = (asked) => (asked.path.startsWith("/kv/") ? { status: 404, headers: { "x-consul-index": "" } } : undefined);
    await expect(registry.read({ services: [], keys: ["app/"] }, { signal })).rejects.toMatchObject({
      code: "REGISTRY_INCOMPLETE",
    });
  });

  test("a catalogue that shows neither a node nor Consul itself is none: the token sees nothing", async () => {
    fake.lie = ({ path }) =>
      path === "/catalog/services" ? { body: {} } : path === "/health/state/any" ? { body: [] } : undefined;
    await expect(registry.read(ALL, { signal })).rejects.toMatchObject({ code: "REGISTRY_INCOMPLETE" });
    registry = openRegistry(fake, { token: async () => "secret-token" });
    await expect(registry.read(ALL, { signal })).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
  });
});

describe("indexes", () => {
  test("an index that goes back means: read everything again", async () => {
    const before = await registry.read(EVERYTHING, { signal });
    fake.index = 3;
    fake.services = { web: WEB.slice(0, 2) };
    fake.wake();
    const after = await registry.read(EVERYTHING, { signal, after: before.revision });
    expect(portsOf(after)).toEqual([1, 2]);
    fake.change({ services: { web: WEB } });
    expect(portsOf(await registry.read(EVERYTHING, { signal, after: after.revision }))).toEqual([1, 2, 3]);
  });

  test("zero is one: the next query blocks", async () => {
    fake.index = 0;
    const { revision } = await registry.read(ALL, { signal });
    const controller = new AbortController();
    const waiting = registry.read(ALL, { signal: controller.signal, after: revision }).catch(() => "aborted");
    await sleep(200, signal);
    controller.abort();
    await waiting;
    const asked = fake.asked.filter(isBlocking);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.map(({ query }) => query.get("index"))).not.toContain("0");
  });

  test.each(["the same index", "ever new indexes"])(
    "a server that answers at once with %s is not asked in a spin",
    async (kind) => {
      registry = openRegistry(fake, { timing: { floorMs: 100, maxFloorMs: 400 } });
      const { revision } = await registry.read(EVERYTHING, { signal });
      fake.lie = (asked) => {
        if (isBlocking(asked)) {
          fake.index += kind === "ever new indexes" ? 1 : 0;
          return asked.path === "/catalog/services" ? { body: { consul: [], web: [] } } : undefined;
        }
        return undefined;
      };
      const before = fake.asked.length;
      const controller = new AbortController();
      const waiting = registry.read(EVERYTHING, { signal: controller.signal, after: revision }).catch(() => "still waiting");
      await sleep(1500, signal);
      controller.abort();
      expect(await waiting).toBe("still waiting");
      expect(fake.asked.slice(before).filter(isBlocking).length).toBeLessThan(40);
    },
  );
});

test("429: nothing is asked before the time that the server names", async () => {
  const { revision } = await registry.read(ALL, { signal });
  fake.lie = () => ({ status: 429, headers: { "retry-after": "1" } });
  await expect(registry.read(ALL, { signal })).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
  await sleep(50, signal);
  fake.lie = () => undefined;
  const before = fake.asked.length;
  const startedAt = performance.now();
  registry = openRegistry(fake, { timing: { callMs: 500, bulkMs: 500 } });
  await registry.read(ALL, { signal }); // another client was not told to wait
  expect(performance.now() - startedAt).toBeLessThan(500);
  expect(fake.asked.length).toBeGreaterThan(before);
  expect(revision).toBeTypeOf("string");
});

test("a call that had to wait too long after a 429 says so, without asking", async () => {
  fake.lie = () => ({ status: 429, headers: { "retry-after": "30" } });
  await expect(registry.read(ALL, { signal })).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
  const before = fake.asked.length;
  for (let i = 0; i < 5; i += 1) {
    await expect(registry.read(ALL, { signal })).rejects.toThrow(/asked us to wait 30 s more|asked us to wait 29 s more/);
  }
  expect(fake.asked.length).toBe(before);
});

describe("a write into the catalogue", () => {
  const check = (id: string, notes: string): object => ({ Node: "n1", CheckID: id, Status: "passing", Notes: notes });
  const instance = {
    id: "1",
    service: "web",
    address: "10.0.0.1",
    port: 80,
    protocol: "tcp",
    tags: [],
    meta: {},
    health: "passing",
  } as const;

  /** An agent that takes everything; the catalogue learns of it when it is asked for the `after`th time. */
  function beAgent(after: number): () => number {
    let asked = 0;
    let notes = "";
    fake.lie = ({ path, body }) => {
      if (path === "/agent/services") {
        return { body: {} };
      }
      if (path === "/agent/checks") {
        return { body: { own: check("own", "") } };
      }
      if (path === "/agent/service/register") {
        notes = (JSON.parse(body) as { readonly Checks: readonly [{ readonly Notes: string }] }).Checks[0].Notes;
      }
      if (path === "/health/node/n1") {
        asked += 1;
        const ours = [check("fairlead-alive:1", notes), check("fairlead-health:1", notes)];
        return { body: [check("serfHealth", ""), ...(asked >= after ? ours : [])] };
      }
      return { body: "" };
    };
    return () => asked;
  }

  test("is done when the catalogue shows it, not when the agent has it", async () => {
    const asked = beAgent(4);
    await registry.keepAlive("n1", 30_000, signal);
    expect(await registry.write("n1", { put: [{ instance }], remove: [] }, signal)).toMatchObject([{ outcome: "written" }]);
    expect(asked()).toBe(4);
  });

  test("is done too when the catalogue takes too long: the agent goes on by itself", async () => {
    registry = openRegistry(fake, { timing: { confirmMs: 300 } });
    beAgent(Number.POSITIVE_INFINITY);
    const startedAt = performance.now();
    await registry.keepAlive("n1", 30_000, signal);
    expect(await registry.write("n1", { put: [{ instance }], remove: [] }, signal)).toMatchObject([{ outcome: "written" }]);
    expect(performance.now() - startedAt).toBeGreaterThan(250);
  });
});
