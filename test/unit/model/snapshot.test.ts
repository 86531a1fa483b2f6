import { describe, expect, test } from "vitest";
import type { Entry } from "../../../src/model/instance.ts";
import { type Snapshot, SnapshotBuilder } from "../../../src/model/snapshot.ts";
import { entry } from "../../helpers/snapshot.ts";

/** Everything in a snapshot but its revision, as plain data. */
function dataOf({ services, keys, invalid }: Snapshot): unknown {
  return { services: [...services], keys: [...keys], invalid };
}

describe("SnapshotBuilder", () => {
  test("everything is sorted by code unit, whatever the order of coming", () => {
    const builder = new SnapshotBuilder();
    for (const ref of ["b/2", "a/9", "a/10", "Z/1", "b/1"]) {
      const [service = "", id = ""] = ref.split("/");
      builder.setEntry(ref, entry(service, id, { tags: [`t${id}`, "x"] }));
    }
    for (const key of ["k/b", "k", "K"]) {
      builder.setKey(key, "v");
    }
    builder.setInvalidEntry("z", "no");
    builder.setInvalidKey("y", "no");
    const snapshot = builder.snapshot("1");
    expect([...snapshot.services].map(([name, { instances }]) => [name, instances.map(({ id }) => id)])).toEqual([
      ["Z", ["1"]],
      ["a", ["10", "9"]],
      ["b", ["1", "2"]],
    ]);
    expect(snapshot.services.get("a")?.tags).toEqual(["t10", "t9", "x"]);
    expect([...snapshot.keys.keys()]).toEqual(["K", "k", "k/b"]);
    expect(snapshot.invalid.map(({ key }) => key)).toEqual(["y", "z"]);
  });

  test("what was given out never changes", () => {
    const builder = new SnapshotBuilder();
    builder.setEntry("a/1", entry("a", "1", { tags: ["t"], meta: { k: "v" } }));
    builder.setKey("k", "v");
    const snapshot = builder.snapshot("1");
    const before = structuredClone(dataOf(snapshot));
    const service = snapshot.services.get("a");
    for (const object of [snapshot, snapshot.invalid, service, service?.tags, service?.instances, service?.instances[0]]) {
      expect(Object.isFrozen(object)).toBe(true);
    }
    expect(Object.isFrozen(service?.instances[0]?.tags) && Object.isFrozen(service?.instances[0]?.meta)).toBe(true);
    builder.setEntry("a/2", entry("a", "2"));
    builder.deleteEntry("a/1");
    builder.setKey("k", "w");
    builder.setInvalidEntry("x", "no");
    builder.snapshot("2");
    expect(dataOf(snapshot)).toEqual(before);
  });

  test("what did not change is the same object", () => {
    const builder = new SnapshotBuilder();
    builder.setEntry("a/1", entry("a", "1"));
    builder.setEntry("a/2", entry("a", "2"));
    builder.setEntry("b/1", entry("b", "1"));
    builder.setKey("k", "v");
    const first = builder.snapshot("1");
    builder.setEntry("a/2", entry("a", "2", { port: 81 }));
    builder.setEntry("b/1", entry("b", "1")); // equal
    const second = builder.snapshot("2");
    expect(second.services.get("b")).toBe(first.services.get("b"));
    expect(second.services.get("a")).not.toBe(first.services.get("a"));
    expect(second.services.get("a")?.instances[0]).toBe(first.services.get("a")?.instances[0]);
    expect(second.keys).toBe(first.keys);
    expect(second.invalid).toBe(first.invalid);
    builder.setKey("k", "w");
    const third = builder.snapshot("3");
    expect(third.services).toBe(second.services);
    expect(third.keys).not.toBe(second.keys);
  });

  test.each<[string, boolean, (builder: SnapshotBuilder) => void]>([
    ["nothing", false, () => undefined],
    ["an equal entry", false, (b) => b.setEntry("a/1", entry("a", "1"))],
    ["an equal key", false, (b) => b.setKey("k", "v")],
    [
      "a change and its undoing",
      false,
      (b) => (b.setEntry("a/1", entry("a", "1", { port: 1 })), b.setEntry("a/1", entry("a", "1"))),
    ],
    ["an end and a coming back", false, (b) => (b.deleteEntry("a/1"), b.setEntry("a/1", entry("a", "1")))],
    ["a newcomer that leaves", false, (b) => (b.setEntry("c/1", entry("c", "1")), b.deleteEntry("c/1"))],
    ["a key that changes back", false, (b) => (b.setKey("k", "w"), b.setKey("k", "v"))],
    ["a key that comes and goes", false, (b) => (b.setKey("l", "w"), b.deleteKey("l"))],
    ["the end of what was not there", false, (b) => (b.deleteEntry("x"), b.deleteKey("x"))],
    ["an equal mark", false, (b) => b.setInvalidEntry("i", "broken")],
    ["another entry", true, (b) => b.setEntry("a/1", entry("a", "1", { meta: { a: "b" } }))],
    ["another owner", true, (b) => b.setEntry("a/1", entry("a", "1", { owner: "node-2" }))],
    ["a new entry", true, (b) => b.setEntry("a/2", entry("a", "2"))],
    ["an end", true, (b) => b.deleteEntry("a/1")],
    ["an entry that becomes invalid", true, (b) => b.setInvalidEntry("a/1", "broken")],
    ["a newcomer that is invalid", true, (b) => b.setInvalidEntry("n", "broken")],
    ["another reason", true, (b) => b.setInvalidEntry("i", "worse")],
    ["an invalid one that goes", true, (b) => b.deleteEntry("i")],
    ["a key with another value", true, (b) => b.setKey("k", "w")],
    ["an empty key for a full one", true, (b) => b.setKey("k", "")],
    ["a key that becomes invalid", true, (b) => b.setInvalidKey("k", "broken")],
  ])("after %s it is dirty: %s", (_, expected, change) => {
    const builder = new SnapshotBuilder();
    builder.setEntry("a/1", entry("a", "1"));
    builder.setEntry("b/1", entry("b", "1"));
    builder.setKey("k", "v");
    builder.setInvalidEntry("i", "broken");
    const before = builder.snapshot("1");
    expect(builder.isDirty).toBe(false);
    change(builder);
    expect(builder.isDirty).toBe(expected);
    expect(builder.isDirty).toBe(expected); // asking changes nothing
    const after = builder.snapshot("2");
    if (expected) {
      expect(dataOf(after)).not.toEqual(dataOf(before));
    } else {
      expect([after.services, after.keys, after.invalid]).toEqual([before.services, before.keys, before.invalid]);
      expect(after.services.get("a")).toBe(before.services.get("a"));
    }
    expect(builder.isDirty).toBe(false);
  });

  test("an entry may move to another service, and an empty service is none", () => {
    const builder = new SnapshotBuilder();
    builder.setEntry("ref", entry("a", "1"));
    builder.snapshot("1");
    builder.setEntry("ref", entry("b", "1"));
    expect([...builder.snapshot("2").services.keys()]).toEqual(["b"]);
    builder.deleteEntry("ref");
    expect(builder.snapshot("3").services.size).toBe(0);
  });

  test("retainEntries() and retainKeys() end a full list, marks included", () => {
    const builder = new SnapshotBuilder();
    builder.setEntry("a", entry("s", "a"));
    builder.setEntry("b", entry("s", "b"));
    builder.setInvalidEntry("c", "no");
    builder.setKey("k", "v");
    builder.setInvalidKey("l", "no");
    builder.retainEntries(new Set(["b"]));
    builder.retainKeys(new Set(["k"]));
    const { services, keys, invalid } = builder.snapshot("1");
    expect([services.get("s")?.instances.map(({ id }) => id), [...keys.keys()], invalid]).toEqual([["b"], ["k"], []]);
  });

  test("an entry and its mark never stand together", () => {
    const builder = new SnapshotBuilder();
    builder.setInvalidEntry("a", "no");
    builder.setEntry("a", entry("s", "a"));
    expect(dataOf(builder.snapshot("1"))).toMatchObject({ invalid: [], services: [["s", {}]] });
    builder.setInvalidEntry("a", "no");
    expect(dataOf(builder.snapshot("2"))).toEqual({ services: [], keys: [], invalid: [{ key: "a", reason: "no" }] });
  });

  test("any changes in any order give what building afresh gives, and objects differ only where data do", () => {
    const random = createRandom(11);
    const pick = (n: number): number => Math.floor(random() * n);
    const builder = new SnapshotBuilder();
    const model = new Map<string, Entry | string>();
    let before = builder.snapshot("0");
    for (let round = 1; round <= 400; round += 1) {
      for (let i = pick(4); i >= 0; i -= 1) {
        const ref = `ref-${pick(12)}`;
        const made = entry(`s${pick(3)}`, ref, { port: 1 + pick(3), tags: random() < 0.5 ? ["t"] : [] });
        if (random() < 0.25) {
          model.delete(ref);
          builder.deleteEntry(ref);
        } else if (random() < 0.15) {
          model.set(ref, "broken");
          builder.setInvalidEntry(ref, "broken");
        } else {
          model.set(ref, made);
          builder.setEntry(ref, structuredClone(made));
        }
      }
      const fresh = new SnapshotBuilder();
      for (const [ref, value] of model) {
        if (typeof value === "string") {
          fresh.setInvalidEntry(ref, value);
        } else {
          fresh.setEntry(ref, structuredClone(value));
        }
      }
      const { isDirty } = builder;
      const after = builder.snapshot(String(round));
      expect(dataOf(after)).toEqual(dataOf(fresh.snapshot("fresh")));
      expect(isDirty).toBe(JSON.stringify(dataOf(after)) !== JSON.stringify(dataOf(before)));
      for (const [name, service] of after.services) {
        const old = before.services.get(name);
        expect(service === old).toBe(JSON.stringify(service) === JSON.stringify(old));
      }
      before = after;
    }
  });
});

function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
