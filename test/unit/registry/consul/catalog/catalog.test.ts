/** The catalogue's forms and decisions, without a server. */
import { describe, expect, test } from "vitest";
import { FairleadError } from "../../../../../src/model/errors.ts";
import type { Instance } from "../../../../../src/model/instance.ts";
import type { Owned, Put } from "../../../../../src/ports.ts";
import type { CatalogItem, Check, CheckStatus, Registration } from "../../../../../src/registry/consul/api/shapes.ts";
import { viewOf } from "../../../../../src/registry/consul/catalog/agent-view.ts";
import { readEntries } from "../../../../../src/registry/consul/catalog/entries.ts";
import {
  agentIds,
  aliveCheckId,
  decodeRegistration,
  encodeInstance,
  healthCheckId,
  statusOf,
  storable,
  versionOf,
} from "../../../../../src/registry/consul/catalog/form.ts";
import { CatalogLists } from "../../../../../src/registry/consul/catalog/lists.ts";
import { planSteps, type Step } from "../../../../../src/registry/consul/catalog/plan.ts";
import { checkFilter, namesInConsul } from "../../../../../src/registry/consul/catalog/selection.ts";
import { isSuspicious } from "../../../../../src/registry/consul/shrink.ts";

const LEASE = { owner: "n1", ttlMs: 30_000 };

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

function encode(instance: Instance): Registration {
  return encodeInstance(LEASE, instance, agentIds(instance)[0]);
}

describe("an instance as an agent's service, and back", () => {
  const rows: readonly (readonly [string, Partial<Instance>])[] = [
    ["plain", {}],
    ["udp", { protocol: "udp", tags: ["udp"] }],
    ["every health", { health: "unknown" }],
    ["warning", { health: "warning" }],
    ["no weight, an odd weight, a whole one", { weight: 0.5 }],
    ["weight 0", { weight: 0 }],
    ["weight 7", { weight: 7 }],
    ["hostile names", { service: "../x\n", id: "a/b@c %2f" }],
    ["capitals", { service: "Web", id: "N1:Web:80" }],
    ["metadata whose names Consul refuses", { meta: { "a.b": "1", "": "2", "consul-x": "3", "fairlead-owner": "4", ünï: "5" } }],
    ["metadata that looks like ours", { meta: { "fairlead-x-YQ": "1", __proto__: "2", constructor: "3" } }],
  ];
  test.each(rows)("%s", (_, more) => {
    const instance = web(more);
    const stored = storable(instance);
    for (const agentId of agentIds(instance)) {
      const registration = encodeInstance(LEASE, instance, agentId);
      expect(decodeRegistration(registration, statusOf(instance.health))).toEqual({ ...stored, owner: "n1" });
      expect(registration.meta).not.toHaveProperty("a.b");
      expect(
        Object.keys(registration.meta).every((key) => /^[A-Za-z0-9_-]{1,128}$/.test(key) && !key.startsWith("consul-")),
      ).toBe(true);
    }
  });

  test("metadata beyond Consul's limits is left out, and asStored says so", () => {
    const many = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`k${i}`, "v"]));
    const instance = web({
      health: "unknown",
      weight: 2,
      protocol: "udp",
      meta: { ...many, long: "x".repeat(513), fits: "é".repeat(256) },
    });
    const registration = encode(instance);
    expect(Object.keys(registration.meta).length).toBeLessThanOrEqual(64);
    expect(decodeRegistration(registration, "passing")).toEqual({ ...storable(instance), owner: "n1" });
    expect(storable(instance).meta).not.toHaveProperty("long");
    expect(storable(instance).meta).toHaveProperty("fits");
    const small = web({ meta: { a: "1" } });
    expect(storable(small)).toBe(small);
  });

  test("the second id of an instance is never another's, also where capitals count for nothing", () => {
    const names = ["a", "A", "%2f", "%2F", "/", "a@b", "b", "B"];
    const all = names.flatMap((service) => names.map((id) => agentIds({ service, id })[1].toLowerCase()));
    expect(new Set(all).size).toBe(all.length);
  });

  test("the version is that of the content, not of health, id or order", () => {
    const version = versionOf(encode(web({ meta: { a: "1", b: "2" } })));
    expect(versionOf(encode(web({ meta: { b: "2", a: "1" }, health: "critical" })))).toBe(version);
    expect(versionOf(encode(web({ meta: { a: "1", b: "3" } })))).not.toBe(version);
    expect(versionOf(encode(web({ meta: { a: "1", b: "2" }, tags: ["x"] })))).not.toBe(version);
  });
});

describe("what the catalogue's items mean", () => {
  function check(id: string, status: CheckStatus): Check {
    return { node: "n1", id, status, notes: "", type: "", serviceId: "", serviceName: "", createIndex: 1, modifyIndex: 1 };
  }
  function item(registration: Registration, checks: readonly Check[] = [], more: Partial<CatalogItem> = {}): CatalogItem {
    return { node: "n1", nodeAddress: "192.0.2.1", registration, modifyIndex: 1, checks, ...more };
  }
  const foreign: Registration = { id: "f", name: "web", address: "", port: 9, tags: ["t"], meta: { a: "b" }, weight: 3 };
  const ours = encode(web({ id: "o" }));
  const entriesOf = (...items: readonly CatalogItem[]): readonly unknown[] =>
    readEntries(items).map((read) => ("entry" in read ? [read.entry.id, read.entry.health] : [read.ref, read.invalid]));

  test("a service of another program: the node's address, its weight, no owner", () => {
    expect(readEntries([item(foreign)])).toEqual([
      {
        ref: "n1/web/f",
        entry: {
          id: "f",
          service: "web",
          address: "192.0.2.1",
          port: 9,
          protocol: "tcp",
          tags: ["t"],
          meta: { a: "b" },
          health: "passing",
          weight: 3,
          owner: "",
        },
      },
    ]);
  });

  test.each<readonly [string, readonly Check[], string]>([
    ["no check", [], "passing"],
    ["the worst counts", [check("a", "passing"), check("b", "critical"), check("c", "warning")], "critical"],
    ["maintenance of the node", [check("_node_maintenance", "critical")], "critical"],
    ["a warning", [check("a", "warning")], "warning"],
  ])("health of another program's: %s", (_, checks, health) => {
    expect(entriesOf(item(foreign, checks))).toEqual([["f", health]]);
  });

  test.each<readonly [string, CheckStatus, CheckStatus, CheckStatus, readonly unknown[]]>([
    ["all is well", "passing", "passing", "passing", [["o", "passing"]]],
    ["ill, and its owner lives: it stays", "passing", "critical", "passing", [["o", "critical"]]],
    ["its owner is dead: it is gone", "critical", "passing", "passing", []],
    ["the node is dead", "passing", "passing", "critical", [["o", "critical"]]],
  ])("of ours: %s", (_, alive, health, node, expected) => {
    const checks = [check(aliveCheckId("o"), alive), check(healthCheckId("o"), health), check("serfHealth", node)];
    expect(entriesOf(item(ours, checks))).toEqual(expected);
  });

  test("the check that Consul was asked to run counts, and is no part of what templates see", () => {
    const asked = encode(web({ id: "o", healthCheck: { kind: "tcp", intervalMs: 1000 } }));
    const [read] = readEntries([item(asked, [check(healthCheckId("o"), "passing"), check("service:o", "warning")])]);
    expect(read).toMatchObject({ entry: { id: "o", health: "warning", meta: {} } });
    expect(read).not.toHaveProperty("entry.healthCheck");
  });

  test("a service without a port is no place to send anything; an address that is none is reported", () => {
    expect(entriesOf(item({ ...foreign, port: 0 }), item({ ...foreign, address: "10.0.0.1; evil" }))).toEqual([
      ["n1/web/f", "its address is no IP address or host name"],
    ]);
  });

  test("one id on several nodes is told apart by the node; of one owner's, the newer counts", () => {
    expect(entriesOf(item(foreign), item(foreign, [], { node: "n2" }), item({ ...foreign, id: "g" }))).toEqual([
      ["n1:f", "passing"],
      ["n2:f", "passing"],
      ["g", "passing"],
    ]);
    const moved = { ...ours, address: "10.0.0.2" };
    expect(readEntries([item(ours), item(moved, [], { node: "n2", modifyIndex: 5 })])).toMatchObject([
      { ref: "n2/web/o", entry: { address: "10.0.0.2" } },
    ]);
    const onDeadNode = [check("serfHealth", "critical")];
    expect(readEntries([item(ours), item(moved, onDeadNode, { node: "n2", modifyIndex: 5 })])).toMatchObject([
      { ref: "n1/web/o", entry: { health: "passing" } },
    ]);
  });
});

describe("the plan", () => {
  const current = encode(web());
  const check = (serviceId: string, id: string, status: CheckStatus = "passing", type = "ttl"): Check => {
    return { node: "n1", id, status, notes: "", type, serviceId, serviceName: "", createIndex: 0, modifyIndex: 0 };
  };
  const ownChecks = (id: string, status?: CheckStatus): readonly Check[] => [
    check(id, aliveCheckId(id), status),
    check(id, healthCheckId(id)),
  ];
  const other = encodeInstance({ owner: "n2", ttlMs: 1 }, web(), current.id);
  const stale: Owned = { entry: { ...web(), owner: "n1" }, revision: "old", unleased: false };
  const fresh: Owned = { ...stale, revision: versionOf(current) };
  const changed = web({ port: 81 });

  function run(
    there: readonly Registration[],
    put: readonly Put[],
    remove: readonly Owned[] = [],
    status?: CheckStatus,
  ): readonly string[] {
    const view = viewOf(
      there,
      there.flatMap(({ id }) => [...ownChecks(id, status)]),
    );
    return planSteps(LEASE, { put, remove }, view).map(word);
  }
  function word(step: Step): string {
    if (step.kind !== "result") {
      return step.kind === "register" ? `register ${step.registration.id}` : `deregister ${step.agentId}`;
    }
    return step.result.outcome === "conflict" ? `conflict ${step.result.holder}` : step.result.outcome;
  }
  const id = current.id;

  test.each<readonly [string, readonly Registration[], Put, string]>([
    ["nothing there", [], { instance: changed }, `register ${id}`],
    ["ours there, and a free place wanted", [current], { instance: changed }, "failed"],
    ["ours as it was read", [current], { instance: changed, replaces: fresh }, `register ${id}`],
    ["ours, equal", [current], { instance: web(), replaces: fresh }, "written"],
    ["ours, equal but ill", [current], { instance: web({ health: "critical" }), replaces: fresh }, `register ${id}`],
    ["ours, changed since", [current], { instance: changed, replaces: stale }, "failed"],
    ["gone since", [], { instance: changed, replaces: fresh }, "failed"],
    ["another owner's", [other], { instance: changed }, "conflict n2"],
    ["another program's", [{ ...current, meta: {} }], { instance: changed }, "conflict "],
    ["taken over since", [other], { instance: changed, replaces: fresh }, "conflict n2"],
    ["a name that cannot be stored", [], { instance: web({ service: "" }) }, "failed"],
  ])("put: %s", (_, there, put, expected) => {
    expect(run(there, [put])).toEqual([expected]);
  });

  test.each<readonly [string, readonly Registration[], Owned, string]>([
    ["nothing there", [], fresh, "removed"],
    ["as it was read", [current], fresh, `deregister ${id}`],
    ["changed since", [current], stale, "failed"],
    ["another owner's", [other], fresh, "conflict n2"],
  ])("remove: %s", (_, there, owned, expected) => {
    expect(run(there, [], [owned])).toEqual([expected]);
  });

  test("the place of a dead owner is free, and a dead entry of ours is written again", () => {
    expect(run([other], [{ instance: changed }], [], "critical")).toEqual([`register ${id}`]);
    expect(run([current], [{ instance: web(), replaces: fresh }], [], "critical")).toEqual([`register ${id}`]);
  });

  test("an id that is taken on the agent by another service gets a second form, also within one change", () => {
    const put = ["a", "b", "c"].map((service): Put => ({ instance: web({ service, id: "x" }) }));
    expect(run([], put)).toEqual(["register x", "register x@b", "register x@c"]);
    const there = encode(web({ service: "a", id: "X" }));
    expect(run([there], put.slice(1))).toEqual(["register x@b", "register x@c"]);
  });

  test("failures are FairleadErrors that can be tried again, but for names", () => {
    const view = viewOf([], []);
    const [gone, name] = planSteps(
      LEASE,
      { put: [{ instance: web(), replaces: fresh }, { instance: web({ id: "" }) }], remove: [] },
      view,
    );
    expect(gone).toMatchObject({ result: { error: expect.any(FairleadError) } });
    expect(gone).toMatchObject({ result: { error: { code: "REGISTRY_UNAVAILABLE", retryable: true } } });
    expect(name).toMatchObject({ result: { error: { code: "USAGE", retryable: false } } });
  });
});

describe("what lists tell", () => {
  const at = (index: number, names: Readonly<Record<string, string>>): { services: never; checks: undefined } =>
    ({ services: { data: new Map(Object.entries(names)), index, isFiltered: false, url: "" }, checks: undefined }) as never;
  function checks(index: number, ...list: readonly (readonly [node: string, service: string, modifyIndex: number])[]): never {
    const data = list.map(([node, serviceName, modifyIndex]) => ({
      node,
      id: "c",
      status: "passing",
      notes: "",
      serviceId: "",
      serviceName,
      modifyIndex,
    }));
    return { services: undefined, checks: { data, index, isFiltered: false, url: "" } } as never;
  }

  test("services by tags, checks and the checks of their nodes", () => {
    const lists = new CatalogLists();
    const onNode = (node: string): readonly string[] => (node === "n1" ? ["web", "db"] : []);
    lists.accept(at(5, { web: "t", db: "", api: "" }), onNode);
    lists.accept(checks(6, ["n1", "", 1], ["n1", "Web", 2], ["n2", "api", 3]), onNode);
    expect(lists.index).toBe(6);
    lists.takeMoves();
    const told = (news: never): readonly string[] => {
      lists.accept(news, onNode);
      return [...lists.takeMoves().told].sort();
    };
    expect(told(at(7, { web: "t2", db: "", more: "" }) as never)).toEqual(["api", "more", "web"]);
    expect(told(checks(8, ["n1", "", 1], ["n1", "Web", 9], ["n2", "api", 3]))).toEqual(["web"]);
    expect(told(checks(9, ["n1", "", 2], ["n1", "Web", 9], ["n2", "api", 3]))).toEqual(["db", "web"]);
    expect(told(checks(9, ["n1", "", 2], ["n1", "Web", 9], ["n2", "api", 3]))).toEqual([]);
  });

  test("only plain names go into a filter, and not too many", () => {
    expect(checkFilter({ services: ["a b"], keys: [] })).toBeUndefined();
    expect(checkFilter({ services: ["web"], keys: [] })).toBe('ServiceName == "" or ServiceName == "web"');
    expect(checkFilter({ services: "all", keys: [] })).toBeUndefined();
    expect(checkFilter({ services: Array.from({ length: 40 }, (_, i) => `s${i}`), keys: [] })).toBeUndefined();
  });

  test("a service is looked for under its own name and the encoded one", () => {
    const existing = new Map(["web", "a%2fb", "a/b", "c"].map((name) => [name, ""]));
    expect(namesInConsul({ services: ["a/b", "Web", "nope", ""], keys: [] }, existing)).toEqual(["a/b", "a%2fb", "web"]);
  });

  test.each([
    [0, 0, false],
    [1, 0, true],
    [2, 1, false],
    [3, 1, true],
    [10, 5, false],
    [10, 4, true],
    [4, 9, false],
  ])("from %i to %i: doubtful is %s", (before, after, expected) => {
    expect(isSuspicious(before, after)).toBe(expected);
  });
});
