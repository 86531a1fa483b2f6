/** The key-value store's forms and decisions, without a server. */
import { describe, expect, test } from "vitest";
import type { Instance } from "../../../../../src/model/instance.ts";
import type { Owned } from "../../../../../src/ports.ts";
import { askablePart, isAskable } from "../../../../../src/registry/consul/api/read-requests.ts";
import type { KvPair } from "../../../../../src/registry/consul/api/shapes.ts";
import { createForm } from "../../../../../src/registry/consul/kv/form.ts";
import { judgeRefusal } from "../../../../../src/registry/consul/kv/refusals.ts";
import { batchesOf, putStep, removeStep, type Step } from "../../../../../src/registry/consul/kv/steps.ts";
import { keyLayout } from "../../../../../src/registry/store.ts";

const WEB: Instance = {
  id: "1",
  service: "web",
  address: "10.0.0.1",
  port: 80,
  protocol: "tcp",
  tags: [],
  meta: {},
  health: "passing",
};
const json = createForm(keyLayout({ prefix: "fairlead", kvPrefix: "", layout: "json" }));
const registrator = createForm(keyLayout({ prefix: "services", kvPrefix: "", layout: "registrator" }));
const verbs = ({ operations }: Pick<Step, "operations">): readonly string[] =>
  operations.map(({ Verb, Key }) => `${Verb} ${Key}`);
const owned = (form: typeof json, unleased = false): Owned => ({
  entry: { ...(form.asStored(WEB) ?? WEB), owner: "n1" },
  revision: "7",
  unleased,
});

describe("operations", () => {
  const J = "fairlead/services/web/1";
  const A = "services/web/1";
  const R = "fairlead/owners/services/web/1";
  const changed = { ...WEB, port: 81 };
  const ill = { ...WEB, health: "critical" } as const;

  test.each<readonly [string, Omit<Step, "index">, readonly string[]]>([
    ["json, new", putStep(json, "n1", { instance: WEB }, "s"), [`check-not-exists ${J}`, `lock ${J}`]],
    ["json, other", putStep(json, "n1", { instance: changed, replaces: owned(json) }, "s"), [`check-index ${J}`, `lock ${J}`]],
    ["json, equal", putStep(json, "n1", { instance: WEB, replaces: owned(json) }, "s"), [`check-index ${J}`]],
    [
      "json, equal on another session",
      putStep(json, "n1", { instance: WEB, replaces: owned(json, true) }, "s"),
      [`check-index ${J}`, `delete ${J}`, `lock ${J}`],
    ],
    ["json, remove", removeStep(json, owned(json)), [`delete-cas ${J}`]],
    [
      "registrator, new: a record that was left over is replaced",
      putStep(registrator, "n1", { instance: WEB }, "s"),
      [`check-not-exists ${A}`, `lock ${A}`, `delete ${R}`, `lock ${R}`],
    ],
    [
      "registrator, other",
      putStep(registrator, "n1", { instance: changed, replaces: owned(registrator) }, "s"),
      [`check-index ${A}`, `lock ${A}`, `delete ${R}`, `lock ${R}`],
    ],
    [
      "registrator, ill",
      putStep(registrator, "n1", { instance: ill, replaces: owned(registrator) }, "s"),
      [`check-index ${A}`, `delete ${A}`, `delete ${R}`],
    ],
    ["registrator, remove", removeStep(registrator, owned(registrator)), [`delete-cas ${A}`, `delete ${R}`]],
  ])("%s", (_, step, expected) => {
    expect(verbs(step)).toEqual(expected);
  });

  test("a transaction holds whole steps, at most 64 operations and not too many bytes", () => {
    const steps = Array.from(
      { length: 100 },
      (_, index): Step => ({ index, ...putStep(registrator, "n1", { instance: WEB }, "s") }),
    );
    const batches = batchesOf(steps);
    expect(batches.map((batch) => batch.length)).toEqual([16, 16, 16, 16, 16, 16, 4]);
    const large = Array.from(
      { length: 5 },
      (_, index): Step => ({ index, ...putStep(json, "n1", { instance: { ...WEB, meta: { x: "y".repeat(100_000) } } }, "s") }),
    );
    expect(batchesOf(large).map((batch) => batch.length)).toEqual([2, 2, 1]);
    expect(batchesOf([])).toEqual([]);
  });
});

describe("what stands at a place in the layout registrator", () => {
  const pair = (value: string, modifyIndex: number): KvPair => ({
    key: "k",
    value: Buffer.from(value),
    modifyIndex,
    session: "s",
  });
  const record = '{"v":1,"owner":"n1"}';
  test.each<readonly [string, readonly (KvPair | undefined)[], string | undefined]>([
    ["nothing", [undefined, undefined], undefined],
    ["a record alone", [undefined, pair(record, 3)], undefined],
    ["both of one transaction", [pair("10.0.0.1:80", 3), pair(record, 3)], "n1"],
    ["an address that another program wrote since", [pair("10.0.0.1:80", 4), pair(record, 3)], ""],
    ["Registrator's", [pair("10.0.0.1:80", 4), undefined], ""],
    ["a record that is none", [pair("10.0.0.1:80", 3), pair("[]", 3)], ""],
  ])("%s", (_, pairs, owner) => {
    expect(registrator.standingAt("web/1", pairs)?.owner).toBe(owner);
  });
});

describe("why a transaction was refused", () => {
  const put: Step = { index: 0, ...putStep(json, "n1", { instance: WEB, replaces: owned(json) }, "s") };
  const remove: Step = { index: 0, ...removeStep(json, owned(json)) };
  const ours = { owner: "n1", entry: undefined };
  const rows: readonly (readonly [string, Parameters<typeof judgeRefusal>[0]["standing"], string | undefined, Step, object])[] = [
    ["another owner's", { owner: "n2", entry: undefined }, "9", put, { outcome: "conflict", holder: "n2" }],
    ["another program's", { owner: "", entry: undefined }, "9", remove, { outcome: "conflict", holder: "" }],
    ["gone", undefined, undefined, remove, { outcome: "removed" }],
    ["gone", undefined, undefined, put, { outcome: "failed", error: { message: expect.stringContaining("gone") } }],
    ["changed", ours, "9", put, { outcome: "failed", error: { message: expect.stringContaining("changed"), retryable: true } }],
    ["as expected", ours, "7", put, { outcome: "failed", error: { message: expect.stringContaining("lease has ended") } }],
    ["as expected", ours, "7", remove, { outcome: "failed", error: { message: expect.stringContaining("its words") } }],
  ];
  test.each(rows)("%s", async (_, standing, version, step, expected) => {
    const refusal = { opIndex: 0, what: "its words" };
    const result = await judgeRefusal({ owner: "n1", step, refusal, standing, version, isSessionAlive: async () => false });
    expect(result).toMatchObject({ service: "web", id: "1", ...expected });
  });

  test("no right to write", async () => {
    const refusal = { opIndex: 0, what: "Permission denied" };
    const refused = { owner: "n1", step: put, refusal, standing: ours, version: "7", isSessionAlive: async () => true };
    expect(await judgeRefusal(refused)).toMatchObject({ outcome: "failed", error: { code: "REGISTRY_DENIED" } });
  });
});

test.each([
  ["app/db", true, "app/db"],
  ["", true, ""],
  ["app/", true, "app/"],
  ["a//b", false, "a/"],
  ["../x", false, ""],
  ["a/../b", false, "a/"],
  ["a/..b", true, "a/..b"],
  ["/abs", false, ""],
  ["a\nb", false, "a"],
  ["ünï", false, ""],
  ["a b?c#d%e", true, "a b?c#d%e"],
])("%j can be asked for: %s", (text, expected, part) => {
  expect(isAskable(text)).toBe(expected);
  expect(askablePart(text)).toBe(part);
});
