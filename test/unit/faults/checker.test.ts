/** The judge of the fault run is judged itself: histories that are good, and for each rule ones that break it. */
import { expect, it } from "vitest";
import { createChecker } from "../../faults/checker.ts";
import { type Event, inOrder } from "../../faults/history.ts";

const BOUNDS = { liveMs: 1000, overlapMs: 100 };

const write = (at: number, serial: number): Event => ({
  at,
  kind: "write",
  serial,
  expected: { upstreams: `plain-u${serial}`, site: `plain-s${serial}` },
});
const check = (at: number, serial: number, passed = true): Event => ({
  at,
  kind: "check",
  upstreams: `u${serial}`,
  site: `s${serial}`,
  passed,
});
const sees = (at: number, serial: number): Event[] => [
  { at, kind: "seen", file: "upstreams", sha: `u${serial}`, plain: `plain-u${serial}`, serial, generation: "" },
  { at, kind: "seen", file: "site", sha: `s${serial}`, plain: `plain-s${serial}`, serial, generation: `g${serial}` },
];
const reload = (at: number, serial: number, code: number | "never" = 0, by = 1): Event[] => [
  { at, kind: "reload-start", by, upstreams: `u${serial}`, site: `s${serial}` },
  ...(code === "never" ? [] : [{ at: at + 5, kind: "reload-end", by, code } as const]),
];
const serves = (at: number, serial: number): Event => ({ at, kind: "served", generation: `g${serial}`, serial });
const live = (at: number, serial: number): Event => ({ at, kind: "live", generation: `g${serial}` });
const death = (at: number, asked = true): Event => ({ at, kind: "death", pid: 1, asked });
const fault = (at: number, name: string): Event => ({ at, kind: "fault-start", fault: name });
const endOfRound = (at: number): Event => ({ at, kind: "round-end", round: 1, faultsEndedAt: at - 200 });

/** From one change to its proof. */
function applies(at: number, serial: number): Event[] {
  return [
    write(at, serial),
    check(at + 20, serial),
    ...sees(at + 30, serial),
    ...reload(at + 40, serial),
    serves(at + 60, serial),
    live(at + 70, serial),
  ];
}

/** A good beginning: nothing is there, then the first files are. */
const START: readonly Event[] = [
  { at: 1, kind: "seen", file: "upstreams" },
  { at: 1, kind: "seen", file: "site" },
  ...applies(100, 1),
  { at: 900, kind: "round-start", round: 1, faults: [] },
];

/** What was installed and taken back because the reload failed with `code`, or never ended. */
const rolledBack = (code: number | "never"): readonly Event[] => [
  ...START,
  write(1000, 2),
  check(1020, 2),
  ...sees(1030, 2),
  ...reload(1040, 2, code),
  ...sees(1300, 1),
  ...reload(1310, 1),
];

const good: readonly (readonly [string, readonly Event[]])[] = [
  ["a change that goes its way", [...START, ...applies(1000, 2), endOfRound(1500)]],
  ["a change that its check refuses and the next one", [...START, write(1000, 2), check(1020, 2, false), ...applies(2000, 3)]],
  ["a reload that fails: rolled back, tried again", [...rolledBack(1), ...applies(3000, 2), endOfRound(3500)]],
  ["a reload that hangs: rolled back, tried again", [...rolledBack("never"), ...applies(3000, 2), endOfRound(3500)]],
  [
    "a death between rename and reload: the reload is made up for",
    [
      ...START,
      write(1000, 2),
      check(1020, 2),
      ...sees(1030, 2),
      death(1035),
      ...reload(1200, 2),
      serves(1220, 2),
      endOfRound(1500),
    ],
  ],
  [
    "a death in the middle of a reload that still tells nginx: another reload is no needless one",
    [...START, write(1000, 2), check(1020, 2), ...sees(1030, 2), ...reload(1040, 2), death(1042), ...reload(1200, 2, 0, 2)],
  ],
  [
    "a reload that begins after the death of its starter: another one is no needless one",
    [...START, write(1000, 2), check(1020, 2), ...sees(1030, 2), death(1035), ...reload(1040, 2), ...reload(1200, 2, 0, 2)],
  ],
  [
    "a file that a person changed, and its repair with the next change",
    [
      ...START,
      { at: 1000, kind: "edit", file: "site", sha: "drift" },
      { at: 1001, kind: "seen", file: "site", sha: "drift", plain: "drift", serial: 0, generation: "" },
      ...applies(2000, 2),
      endOfRound(2500),
    ],
  ],
  [
    "files that are missing and stand in place while they are checked",
    [...START.slice(0, 2), write(100, 1), ...sees(110, 1), check(120, 1), ...reload(130, 1), serves(150, 1), endOfRound(500)],
  ],
  [
    "a file that is removed while others are checked, and comes back with the next ones",
    [
      ...START,
      write(1000, 2),
      { at: 1005, kind: "edit", file: "site" },
      { at: 1006, kind: "seen", file: "site" },
      check(1010, 2),
      ...applies(2000, 3).slice(0, 1),
      ...sees(2010, 3),
      check(2020, 3),
      ...reload(2030, 3),
      serves(2050, 3),
      endOfRound(2500),
    ],
  ],
  [
    "requests that fail where a person has taken a file away",
    [
      ...START,
      { at: 1000, kind: "edit", file: "site" },
      { at: 1001, kind: "seen", file: "site" },
      { at: 1100, kind: "request-failed", why: "refused" },
    ],
  ],
  ["workers of two generations that answer in turn", [...START, ...applies(1000, 2), serves(1070, 1), serves(1090, 2)]],
  ["an emptied registry that is followed", [...START, ...applies(1000, 0), ...applies(2000, 2), endOfRound(2500)]],
];

it.each(good)("finds nothing wrong with %s", (_what, events) => {
  expect(createChecker(BOUNDS).judge(inOrder(events))).toEqual([]);
});

const G1 = "G1: a destination holds content that passed its check";
const G3 = "G3: a file is made from one whole state of the registry";
const G4 = "G4: after the faults the newest state is live";
const G5 = "G5: no generation goes back but by a roll-back";
const G6 = "G6: no reload without a cause";
const bad: readonly (readonly [string, string, readonly Event[]])[] = [
  ["content without a check", G1, [...START, write(1000, 2), ...sees(1010, 2)]],
  ["content that appears before its check has passed", G1, [...START, write(1000, 2), ...sees(1010, 2), check(1020, 2)]],
  ["content whose check failed", G1, [...START, write(1000, 2), check(1010, 2, false), ...sees(1020, 2)]],
  ["a file that is gone", G1, [...START, { at: 1000, kind: "seen", file: "site" }]],
  [
    "missing files, put in place and reloaded before the check",
    G1,
    [...START.slice(0, 2), write(90, 1), ...sees(100, 1), ...reload(110, 1)],
  ],
  [
    "missing files, put in place, refused, and left there",
    G1,
    [...START.slice(0, 2), write(90, 1), ...sees(100, 1), check(110, 1, false), serves(120, 1), endOfRound(500)],
  ],
  ["half a state", G3, [...START, write(1000, 2), check(1010, 9), ...sees(1020, 9)]],
  [
    "one file with another one's serial",
    G3,
    [
      ...START,
      write(1000, 2),
      check(1010, 1),
      { at: 1020, kind: "seen", file: "site", sha: "s1", plain: "plain-s1", serial: 2, generation: "g" },
    ],
  ],
  ["a change that never arrives", G4, [...START, write(1000, 2), endOfRound(1500)]],
  [
    "a change that is in the files and not in nginx",
    G4,
    [...START, write(1000, 2), check(1010, 2), ...sees(1020, 2), endOfRound(1500)],
  ],
  ["a change that takes too long", G4, [...START, write(1000, 2), ...applies(2500, 2).slice(1), endOfRound(1700)]],
  ["a reload of the same files", G6, [...START, ...reload(1000, 1)]],
  ["a reload after a death that interrupted nothing", G6, [...START, death(1000), ...reload(1100, 1, 0, 2)]],
  ["a request that fails", "G3: no request fails", [...START, { at: 1000, kind: "request-failed", why: "refused" }]],
  ["a file that goes back for no reason", G5, [...START, ...applies(1000, 2), ...sees(1500, 1)]],
  ["nginx that goes back while the file does not", G5, [...START, ...applies(1000, 2), serves(1500, 1)]],
  ["a file that goes back long after a failure", G5, [...rolledBack(1), ...applies(3000, 2), ...sees(4000, 1)]],
  ["a process that ends by itself", "the process ends only when it is killed", [...START, death(1000, false)]],
];

it.each(bad)("finds %s", (_what, rule, events) => {
  const found = createChecker(BOUNDS).judge(inOrder(events));
  expect(found.map((violation) => violation.rule)).toContain(rule);
  expect(new Set(found.map((violation) => violation.rule)).size).toBe(1);
  expect(found.every(({ round }) => round <= 1)).toBe(true);
});

it("puts causes before effects of the same millisecond", () => {
  const kinds = inOrder([...sees(5, 1), check(5, 1), fault(5, "kill"), write(4, 1)]).map(({ kind }) => kind);
  expect(kinds).toEqual(["write", "fault-start", "check", "seen", "seen"]);
});
