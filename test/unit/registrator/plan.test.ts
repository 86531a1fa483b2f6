import { describe, expect, it } from "vitest";
import type { Instance } from "../../../src/model/instance.ts";
import type { Owned } from "../../../src/ports.ts";
import { plan } from "../../../src/registrator/plan.ts";

function instance(id: string, more: Partial<Instance> = {}): Instance {
  return { id, service: "web", address: "10.0.0.1", port: 80, protocol: "tcp", tags: [], meta: {}, health: "passing", ...more };
}

function owned(id: string, more: Partial<Instance> = {}, unleased = false): Owned {
  return { entry: { ...instance(id, more), owner: "n1" }, revision: `rev-${id}`, unleased };
}

const all = (item: Instance): Instance => item;

describe("plan", () => {
  it.each<[string, readonly Instance[], readonly Owned[], { put: readonly string[]; remove: readonly string[] }]>([
    ["puts what is new", [instance("a")], [], { put: ["a new"], remove: [] }],
    ["leaves what is equal", [instance("a")], [owned("a")], { put: [], remove: [] }],
    ["replaces what differs", [instance("a", { port: 81 })], [owned("a")], { put: ["a replaces rev-a"], remove: [] }],
    ["replaces what hangs on no lease", [instance("a")], [owned("a", {}, true)], { put: ["a replaces rev-a"], remove: [] }],
    ["removes what nobody wants", [], [owned("a")], { put: [], remove: ["a"] }],
    ["tells services apart", [instance("a", { service: "db" })], [owned("a")], { put: ["a new"], remove: ["a"] }],
    [
      "sees a changed meta, tag order, health and weight",
      [
        instance("a", { meta: { v: "2" } }),
        instance("b", { tags: ["y", "x"] }),
        instance("c", { health: "critical" }),
        instance("d", { weight: 2 }),
      ],
      [owned("a", { meta: { v: "1" } }), owned("b", { tags: ["x", "y"] }), owned("c"), owned("d")],
      { put: ["a replaces rev-a", "b replaces rev-b", "c replaces rev-c", "d replaces rev-d"], remove: [] },
    ],
  ])("%s", (_what, desired, before, expected) => {
    const change = plan(desired, before, all);
    expect({
      put: change.put.map((put) =>
        put.replaces === undefined ? `${put.instance.id} new` : `${put.instance.id} replaces ${put.replaces.revision}`,
      ),
      remove: change.remove.map((item) => item.entry.id),
    }).toEqual(expected);
  });

  it("compares with what the registry can hold, and removes what it does not hold at all", () => {
    const addressOnly = (item: Instance): Instance | undefined =>
      item.health === "critical" ? undefined : { ...item, meta: {} };
    expect(plan([instance("a", { meta: { v: "1" } })], [owned("a")], addressOnly)).toEqual({ put: [], remove: [] });
    expect(plan([instance("a", { health: "critical" })], [owned("a")], addressOnly).remove).toHaveLength(1);
  });

  it("has nothing to do after its change was made, for any wish and any beginning", () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    for (let round = 0; round < 300; round++) {
      const some = (): Instance[] => {
        const ids = [...new Set(Array.from({ length: random(8) }, () => String(random(10))))];
        return ids.map((id) => instance(id, { port: 1 + random(3), service: ["web", "db"][random(2)] ?? "web" }));
      };
      const desired = some();
      const before = some().map((item): Owned => ({ entry: { ...item, owner: "n1" }, revision: "r", unleased: random(4) === 0 }));
      const change = plan(desired, before, all);
      const after = new Map(before.map((item) => [`${item.entry.service}/${item.entry.id}`, item]));
      for (const { entry } of change.remove) {
        after.delete(`${entry.service}/${entry.id}`);
      }
      for (const put of change.put) {
        after.set(`${put.instance.service}/${put.instance.id}`, {
          entry: { ...put.instance, owner: "n1" },
          revision: "r",
          unleased: false,
        });
      }
      expect(plan(desired, [...after.values()], all)).toEqual({ put: [], remove: [] });
      expect([...after.keys()].sort()).toEqual(desired.map((item) => `${item.service}/${item.id}`).sort());
    }
  });
});
