import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Snapshot } from "../../../../src/model/snapshot.ts";
import type { Memory, Target } from "../../../../src/ports.ts";
import { createTargetGuard } from "../../../../src/render/guard/target-guard.ts";
import { noProvenance } from "../../../helpers/provenance.ts";
import { entry, world } from "../../../helpers/snapshot.ts";

const HOLD_MS = 60_000;
const RULES = { maxShrink: 0.5, holdMs: HOLD_MS, onEmpty: "hold", minInstances: 0 } as const;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A target that takes whatever it is shown, by a process that is new when it says so. */
function guarded() {
  let memory: Memory | undefined;
  const target = { name: "t", recall: async () => memory } as Target; // a guard asks for nothing else
  let guard = createTargetGuard(target, RULES);
  return async (snapshot: Snapshot, isRestarted = false): Promise<string> => {
    guard = isRestarted ? createTargetGuard(target, RULES) : guard;
    const seen = await guard.look({ snapshot, freshAtMs: Date.now() });
    const { services } = seen.snapshot;
    const provenance = { ...noProvenance(), services, holds: seen.holds };
    memory = { generation: "", appliedAt: "", files: [], provenance, lastChange: "" };
    return (services.get("web")?.instances ?? []).map(({ id }) => id).join(" ");
  };
}

describe("the guard of a target (G3)", () => {
  it("lets pass whatever comes first: there is nothing to lose", async () => {
    const look = guarded();
    expect(await look(world([]).snapshot())).toBe("");
  });

  it("does not count again what had its time in a hold", async () => {
    const state = world([entry("web", "a"), entry("web", "b"), entry("db", "d")]);
    const look = guarded();
    expect(await look(state.snapshot())).toBe("a b");
    state.remove("web", "a");
    state.remove("web", "b");
    expect(await look(state.snapshot())).toBe("a b");
    vi.advanceTimersByTime(HOLD_MS);
    expect(await look(state.snapshot())).toBe("");
    state.set(entry("web", "c"));
    state.set(entry("web", "e"));
    expect(await look(state.snapshot())).toBe("c e");
    state.remove("web", "c");
    expect(await look(state.snapshot())).toBe("e");
  });

  it("does not count again what had its time in a hold that an earlier process began", async () => {
    const state = world(["a", "b", "c"].map((id) => entry("web", id)));
    const look = guarded();
    await look(state.snapshot());
    state.remove("web", "a");
    state.remove("web", "b");
    expect(await look(state.snapshot())).toBe("a b c");
    vi.advanceTimersByTime(HOLD_MS);
    expect(await look(state.snapshot(), true)).toBe("c");
    state.remove("web", "c");
    expect(await look(state.snapshot())).toBe("c");
  });

  it("forgets after a hold what it let go", async () => {
    const state = world(["a", "b", "c", "d"].map((id) => entry("web", id)));
    const look = guarded();
    await look(state.snapshot());
    state.remove("web", "a");
    expect(await look(state.snapshot())).toBe("b c d");
    vi.advanceTimersByTime(HOLD_MS);
    state.remove("web", "b");
    expect(await look(state.snapshot())).toBe("c d");
    state.remove("web", "c");
    expect(await look(state.snapshot())).toBe("b c d"); // 2 of 3
  });

  it("gives the same snapshot for the same holds, so that nothing is rendered again", async () => {
    const state = world([entry("web", "a"), entry("db", "d")]);
    const { services } = state.snapshot();
    const provenance = { ...noProvenance(), services };
    const memory = { generation: "", appliedAt: "", files: [], provenance, lastChange: "" };
    const target = { name: "t", recall: async () => memory } as unknown as Target; // a guard asks for nothing else
    const guard = createTargetGuard(target, RULES);
    state.remove("web", "a");
    const snapshot = state.snapshot();
    const first = await guard.look({ snapshot, freshAtMs: 0 });
    expect(first.holds).toHaveLength(1);
    expect((await guard.look({ snapshot, freshAtMs: 0 })).snapshot).toBe(first.snapshot);
  });
});
