import { describe, expect, it } from "vitest";
import type { Hold } from "../../../../src/model/provenance.ts";
import type { Snapshot } from "../../../../src/model/snapshot.ts";
import { type GuardRules, guardServices } from "../../../../src/render/guard/guard.ts";
import { entry, world } from "../../../helpers/snapshot.ts";

const RULES: GuardRules = { maxShrink: 0.5, holdMs: 60_000, onEmpty: "hold", minInstances: 0 };
const NOW = Date.parse("2026-01-01T00:00:00Z");

/** `web: "a1 b2!"` is an instance `a1` of owner `a` and a critical one `b2` of owner `b`; `-1` has no owner. */
function snapshotOf(services: Readonly<Record<string, string>>, owners: string): Snapshot {
  const { builder, snapshot, set } = world();
  for (const [service, ids] of Object.entries(services)) {
    for (const word of ids.split(" ").filter((id) => id !== "")) {
      const id = word.replace("!", "");
      const owner = id.startsWith("-") ? "" : id.charAt(0);
      set(entry(service, id, { owner, health: word.endsWith("!") ? "critical" : "passing" }));
    }
  }
  builder.setOwners(new Set(owners === "" ? [] : owners.split("")));
  return snapshot();
}

function look(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  more: {
    readonly owners?: string;
    readonly rules?: Partial<GuardRules>;
    readonly holds?: readonly Hold[];
    /** As `before`. */
    readonly letGo?: Readonly<Record<string, string>>;
    readonly atMs?: number;
    readonly freshAtMs?: number;
  } = {},
) {
  const { atMs = 0, freshAtMs = atMs } = more;
  return guardServices({
    rules: { ...RULES, ...more.rules },
    before: { services: snapshotOf(before, "abcd").services, holds: more.holds ?? [] },
    letGo: new Map([...snapshotOf(more.letGo ?? {}, "").services].map(([name, { instances }]) => [name, instances])),
    snapshot: snapshotOf(after, more.owners ?? ""),
    nowMs: NOW + atMs,
    freshAtMs: NOW + freshAtMs,
  });
}

function idsOf(guarded: ReturnType<typeof guardServices>, service: string): string {
  return (guarded.services.get(service)?.instances ?? []).map((instance) => instance.id).join(" ");
}

describe("the guard (G3)", () => {
  const other = { db: "d1" };
  it.each([
    // what was there, what is there, who lives → what templates see
    ["what a living owner removes goes at once", "a1 a2 b1", "b1", "ab", {}, "b1"],
    ["… also the last instance", "a1", "", "a", {}, ""],
    ["… also everything of several living owners", "a1 b1 b2", "", "ab", {}, ""],
    ["half of a service may vanish with its owner", "a1 b1", "b1", "b", {}, "b1"],
    ["more than half is kept", "a1 a2 b1", "b1", "b", {}, "a1 a2 b1"],
    ["… and what is new is seen beside it", "a1 a2 b1", "b1 b2", "b", {}, "a1 a2 b1 b2"],
    ["… and what a living owner took away is not", "a1 a2 a3 b1 b2", "b2", "b", {}, "a1 a2 a3 b2"],
    ["nothing may vanish when nothing may", "a1 b1 b2 b3", "b1 b2 b3", "b", { maxShrink: 0 }, "a1 b1 b2 b3"],
    ["all may vanish when all may, but the last instance", "a1 a2", "", "", { maxShrink: 1 }, "a1 a2"],
    ["the last instance is kept", "a1", "", "", {}, "a1"],
    ["… written at once when it says so", "a1", "", "", { onEmpty: "write" }, ""],
    ["the last usable one counts as the last", "a1 b1!", "b1!", "b", {}, "a1 b1"],
    ["a critical one is no loss to those that are used", "a1! b1", "b1", "b", {}, "b1"],
    ["… and is not the last one of a service that nobody used", "a1! b1!", "b1!", "b", {}, "b1"],
    ["an entry of another program has no owner that could vouch", "-1", "", "ab", {}, "-1"],
    ["fewer than the wanted minimum is kept", "a1 b1 c1", "b1 c1", "bc", { minInstances: 3 }, "a1 b1 c1"],
    ["… not when a living owner said so", "a1 b1 c1", "b1 c1", "abc", { minInstances: 3 }, "b1 c1"],
    ["the same id of another owner is a replacement", "a1", "a1", "b", {}, "a1"],
  ] as const)("%s", (_what, before, after, owners, rules, seen) => {
    const guarded = look({ web: before, ...other }, { web: after, ...other }, { owners, rules });
    expect(idsOf(guarded, "web")).toBe(seen);
    expect(guarded.holds.length).toBe(seen === after.replaceAll("!", "") ? 0 : 1);
  });

  it.each([
    ["counts with what vanishes now, and is kept with it", "a1 a2", "a1", { letGo: { web: "a3 a4" } }, "a1 a2 a3 a4"],
    ["… not alone", "a1 a2", "a1 a2", { letGo: { web: "a3 a4" } }, "a1 a2"],
    ["… not when it is back", "a1 a2 b1 b2", "a2 b1 b2 a3", { letGo: { web: "a3" }, owners: "b" }, "a2 a3 b1 b2"],
    [
      "… not when its owner lives again without it",
      "a1 a2 a3 a4",
      "a2 a3 a4",
      { letGo: { web: "b1 b2 b3 b4" }, owners: "b" },
      "a2 a3 a4",
    ],
    ["… not when all of it is little", "a1 a2 a3 a4", "a2 a3 a4", { letGo: { web: "a5" } }, "a2 a3 a4"],
  ] as const)("what was let go a moment ago %s", (_what, before, after, more, seen) => {
    const guarded = look({ web: before, ...other }, { web: after, ...other }, more);
    expect(idsOf(guarded, "web")).toBe(seen);
  });

  it("says what it lets go, so that it can count with what vanishes next", () => {
    const { letGo } = look({ web: "a1 a2 b1 b2", ...other }, { web: "a2 b1 b2", ...other }, { owners: "b" });
    expect([...letGo].map(([name, entries]) => [name, entries.map(({ id }) => id)])).toEqual([["web", ["a1"]]]);
  });

  it("gives the snapshot's own services when nothing is held", () => {
    const snapshot = snapshotOf({ web: "b1" }, "ab");
    const before = { services: snapshotOf({ web: "a1 b1" }, "").services, holds: [] };
    const guarded = guardServices({ rules: RULES, before, letGo: new Map(), snapshot, nowMs: NOW, freshAtMs: NOW });
    expect(guarded.services).toBe(snapshot.services);
    expect(guarded.confirmAtMs).toBeUndefined();
  });

  it("delays no other service", () => {
    const guarded = look({ web: "a1", db: "b1" }, { db: "b1 b2" }, { owners: "b" });
    expect([idsOf(guarded, "web"), idsOf(guarded, "db")]).toEqual(["a1", "b1 b2"]);
  });

  it("says what is held, since when, until when and why", () => {
    expect(look({ web: "a1 a2 a3 b1", ...other }, { web: "b1", ...other }, { owners: "b" })).toMatchObject({
      confirmAtMs: NOW + 60_000,
      holds: [
        {
          service: "web",
          instances: ["a1", "a2", "a3"],
          since: "2026-01-01T00:00:00.000Z",
          until: "2026-01-01T00:01:00.000Z",
          reason: "3 of 4 instances vanished, more than 50%",
        },
      ],
    });
  });

  const held: Hold = { service: "web", instances: ["a1"], since: "2026-01-01T00:00:00.000Z", reason: "" };
  it.each([
    ["before its time", 59_999, 59_999, ["a1"], "a1"],
    ["after its time, by a snapshot that was read before it", 70_000, 59_000, ["a1"], "a1"],
    ["after its time, by a read that began after it", 70_000, 60_000, ["a1"], ""],
    ["a full time later when more has vanished since", 70_000, 70_000, ["b1"], "a1"],
  ])("ends %s", (_what, atMs, freshAtMs, instances, seen) => {
    const guarded = look({ web: "a1", ...other }, other, { holds: [{ ...held, instances }], atMs, freshAtMs });
    expect(idsOf(guarded, "web")).toBe(seen);
  });

  it.each([
    ["nothing", { web: "a1", db: "d1" }, {}],
    ["nothing that anybody owns", { web: "a1", db: "d1", consul: "-c" }, { consul: "-c" }],
    ["nothing of other programs, when it held nothing else", { web: "-1", db: "-2" }, {}],
  ])("never ends by time alone while the registry holds %s", (_what, before, after) => {
    const guarded = look(before, after, { holds: [{ ...held, instances: ["a1", "-1"] }], atMs: 3_600_000 });
    expect([idsOf(guarded, "web"), idsOf(guarded, "db")]).toEqual(before.web === "a1" ? ["a1", "d1"] : ["-1", "-2"]);
    expect(guarded.holds[0]).toMatchObject({ reason: "the registry holds no entry any more" });
    expect(guarded.holds[0]).not.toHaveProperty("until");
    expect(guarded.confirmAtMs).toBeUndefined();
  });

  it("goes on when the owner is back without it, for the rest of its time: not all of it may be written yet", () => {
    const back = { owners: "ad", holds: [held] };
    expect(idsOf(look({ web: "a1", ...other }, other, { ...back, atMs: 30_000 }), "web")).toBe("a1");
    expect(idsOf(look({ web: "a1", ...other }, other, { ...back, atMs: 60_000 }), "web")).toBe("");
  });

  it("never ends by time alone with `onEmpty: keep`", () => {
    const guarded = look({ web: "a1", ...other }, other, { holds: [held], atMs: 3_600_000, rules: { onEmpty: "keep" } });
    expect(idsOf(guarded, "web")).toBe("a1");
    expect(guarded.holds[0]).not.toHaveProperty("until");
  });

  it("keeps the very service of before while nothing else changes", () => {
    const before = snapshotOf({ web: "a1 a2", ...other }, "").services;
    const input = { rules: RULES, letGo: new Map(), snapshot: snapshotOf(other, "d"), nowMs: NOW, freshAtMs: NOW };
    expect(guardServices({ ...input, before: { services: before, holds: [] } }).services.get("web")).toBe(before.get("web"));
  });
});
