import { expect, it } from "vitest";
import { nameProblem } from "../../../src/sources/names.ts";

it.each<[string, string | undefined]>([
  ["web", undefined],
  ["wêb/1 *", undefined],
  ["..", undefined],
  ["", "is empty"],
  ["a\nb", "holds a control character"],
  ["a\u2028b", "holds a control character"],
  ["a\ud800", "is no UTF-8"],
  ["\udc00\ud800", "is no UTF-8"],
  ["\u{1f600}", undefined],
  ["x".repeat(200), undefined],
  ["x".repeat(201), "is too long to be stored (201 bytes when encoded, at most 200)"],
  ["é".repeat(40), "is too long to be stored (240 bytes when encoded, at most 200)"],
])("as a name, %j", (name, expected) => {
  expect(nameProblem(name)).toBe(expected);
});
