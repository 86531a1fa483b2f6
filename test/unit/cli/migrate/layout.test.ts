import { describe, expect, it } from "vitest";
import { DIFFERENCES } from "../../../../src/cli/migrate/differences.ts";
import { writtenBy } from "./layout.ts";
import { DIFFERENT, SAME, type Written } from "./registrator-rows.ts";

/** Shown where there is a lease and an interface: on real servers. */
const SHOWN_ELSEWHERE = ["lease", "published-address"];

const whole = (rows: readonly Written[]): readonly Written[] => rows.map((row) => ({ tags: [], meta: {}, ...row }));

describe("keys, values, tags and metadata are those that Registrator writes", () => {
  it.each([...SAME, ...DIFFERENT.filter(({ differs }) => differs === undefined)])("$name", (row) => {
    expect(writtenBy(row)).toEqual(whole(row.registrator));
  });
});

describe("where they are not, it is one of the deliberate differences", () => {
  it.each(DIFFERENT.filter(({ differs }) => differs !== undefined))("$name ($differs.as)", (row) => {
    expect(writtenBy(row)).toEqual(whole(row.differs?.fairlead ?? []));
    expect(writtenBy(row)).not.toEqual(whole(row.registrator));
  });

  it("each of them is shown by a row", () => {
    const shown = new Set<string>([...SHOWN_ELSEWHERE, ...DIFFERENT.map(({ differs }) => differs?.as ?? "")]);
    expect(DIFFERENCES.filter(({ id }) => !shown.has(id))).toEqual([]);
  });
});
