/** A regular expression as a tree. Everything in it can be matched in linear time. */
export type Pattern =
  | { readonly kind: "char"; readonly test: (code: number) => boolean }
  | { readonly kind: "sequence"; readonly items: readonly Pattern[] }
  | { readonly kind: "choice"; readonly items: readonly Pattern[] }
  | { readonly kind: "repeat"; readonly item: Pattern; readonly min: number; readonly max: number }
  | { readonly kind: "assert"; readonly at: "start" | "end" | "word" | "inside" };

/** Groups nest no deeper than this, and the parser calls itself for each. */
const MAX_CHARS = 1000;

type CharTest = (code: number) => boolean;

const CLASSES: Readonly<Record<string, CharTest>> = {
  d: (code) => code >= 48 && code <= 57,
  w: isWordCode,
  s: (code) => /\s/.test(String.fromCodePoint(code)),
};
const CONTROLS: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f", v: "\v" };

export function isWordCode(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
}

/** Why a text is no pattern that we take; the rest of a sentence about it. */
class Refused extends Error {}

/** The tree, or the rest of the sentence "the pattern …". */
export function parsePattern(text: string): Pattern | string {
  if (text.length > MAX_CHARS) {
    return `is longer than ${MAX_CHARS} characters`;
  }
  const source = { chars: Array.from(text), at: 0 };
  try {
    const pattern = choice(source);
    return source.at < source.chars.length ? "closes a group that is not open" : pattern;
  } catch (error) {
    if (error instanceof Refused) {
      return error.message;
    }
    throw error;
  }
}

interface Source {
  readonly chars: readonly string[];
  at: number;
}

function choice(source: Source): Pattern {
  const items = [sequence(source)];
  while (source.chars[source.at] === "|") {
    source.at += 1;
    items.push(sequence(source));
  }
  return items.length === 1 && items[0] !== undefined ? items[0] : { kind: "choice", items };
}

function sequence(source: Source): Pattern {
  const items: Pattern[] = [];
  for (let char = source.chars[source.at]; char !== undefined && char !== "|" && char !== ")"; char = source.chars[source.at]) {
    items.push(repeated(source, single(source)));
  }
  return { kind: "sequence", items };
}

function repeated(source: Source, item: Pattern): Pattern {
  const counts = quantifier(source);
  if (counts === undefined) {
    return item;
  }
  if (item.kind === "assert") {
    throw new Refused("repeats something that has no width");
  }
  if (source.chars[source.at] === "?") {
    source.at += 1; // lazy or not, it is found or it is not
  }
  if (quantifier(source) !== undefined) {
    throw new Refused("repeats a repetition");
  }
  return { kind: "repeat", item, ...counts };
}

function quantifier(source: Source): { readonly min: number; readonly max: number } | undefined {
  const rest = source.chars.slice(source.at, source.at + 12).join("");
  const found = /^(?:[*+?]|\{(\d{1,4})(,(\d{0,4}))?\})/.exec(rest);
  if (found === null) {
    return undefined;
  }
  source.at += found[0].length;
  const [sign, least, comma, most] = found;
  if (least === undefined) {
    return { min: sign === "+" ? 1 : 0, max: sign === "?" ? 1 : Number.POSITIVE_INFINITY };
  }
  const min = Number(least);
  const max = comma === undefined ? min : most === undefined || most === "" ? Number.POSITIVE_INFINITY : Number(most);
  if (max < min) {
    throw new Refused("has a repetition whose end is before its beginning");
  }
  return { min, max };
}

function single(source: Source): Pattern {
  const char = take(source);
  switch (char) {
    case "(":
      return group(source);
    case "[":
      return { kind: "char", test: set(source) };
    case ".":
      return { kind: "char", test: (code) => !/[\n\r\u2028\u2029]/.test(String.fromCodePoint(code)) };
    case "^":
      return { kind: "assert", at: "start" };
    case "$":
      return { kind: "assert", at: "end" };
    case "*":
    case "+":
    case "?":
      throw new Refused("repeats nothing");
    case "\\":
      return escape(source);
    default:
      return { kind: "char", test: literal(char) };
  }
}

function group(source: Source): Pattern {
  if (source.chars[source.at] === "?") {
    if (source.chars[source.at + 1] !== ":") {
      throw new Refused("has a look-around, a named group or a flag, which cannot be matched in linear time or is not known");
    }
    source.at += 2;
  }
  const inner = choice(source);
  if (source.chars[source.at] !== ")") {
    throw new Refused("has a group that is not closed");
  }
  source.at += 1;
  return inner;
}

function escape(source: Source): Pattern {
  const next = source.chars[source.at];
  if (next === "b" || next === "B") {
    source.at += 1;
    return { kind: "assert", at: next === "b" ? "word" : "inside" };
  }
  return { kind: "char", test: escapedTest(source) };
}

/** Behind a backslash: a class, a control character, or a sign that stands for itself. */
function escapedTest(source: Source): CharTest {
  const char = take(source);
  const lower = char.toLowerCase();
  const known = Object.hasOwn(CLASSES, lower) ? CLASSES[lower] : undefined;
  if (known !== undefined) {
    return char === lower ? known : (code) => !known(code);
  }
  if (/[A-Za-z0-9]/.test(char) && !Object.hasOwn(CONTROLS, char)) {
    throw new Refused(
      /[1-9k]/.test(char) ? "has a back-reference, which cannot be matched in linear time" : `has the unknown escape "\\${char}"`,
    );
  }
  return literal(CONTROLS[char] ?? char);
}

/** `[…]`, from behind its bracket. */
function set(source: Source): CharTest {
  const isNegated = source.chars[source.at] === "^";
  source.at += isNegated ? 1 : 0;
  const tests: CharTest[] = [];
  for (let char = take(source); char !== "]"; char = take(source)) {
    const test = char === "\\" ? setEscape(source) : literal(char);
    const isRange = source.chars[source.at] === "-" && source.chars[source.at + 1] !== "]";
    tests.push(isRange ? range(source, char) : test);
  }
  return (code) => tests.some((test) => test(code)) !== isNegated;
}

function setEscape(source: Source): CharTest {
  if (source.chars[source.at] === "b") {
    throw new Refused('has the unknown escape "\\b" in a set');
  }
  return escapedTest(source);
}

function range(source: Source, from: string): CharTest {
  source.at += 1;
  const to = take(source);
  if (from === "\\" || to === "\\") {
    throw new Refused("has a range from or to an escape");
  }
  const first = from.codePointAt(0) ?? 0;
  const last = to.codePointAt(0) ?? 0;
  if (last < first) {
    throw new Refused("has a range whose end is before its beginning");
  }
  return (code) => code >= first && code <= last;
}

function literal(char: string): CharTest {
  const wanted = char.codePointAt(0);
  return (code) => code === wanted;
}

function take(source: Source): string {
  const char = source.chars[source.at];
  if (char === undefined) {
    throw new Refused("ends in the middle of something");
  }
  source.at += 1;
  return char;
}
