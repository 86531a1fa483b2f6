import type { Draft, Mark } from "./draft.ts";

const DOUBLE = 0x22;
const DOLLAR = 0x24;
const SINGLE = 0x27;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;

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

const NONE: readonly Placed[] = [];

/** Reads the word that begins at `start`. A word that the file's end cuts off ends there. */
export function readWord(draft: Draft, start: number): Word {
  const { text } = draft;
  const first = text.charCodeAt(start);
  const quote = first === DOUBLE ? '"' : first === SINGLE ? "'" : "";
  let placed: Placed[] | undefined;
  let at = quote === "" ? start : start + 1;
  let after: Placed["after"] = "text";
  while (at < text.length) {
    const code: number = text.charCodeAt(at);
    if (quote === "" ? isSpace(code) || code === SEMICOLON || code === OPEN_BRACE : code === first) {
      break;
    }
    const mark = draft.mark(at);
    if (mark !== undefined) {
      placed ??= [];
      placed.push({ mark, after });
      at = mark.end;
      after = behindMark(mark, after);
    } else if (code === BACKSLASH) {
      const escaped = draft.mark(at + 1);
      if (escaped !== undefined) {
        placed ??= [];
        placed.push({ mark: escaped, after: "escape" });
      }
      at = escaped?.end ?? at + 2;
      after = "text";
    } else if (code === DOLLAR) {
      at += 1;
      after = text.charCodeAt(at) === OPEN_BRACE ? "brace" : "name";
      while (text.charCodeAt(at) === OPEN_BRACE) {
        at += 1; // nginx lets no brace behind a `$` open a block
      }
    } else {
      after = after === "text" ? after : behindChar(text.charAt(at), after);
      at += 1;
    }
  }
  return { start, end: Math.min(text.length, quote === "" ? at : at + 1), quote, placed: placed ?? NONE };
}

function behindMark(mark: Mark, after: Placed["after"]): Placed["after"] {
  return mark.text === "" || after === "brace" ? after : "text";
}

function behindChar(char: string, after: Placed["after"]): Placed["after"] {
  const goesOn = after === "brace" ? char !== "}" : after === "name" && isNameChar(char);
  return goesOn ? after : "text";
}

/** Of a character's code. */
export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d;
}

/** What a variable's name is made of. */
export function isNameChar(char: string): boolean {
  return /^[A-Za-z0-9_]/.test(char);
}

/** Where the word's own text begins. */
export function contentStart(word: Word): number {
  return word.quote === "" ? word.start : word.start + 1;
}

/** Author's text between the values as nginx reads it, unquoted: one piece more than there are values. */
export function authorPieces(draft: Draft, word: Word): readonly string[] {
  const end = word.quote === "" ? word.end : Math.max(word.start + 1, word.end - 1);
  const pieces: string[] = [];
  let done = contentStart(word);
  for (const { mark } of word.placed) {
    pieces.push(unescape(draft.text.slice(done, mark.start)));
    done = mark.end;
  }
  pieces.push(unescape(draft.text.slice(done, end)));
  return pieces;
}

/** The word as nginx will see it, each value as `valueOf` says. */
export function wordText(pieces: readonly string[], word: Word, valueOf: (mark: Mark) => string): string {
  let result = pieces[0] ?? "";
  for (const [i, { mark }] of word.placed.entries()) {
    result += valueOf(mark) + (pieces[i + 1] ?? "");
  }
  return result;
}

/** Where the author's own text of a bare word holds a `"`: literal there, it needs a backslash once the word is quoted. */
export function authorQuotes(draft: Draft, word: Word): readonly number[] {
  const places: number[] = [];
  if (!draft.text.slice(word.start, word.end).includes('"')) {
    return places;
  }
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
function unescape(text: string): string {
  return text.includes("\\") ? text.replace(/\\(["'\\])/g, "$1") : text;
}
