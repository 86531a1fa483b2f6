import { describe, expect, test } from "vitest";
import type { CatalogItem, Check, CheckStatus } from "../../../../../src/registry/consul/api/shapes.ts";
import {
  CatalogOwners,
  type Hold,
  holdsIn,
  type NodeState,
  nodeStateOf,
} from "../../../../../src/registry/consul/catalog/owners.ts";

const RETURN_MS = 3000;
const ALIVE: NodeState = { since: 7, lapsed: [] };

function hold(agentId: string, more: Partial<Hold> = {}): Hold {
  return { owner: "o", node: "n1", agentId, isLapsed: false, ...more };
}

/** A reader's view, with one clock; every node is there since 7 unless told otherwise. */
function setup(): {
  readonly owners: CatalogOwners;
  judge(states?: Readonly<Record<string, NodeState>>, afterMs?: number): readonly string[];
} {
  const owners = new CatalogOwners(RETURN_MS);
  let nowMs = 1000;
  return {
    owners,
    judge(states = {}, afterMs = 0) {
      nowMs += afterMs;
      return [...owners.judge(new Map(Object.entries(states)), () => 7, nowMs)].sort();
    },
  };
}

describe("an entry that has left", () => {
  const rows: readonly (readonly [string, NodeState | undefined, boolean])[] = [
    ["from a node that is the same and alive: deregistered on purpose", ALIVE, true],
    ["from a node that is gone or dead", { since: undefined, lapsed: [] }, false],
    ["from a node of the same name that came later", { since: 8, lapsed: [] }, false],
    ["from a node where another entry of its owner has lapsed", { since: 7, lapsed: ["b"] }, false],
    ["from a node where an entry that nobody knows has lapsed", { since: 7, lapsed: ["x"] }, false],
    ["from a node where another owner's entry has lapsed", { since: 7, lapsed: ["p"] }, true],
    ["from a node that nobody has asked about", undefined, false],
  ];

  test.each(rows)("%s", (_, state, isLiving) => {
    const { owners, judge } = setup();
    owners.replace([], [hold("a"), hold("b"), hold("p", { owner: "other" })]);
    expect(judge()).toEqual(["o", "other"]);
    owners.replace([hold("a")], []);
    expect([...owners.nodesInDoubt]).toEqual(["n1"]);
    expect(judge(state && { n1: state }).includes("o")).toBe(isLiving);
    expect(owners.nodesInDoubt.size).toBe(0);
  });

  test("the last one of an owner, too: it lives on without entries", () => {
    const { owners, judge } = setup();
    owners.replace([], [hold("a")]);
    judge();
    owners.replace([hold("a")], []);
    expect(judge({ n1: ALIVE })).toEqual(["o"]);
  });

  test("to another agent: its owner counts again once it has beaten there for a while, however long the old agent keeps the rest", () => {
    const { owners, judge } = setup();
    owners.replace([], [hold("a")]);
    judge();
    const moved = hold("a", { node: "n2" });
    owners.replace([hold("a")], [hold("a"), moved]); // the newer one, and the one before
    expect(judge()).toEqual(["o"]);
    owners.replace([hold("a"), moved], [moved]); // that one has lapsed
    expect(judge({ n1: { since: 7, lapsed: ["a"] } })).toEqual([]);
    expect(judge()).toEqual([]);
    expect(judge({}, RETURN_MS)).toEqual(["o"]);
  });

  test("one that had lapsed is no sign of life", () => {
    const { owners, judge } = setup();
    owners.replace([], [hold("a")]);
    judge();
    owners.replace([hold("a")], [hold("a", { isLapsed: true })]);
    expect(owners.nodesInDoubt.size).toBe(0); // it is still there
    expect(judge()).toEqual([]);
    owners.replace([hold("a", { isLapsed: true })], []);
    expect(judge({ n1: ALIVE })).toEqual([]); // reaped
  });
});

describe("an owner that lost its lease", () => {
  test("counts again when none of its entries has lapsed and they have beaten for a while", () => {
    const { owners, judge } = setup();
    owners.replace([], [hold("a", { isLapsed: true }), hold("b")]);
    expect(judge()).toEqual([]);
    expect(judge({}, RETURN_MS)).toEqual([]);
    owners.replace([hold("a", { isLapsed: true })], [hold("a")]);
    expect(judge({}, 10)).toEqual([]);
    expect(judge({}, RETURN_MS - 1)).toEqual([]);
    expect(judge({}, 1)).toEqual(["o"]);
  });
});

describe("what was seen before proves nothing", () => {
  test("when Consul's index went back", () => {
    const { owners, judge } = setup();
    owners.replace([], [hold("a")]);
    judge();
    owners.distrust();
    expect(judge()).toEqual([]);
    expect(judge({}, RETURN_MS)).toEqual(["o"]);
  });

  test("when nobody looked for longer than a lapsed entry stands", () => {
    const { owners, judge } = setup();
    owners.replace([], [hold("a"), hold("b")]);
    expect(judge({}, 0)).toEqual(["o"]);
    expect(judge({}, 50_000)).toEqual(["o"]);
    owners.replace([hold("a")], []);
    expect(judge({ n1: ALIVE }, 50_001)).toEqual([]);
  });
});

describe("what Consul's answers say", () => {
  function check(id: string, status: CheckStatus, serviceName = "web"): Check {
    return { node: "n1", id, status, notes: "", type: "", serviceId: "", serviceName, createIndex: 7, modifyIndex: 9 };
  }
  function item(checks: readonly Check[], owner: string | undefined = "o"): CatalogItem {
    const meta = owner === "" ? {} : { "fairlead-owner": owner, "fairlead-ttl-ms": "1000" };
    const registration = { id: "A", name: "web", address: "10.0.0.1", port: 1, tags: [], meta, weight: 1 };
    return { node: "n1", nodeAddress: "10.0.0.1", registration, modifyIndex: 1, checks };
  }

  test.each<readonly [string, CatalogItem, readonly Hold[]]>([
    ["an entry that beats", item([check("fairlead-alive:A", "passing")]), [hold("a")]],
    ["an unhealthy entry that beats", item([check("fairlead-health:A", "critical")]), [hold("a")]],
    ["a lapsed entry", item([check("fairlead-alive:A", "critical")]), [hold("a", { isLapsed: true })]],
    ["an entry on a dead node", item([check("serfHealth", "critical", "")]), [hold("a", { isLapsed: true })]],
    ["another program's service", item([], ""), []],
  ])("%s", (_, given, expected) => {
    expect(holdsIn([given])).toEqual(expected);
  });

  test("what an owner left on one agent and keeps alive on another says nothing; what it has not moved yet does", () => {
    const lapsed = item([check("fairlead-alive:A", "critical")]);
    const beating = { ...item([check("fairlead-alive:A", "passing")]), node: "n2" };
    expect(holdsIn([lapsed, beating])).toEqual([hold("a", { node: "n2" })]);
    const others = { ...beating, ...item([], "other"), node: "n2" };
    expect(holdsIn([lapsed, others])).toEqual([hold("a", { isLapsed: true }), hold("a", { owner: "other", node: "n2" })]);
  });

  test.each<readonly [string, readonly Check[], NodeState]>([
    ["no check at all", [], { since: undefined, lapsed: [] }],
    ["a living node", [check("serfHealth", "passing", "")], ALIVE],
    ["a dead node", [check("serfHealth", "critical", "")], { since: undefined, lapsed: [] }],
    ["a service's check of that name", [check("serfHealth", "passing")], { since: undefined, lapsed: [] }],
    ["lapsed leases", [check("serfHealth", "passing", ""), check("fairlead-alive:A", "critical")], { since: 7, lapsed: ["a"] }],
    ["ill health", [check("serfHealth", "passing", ""), check("fairlead-health:A", "critical")], ALIVE],
  ])("%s", (_, checks, expected) => {
    expect(nodeStateOf(checks)).toEqual(expected);
  });
});
