import type { Draft, Mark } from "./draft.ts";
import { type Escaped, refusal } from "./format.ts";
import { patternPart, patternProblem } from "./nginx-regex.ts";
import { authorQuotes, contentStart, isNameChar, type Placed, type Word } from "./nginx-words.ts";
import { controlRefusal, hasControl } from "./values.ts";

/** What needs no quotes in any nginx. */
const SAFE = /^[A-Za-z0-9._:/[\]@%+,=~-]+$/;
/** nginx reads no word of more than its 4 KiB buffer. */
const MAX_WORD_BYTES = 4000;
const TOO_LONG = "it makes a word longer than nginx can read (4 KiB)";

/** They have a meaning in place of a key. */
export const MAP_WORDS: readonly string[] = ["default", "hostnames", "include", "volatile"];

interface WordRole {
  /** The author's text between the values. */
  readonly pieces: readonly string[];
  readonly isMapKey: boolean;
  /** A part of an `if`: the last parenthesis ends the test, and stays outside of quotes as nginx allows there. */
  readonly isTest: boolean;
  /** nginx reads the word as a regular expression. */
  readonly isPattern: boolean;
}

/** Puts every value of a word, and quotes the word as a whole when one of them needs it. */
export function putWord(draft: Draft, word: Word, { pieces, isMapKey, isTest, isPattern }: WordRole): void {
  const values = word.placed.map(({ mark }) =>
    isPattern ? patternPart(draft, mark) : isMapKey ? mapKeyPart(word, mark) : mark.text,
  );
  const needsQuotes = word.quote === "" && !values.every((value) => SAFE.test(value));
  const quote = needsQuotes ? '"' : word.quote;
  const isTooLong = isLongerThanRead([...pieces, ...values.map((value) => escapeIn(value, quote))]);
  const quotes = needsQuotes ? authorQuotes(draft, word) : [];
  let before = "";
  let next = 0;
  if (needsQuotes) {
    draft.insert(word.start, '"');
  }
  for (const [i, placed] of word.placed.entries()) {
    for (let at = quotes[next]; at !== undefined && at < placed.mark.start; at = quotes[next]) {
      draft.insert(at, "\\");
      next += 1;
    }
    before += isPattern ? (pieces[i] ?? "") : "";
    draft.put(
      placed.mark,
      isTooLong ? refusal(TOO_LONG) : escape(draft, placed, { text: values[i] ?? "", quote, isPattern, before }),
    );
    before += placed.mark.text === "" ? "" : "/";
  }
  for (const at of quotes.slice(next)) {
    draft.insert(at, "\\");
  }
  if (needsQuotes) {
    draft.insert(isTest && draft.text[word.end - 1] === ")" ? word.end - 1 : word.end, '"');
  }
}

function isLongerThanRead(parts: readonly string[]): boolean {
  const chars = parts.reduce((sum, part) => sum + part.length, 0);
  // A code unit is at most three bytes, so that few words have to be counted.
  return chars * 3 > MAX_WORD_BYTES && parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0) > MAX_WORD_BYTES;
}

/** In a `map`, a backslash in front of the key takes any meaning from it and is dropped by nginx. */
function mapKeyPart(word: Word, mark: Mark): string {
  const hasMeaning = /^[~\\]/.test(mark.text) || MAP_WORDS.includes(mark.text);
  return hasMeaning && mark.start === contentStart(word) ? `\\${mark.text}` : mark.text;
}

interface Part {
  /** The value as the word's role wants it, before the quotes do. */
  readonly text: string;
  readonly quote: Word["quote"];
  readonly isPattern: boolean;
  /** The pattern so far. */
  readonly before: string;
}

function escape(draft: Draft, { after, mark }: Placed, { text, quote, isPattern, before }: Part): Escaped {
  const problem = isPattern ? patternProblem(before) : undefined;
  if (problem !== undefined) {
    return refusal(problem);
  }
  if (after === "escape") {
    return refusal("it stands behind a backslash");
  }
  if (after === "brace" || (after === "name" && isNameChar(mark.text || draft.text.charAt(mark.end)))) {
    return refusal("it would be a part of a variable's name");
  }
  if (mark.text.includes("$")) {
    return refusal("it holds a $, which has no escape in nginx");
  }
  if (hasControl(mark.text)) {
    return refusal(controlRefusal(mark.text, "in nginx"));
  }
  return escapeIn(text, quote);
}

function escapeIn(text: string, quote: Word["quote"]): string {
  if (quote === "" || !(text.includes(quote) || text.includes("\\"))) {
    return text;
  }
  return text.replace(quote === '"' ? /[\\"]/g : /[\\']/g, "\\$&");
}
