import type { Draft, Mark } from "./draft.ts";

/** A value in a word, and what stands directly before it. */
export interface Placed {
  readonly mark: Mark;
  /** `escape`: an author's backslash; `name`: an author's `$`, or a variable's name that is not over; `brace`: within `${…}`. */
  readonly after: "text" | "escape" | "name" | "brace";
}

/** One word of an nginx configuration, as `ngx_conf_read_token` cuts them. */
export interface Word {
  readonly start: number;
  /** Behind the word, its closing quote included. */
  readonly end: number;
  readonly quote: '"' | "'" | "";
  readonly placed: readonly Placed[];
}

/** Reads the word that begins at `start`. A word that the file's end cuts off ends there. */
export function readWord(draft: Draft, start: number): Word {
  const { text } = draft;
  const first = text[start];
  const quote = first === '"' || first === "'" ? first : "";
  const placed: Placed[] = [];
  let at = quote === "" ? start : start + 1;
  let after: Placed["after"] = "text";
  while (at < text.length) {
    const char: string = text.charAt(at);
    if (quote === "" ? endsWord(char) : char === quote) {
      break;
    }
    const mark = draft.mark(at);
    if (mark !== undefined) {
      placed.push({ mark, after });
      at = mark.end;
      after = behindMark(mark, after);
    } else if (char === "\\") {
      const escaped = draft.mark(at + 1);
      if (escaped !== undefined) {
        placed.push({ mark: escaped, after: "escape" });
      }
      at = escaped?.end ?? at + 2;
      after = "text";
    } else if (char === "$") {
      at += 1;
      after = text[at] === "{" ? "brace" : "name";
      while (text[at] === "{") {
        at += 1; // nginx lets no brace behind a `$` open a block
      }
    } else {
      after = behindChar(char, after);
      at += 1;
    }
  }
  return { start, end: Math.min(text.length, quote === "" ? at : at + 1), quote, placed };
}

function behindMark(mark: Mark, after: Placed["after"]): Placed["after"] {
  return mark.text === "" || after === "brace" ? after : "text";
}

function behindChar(char: string, after: Placed["after"]): Placed["after"] {
  const goesOn = after === "brace" ? char !== "}" : after === "name" && isNameChar(char);
  return goesOn ? after : "text";
}

export function isSpace(char: string): boolean {
  return char === " " || char === "\t" || char === "\n" || char === "\r";
}

/** What a variable's name is made of. */
export function isNameChar(char: string): boolean {
  return /^[A-Za-z0-9_]/.test(char);
}

/** Where the word's own text begins. */
export function contentStart(word: Word): number {
  return word.quote === "" ? word.start : word.start + 1;
}

function endsWord(char: string): boolean {
  return isSpace(char) || char === ";" || char === "{";
}

/** The word as nginx will see it, each value as `valueOf` says. */
export function wordText(draft: Draft, word: Word, valueOf: (mark: Mark) => string): string {
  const end = word.quote === "" ? word.end : Math.max(word.start + 1, word.end - 1);
  let done = contentStart(word);
  let result = "";
  for (const { mark } of word.placed) {
    result += unescape(draft.text.slice(done, mark.start)) + valueOf(mark);
    done = mark.end;
  }
  return result + unescape(draft.text.slice(done, end));
}

/** Where the author's own text of a bare word holds a `"`: literal there, it needs a backslash once the word is quoted. */
export function authorQuotes(draft: Draft, word: Word): readonly number[] {
  const places: number[] = [];
  let next = 0;
  for (let at = word.start; at < word.end; at += 1) {
    const mark = word.placed[next]?.mark;
    if (mark?.start === at) {
      at = mark.end - 1;
      next += 1;
    } else if (draft.text[at] === "\\") {
      at += 1;
    } else if (draft.text[at] === '"') {
      places.push(at);
    }
  }
  return places;
}

/** Author's text as nginx reads it. */
export function unescape(text: string): string {
  return text.replace(/\\(["'\\])/g, "$1");
}
