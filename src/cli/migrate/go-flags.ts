import type { FairleadError } from "../../model/errors.ts";
import { usage } from "../context.ts";

export interface FlagSpec {
  readonly name: string;
  readonly kind: "text" | "bool" | "number";
}

export interface ParsedFlags {
  /** The flags that were given, the last one of each; a bool is `true` or `false`. */
  readonly given: ReadonlyMap<string, string>;
  /** Everything from the first word on that is no flag. */
  readonly rest: readonly string[];
}

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

/**
 * Reads a command line as Go's package `flag` does: one dash or two, `-name=value` or `-name value`, a bool never takes the next word, and
 * the first word that is no flag ends them.
 * @throws FairleadError `USAGE`, in Go's own words
 */
export function parseGoFlags(words: readonly string[], specs: readonly FlagSpec[]): ParsedFlags {
  const given = new Map<string, string>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (!word.startsWith("-") || word === "-") {
      return { given, rest: words.slice(at) };
    }
    if (word === "--") {
      return { given, rest: words.slice(at + 1) };
    }
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    if (match === null) {
      throw wrong(`bad flag syntax: ${word}`);
    }
    const [, name = "", inline] = match;
    const spec = specs.find((candidate) => candidate.name === name);
    if (spec === undefined) {
      throw wrong(`flag provided but not defined: -${name}`);
    }
    const takesNext = spec.kind !== "bool" && inline === undefined;
    if (takesNext && at + 1 >= words.length) {
      throw wrong(`flag needs an argument: -${name}`);
    }
    at += takesNext ? 1 : 0;
    given.set(name, readValue(spec, inline ?? (takesNext ? (words[at] ?? "") : "true")));
  }
  return { given, rest: [] };
}

function readValue({ name, kind }: FlagSpec, text: string): string {
  if (kind === "text") {
    return text;
  }
  if (kind === "bool") {
    if (!TRUE.has(text) && !FALSE.has(text)) {
      throw wrong(`invalid boolean value ${JSON.stringify(text)} for -${name}: parse error`);
    }
    return String(TRUE.has(text));
  }
  if (!/^[+-]?\d{1,15}$/.test(text)) {
    throw wrong(`invalid value ${JSON.stringify(text)} for flag -${name}: parse error`);
  }
  return String(Number(text));
}

function wrong(message: string): FairleadError {
  return usage(message, "Registrator would have refused this command line in the same way");
}
