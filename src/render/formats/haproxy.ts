import type { Draft, Mark } from "./draft.ts";
import { type Escaped, type Format, refusal } from "./format.ts";
import { placeLineComment } from "./line-comment.ts";
import { controlRefusal, hasControl } from "./values.ts";

/** What stands in front of a value in its word. */
interface Word {
  /** The first one of its line. */
  readonly isFirst: boolean;
  /** No text of the author's is in it, nor of a value's. */
  isEmpty: boolean;
  /** Parentheses that are open, less those that are closed. */
  depth: number;
  /** Directly behind a `$`, in a name that is not over, or in braces that are not closed. */
  dollar: "" | "begun" | "name" | "brace";
}

/**
 * haproxy. Bare values are escaped with backslashes. `%` is refused: in a log format it begins an expression, and it has no escape that
 * holds in every place. The first word of a line is never data.
 */
export const haproxy: Format = {
  name: "haproxy",
  // Behind a `$` it would be a variable's name, and a keyword where a line begins.
  marksAll: /\$[{\w]*\{\{|\\\{\{|^[ \t]*(\{\{~?([#/!^>]|else)[^}]*\}\}[ \t]*)*\{\{(?!~?([#/!^>]|else))/m,
  isPlain: (text) => /^[0-9][A-Za-z0-9._:/@-]{0,200}$/.test(text),
  place(draft) {
    let at = 0;
    let isFirst = true;
    while (at < draft.text.length) {
      const char = draft.text.charAt(at);
      if (char === "\n") {
        isFirst = true;
        at += 1;
      } else if (char === " " || char === "\t" || char === "\r") {
        at += 1;
      } else if (char === "#") {
        at = placeLineComment(draft, at);
      } else {
        at = placeWord(draft, at, isFirst);
        isFirst = false;
      }
    }
  },
};

/** A word, with quotes anywhere in it; returns where the text goes on. */
function placeWord(draft: Draft, start: number, isFirst: boolean): number {
  const { text } = draft;
  const marks: Mark[] = [];
  const word: Word = { isFirst, isEmpty: true, depth: 0, dollar: "" };
  let quote = "";
  let at = start;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === "\n" || (quote === "" && (char === " " || char === "\t" || char === "\r" || char === "#"))) {
      break;
    }
    const mark = draft.mark(at);
    if (mark !== undefined) {
      draft.put(mark, escape(mark, quote, word));
      at = mark.end;
      if (mark.text !== "") {
        append(word, "\0");
      }
      marks.push(mark);
    } else if (char === "\\" && quote !== "'") {
      const escaped = draft.mark(at + 1);
      if (escaped !== undefined) {
        draft.refuse(escaped, "it stands behind a backslash");
      }
      at = escaped?.end ?? at + 2;
      append(word, char);
    } else {
      if (char === quote) {
        quote = "";
      } else if (quote === "" && (char === '"' || char === "'")) {
        quote = char;
      } else {
        append(word, char);
      }
      at += 1;
    }
  }
  if (word.isEmpty) {
    marks.forEach((mark) => draft.refuse(mark, "it would be an empty word, which ends the line for HAProxy"));
  }
  return at;
}

function append(word: Word, char: string): void {
  word.isEmpty = false;
  if (char === "(" || char === ")") {
    word.depth += char === "(" ? 1 : -1;
  }
  switch (word.dollar) {
    case "brace":
      word.dollar = char === "}" ? "" : "brace";
      break;
    case "begun":
      word.dollar = char === "{" ? "brace" : behindName(char);
      break;
    case "name":
      word.dollar = behindName(char);
      break;
    case "":
      word.dollar = char === "$" ? "begun" : "";
  }
}

function behindName(char: string): Word["dollar"] {
  return char === "$" ? "begun" : /\w/.test(char) ? "name" : "";
}

function escape({ text, inserted }: Mark, quote: string, word: Word): Escaped {
  if (word.isFirst) {
    return refusal("it would be a keyword");
  }
  if (hasControl(text)) {
    return refusal(controlRefusal(text, "in haproxy"));
  }
  if (text.includes("%")) {
    return refusal("it holds a %, which begins an expression in haproxy's log formats");
  }
  if (word.isEmpty && (/^[{}!|]/.test(text) || (text.startsWith("-") && typeof inserted.value === "string"))) {
    return refusal("its first character has a meaning in haproxy");
  }
  if (word.depth > 0 && !/^[A-Za-z0-9._/:@-]*$/.test(text)) {
    return refusal("it is an argument in parentheses, where only a plain word is let through");
  }
  if (quote === "'") {
    return text.includes("'") ? refusal("it holds a single quote, which has no escape in single quotes") : text;
  }
  if (quote === '"') {
    return word.dollar !== "" ? refusal("it stands behind a $") : text.replace(/[\\"$]/g, "\\$&");
  }
  if (text === "") {
    return '""';
  }
  return text.replace(/[\\"'# ]/g, "\\$&");
}
