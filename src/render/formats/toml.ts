import type { Draft, Mark } from "./draft.ts";
import { type Escaped, type Format, refusal } from "./format.ts";
import { placeLineComment } from "./line-comment.ts";
import { controlRefusal, hasControl } from "./values.ts";

interface State {
  /** Arrays and inline tables around the place, and `=` while a top-level value is being read. */
  readonly open: ("[" | "{" | "=")[];
  isKey: boolean;
}

/**
 * TOML. A bare value is a number or boolean as such or a quoted text (there is no null); a key of other characters than a bare key has is
 * quoted; inside the author's quotes it is escaped, and refused where single quotes have no escape.
 */
export const toml: Format = {
  name: "toml",
  isPlain: () => false, // bare text needs quotes
  place(draft) {
    const state: State = { open: [], isKey: true };
    let at = 0;
    while (at < draft.text.length) {
      at = placeToken(draft, state, at);
    }
  },
};

function placeToken(draft: Draft, state: State, at: number): number {
  const { text } = draft;
  const char = text.charAt(at);
  switch (char) {
    case "\n":
      if (state.open.at(-1) === "=") {
        state.open.pop();
      }
      state.isKey = state.open.length === 0 || state.open.at(-1) === "{";
      return at + 1;
    case "#":
      return placeLineComment(draft, at);
    case '"':
    case "'":
      return placeQuoted(draft, at, char);
    case "=":
      if (state.open.length === 0) {
        state.open.push("=");
      }
      state.isKey = false;
      return at + 1;
    case "[":
    case "{":
      if (!state.isKey) {
        state.open.push(char); // in place of a key it is a table's header
        state.isKey = char === "{";
      }
      return at + 1;
    case "]":
    case "}":
      if (state.open.at(-1) === (char === "]" ? "[" : "{")) {
        state.open.pop();
        state.isKey = false;
      }
      return at + 1;
    case ",":
      state.isKey = state.open.at(-1) === "{";
      return at + 1;
    default: {
      const mark = draft.mark(at);
      if (mark !== undefined) {
        draft.put(mark, state.isKey ? asKey(draft.text, mark) : asValue(draft.text, mark));
      }
      return mark?.end ?? at + 1;
    }
  }
}

function asKey(text: string, mark: Mark): Escaped {
  const isGlued = glue(text, mark, /[^\s=,[\]{}.#]/);
  if (isGlued && glue(text, mark, /["']/)) {
    return refusal("it is glued to a quote");
  }
  if (isGlued ? /^[A-Za-z0-9_-]*$/.test(mark.text) : /^[A-Za-z0-9_-]+$/.test(mark.text)) {
    return mark.text;
  }
  return isGlued ? refusal("it is glued to other text without quotes around both") : quoted(mark.text);
}

function asValue(text: string, mark: Mark): Escaped {
  const { value } = mark.inserted;
  if (glue(text, mark, /[^\s=,[\]{}#]/)) {
    return refusal("it is glued to other text without quotes around both");
  }
  switch (typeof value) {
    case "number":
      // Beyond the safe integers it is a float: TOML's integers have 64 bits.
      return Number.isInteger(value) && !Number.isSafeInteger(value) && !String(value).includes("e")
        ? `${value}.0`
        : String(value);
    case "boolean":
      return String(value);
    case "string":
      return quoted(mark.text);
    default:
      return refusal("it is null, which TOML does not have");
  }
}

/** Whether such a character stands directly before or behind the mark. */
function glue(text: string, mark: Mark, chars: RegExp): boolean {
  return chars.test(text.charAt(mark.start - 1)) || chars.test(text.charAt(mark.end));
}

function quoted(text: string): string {
  return `"${basicInner(text)}"`;
}

function basicInner(text: string): string {
  return text.replace(/["\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]/g, (char) =>
    char === '"' || char === "\\" ? `\\${char}` : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** From the opening quotes to behind the closing ones; three of them make a text over several lines. */
function placeQuoted(draft: Draft, start: number, quote: '"' | "'"): number {
  const { text } = draft;
  const fence = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  let at = start + fence.length;
  while (at < text.length && !text.startsWith(fence, at)) {
    const mark = draft.mark(at);
    if (mark !== undefined) {
      draft.put(
        mark,
        quote === '"' ? basicInner(mark.text).replace(/^ /, fence.length === 3 ? "\\u0020" : " ") : literalInner(mark.text),
      );
      at = mark.end;
    } else if (quote === '"' && text[at] === "\\") {
      const digits = text[at + 1] === "u" ? 4 : text[at + 1] === "U" ? 8 : 0;
      const broken = draft.nextMark(at, at + 2 + digits);
      if (broken !== undefined) {
        draft.refuse(broken, "it would be a part of an escape");
      }
      at = broken?.end ?? at + 2 + digits;
    } else if (fence.length === 1 && text[at] === "\n") {
      return at; // not closed: the author's mistake
    } else {
      at += 1;
    }
  }
  at += fence.length;
  while (fence.length === 3 && text[at] === quote) {
    at += 1; // up to two more quotes belong to the text
  }
  return at;
}

function literalInner(text: string): Escaped {
  if (hasControl(text.replaceAll("\t", ""))) {
    return refusal(controlRefusal(text, "in single quotes"));
  }
  return text.includes("'") ? refusal("it holds a single quote, which has no escape in single quotes") : text;
}
