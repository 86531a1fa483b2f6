/** The judge of the fault run is judged itself: histories that are good, and for each rule ones that break it. */
import { expect, it } from "vitest";
import { createChecker } from "../../faults/checker.ts";
import { type Event, inOrder } from "../../faults/history.ts";
import type { Bounds } from "../../faults/rules.ts";

const BOUNDS: Bounds = { liveMs: 1000, overlapMs: 100, witness: "check-before", isGuarded: false };
const UNSANDBOXED: Partial<Bounds> = { witness: "check-after" };
const UNHEARD: Partial<Bounds> = { witness: "judge" };
const GUARDED: Partial<Bounds> = { isGuarded: true };

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
const judged = (at: number, serial: number, accepted = true): Event => ({
  at,
  kind: "judged",
  upstreams: `u${serial}`,
  site: `s${serial}`,
  accepted,
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
    judged(at, serial),
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
  judged(1000, 2),
  check(1020, 2),
  ...sees(1030, 2),
  ...reload(1040, 2, code),
  ...sees(1300, 1),
  ...reload(1310, 1),
];

/** Upstreams with these ports: what the registry holds at a serial, and what a file shows. */
const holds = (at: number, serial: number, web: readonly number[], api: readonly number[]): Event => ({
  at,
  kind: "write",
  serial,
  expected: { upstreams: `plain-u${serial}-${[...web, "", ...api].join("+")}`, site: `plain-s${serial}` },
  held: `plain-s${serial}-held`,
  services: { web, api },
});
function shows(at: number, serial: number, web: readonly number[], api: readonly number[], site = `plain-s${serial}`): Event[] {
  const name = `${serial}-${[...web, "", ...api].join("+")}`;
  const checked = { kind: "check", upstreams: `u${name}`, site: `${site}-sha`, passed: true } as const;
  return [
    { ...checked, kind: "judged", accepted: true, at: at - 1 },
    { ...checked, at: at - 1 },
    {
      at,
      kind: "seen",
      file: "upstreams",
      sha: `u${name}`,
      plain: `plain-u${name}`,
      serial,
      generation: "",
      services: { web, api },
    },
    { at, kind: "seen", file: "site", sha: `${site}-sha`, plain: site, serial, generation: `g${name}` },
    ...(["reload-start", "reload-end"] as const).map(
      (kind): Event => (kind === "reload-start" ? { ...checked, at: at + 1, kind, by: 1 } : { at: at + 2, kind, by: 1, code: 0 }),
    ),
    { at: at + 3, kind: "served", generation: `g${name}`, serial },
    { at: at + 4, kind: "live", generation: `g${name}` },
  ];
}
const TWO_SERVICES: readonly Event[] = [...START, holds(1000, 2, [1, 2], [3]), ...shows(1050, 2, [1, 2], [3])];

type Case = readonly [string, readonly Event[], Partial<Bounds>?];
type BadCase = readonly [string, string, readonly Event[], Partial<Bounds>?];
const good: readonly Case[] = [
  ["a change that goes its way", [...START, ...applies(1000, 2), endOfRound(1500)]],
  ["a change that its check refuses and the next one", [...START, write(1000, 2), check(1020, 2, false), ...applies(2000, 3)]],
  ["a reload that fails: rolled back, tried again", [...rolledBack(1), ...applies(3000, 2), endOfRound(3500)]],
  ["a reload that hangs: rolled back, tried again", [...rolledBack("never"), ...applies(3000, 2), endOfRound(3500)]],
  [
    "a death between rename and reload: the reload is made up for",
    [
      ...START,
      write(1000, 2),
      judged(1000, 2),
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
    [
      ...START,
      write(1000, 2),
      judged(1000, 2),
      check(1020, 2),
      ...sees(1030, 2),
      ...reload(1040, 2),
      death(1042),
      ...reload(1200, 2, 0, 2),
    ],
  ],
  [
    "a reload that begins after the death of its starter: another one is no needless one",
    [
      ...START,
      write(1000, 2),
      judged(1000, 2),
      check(1020, 2),
      ...sees(1030, 2),
      death(1035),
      ...reload(1040, 2),
      ...reload(1200, 2, 0, 2),
    ],
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
    "without a sandbox, files that stand in place while they are checked",
    [...START, write(1000, 2), judged(1000, 2), ...sees(1010, 2), check(1020, 2), ...applies(1030, 2).slice(5), endOfRound(1500)],
    UNSANDBOXED,
  ],
  [
    "without a sandbox, files that are put in place, refused and taken back",
    [...START, write(1000, 2), judged(1000, 2, false), ...sees(1010, 2), check(1020, 2, false), ...sees(1030, 1)],
    UNSANDBOXED,
  ],
  [
    "files that another judge finds good where nobody hears of the check",
    [...START, ...applies(1000, 2).filter(({ kind }) => kind !== "check"), endOfRound(1500)],
    UNHEARD,
  ],
  [
    "what a person put in place although nginx refuses it",
    [
      ...START,
      { at: 1000, kind: "judged", upstreams: "", site: "drift", accepted: false },
      { at: 1000, kind: "judged", upstreams: "u1", site: "drift", accepted: false },
      { at: 1000, kind: "edit", file: "site", sha: "drift" },
      { at: 1001, kind: "seen", file: "site", sha: "drift", plain: "drift", serial: 0, generation: "" },
      { at: 1002, kind: "reload-start", by: 1, upstreams: "u1", site: "drift" },
      ...applies(2000, 2),
      endOfRound(2500),
    ],
  ],
  [
    "instances that a guard holds while the registry is empty, and until they are back",
    [
      ...TWO_SERVICES,
      holds(1100, 0, [], []),
      ...shows(1150, 0, [1, 2], [3], "plain-s0-held"),
      holds(1200, 3, [1, 2], [3]),
      ...shows(1250, 3, [1, 2], [3]),
    ],
    GUARDED,
  ],
  [
    "instances that a guard holds for a while beside new ones",
    [
      ...TWO_SERVICES,
      holds(1100, 0, [], []),
      holds(1150, 3, [4], []),
      ...shows(1200, 3, [1, 2, 4], [3]),
      ...shows(1300, 3, [4], []),
    ],
    GUARDED,
  ],
  [
    "an upstream that the registry holds no more",
    [...TWO_SERVICES, holds(1100, 3, [1], []), ...shows(1150, 3, [1], [])],
    GUARDED,
  ],
  [
    "an emptied registry that is followed where the memory of what was there is deleted",
    [...TWO_SERVICES, fault(1080, "state-deleted"), holds(1100, 0, [], []), ...shows(1150, 0, [], [])],
    GUARDED,
  ],
  [
    "a file that is removed while others are checked, and comes back with the next ones",
    [
      ...START,
      write(1000, 2),
      { at: 1005, kind: "edit", file: "site" },
      { at: 1006, kind: "seen", file: "site" },
      check(1010, 2),
      ...applies(2000, 3),
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

it.each(good.map(([what, events, bounds]) => ({ what, events, bounds })))(
  "finds nothing wrong with $what",
  ({ events, bounds }) => {
    expect(createChecker({ ...BOUNDS, ...bounds }).judge(inOrder(events))).toEqual([]);
  },
);

const G1 = "G1: a destination holds content that passed its check";
const ACCEPTED = "G1: whatever is in place is accepted by nginx";
const EMPTIED = "G3: no upstream is emptied by a wipe, a stop or an empty answer";
const G3 = "G3: a file is made from one whole state of the registry";
const G4 = "G4: after the faults the newest state is live";
const G5 = "G5: no generation goes back but by a roll-back";
const G6 = "G6: no reload without a cause";
const bad: readonly BadCase[] = [
  ["content without a check", G1, [...START, write(1000, 2), judged(1000, 2), ...sees(1010, 2)]],
  [
    "content that appears before its check has passed",
    G1,
    [...START, write(1000, 2), judged(1000, 2), ...sees(1010, 2), check(1020, 2)],
  ],
  ["content whose check failed", G1, [...START, write(1000, 2), judged(1000, 2), check(1010, 2, false), ...sees(1020, 2)]],
  ["a file that is gone where nobody hears of the check", G1, [...START, { at: 1000, kind: "seen", file: "site" }], UNHEARD],
  ["a file that is gone", G1, [...START, { at: 1000, kind: "seen", file: "site" }]],
  [
    "without a sandbox, files that are reloaded before the check",
    G1,
    [...START, write(1000, 2), judged(1000, 2), ...sees(1010, 2), ...reload(1020, 2)],
    UNSANDBOXED,
  ],
  [
    "without a sandbox, files that are refused and left there",
    G1,
    [...START, write(1000, 2), judged(1000, 2), ...sees(1010, 2), check(1020, 2, false), serves(1030, 2), endOfRound(1500)],
    UNSANDBOXED,
  ],
  [
    "content that nginx refuses, which nobody has heard of being checked",
    ACCEPTED,
    [...START, write(1000, 2), judged(1000, 2, false), ...sees(1010, 2)],
    UNHEARD,
  ],
  [
    "content that its check passes and nginx refuses",
    ACCEPTED,
    [...START, ...applies(1000, 2).map((event) => (event.kind === "judged" ? { ...event, accepted: false } : event))],
  ],
  [
    "good files that nginx is told of although it refuses them together",
    ACCEPTED,
    [
      ...START,
      ...applies(1000, 2),
      { at: 1100, kind: "judged", upstreams: "u1", site: "s2", accepted: false },
      { at: 1110, kind: "reload-start", by: 1, upstreams: "u1", site: "s2" },
    ],
  ],
  [
    "an upstream that goes with an emptied registry in spite of the guard",
    EMPTIED,
    [...TWO_SERVICES, holds(1100, 0, [], []), ...shows(1150, 0, [], [])],
    GUARDED,
  ],
  [
    "one upstream of two that goes although the registry holds it",
    EMPTIED,
    [
      ...TWO_SERVICES,
      holds(1100, 3, [1], [3]),
      { ...shows(1150, 3, [1], [3])[2], services: { web: [1], api: [] } } as Event,
    ].flatMap((event) => (event.at === 1150 ? [...shows(1150, 3, [1], [3]).slice(0, 2), event] : [event])),
    GUARDED,
  ],
  [
    "instances that stand in a file although nothing was amiss when they went",
    G3,
    [...TWO_SERVICES, holds(1100, 3, [4], [3]), ...shows(1150, 3, [1, 2, 4], [3])],
    GUARDED,
  ],
  [
    "instances in a file that neither the registry nor the files before had",
    G3,
    [...TWO_SERVICES, holds(1100, 0, [], []), ...shows(1150, 0, [1, 2, 9], [3], "plain-s0-held")],
    GUARDED,
  ],
  [
    "an instance that the registry holds and a guarded file lacks",
    G3,
    [...TWO_SERVICES, holds(1100, 0, [], []), holds(1120, 3, [1, 2], [3]), ...shows(1150, 3, [1], [3])],
    GUARDED,
  ],
  ["half a state", G3, [...START, write(1000, 2), judged(1000, 9), check(1010, 9), ...sees(1020, 9)]],
  [
    "one file with another one's serial",
    G3,
    [
      ...START,
      write(1000, 2),
      { at: 1020, kind: "seen", file: "site", sha: "s1", plain: "plain-s1", serial: 2, generation: "g" },
    ],
  ],
  ["a change that never arrives", G4, [...START, write(1000, 2), endOfRound(1500)]],
  ["a change that is in the files and not in nginx", G4, [...START, ...applies(1000, 2).slice(0, 5), endOfRound(1500)]],
  ["a change that takes too long", G4, [...START, write(1000, 2), ...applies(2500, 2).slice(1), endOfRound(1700)]],
  ["a reload of the same files", G6, [...START, ...reload(1000, 1)]],
  ["a reload after a death that interrupted nothing", G6, [...START, death(1000), ...reload(1100, 1, 0, 2)]],
  ["a request that fails", "G3: no request fails", [...START, { at: 1000, kind: "request-failed", why: "refused" }]],
  ["a file that goes back for no reason", G5, [...START, ...applies(1000, 2), ...sees(1500, 1)]],
  ["nginx that goes back while the file does not", G5, [...START, ...applies(1000, 2), serves(1500, 1)]],
  ["a file that goes back long after a failure", G5, [...rolledBack(1), ...applies(3000, 2), ...sees(4000, 1)]],
  ["a process that ends by itself", "the process ends only when it is killed", [...START, death(1000, false)]],
];

it.each(bad.map(([what, rule, events, bounds]) => ({ what, rule, events, bounds })))(
  "finds $what",
  ({ rule, events, bounds }) => {
    const found = createChecker({ ...BOUNDS, ...bounds }).judge(inOrder(events));
    expect(found.map((violation) => violation.rule)).toContain(rule);
    expect(new Set(found.map((violation) => violation.rule)).size).toBe(1);
    expect(found.every(({ round }) => round <= 1)).toBe(true);
  },
);

it("puts causes before effects of the same millisecond", () => {
  const kinds = inOrder([...sees(5, 1), check(5, 1), fault(5, "kill"), write(4, 1)]).map(({ kind }) => kind);
  expect(kinds).toEqual(["write", "fault-start", "check", "seen", "seen"]);
});
