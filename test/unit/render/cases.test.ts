import { describe, expect, it } from "vitest";
import { FairleadError } from "../../../src/model/errors.ts";
import { type Expectation, judgeCase, type Rendered } from "../../../src/render/cases.ts";

const TEXT: Rendered = { ok: true, text: "a\nb\n" };
const error = new FairleadError("KEY_MISSING", 'key "a" is not there', { location: { file: "t", line: 3, column: 5 } });
const ERROR: Rendered = { ok: false, error };

describe("a case", () => {
  it.each<[string, Expectation, Rendered]>([
    ["the very text", { kind: "text", text: "a\nb\n" }, TEXT],
    ["each of the texts", { kind: "contains", texts: ["a\n", "b"] }, TEXT],
    ["the error's code", { kind: "error", error: { code: "KEY_MISSING" } }, ERROR],
    [
      "all that is said of the error",
      { kind: "error", error: { code: "KEY_MISSING", message: '"a"', line: 3, column: 5 } },
      ERROR,
    ],
  ])("passes by %s", (_, expected, rendered) => {
    expect(judgeCase(expected, rendered)).toEqual({ ok: true });
  });

  it.each<[string, Expectation, Rendered, object]>([
    [
      "another text, even by one newline",
      { kind: "text", text: "a\nb" },
      TEXT,
      { reason: "the text differs", texts: { expected: "a\nb", rendered: "a\nb\n" } },
    ],
    [
      "texts that are not there",
      { kind: "contains", texts: ["b", "c", "d"] },
      TEXT,
      { reason: 'the text does not contain "c", "d"' },
    ],
    ["an error where a text is expected", { kind: "text", text: "" }, ERROR, { reason: "it does not render", error }],
    [
      "a text where an error is expected",
      { kind: "error", error: { code: "KEY_MISSING" } },
      TEXT,
      { reason: "expected KEY_MISSING, but it rendered" },
    ],
    [
      "another code",
      { kind: "error", error: { code: "TEMPLATE_UNSAFE" } },
      ERROR,
      { reason: "expected TEMPLATE_UNSAFE, but another error came", error },
    ],
    [
      "another place",
      { kind: "error", error: { code: "KEY_MISSING", line: 3, column: 4 } },
      ERROR,
      { reason: "expected KEY_MISSING at line 3, column 4, but another error came", error },
    ],
    [
      "another message",
      { kind: "error", error: { code: "KEY_MISSING", message: "b", column: 5 } },
      ERROR,
      { reason: 'expected KEY_MISSING at column 5 with "b", but another error came', error },
    ],
  ])("fails by %s", (_, expected, rendered, verdict) => {
    expect(judgeCase(expected, rendered)).toEqual({ ok: false, ...verdict });
  });
});
