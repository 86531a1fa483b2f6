import { createRecord, isRecord, Structure } from "./values.ts";

/** Deeper data is nobody's configuration, and would end in the depth of the stack. */
const MAX_DEPTH = 200;

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/**
 * The value as plain data: objects without a prototype, so that no key of theirs means anything else (`__proto__`); maps become objects;
 * what is absent in an object is left out. Refuses what is no data, too deep, or text that no file can hold.
 */
export function toPlain(value: unknown, fail: (reason: string) => never, depth = 0): Plain {
  if (depth > MAX_DEPTH) {
    return fail(`it holds data deeper than ${MAX_DEPTH} levels`);
  }
  if (Array.isArray(value)) {
    return value.map((item) => toPlain(item, fail, depth + 1));
  }
  if (value instanceof Map || isRecord(value)) {
    const record = createRecord() as Record<string, Plain>;
    for (const [key, field] of value instanceof Map ? value : Object.entries(value)) {
      if (field !== undefined) {
        record[keyText(key, fail)] = toPlain(field, fail, depth + 1);
      }
    }
    return record;
  }
  return toScalar(value, fail);
}

function toScalar(value: unknown, fail: (reason: string) => never): Plain {
  switch (typeof value) {
    case "string":
      return toText(value, fail);
    case "number":
      return Number.isFinite(value) ? value : fail("it holds a number without a finite value");
    case "boolean":
      return value;
    case "undefined":
      return fail("it holds something absent");
    default:
      return value === null ? null : value instanceof Structure ? value.text : fail("it holds something that is no data");
  }
}

function keyText(key: unknown, fail: (reason: string) => never): string {
  return typeof key === "object" && key !== null ? fail("it holds a key that is a list or an object") : toText(String(key), fail);
}

function toText(text: string, fail: (reason: string) => never): string {
  if (text.includes("\0")) {
    return fail("it holds a NUL character");
  }
  return /\p{Surrogate}/u.test(text) ? fail("it holds half of a surrogate pair, which is no text") : text;
}
