import { describe, expect, test } from "vitest";
import {
  EVERYTHING,
  joinAll,
  joinSelectors,
  NOTHING,
  type Selector,
  selectorText,
  selectsKeys,
  selectsService,
} from "../../../src/model/selector.ts";

const select = (services: Selector["services"], keys: readonly string[]): Selector => ({ services, keys });

test.each([
  [NOTHING, "web", false],
  [EVERYTHING, "web", true],
  [select(["web"], []), "web", true],
  [select(["web"], []), "web2", false],
  [select(["web"], []), "we", false],
  [select([], [""]), "web", false],
])("%j selects the service %j: %s", (selector, name, expected) => {
  expect(selectsService(selector, name)).toBe(expected);
});

test.each([
  [NOTHING, "", false],
  [EVERYTHING, "", true],
  [EVERYTHING, "any/thing", true],
  [select([], ["app/d"]), "app/d", true],
  [select([], ["app/d"]), "app/db", true],
  [select([], ["app/d"]), "app/", false],
  [select([], ["app/d"]), "app", false],
  [select([], ["x", "app/"]), "app/x", true],
])("%j selects all keys that begin with %j: %s", (selector, prefix, expected) => {
  expect(selectsKeys(selector, prefix)).toBe(expected);
});

test("very many prefixes, in any order and inside one another, select what they select one by one", () => {
  const random = createRandom(5);
  const word = (): string => Array.from({ length: 1 + Math.floor(random() * 4) }, () => (random() < 0.5 ? "a" : "b/")).join("");
  for (let round = 0; round < 200; round += 1) {
    const keys = Array.from({ length: 17 + Math.floor(random() * 20) }, () => `x${word()}${word()}`);
    for (const name of Array.from({ length: 40 }, () => `x${word()}`)) {
      expect(selectsKeys(select([], keys), name), `${name} in ${keys.join()}`).toBe(keys.some((key) => name.startsWith(key)));
    }
  }
});

test("joinAll() is joinSelectors() one after the other", () => {
  const all = [select(["b"], ["k"]), select(["a"], ["k/x", "a"]), NOTHING, select([], ["z"])];
  expect(joinAll(all)).toEqual(all.reduce(joinSelectors));
  expect(joinAll([...all, EVERYTHING])).toEqual(EVERYTHING);
  expect(joinAll([])).toEqual(NOTHING);
});

describe("joinSelectors()", () => {
  test.each([
    [NOTHING, NOTHING, NOTHING],
    [NOTHING, EVERYTHING, EVERYTHING],
    [select(["b"], []), select(["a", "b"], []), select(["a", "b"], [])],
    [select("all", []), select(["a"], ["k"]), select("all", ["k"])],
    [select([], ["app/db", "b"]), select([], ["app/", "a"]), select([], ["a", "b"])],
    [select([], ["app/d"]), select([], ["app/x"]), select([], ["app/d", "app/x"])],
    [select([], ["", "a"]), NOTHING, select([], [""])],
  ])("%j and %j are %j", (a, b, expected) => {
    expect(joinSelectors(a, b)).toEqual(expected);
    expect(selectorText(joinSelectors(b, a))).toBe(selectorText(expected));
  });

  test("it selects what either does and nothing else, and joining again changes nothing", () => {
    const names = ["", "a", "ab", "abc", "b", "ba", "c"];
    const random = createRandom(7);
    const pick = (): Selector => ({
      services: random() < 0.1 ? "all" : names.filter(() => random() < 0.3),
      keys: names.filter(() => random() < 0.2),
    });
    for (let round = 0; round < 500; round += 1) {
      const [a, b] = [pick(), pick()];
      const joined = joinSelectors(a, b);
      for (const name of names) {
        expect(selectsService(joined, name)).toBe(selectsService(a, name) || selectsService(b, name));
        expect(selectsKeys(joined, name)).toBe(selectsKeys(a, name) || selectsKeys(b, name));
      }
      expect(joinSelectors(joined, a)).toEqual(joined);
    }
  });
});

function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
