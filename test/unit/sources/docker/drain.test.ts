import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createDrainMarks, DRAIN_MS, type DrainMarks } from "../../../../src/sources/docker/drain.ts";
import type { EngineEvent } from "../../../../src/sources/docker/engine/event-lines.ts";
import type { ContainerLife } from "../../../../src/sources/docker/engine/life.ts";
import { signalNumber } from "../../../../src/sources/docker/engine/signal-number.ts";

let marks: DrainMarks;
beforeEach(() => {
  vi.useFakeTimers();
  marks = createDrainMarks();
});
afterEach(() => {
  vi.useRealTimers();
});

const STARTED = 1000;
const USUAL: ContainerLife = { stopSignal: undefined, startedAt: STARTED };

function event(action: string, changes: Partial<EngineEvent> = {}): EngineEvent {
  return { container: "a", action, signal: undefined, at: STARTED + 1, ...changes };
}

function kill(signal: string, at: number | undefined = STARTED + 1): EngineEvent {
  return event("kill", { signal, at });
}

describe("what tells a container to stop", () => {
  const cases: readonly [string, string | undefined, boolean][] = [
    ["15", undefined, true],
    ["TERM", undefined, true],
    ["SIGTERM", "TERM", true],
    ["9", undefined, true],
    ["KILL", "QUIT", true],
    ["3", "SIGQUIT", true],
    ["SIGRTMIN+3", "37", true],
    ["1", undefined, false],
    ["HUP", "QUIT", false],
    ["SIGUSR1", undefined, false],
    // systemd in a container reads its files again on TERM.
    ["15", "SIGRTMIN+3", false],
    ["WINCH", undefined, false],
    ["nonsense", undefined, false],
    ["", undefined, false],
  ];
  test.each(cases)("signal %s to a container whose stop signal is %s: %s", (signal, stopSignal, isDraining) => {
    marks.note(kill(signal));
    const life = { stopSignal: stopSignal === undefined ? undefined : signalNumber(stopSignal), startedAt: STARTED };
    expect(marks.isDraining("a", life)).toBe(isDraining);
    expect(marks.isDraining("b", life)).toBe(false);
  });

  test("a reload before or after it does not hide it", () => {
    for (const signal of ["1", "15", "10"]) {
      marks.note(kill(signal));
    }
    expect(marks.isDraining("a", USUAL)).toBe(true);
  });

  test("a container that is not inspected is taken for one with the usual stop signal", () => {
    marks.note(kill("15"));
    expect(marks.isDraining("a", undefined)).toBe(true);
    marks.note(kill("3"));
    expect(marks.isDraining("a", undefined)).toBe(true);
  });
});

describe("a mark ends", () => {
  test.each(["start", "destroy"])("with %s", (action) => {
    marks.note(kill("15"));
    marks.note(event(action));
    expect(marks.isDraining("a", USUAL)).toBe(false);
  });

  test("with the list that does not hold the container any more, and not with the event of its death, which comes before", () => {
    marks.note(kill("15"));
    marks.note(event("die"));
    marks.note(event("stop"));
    marks.retain(new Set(["a"]));
    expect(marks.isDraining("a", USUAL)).toBe(true);
    marks.retain(new Set(["b"]));
    expect(marks.isDraining("a", USUAL)).toBe(false);
  });

  test("when the container lives on for five minutes", () => {
    marks.note(kill("15"));
    vi.advanceTimersByTime(DRAIN_MS - 1);
    expect(marks.isDraining("a", USUAL)).toBe(true);
    vi.advanceTimersByTime(1);
    expect(marks.isDraining("a", USUAL)).toBe(false);
  });

  test("when it turns out that the container was started since, though nothing told so", () => {
    marks.note(kill("15"));
    expect(marks.due()).toEqual([]);
    expect(marks.isDraining("a", USUAL)).toBe(true);
    vi.advanceTimersByTime(15_000);
    expect(marks.due()).toEqual(["a"]);
    expect(marks.due()).toEqual([]);
    expect(marks.isDraining("a", { ...USUAL, startedAt: STARTED + 2 })).toBe(false);
  });

  test("a signal to an earlier run counts no more, whatever comes later", () => {
    marks.note(kill("15", STARTED - 5));
    marks.note(kill("1", STARTED + 5));
    expect(marks.isDraining("a", USUAL)).toBe(false);
  });
});

describe("after a gap in the stream", () => {
  test("a mark holds when inspecting the container says that it is the same run", () => {
    marks.note(kill("15"));
    marks.doubt();
    expect(marks.due()).toEqual(["a"]);
    expect(marks.isDraining("a", USUAL)).toBe(true);
    expect(marks.due()).toEqual([]);
  });

  test("it is asked for again until there is an answer", () => {
    marks.note(kill("15"));
    marks.doubt();
    marks.due();
    expect(marks.due()).toEqual(["a"]);
  });

  test("a container that is not inspected serves again", () => {
    marks.note(kill("15"));
    marks.doubt();
    expect(marks.isDraining("a", undefined)).toBe(false);
  });
});

test("a stream that tells of endless containers does not fill the memory: the oldest mark goes", () => {
  const ids = [...Array.from({ length: 10_000 }, (_, i) => `c${i}`), "c0", "c10000"];
  for (const container of ids) {
    marks.note({ ...kill("15"), container });
  }
  expect(["c0", "c1", "c2", "c10000"].map((id) => marks.isDraining(id, USUAL))).toEqual([true, false, true, true]);
});

test.each([
  ["15", 15],
  [" sigterm ", 15],
  ["SIGIOT", 6],
  ["SYS", 31],
  ["64", 64],
  ["RTMIN", 34],
  ["RTMIN+30", 64],
  ["SIGRTMAX-2", 62],
  ["0", undefined],
  ["65", undefined],
  ["RTMIN+31", undefined],
  ["RTMAX+1", undefined],
  ["SIG", undefined],
  ["1e1", undefined],
  ["-9", undefined],
])("signal %o is number %o", (text, number) => {
  expect(signalNumber(text)).toBe(number);
});
