import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { monotonicMs, sleep } from "../../../src/core/time.ts";
import {
  afterShowing,
  isLeaseSure,
  isSure,
  look,
  type Moment,
  restMs,
  type Tenure,
  termsFor,
} from "../../../src/registrator/tenure.ts";

const TTL_MS = 6000;
const TERMS = termsFor("host/b", TTL_MS); // looks each 1000 ms, asks for 3000 ms
const at = (ms: number, asleepMs = 0): Moment => ({ atLeastMs: ms, atMostMs: ms + asleepMs });
const FRESH: Tenure = { kind: "new" };

function asking(since: number): Tenure {
  return { kind: "asking", since: at(since) };
}
function waiting(since: number, holder = "host/a"): Tenure {
  return { kind: "waiting", since: at(since), holder };
}
function holding(proven: number, isSeen = true): Tenure {
  return { kind: "holding", proven: at(proven), isSeen };
}

describe("what a process makes of a look", () => {
  const NOW = 100_000;
  it.each<[string, Tenure, string | undefined, Tenure, string?]>([
    ["new, nobody there: it shows itself and holds the name", FRESH, undefined, holding(NOW - 10, false), "host/b"],
    ["new, its own mark from before a restart: it goes on at once", FRESH, "host/b", holding(NOW - 10)],
    ["new, its own question from before a restart: it asks again", FRESH, "?host/b", asking(NOW), "?host/b"],
    ["unsure, its own: it asks", { kind: "unsure" }, "host/b", asking(NOW), "?host/b"],
    ["unsure, another's: it asks", { kind: "unsure" }, "host/a", asking(NOW), "?host/b"],
    ["new, another's: it asks", FRESH, "host/a", asking(NOW), "?host/b"],
    ["new, another's question: it asks too, and the later one counts", FRESH, "?host/a", asking(NOW), "?host/b"],
    ["asking, its own, early: it goes on asking", asking(NOW - 2999), "?host/b", asking(NOW - 2999)],
    ["asking, its own, in a look that began too early", asking(NOW - 3009), "?host/b", asking(NOW - 3009)],
    [
      "asking, its own after a window: nobody answered, it holds the name",
      asking(NOW - 3010),
      "?host/b",
      holding(NOW - 10),
      "host/b",
    ],
    ["asking, another's: that is the answer", asking(NOW - 3010), "host/a", waiting(NOW)],
    ["asking, a third one's question: that one asks later, and counts", asking(NOW - 100), "?host/c", waiting(NOW, "?host/c")],
    ["asking, nobody: the holder has gone", asking(NOW - 100), undefined, holding(NOW - 10, false), "host/b"],
    ["waiting, the same one's: it waits", waiting(NOW - 5999), "host/a", waiting(NOW - 5999)],
    ["waiting, another one's: it waits for that one", waiting(NOW - 100), "host/c", waiting(NOW - 100, "host/c")],
    ["waiting for long: it asks again", waiting(NOW - 6000), "host/a", asking(NOW), "?host/b"],
    ["waiting, nobody: it holds the name", waiting(NOW - 100), undefined, holding(NOW - 10, false), "host/b"],
    ["waiting, its own: a word that came late counts as asking", waiting(NOW - 100), "host/b", asking(NOW), "?host/b"],
    ["holding, its own", holding(NOW - 1000), "host/b", holding(NOW - 10)],
    ["holding, its own question: a word that came late", holding(NOW - 1000), "?host/b", holding(NOW - 10), "host/b"],
    [
      "holding, nobody: the lease went, it shows itself again",
      holding(NOW - 1000),
      undefined,
      holding(NOW - 10, false),
      "host/b",
    ],
    ["holding, another's question: it answers", holding(NOW - 1000), "?host/a", holding(NOW - 1000), "host/b"],
    ["holding and not seen yet, another's: that one was quicker", holding(NOW - 100, false), "host/a", waiting(NOW)],
    [
      "holding and not seen yet, a question: somebody else may be asked, and it asks too",
      holding(NOW - 100, false),
      "?host/a",
      asking(NOW),
      "?host/b",
    ],
    ["holding, away for a window, another's: it may be deposed and asks", holding(NOW - 3000), "host/a", asking(NOW), "?host/b"],
    ["holding, away for a window, a question: it asks too", holding(NOW - 3000), "?host/a", asking(NOW), "?host/b"],
    ["holding, away for a window, its own: nobody came", holding(NOW - 99_000), "host/b", holding(NOW - 10)],
    ["holding, another that holds it too: of two the lesser mark stays", holding(NOW - 1000), "host/a", waiting(NOW)],
    ["holding, the same with a greater mark: it stays", holding(NOW - 1000), "host/c", holding(NOW - 1000), "host/b"],
  ])("%s", (_what, tenure, seen, next, shows) => {
    const step = look(tenure, seen, { before: at(NOW - 10), now: at(NOW) }, TERMS);
    expect(step).toEqual({ tenure: next, ...(shows !== undefined && { shows }) });
  });

  it("an answer that may have come after a window counts for nothing", () => {
    const times = { before: at(NOW), now: at(NOW + 50) };
    expect(afterShowing(holding(NOW - 2900), times, TERMS)).toEqual(holding(NOW));
    expect(afterShowing(holding(NOW - 2950), times, TERMS)).toEqual({ kind: "unsure" });
    expect(afterShowing(asking(NOW), times, TERMS)).toEqual(asking(NOW + 50));
  });

  it("what was seen a window ago is looked at again", () => {
    expect(look(asking(NOW), undefined, { before: at(NOW), now: at(NOW + 3000) }, TERMS)).toEqual({ tenure: asking(NOW) });
  });

  it("a machine that slept is not sure any more; a clock put forward ends no window", () => {
    expect(isSure(holding(NOW), at(NOW + 100), TERMS)).toBe(true);
    expect(isSure(holding(NOW), at(NOW + 100, 2900), TERMS)).toBe(false);
    expect(look(holding(NOW), "?host/a", { before: at(NOW + 90, 2890), now: at(NOW + 110, 2890) }, TERMS).tenure.kind).toBe(
      "asking",
    );
    expect(look(asking(NOW), "?host/b", { before: at(NOW + 90, 99_000), now: at(NOW + 100, 99_000) }, TERMS).tenure.kind).toBe(
      "asking",
    );
  });

  it("a holder looks twice in a window, a waiting process three times in a time to live", () => {
    expect(restMs(holding(NOW), at(NOW), TERMS)).toBe(1000);
    expect([restMs(asking(NOW), at(NOW), TERMS), restMs(asking(NOW), at(NOW + 2500), TERMS)]).toEqual([1000, 500]);
    expect([restMs(waiting(NOW), at(NOW), TERMS), restMs(waiting(NOW), at(NOW + 5000), TERMS)]).toEqual([2000, 1000]);
  });
});

describe("processes with one node id that are stopped, killed and started at random (G8)", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] }));
  afterEach(() => void vi.useRealTimers());

  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    "never two hold the name, and in the end one does: seed %i",
    async (seed) => {
      const world = createWorld(seed);
      const stop = new AbortController();
      const ended = ["host/a", "host/b", "host/c"].map((mark) => world.live(mark, stop.signal));
      await world.run(4 * 60_000);
      world.calmDown();
      await world.run(8 * TTL_MS);
      expect(world.sure()).toHaveLength(1);
      expect(world.handovers).toBeGreaterThan(2);
      stop.abort();
      await vi.advanceTimersByTimeAsync(60_000);
      await Promise.all(ended);
    },
  );
});

/** A store with a record that lasts as long as somebody beats, and processes that are away for a while at any moment. */
function createWorld(seed: number) {
  let state = seed + 1;
  const random = (): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
  let isCalm = false;
  let record: string | undefined;
  let beatenAt = Number.NEGATIVE_INFINITY;
  let last: string | undefined;
  const tenures = new Map<string, Tenure>();
  const beats = new Map<string, Moment>();
  const never = new AbortController().signal;
  const now = (): Moment => at(monotonicMs());

  const world = {
    handovers: 0,
    calmDown: () => void (isCalm = true),
    sure: () =>
      [...tenures].filter(([mark, tenure]) => {
        const isSeen = tenure.kind === "holding" && tenure.isSeen;
        return isSeen && isSure(tenure, now(), TERMS) && isLeaseSure(beats.get(mark), now(), TERMS);
      }),
    async run(ms: number) {
      for (let passed = 0; passed < ms; passed += 50) {
        await vi.advanceTimersByTimeAsync(50);
        const sure = world.sure().map(([mark]) => mark);
        expect(sure.length, `${sure.join(" and ")} after ${passed} ms`).toBeLessThan(2);
        if (sure[0] !== undefined && sure[0] !== last) {
          world.handovers += 1;
          [last] = sure;
        }
      }
    },
    async live(mark: string, signal: AbortSignal) {
      const terms = termsFor(mark, TTL_MS);
      await away(random() * 2000);
      while (!signal.aborted) {
        tenures.set(mark, FRESH); // also after a kill: the mark is the same
        // A kill in the moment after a word that came too late is one accident too many.
        while (!signal.aborted && (isCalm || tenures.get(mark)?.kind === "unsure" || random() > 0.01)) {
          const before = now();
          const seen = await call(() => standing());
          const step = look(tenures.get(mark) ?? FRESH, seen, { before, now: now() }, terms);
          let { tenure } = step;
          const { shows } = step;
          if (shows !== undefined) {
            const showing = now();
            await call(() => (standing() === undefined ? grant(shows) : void (seen !== undefined && (record = shows))));
            tenure = afterShowing(tenure, { before: showing, now: now() }, terms);
          }
          tenures.set(mark, tenure);
          if (tenure.kind === "holding" || tenure.kind === "asking") {
            const before = now();
            if (await call(renew)) {
              beats.set(mark, before);
            } else {
              beats.delete(mark);
            }
          }
          await away(restMs(tenure, now(), terms));
        }
        tenures.delete(mark);
        beats.delete(mark);
        await away(random() * 3 * TTL_MS);
      }
    },
  };

  function standing(): string | undefined {
    record = monotonicMs() - beatenAt > TTL_MS ? undefined : record;
    return record;
  }
  /** A new lease, which the first one gets. */
  function grant(shows: string): void {
    record = shows;
    beatenAt = monotonicMs();
  }
  /** False: there is no lease any more. */
  function renew(): boolean {
    const isThere = standing() !== undefined;
    beatenAt = isThere ? monotonicMs() : beatenAt;
    return isThere;
  }
  async function away(ms: number): Promise<void> {
    const isStopped = !isCalm && random() < 0.03;
    await sleep(ms + (isStopped ? random() * 3 * TTL_MS : 0), never);
  }
  /** Something happens in the store at some moment between asking and being answered. */
  async function call<T>(what: () => T): Promise<T> {
    await away(random() * 100);
    const answer = what();
    await away(random() * 100);
    return answer;
  }
  return world;
}
