/** The judge of the churn run is judged itself: what is equal passes, and each way to be wrong is named. */
import { expect, it } from "vitest";
import { compare, findNeedless, type Held, othersOf, type Since, type Spell } from "../../churn/compare.ts";
import { judgeWrites } from "../../churn/etcd-history.ts";
import type { Expected } from "../../churn/expected.ts";

const line = (id: string, more: Partial<Expected> = {}): Expected => ({
  container: `container of ${id}`,
  service: "web",
  id,
  address: "10.0.0.1",
  port: 8080,
  protocol: "tcp",
  health: "passing",
  weight: 1,
  tags: ["a", "b"],
  meta: {},
  ...more,
});
const held = (id: string, more: Partial<Held> = {}): Held => {
  const { container: _, ...rest } = line(id);
  return { ...rest, owner: "own", revision: "1", ...more };
};

const COMPARISONS: readonly [string, readonly Expected[], readonly Held[], readonly string[]][] = [
  ["nothing and nothing are equal", [], [], []],
  ["the same entry is equal", [line("a")], [held("a")], []],
  ["pairs of metadata have no order", [line("a", { meta: { x: "1", y: "2" } })], [held("a", { meta: { y: "2", x: "1" } })], []],
  ["an entry without a container is a ghost", [], [held("a")], ["ghost web/a"]],
  ["a container without an entry is missing", [line("a")], [], ["missing web/a"]],
  ["another address is wrong", [line("a")], [held("a", { address: "10.0.0.2" })], ["wrong web/a"]],
  ["another port is wrong", [line("a")], [held("a", { port: 8081 })], ["wrong web/a"]],
  ["another health is wrong", [line("a")], [held("a", { health: "critical" })], ["wrong web/a"]],
  ["tags have an order", [line("a")], [held("a", { tags: ["b", "a"] })], ["wrong web/a"]],
  ["a name that is another service is both", [line("a")], [held("a", { service: "api" })], ["ghost api/a", "missing web/a"]],
  ["what others hold is no ghost", [], [held("a", { owner: "other" }), held("b", { owner: "" })], []],
  ["a place that others hold is not missing", [line("a")], [held("a", { owner: "" })], []],
];

it.each(COMPARISONS)("%s", (_what, expected, entries, differences) => {
  expect(compare(expected, entries, "own").map(({ kind, place }) => `${kind} ${place}`)).toEqual(differences);
});

const CALM: Since = { touched: new Set(), mayLoseLease: false, isStoreNew: false };
const LOST: Since = { ...CALM, mayLoseLease: true };
const spell = (entry: Held, container: Partial<Expected> = {}, state = "up since 1"): Spell => {
  const expected = [line("a", container)];
  return { expected, held: [entry], states: new Map(expected.map((item) => [item.container, state])) };
};
const BEFORE = spell(held("a", { writes: 3, checks: "alive 5" }));

const REVISIONS: readonly [string, Spell, Since, { compared: number; renewed: number; needless: number }][] = [
  ["the same revision is calm", BEFORE, CALM, { compared: 1, renewed: 0, needless: 0 }],
  [
    "another revision is a needless write",
    spell(held("a", { revision: "2", writes: 4 })),
    CALM,
    { compared: 1, renewed: 0, needless: 1 },
  ],
  [
    "a check of another version is one too",
    spell(held("a", { checks: "alive 6" })),
    CALM,
    { compared: 1, renewed: 0, needless: 1 },
  ],
  [
    "not of a store that was started anew",
    spell(held("a", { checks: "alive 6" })),
    { ...CALM, isStoreNew: true },
    { compared: 1, renewed: 0, needless: 0 },
  ],
  [
    "what hung on a lost lease is put again",
    spell(held("a", { revision: "9", writes: 1 })),
    LOST,
    { compared: 1, renewed: 1, needless: 0 },
  ],
  ["or written over", spell(held("a", { revision: "9", writes: 4 })), LOST, { compared: 1, renewed: 1, needless: 0 }],
  ["but once", spell(held("a", { revision: "9", writes: 2 })), LOST, { compared: 1, renewed: 0, needless: 1 }],
  [
    "a touched container's entry may change",
    spell(held("a", { revision: "2" })),
    { ...CALM, touched: new Set(["container of a"]) },
    { compared: 0, renewed: 0, needless: 0 },
  ],
  [
    "so may that of one that started anew",
    spell(held("a", { revision: "2" }), {}, "up since 2"),
    CALM,
    { compared: 0, renewed: 0, needless: 0 },
  ],
  [
    "and that of another container at the same place",
    spell(held("a", { revision: "2" }), { container: "b" }),
    CALM,
    { compared: 0, renewed: 0, needless: 0 },
  ],
];

it.each(REVISIONS)("%s", (_what, after, since, { needless, ...counts }) => {
  const found = findNeedless(BEFORE, after, "own", since);
  expect({ ...found, needless: found.needless.length }).toEqual({ ...counts, needless });
});

it("others' entries are the same text until one of them is written, taken away or added", () => {
  const others = [held("a", { owner: "" }), held("b", { owner: "other" }), held("c")];
  const [first, second, own] = others;
  expect(othersOf(others, "own")).toHaveLength(2);
  expect(
    othersOf(
      [own, second, first].flatMap((entry) => entry ?? []),
      "own",
    ),
  ).toEqual(othersOf(others, "own"));
  expect(othersOf([held("a", { owner: "", revision: "2" }), held("b", { owner: "other" })], "own")).not.toEqual(
    othersOf(others, "own"),
  );
  expect(othersOf([held("b", { owner: "other" })], "own")).not.toEqual(othersOf(others, "own"));
});

it("a write of the value that was there is needless, unless it changes the lease", () => {
  const kv = (value: object, lease: string) => ({
    key: Buffer.from("/k").toString("base64"),
    value: Buffer.from(JSON.stringify(value)).toString("base64"),
    mod_revision: "1",
    lease,
  });
  const [one, two] = [
    { owner: "own", port: 1 },
    { owner: "own", port: 2 },
  ];
  const events = [
    { kv: kv(one, "1") },
    { kv: kv(two, "1"), prev_kv: kv(one, "1") },
    { kv: kv(two, "2"), prev_kv: kv(two, "1") },
    { kv: kv(two, "2"), prev_kv: kv(two, "2") },
    { kv: kv({ owner: "other" }, "3") },
    { type: "DELETE" as const, kv: { key: "", mod_revision: "9" }, prev_kv: kv(two, "2") },
  ];
  expect(judgeWrites(events, "own")).toEqual({ count: 5, needless: ["/k"] });
});
