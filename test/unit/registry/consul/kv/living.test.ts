import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SnapshotBuilder } from "../../../../../src/model/snapshot.ts";
import type { KvPair } from "../../../../../src/registry/consul/api/shapes.ts";
import { createLivingSink } from "../../../../../src/registry/consul/kv/living.ts";
import { keyLayout } from "../../../../../src/registry/store.ts";

const layout = keyLayout({ prefix: "fairlead", kvPrefix: "", layout: "json" });

function pair(key: string, owner: string, session: string | undefined = "s"): KvPair {
  return { key, value: Buffer.from(JSON.stringify({ v: 1, owner })), modifyIndex: 1, session };
}

describe("createLivingSink()", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function setup(): { readonly sink: ReturnType<typeof createLivingSink>; owners(): readonly string[] } {
    const builder = new SnapshotBuilder();
    return { sink: createLivingSink(layout, builder, 3000), owners: () => [...builder.snapshot("1").owners] };
  }

  test.each<readonly [string, KvPair, readonly string[]]>([
    ["a record that its session holds", pair("fairlead/owners/n1", "n1"), ["n1"]],
    ["a name that is encoded", pair("fairlead/owners/a%2Fb", "a/b"), ["a/b"]],
    ["a record that no session holds", { ...pair("fairlead/owners/n1", "n1"), session: undefined }, []],
    ["a record of another name", pair("fairlead/owners/n1", "n2"), []],
    ["a record of the other layout", pair("fairlead/owners/services/web/1", "n1"), []],
  ])("%s", (_, record, expected) => {
    const { sink, owners } = setup();
    sink.set(record);
    sink.done(false);
    expect(owners()).toEqual(expected);
    sink.delete(record.key);
    sink.done(false);
    expect(owners()).toEqual([]);
  });

  test("an older state of the store has no owners for a while: what it lacks, none of them took away", () => {
    const { sink, owners } = setup();
    sink.set(pair("fairlead/owners/n1", "n1"));
    sink.done(true);
    expect(owners()).toEqual([]);
    vi.advanceTimersByTime(2999);
    sink.done(false);
    expect(owners()).toEqual([]);
    vi.advanceTimersByTime(1);
    sink.done(false);
    expect(owners()).toEqual(["n1"]);
  });
});
