import { describe, expect, test } from "vitest";
import { ERROR_CODES, FairleadError, hasCode, messageOf, systemCode } from "../../../src/model/errors.ts";

describe("FairleadError", () => {
  test("keeps what it was given, and is not retryable unless it says so", () => {
    const cause = new Error("why");
    const location = { file: "a.yaml", line: 3, column: 1 };
    const error = new FairleadError("USAGE", "no", { cause, location, hint: "do this", retryable: true });
    expect(error).toMatchObject({
      name: "FairleadError",
      code: "USAGE",
      message: "no",
      hint: "do this",
      retryable: true,
      cause,
      location,
    });
    const plain = new FairleadError("LOCKED", "no");
    expect(plain).toMatchObject({ hint: undefined, retryable: false, location: undefined });
    expect("cause" in plain).toBe(false);
    expect(plain.stack).toContain("errors.test.ts");
  });

  test("every code leads to an exit code of DESIGN §7", () => {
    for (const { exit, meaning } of Object.values(ERROR_CODES)) {
      expect([2, 3, 4, 5]).toContain(exit);
      expect(meaning).not.toBe("");
    }
  });
});

test.each([
  [new FairleadError("USAGE", "x"), ["USAGE"], true],
  [new FairleadError("USAGE", "x"), ["LOCKED", "USAGE"], true],
  [new FairleadError("USAGE", "x"), ["LOCKED"], false],
  [new FairleadError("USAGE", "x"), [], true],
  [Object.assign(new Error("x"), { code: "USAGE" }), ["USAGE"], false],
  [undefined, [], false],
] as const)("hasCode(%s, %j) is %s", (error, codes, expected) => {
  expect(hasCode(error, ...codes)).toBe(expected);
});

test.each([
  [new Error("boom"), "boom"],
  ["text", "text"],
  [undefined, "undefined"],
  [new AggregateError([new Error("ipv4 refused"), new Error("ipv6 refused")]), "ipv4 refused; ipv6 refused"],
  [new AggregateError([new AggregateError([new Error("a"), "b"])]), "a; b"],
  [new AggregateError([new Error("a")], "all failed"), "all failed"],
])("messageOf(%s) is %j", (error, expected) => {
  expect(messageOf(error)).toBe(expected);
});

test.each([
  [Object.assign(new Error("x"), { code: "ENOENT" }), "ENOENT"],
  [{ code: "ECONNRESET" }, "ECONNRESET"],
  [new DOMException("aborted", "AbortError"), undefined],
  [new Error("x"), undefined],
  ["ENOENT", undefined],
  [null, undefined],
])("systemCode(%o) is %s", (error, expected) => {
  expect(systemCode(error)).toBe(expected);
});
