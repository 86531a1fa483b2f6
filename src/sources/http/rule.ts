/** How a configuration says where in an item of somebody else's list a value stands. */
import { type Pointer, parsePointer, readPointer } from "../../core/pointer.ts";
import { FairleadError } from "../../model/errors.ts";
import { isHalfText } from "../names.ts";

export type Scalar = string | number | boolean;

/** A text that begins with `/` points into the item; any other, and a number, stands for itself. */
export type Rule = string | number | PointerRule | { readonly value: Scalar };

export interface PointerRule {
  readonly pointer: string;
  /** Every character of it is taken off both ends. */
  readonly trim?: string | undefined;
  /** Texts, and what they become, everywhere in the value; in this order. */
  readonly replace?: Readonly<Record<string, string>> | undefined;
  /** Where nothing stands there, or null. */
  readonly default?: Scalar | undefined;
}

/** A rule that is ready to be used. */
export interface Reader {
  /** For messages: the pointer as it was written, or `the configuration`. */
  readonly from: string;
  /** Undefined: nothing stands there. */
  read(item: unknown): unknown;
}

export function createReader(rule: Rule): Reader {
  if (typeof rule === "number" || (typeof rule === "string" && !rule.startsWith("/"))) {
    return { from: CONFIGURATION, read: () => rule };
  }
  if (typeof rule === "object" && "value" in rule) {
    return { from: CONFIGURATION, read: () => rule.value };
  }
  const { pointer: from, trim = "", replace = {}, default: fallback } = typeof rule === "string" ? { pointer: rule } : rule;
  const pointer = pointerOf(from);
  const pairs = Object.entries(replace);
  return {
    from,
    read: (item) => {
      const value = readPointer(item, pointer) ?? fallback;
      return typeof value === "string" ? pairs.reduce(substitute, trimmed(value, trim)) : value;
    },
  };
}
const CONFIGURATION = "the configuration";

function substitute(text: string, [from, to]: readonly [string, string]): string {
  return from === "" ? text : text.replaceAll(from, () => to);
}

function trimmed(text: string, characters: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && characters.includes(text.charAt(start))) {
    start += 1;
  }
  while (end > start && characters.includes(text.charAt(end - 1))) {
    end -= 1;
  }
  return text.slice(start, end);
}

/** @throws FairleadError `CONFIG_INVALID`; a configuration file is checked before, with the place */
export function pointerOf(text: string): Pointer {
  const pointer = parsePointer(text);
  if (pointer === undefined) {
    throw new FairleadError("CONFIG_INVALID", `"${text}" is no JSON pointer`, { hint: "write /name/0; a / in a name is ~1" });
  }
  return pointer;
}

/** Texts, and numbers as they are written; anything else is none. */
export function asText(value: unknown): string | undefined {
  return typeof value === "number" ? String(value) : typeof value === "string" && !isHalfText(value) ? value : undefined;
}

/** Numbers, and texts that are written as one. */
export function asNumber(value: unknown): number | undefined {
  return typeof value === "string" && /^\d{1,9}(?:\.\d{1,9})?$/.test(value)
    ? Number(value)
    : typeof value === "number"
      ? value
      : undefined;
}
