import { describe, expect, it } from "vitest";
import { SortedMap } from "../../../src/model/sorted-map.ts";

type Edits = readonly (readonly [string, number | undefined])[];

function build(...steps: readonly Edits[]): SortedMap<number> {
  return steps.reduce((map, edits) => map.with(new Map(edits)), SortedMap.empty<number>());
}

describe("a sorted map", () => {
  it.each([
    [
      "names come in code-unit order",
      [
        [
          ["b", 1],
          ["a", 2],
          ["Z", 3],
        ],
      ],
      [
        ["Z", 3],
        ["a", 2],
        ["b", 1],
      ],
    ],
    [
      "other values",
      [
        [
          ["a", 1],
          ["b", 2],
        ],
        [["b", 3]],
      ],
      [
        ["a", 1],
        ["b", 3],
      ],
    ],
    [
      "a name more, before, between and behind",
      [
        [
          ["b", 1],
          ["d", 2],
        ],
        [
          ["e", 5],
          ["a", 3],
          ["c", 4],
        ],
      ],
      [
        ["a", 3],
        ["b", 1],
        ["c", 4],
        ["d", 2],
        ["e", 5],
      ],
    ],
    [
      "a name less",
      [
        [
          ["a", 1],
          ["b", 2],
          ["c", 3],
        ],
        [["b", undefined]],
      ],
      [
        ["a", 1],
        ["c", 3],
      ],
    ],
    [
      "all at once",
      [
        [
          ["a", 1],
          ["b", 2],
        ],
        [
          ["a", undefined],
          ["b", 9],
          ["c", 3],
        ],
      ],
      [
        ["b", 9],
        ["c", 3],
      ],
    ],
    ["a name that was never there goes", [[["a", 1]], [["b", undefined]]], [["a", 1]]],
    ["nothing is left", [[["a", 1]], [["a", undefined]]], []],
  ] as const)("%s", (_, steps, wanted) => {
    const map = build(...(steps as readonly Edits[]));
    expect([...map]).toEqual(wanted);
    expect([...map.keys()]).toEqual(wanted.map(([name]) => name));
    expect([...map.values()]).toEqual(wanted.map(([, value]) => value));
    expect(map.size).toBe(wanted.length);
    for (const [name, value] of wanted) {
      expect([map.get(name), map.has(name)]).toEqual([value, true]);
    }
    expect([map.get("nobody"), map.has("nobody")]).toEqual([undefined, false]);
  });

  it("does not change when a copy does", () => {
    const map = build([
      ["a", 1],
      ["b", 2],
    ]);
    map.with(new Map([["a", 9]])).with(
      new Map([
        ["b", undefined],
        ["c", 3],
      ]),
    );
    expect([...map]).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  });

  it.each([
    ["", ["app/a", "app/b", "app0", "b"]],
    ["app/", ["app/a", "app/b"]],
    ["app", ["app/a", "app/b", "app0"]],
    ["b", ["b"]],
    ["c", []],
    ["a0", []],
  ])("finds what is below %j", (prefix, wanted) => {
    const map = build([
      ["app/a", 1],
      ["app/b", 2],
      ["app0", 3],
      ["b", 4],
    ]);
    expect(map.below(prefix).map(([name]) => name)).toEqual(wanted);
    const items = map.below(prefix).map(([key, value]) => ({ key, value }));
    expect(map.hasBelow(prefix, items)).toBe(true);
    expect(map.hasBelow(prefix, [...items, { key: "z", value: 1 }])).toBe(false);
    expect(map.hasBelow(prefix, items.slice(1))).toBe(items.length === 0);
    expect(
      map.hasBelow(
        prefix,
        items.map(({ key }) => ({ key, value: 9 })),
      ),
    ).toBe(items.length === 0);
  });
});
