import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type HealthCheck, type Instance, sameInstance } from "../../../src/model/instance.ts";
import { EVERYTHING } from "../../../src/model/selector.ts";
import { plan } from "../../../src/registrator/plan.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { describeWith } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { instance, instancesOf, outcomesOf } from "./arena.ts";
import { consulStage, OWNER, recordingLog } from "./consul-stage.ts";
import { agentServices, catalogItems } from "./consul-world.ts";

/** What the instances' port leads to. */
interface App {
  readonly port: number;
  status: number;
  readonly asked: string[];
  connections: number;
  stop(): Promise<void>;
}

async function startApp(): Promise<App> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(app.status).end("well");
  });
  server.on("connection", () => {
    app.connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const app: App = {
    port: (server.address() as AddressInfo).port,
    status: 200,
    asked,
    connections: 0,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return app;
}

const ID = "host:web:80";
const ASKED = `service:${ID}`;

describeWith(["consul"], "checks that Consul's agent runs", () => {
  const stage = consulStage();
  let app: App;
  beforeEach(async () => {
    app = await startApp();
  });
  afterEach(async () => {
    await app.stop();
  });

  const web = (healthCheck?: HealthCheck, more: Partial<Instance> = {}): Instance =>
    instance("web", ID, { address: "127.0.0.1", port: app.port, ...(healthCheck && { healthCheck }), ...more });
  const http = (more: Partial<HealthCheck & { readonly kind: "http" }> = {}): HealthCheck => {
    return { kind: "http", path: "/health", intervalMs: 1000, timeoutMs: 500, ...more };
  };
  async function until(wanted: string, timeoutMs = 8000): Promise<void> {
    const isSo = async (): Promise<boolean> => (await stage.statuses("web"))[ASKED] === wanted;
    await waitFor(isSo, { timeoutMs: timeoutMs * PATIENCE, what: `the check to be ${wanted}` });
  }
  async function healthRead(): Promise<string | undefined> {
    const snapshot = await stage.open().read(EVERYTHING, { signal: stage.signal });
    return instancesOf(snapshot, "web")[0]?.health;
  }

  test("an instance is as well as the worse of its container and its check, and is never reaped for either", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    expect(outcomesOf(await stage.put(registry, web(http())))).toEqual(["written"]);
    expect((await stage.statuses("web"))[ASKED]).toBe("critical"); // it has not run yet
    expect(await healthRead()).toBe("critical");
    await until("passing");
    expect(app.asked).toContain("GET /health");
    expect(await healthRead()).toBe("passing");
    app.status = 429;
    await until("warning");
    expect(await healthRead()).toBe("warning");
    app.status = 500;
    await until("critical");
    expect(await healthRead()).toBe("critical");
    app.status = 200;
    await until("passing");
    await stage.put(registry, web(http(), { health: "critical" }));
    expect((await stage.statuses("web"))[ASKED]).toBe("passing");
    expect(await healthRead()).toBe("critical");
    const [item] = await catalogItems(stage.consul, "web");
    expect(item?.Checks.map(({ CheckID }) => CheckID).sort()).toEqual([
      `fairlead-alive:${ID}`,
      `fairlead-health:${ID}`,
      "serfHealth",
      ASKED,
    ]);
  });

  test("unchanged, it is never registered again; the plan finds it equal, and a sick check moves nothing", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    const wanted = [web(http({ method: "HEAD", skipVerify: true, deregisterAfterMs: 3_600_000 }))];
    await stage.put(registry, ...wanted);
    const version = async (): Promise<unknown> => (await catalogItems(stage.consul, "web"))[0]?.Service.ModifyIndex;
    await until("passing");
    const before = await version();
    app.status = 503;
    await until("critical");
    for (const next of [registry, stage.open()]) {
      const owned = await next.owned(OWNER, stage.signal);
      expect(owned.map(({ entry, unleased }) => [sameInstance(entry, wanted[0] as Instance), unleased])).toEqual([[true, false]]);
      expect(plan(wanted, owned, (item) => next.asStored(item))).toEqual({ put: [], remove: [] });
      expect(outcomesOf(await stage.put(next, ...wanted))).toEqual(["written"]);
    }
    expect(await version()).toBe(before);
  });

  test("a change of the instance or of its check resets nothing: the check goes on from what it said", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    await stage.put(registry, web(http()));
    await until("passing");
    const seen = new Set<string | undefined>();
    const changes: readonly Instance[] = [
      web(http(), { tags: ["x"] }),
      web(http({ path: "/other" })),
      web(http({ path: "/other", intervalMs: 2000 })),
      web({ kind: "tcp", intervalMs: 1000 }),
      web({ kind: "ttl", ttlMs: 60_000 }),
      web(http({ path: "/last" })),
      web({ kind: "tcp", intervalMs: 1000 }),
    ];
    for (const next of changes) {
      expect(outcomesOf(await stage.put(registry, next))).toEqual(["written"]);
      seen.add((await stage.statuses("web"))[ASKED]);
      expect((await registry.owned(OWNER, stage.signal)).map(({ entry }) => entry.healthCheck)).toEqual([next.healthCheck]);
    }
    expect([...seen]).toEqual(["passing"]);
    app.asked.length = 0;
    app.connections = 0;
    await waitFor(() => app.connections > 2, { timeoutMs: 10_000 * PATIENCE, what: "the last check to run" });
    expect(app.asked).toEqual([]); // none of those before runs on beside it
  });

  test("a check that is asked for no more goes, one that somebody took away comes back", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    await stage.put(registry, web(http()));
    await stage.consul.json(`/v1/agent/check/deregister/${ASKED}`, { method: "PUT" });
    expect((await registry.owned(OWNER, stage.signal)).map(({ unleased }) => unleased)).toEqual([true]);
    await stage.put(registry, web(http()));
    expect(Object.keys(await stage.statuses("web"))).toContain(ASKED);
    await stage.put(registry, web());
    expect(Object.keys(await stage.statuses("web"))).not.toContain(ASKED);
    expect(await healthRead()).toBe("passing");
  });

  test("the other kinds: tcp, grpc and https run, and the application beats a ttl by the name that Registrator gave it", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    await stage.put(registry, web({ kind: "tcp", intervalMs: 1000, initialStatus: "passing" }));
    expect((await stage.statuses("web"))[ASKED]).toBe("passing");
    await stage.put(registry, web({ kind: "tcp", intervalMs: 1000 }, { port: 1 }));
    await until("critical"); // nobody listens there
    await stage.put(registry, web({ kind: "tcp", intervalMs: 1000 }));
    await until("passing");
    await stage.put(registry, web({ kind: "grpc", service: "a.B", intervalMs: 1000 }));
    await until("critical", 15_000); // it speaks no gRPC
    await stage.put(registry, web({ kind: "ttl", ttlMs: 60_000 }));
    expect((await stage.statuses("web"))[ASKED]).toBe("critical");
    await stage.consul.json(`/v1/agent/check/pass/${ASKED}`, { method: "PUT" });
    await until("passing");
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    await stage.put(registry, web({ kind: "https", path: "/", intervalMs: 1000, skipVerify: true }));
    await until("critical"); // it speaks no TLS
  });

  test("after the agent lost everything, a check begins with what it said last, not at the worst", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    await stage.put(registry, web(http({ intervalMs: 60_000, initialStatus: "passing" })));
    const deregister = (id: string): Promise<unknown> =>
      stage.consul.json(`/v1/agent/service/deregister/${id}`, { method: "PUT" });
    await stage.consul.json(`/v1/agent/check/warn/fairlead-health:${ID}`, { method: "PUT" });
    await stage.put(registry, web(http({ intervalMs: 60_000 })));
    expect(await registry.keepAlive(OWNER, 30_000, stage.signal)).toBe("kept");
    await deregister(ID);
    expect(await registry.keepAlive(OWNER, 30_000, stage.signal)).toBe("lost");
    await stage.put(registry, web(http({ intervalMs: 60_000 })));
    expect((await stage.statuses("web"))[ASKED]).toBe("passing");
    // Consul takes away what stays critical, when it is asked to; what comes back is not taken for well before it was seen to be.
    await stage.put(registry, web({ kind: "ttl", ttlMs: 60_000, initialStatus: "passing", deregisterAfterMs: 60_000 }));
    await stage.consul.json(`/v1/agent/check/fail/${ASKED}`, { method: "PUT" });
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    await deregister(ID);
    expect(await registry.keepAlive(OWNER, 30_000, stage.signal)).toBe("lost");
    await stage.put(registry, web({ kind: "ttl", ttlMs: 60_000, initialStatus: "passing", deregisterAfterMs: 60_000 }));
    expect((await stage.statuses("web"))[ASKED]).toBe("critical");
  });
});

describeWith(["consul"], "what the catalogue has no room for", () => {
  const stage = consulStage({ dev: true });

  test("metadata beyond 58 pairs, 128 and 512 bytes is left out by a rule, told once for each instance, and never written again", async () => {
    const { log, lines } = recordingLog();
    const registry = stage.open({}, { log });
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`k${String(i).padStart(2, "0")}`, "v"]));
    const wanted = [
      instance("web", "many", {
        meta: many,
        protocol: "udp",
        weight: 2.5,
        health: "unknown",
        healthCheck: { kind: "tcp", intervalMs: 60_000 },
      }),
      instance("web", "long", {
        meta: { fits: "é".repeat(256), long: "é".repeat(257), ["n".repeat(129)]: "v", ["n".repeat(128)]: "v" },
      }),
      instance("web", "check", { healthCheck: { kind: "http", path: `/${"x".repeat(600)}`, intervalMs: 1000 } }),
      instance("web", "fits", {
        meta: { a: "b" },
        tags: ["x".repeat(10_000), "", "a,b", ...Array.from({ length: 300 }, (_, i) => `t${i}`)],
      }),
    ];
    expect(outcomesOf(await stage.put(registry, ...wanted))).toEqual(Array(4).fill("written"));
    const owned = await registry.owned(OWNER, stage.signal);
    const stored = new Map(owned.map(({ entry }) => [entry.id, entry]));
    expect(Object.keys(stored.get("many")?.meta ?? {})).toEqual(Object.keys(many).slice(0, 58));
    expect(Object.keys(stored.get("long")?.meta ?? {}).sort()).toEqual(["fits", "n".repeat(128)]);
    expect(stored.get("check")).not.toHaveProperty("healthCheck");
    expect(stored.get("fits")?.tags).toEqual(wanted[3]?.tags);
    expect(plan(wanted, owned, (item) => registry.asStored(item))).toEqual({ put: [], remove: [] });
    await stage.put(registry, ...wanted);
    await stage.put(registry, ...wanted);
    const warnings = lines.filter((line) => line.startsWith("warn"));
    expect(warnings.map((line) => /"id":"(\w+)","count":(\d+)/.exec(line)?.slice(1))).toEqual([
      ["many", "12"],
      ["long", "2"],
      ["check", "1"],
    ]);
    await stage.put(registry, instance("web", "many", { ...wanted[0], meta: { ...many, k70: "v" } }));
    expect(lines.filter((line) => line.includes('"many"'))).toHaveLength(2); // something else is left out now
    expect(lines.join("\n")).not.toContain("xxxx");
  });

  test("half a character is stored as none, and not written again and again", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    const wanted = [instance("web", "1", { tags: ["a\ud800"], meta: { "k\udfff": "1", v: "\ud83d\ude00\ud83d" } })];
    await stage.put(registry, ...wanted);
    const owned = await registry.owned(OWNER, stage.signal);
    expect(owned[0]?.entry).toMatchObject({ tags: ["a\ufffd"], meta: { "k\ufffd": "1", v: "\ud83d\ude00\ufffd" } });
    expect(plan(wanted, owned, (item) => registry.asStored(item))).toEqual({ put: [], remove: [] });
  });

  test("the exact weight stands in the metadata, beside the nearest one that Consul's DNS can have", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    const rows: readonly (readonly [string, number | undefined, number])[] = [
      ["none", undefined, 1],
      ["zero", 0, 1],
      ["half", 0.5, 1],
      ["seven", 7, 7],
      ["odd", 7.6, 8],
      ["huge", 70_000, 65_535],
    ];
    const wanted = rows.map(([id, weight]) => instance("web", id, { ...(weight !== undefined && { weight }) }));
    expect(outcomesOf(await stage.put(registry, ...wanted))).toEqual(rows.map(() => "written"));
    const items = new Map((await catalogItems(stage.consul, "web")).map(({ Service }) => [Service.ID, Service]));
    expect(rows.map(([id]) => items.get(id)?.Weights)).toEqual(
      rows.map(([, , weight]) => ({ Passing: weight, Warning: weight })),
    );
    const owned = new Map((await registry.owned(OWNER, stage.signal)).map(({ entry }) => [entry.id, entry.weight]));
    expect(rows.map(([id]) => owned.get(id))).toEqual(rows.map(([, weight]) => weight));
  });

  test("names that DNS cannot have are names all the same", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    const names = ["a_b", "x.y", "Über app", "-", "a/b", `n${"x".repeat(200)}`];
    const wanted = names.map((service, i) => instance(service, `${i}`));
    expect(outcomesOf(await stage.put(registry, ...wanted))).toEqual(names.map(() => "written"));
    const snapshot = await registry.read(EVERYTHING, { signal: stage.signal });
    expect([...snapshot.services.keys()].sort()).toEqual([...names, "consul"].sort());
    expect(await agentServices(stage.consul)).toHaveLength(names.length);
  });

  test("a write that fails is told alone, and the others are written", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    const results = await stage.put(registry, instance("web", "1"), instance("web", ""), instance("web", "2"));
    expect(outcomesOf(results)).toEqual(["written", "failed", "written"]);
    expect(results[1]).toMatchObject({ id: "", error: { code: "USAGE" } });
    expect((await agentServices(stage.consul)).map(({ ID: id }) => id)).toEqual(["1", "2"]);
  });
});
