import { expect, test } from "vitest";
import type { FormatName } from "../../../../src/render/formats/index.ts";
import { fill } from "./places.ts";

type Value = string | number | boolean | null;

/** Rows of template, values, and the text that comes out of it. */
export function gives(format: FormatName, rows: readonly (readonly [string, readonly Value[], string])[]): void {
  test.each(rows)("%j with %j gives %j", (template, values, text) => {
    expect(fill(format, template, ...values)).toEqual({ ok: true, text });
  });
}

/** Rows of template, a value for every place, and why it is refused. */
export function refuses(format: FormatName, rows: readonly (readonly [string, Value, string])[]): void {
  test.each(rows)("%j refuses %j: %s", (template, value, reason) => {
    const count = template.split("@@").length - 1;
    const resolved = fill(format, template, ...Array<Value>(count).fill(value));
    expect(resolved.ok ? resolved.text : resolved.problems.map((problem) => problem.reason)).toContain(reason);
  });
}
