/** The check that Consul is asked to run: its form, its limits, and what happens to checks that are in the way. Without a server. */
import { describe, expect, test } from "vitest";
import type { HealthCheck, Instance } from "../../../../../src/model/instance.ts";
import { sameInstance } from "../../../../../src/model/instance.ts";
import type { Owned } from "../../../../../src/ports.ts";
import type { Check, CheckStatus, Registration } from "../../../../../src/registry/consul/api/shapes.ts";
import { viewOf } from "../../../../../src/registry/consul/catalog/agent-view.ts";
import {
  askedCheckId,
  checkRequest,
  decodeHealthCheck,
  encodeHealthCheck,
} from "../../../../../src/registry/consul/catalog/checks.ts";
import {
  aliveCheckId,
  decodeRegistration,
  encodeInstance,
  healthCheckId,
  leftOut,
  storable,
  versionOf,
} from "../../../../../src/registry/consul/catalog/form.ts";
import { orphansOf } from "../../../../../src/registry/consul/catalog/orphans.ts";
import { planSteps, type Step } from "../../../../../src/registry/consul/catalog/plan.ts";

const LEASE = { owner: "n1", ttlMs: 30_000 };
const HTTP: HealthCheck = { kind: "http", path: "/health", intervalMs: 5000 };
const TCP: HealthCheck = { kind: "tcp", intervalMs: 5000 };

function web(more: Partial<Instance> = {}): Instance {
  return {
    id: "n1:web:80",
    service: "web",
    address: "10.0.0.1",
    port: 80,
    protocol: "tcp",
    tags: [],
    meta: {},
    health: "passing",
    ...more,
  };
}
const ID = "n1:web:80";
const encode = (instance: Instance): Registration => encodeInstance(LEASE, instance, ID);

describe("a check is stored whole and told to the agent", () => {
  const six = { address: "2001:db8::1", port: 8080 };
  const rows: readonly (readonly [string, HealthCheck, Readonly<Record<string, unknown>>])[] = [
    ["http", HTTP, { http: "http://[2001:db8::1]:8080/health", method: "GET", interval: "5000ms", tlsskipverify: false }],
    [
      "https, everything said",
      {
        kind: "https",
        path: "/h?a=1&b=%20",
        method: "HEAD",
        skipVerify: true,
        intervalMs: 1500,
        timeoutMs: 700,
        initialStatus: "warning",
        deregisterAfterMs: 90_000,
      },
      {
        http: "https://[2001:db8::1]:8080/h?a=1&b=%20",
        method: "HEAD",
        tlsskipverify: true,
        interval: "1500ms",
        timeout: "700ms",
        deregistercriticalserviceafter: "90000ms",
      },
    ],
    ["tcp", TCP, { tcp: "[2001:db8::1]:8080", interval: "5000ms" }],
    ["grpc, the whole server", { kind: "grpc", intervalMs: 1000 }, { grpc: "[2001:db8::1]:8080", grpcusetls: false }],
    [
      "grpc, one service",
      { kind: "grpc", service: "my.pkg/Svc", tls: true, skipVerify: true, intervalMs: 1000 },
      { grpc: "[2001:db8::1]:8080/my.pkg/Svc", grpcusetls: true, tlsskipverify: true },
    ],
    ["ttl", { kind: "ttl", ttlMs: 20_000, initialStatus: "passing" }, { ttl: "20000ms" }],
  ];

  test.each(rows)("%s", (_, check, told) => {
    const request = checkRequest(check, six, "critical");
    expect(request).toMatchObject({ ...told, status: "critical" });
    expect(Object.keys(request)).not.toEqual(expect.arrayContaining(["args"]));
    const instance = web({ healthCheck: check });
    expect(storable(instance)).toBe(instance);
    const back = decodeRegistration(encode(instance), "passing");
    expect(back).toEqual({ ...instance, owner: "n1" });
    expect(sameInstance(instance, back)).toBe(true);
    expect(back.meta).toEqual({});
  });

  test("the order in which fields were given makes no other version", () => {
    const turned = Object.fromEntries(Object.entries(HTTP).reverse()) as unknown as HealthCheck;
    expect(encodeHealthCheck(turned)).toBe(encodeHealthCheck(HTTP));
    expect(versionOf(encode(web({ healthCheck: turned })))).toBe(versionOf(encode(web({ healthCheck: HTTP }))));
    expect(versionOf(encode(web({ healthCheck: TCP })))).not.toBe(versionOf(encode(web({ healthCheck: HTTP }))));
  });
});

describe("a check that cannot be stored or run is left out, and that is said", () => {
  const rows: readonly (readonly [string, unknown])[] = [
    ["too long", { ...HTTP, path: `/${"x".repeat(500)}` }],
    ["a path that would name another host", { ...HTTP, path: "@evil.example/" }],
    ["a path with a line break", { ...HTTP, path: "/a\r\nX: y" }],
    ["a path with a blank", { ...HTTP, path: "/a b" }],
    ["a method that is none", { ...HTTP, method: "GET /x" }],
    ["a gRPC service with a blank", { kind: "grpc", service: "a b", intervalMs: 1000 }],
    ["no interval", { kind: "tcp" }],
    ["an interval of nothing", { ...TCP, intervalMs: 0 }],
    ["half a millisecond", { ...TCP, intervalMs: 0.5 }],
    ["for ever", { ...TCP, intervalMs: Number.POSITIVE_INFINITY }],
    ["a kind that is a command", { kind: "script", args: ["sh"], intervalMs: 1000 }],
    ["a field that nobody knows", { ...TCP, args: ["sh"] }],
    ["a status that is none", { ...TCP, initialStatus: "maybe" }],
  ];

  test.each(rows)("%s", (_, check) => {
    const instance = web({ healthCheck: check as HealthCheck });
    expect(storable(instance)).not.toHaveProperty("healthCheck");
    expect(leftOut(instance)).toEqual(["the health check"]);
    expect(decodeRegistration(encode(instance), "passing")).not.toHaveProperty("healthCheck");
  });

  test.each([
    "",
    "null",
    "[]",
    "{",
    "7",
    '{"kind":"script","args":["sh"],"intervalMs":1000}',
    '{"kind":"http","intervalMs":1000}',
  ])("metadata that somebody wrote and that says no check is none: %s", (text) => {
    expect(decodeHealthCheck(text)).toBeUndefined();
  });
});

describe("the plan for an entry with a check", () => {
  function check(id: string, type = "ttl", status: CheckStatus = "passing"): Check {
    return { node: "n", id, status, notes: "", type, serviceId: ID, serviceName: "", createIndex: 0, modifyIndex: 0 };
  }
  const OWN = [check(aliveCheckId(ID)), check(healthCheckId(ID))];
  const asked = (type: string, status?: CheckStatus): Check => check(askedCheckId(ID), type, status);

  function stepFor(was: HealthCheck | undefined, wanted: HealthCheck | undefined, ...checks: readonly Check[]): Step | undefined {
    const there = encode(web({ ...(was && { healthCheck: was }) }));
    const view = viewOf([there], [...OWN, ...checks]);
    const replaces: Owned = { entry: { ...web(), owner: "n1" }, revision: versionOf(there), unleased: false };
    return planSteps(
      LEASE,
      { put: [{ instance: web({ ...(wanted && { healthCheck: wanted }) }), replaces }], remove: [] },
      view,
    )[0];
  }
  const isSettled = { kind: "result", result: { outcome: "written" } };
  const NAME = askedCheckId(ID);

  const rows: readonly (readonly [string, HealthCheck | undefined, HealthCheck | undefined, readonly Check[], object])[] = [
    ["as it was: nothing", HTTP, HTTP, [asked("http", "critical")], isSettled],
    ["an agent that does not tell what it runs is believed", HTTP, HTTP, [asked("")], isSettled],
    ["a check of somebody else beside: nothing", HTTP, HTTP, [asked("http"), check("their own")], isSettled],
    ["gone by somebody's hand: it comes back", HTTP, HTTP, [], { drops: { before: [], after: [] }, asked: undefined }],
    [
      "another path: the same check goes on",
      HTTP,
      { ...HTTP, path: "/" },
      [asked("http", "warning")],
      { asked: "warning", drops: { before: [] } },
    ],
    ["of http, https: the same runner", HTTP, { ...HTTP, kind: "https" }, [asked("http")], { drops: { before: [], after: [] } }],
    [
      "another kind: the old one would run on",
      HTTP,
      TCP,
      [asked("http", "passing")],
      { asked: "passing", drops: { before: [NAME] } },
    ],
    ["no more: it goes last", HTTP, undefined, [asked("http"), check("their own")], { drops: { before: [], after: [NAME] } }],
    ["one that is left over", undefined, undefined, [asked("http")], { drops: { before: [], after: [NAME] } }],
    ["a new one", undefined, TCP, [], { asked: undefined, drops: { before: [], after: [] } }],
  ];
  test.each(rows)("%s", (_, was, wanted, checks, expected) => {
    expect(stepFor(was, wanted, ...checks)).toMatchObject(expected);
  });
});

describe("what Registrator left", () => {
  const orphan = (id: string, name = "web"): Registration => {
    return { id, name, address: "10.0.0.1", port: 80, tags: [], meta: {}, weight: 1 };
  };
  test.each<readonly [string, boolean]>([
    ["h:web:80", true],
    ["h:web:80:udp", true],
    ["h:my_app.1-x:8080", true],
    ["other:web:80", false],
    ["h:web:80:sctp", false],
    ["h:web", false],
    ["h:w:80", false],
    ["h:we/b:80", false],
    ["xh:web:80", false],
    ["a service", false],
  ])("%s of host h: %s", (id, isOne) => {
    expect(orphansOf(viewOf([orphan(id)], []).foreign(), ["h"])).toHaveLength(isOne ? 1 : 0);
  });

  test("a host's name is whole, and what is ours is nobody's orphan", () => {
    const ours = encodeInstance(LEASE, web({ id: "h:web:81" }), "h:web:81");
    const view = viewOf([orphan("h:web:80"), orphan("h.example:web:80"), ours], []);
    expect(orphansOf(view.foreign(), ["h.example"]).map(({ agentId }) => agentId)).toEqual(["h.example:web:80"]);
    expect(orphansOf(view.foreign(), [])).toEqual([]);
  });

  const given = (revision: string): Owned => ({ entry: { ...web({ id: "h:web:80" }), owner: "" }, revision, unleased: true });
  const there = orphan("h:web:80");
  const theirs: readonly Check[] = ["service:h:web:80", "their own", "_service_maintenance:h:web:80"].map((id) => ({
    node: "n",
    id,
    status: "warning",
    notes: "",
    type: "http",
    serviceId: "h:web:80",
    serviceName: "web",
    createIndex: 0,
    modifyIndex: 0,
  }));
  function plan(revision: string, what: "put" | "remove", healthCheck?: HealthCheck): Step | undefined {
    const instance = web({ id: "h:web:80", ...(healthCheck && { healthCheck }) });
    const change =
      what === "put" ? { put: [{ instance, replaces: given(revision) }], remove: [] } : { put: [], remove: [given(revision)] };
    return planSteps(LEASE, change, viewOf([there], theirs))[0];
  }

  test("is replaced under its own id, and its checks go; maintenance stays", () => {
    expect(plan(versionOf(there), "put")).toMatchObject({
      kind: "register",
      registration: { id: "h:web:80" },
      drops: { before: [], after: ["service:h:web:80", "their own"] },
    });
  });

  test("its check goes on when the same kind is asked for", () => {
    expect(plan(versionOf(there), "put", HTTP)).toMatchObject({ asked: "warning", drops: { before: [], after: ["their own"] } });
    expect(plan(versionOf(there), "put", TCP)).toMatchObject({ drops: { before: ["service:h:web:80"], after: ["their own"] } });
  });

  test("is removed", () => {
    expect(plan(versionOf(there), "remove")).toMatchObject({ kind: "deregister", agentId: "h:web:80" });
  });

  test.each(["put", "remove"] as const)("is left alone when it changed meanwhile: %s", (what) => {
    expect(plan("another", what)).toMatchObject({ kind: "result", result: { outcome: "failed", error: { retryable: true } } });
  });
});
