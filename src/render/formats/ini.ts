import type { Draft, Mark } from "./draft.ts";
import { type Escaped, type Format, refusal } from "./format.ts";
import { controlRefusal, hasControl, inComment } from "./values.ts";

/**
 * ini and properties files, whose readers agree on little: a value holds only what none of them gives a meaning to, since there is no
 * escape that all of them know. Inside the author's double quotes `;` and `#` are free.
 */
export const ini: Format = {
  name: "ini",
  isPlain: () => false, // a word is a key where a line begins
  place(draft) {
    const { text } = draft;
    for (let start = 0; start < text.length; ) {
      const lineEnd = text.indexOf("\n", start);
      const end = lineEnd === -1 ? text.length : lineEnd;
      placeLine(draft, start, end);
      start = end + 1;
    }
  },
};

function placeLine(draft: Draft, start: number, end: number): void {
  let mark = draft.nextMark(start, end);
  if (mark === undefined) {
    return;
  }
  const line = draft.text.slice(start, end);
  const isComment = /^\s*[#;!]/.test(line);
  const isSection = /^\s*\[/.test(line);
  const isContinued = draft.text.slice(start - 2, start) === "\\\n" || /^\s/.test(line);
  const separator = start + line.search(/[=:]|$/);
  const value = valueOf(draft.text, { start: separator + 1, end });
  for (; mark !== undefined; mark = draft.nextMark(mark.end, end)) {
    if (isComment) {
      draft.put(mark, inComment(mark.text));
    } else if (isSection) {
      draft.put(mark, inWords(mark, /^[A-Za-z0-9][A-Za-z0-9._:/@ -]*$/, "the name of a section"));
    } else if (mark.start < separator) {
      const isKey = separator < end && !isContinued;
      draft.put(
        mark,
        isKey ? inWords(mark, /^[A-Za-z0-9_][A-Za-z0-9._-]*$/, "a key") : refusal("it is no part of a key=value line"),
      );
    } else {
      draft.put(mark, inValue(draft.text, mark, value));
    }
  }
}

/** The value of a line, without the blanks around it. */
interface Value {
  readonly start: number;
  readonly end: number;
  /** The author's first character. */
  readonly first: string;
  /** Where the author's closing quote stands, with nothing behind it; -1: the value is not in quotes. */
  readonly closingQuote: number;
}

function valueOf(text: string, { start, end }: { readonly start: number; readonly end: number }): Value {
  const line = text.slice(start, end);
  const begin = end - line.trimStart().length;
  const close = start + line.trimEnd().length;
  const second = line.indexOf('"', begin - start + 1);
  const isQuoted = text[begin] === '"' && second !== -1 && start + second === close - 1;
  return { start: begin, end: close, first: text.charAt(begin), closingQuote: isQuoted ? start + second : -1 };
}

function inWords({ text }: Mark, words: RegExp, place: string): Escaped {
  return words.test(text) ? text : refusal(`it is a part of ${place}, where only a plain word is let through`);
}

function inValue(file: string, { text, start, end }: Mark, value: Value): Escaped {
  if (hasControl(text.replaceAll("\t", ""))) {
    return refusal(controlRefusal(text, "in an ini file"));
  }
  const before = file.charAt(start - 1);
  const around = before + text + file.charAt(end);
  if (text.includes("\\") || text.includes("%") || /\$[${(]/.test(around) || before === "\\" || before === "%") {
    return refusal("it holds a backslash, a % or ${, which some readers of ini files expand: for others use format text");
  }
  const isFirst = start <= value.start;
  if (!isFirst && value.closingQuote >= end) {
    return text.includes('"') ? refusal("it holds a double quote, which has no escape in an ini file") : text;
  }
  if (/[;#"\t]/.test(text) || /^["']/.test(isFirst ? text : value.first)) {
    return refusal('it holds a quote, a tab, a ; or a #, which needs "…" around it');
  }
  if ((isFirst && /^\s/.test(text)) || (end >= value.end && /\s$/.test(text))) {
    return refusal('it has a blank at its edge, which needs "…" around it');
  }
  return text;
}
