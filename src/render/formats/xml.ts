import type { Draft, Mark } from "./draft.ts";
import { type Escaped, type Format, refusal } from "./format.ts";
import { inComment } from "./values.ts";

const TEXT_ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;" };
const ATTRIBUTE_ESCAPES: Readonly<Record<string, string>> = {
  ...TEXT_ESCAPES,
  '"': "&quot;",
  "'": "&apos;",
  "\t": "&#9;",
  "\n": "&#10;",
};

const MAX_REFERENCE_CHARS = 100;

const PLAIN = /^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$/;

/** XML: text and attributes are escaped; a name, a comment, a declaration or an instruction holds only a plain word. */
export const xml: Format = {
  name: "xml",
  isPlain: () => false, // what is text here is the name of an attribute or an entity there
  place(draft) {
    const { text } = draft;
    let at = 0;
    while (at < text.length) {
      const open = text.indexOf("<", at);
      const end = open === -1 ? text.length : open;
      putText(draft, at, end, inText);
      at = open === -1 ? end : placeMarkup(draft, open);
    }
  },
};

/** From a `<` to behind what it opens. */
function placeMarkup(draft: Draft, start: number): number {
  const { text } = draft;
  if (text.startsWith("<!--", start)) {
    return putUpTo(draft, start, "-->", ({ text }) => inComment(text));
  }
  if (text.startsWith("<![CDATA[", start)) {
    // The section is left for the value: text has an escape for everything.
    return putUpTo(draft, start, "]]>", (mark) => (PLAIN.test(mark.text) ? mark.text : wrap(inText(mark), "]]>", "<![CDATA[")));
  }
  if (text.startsWith("<?", start)) {
    return putUpTo(draft, start, "?>", () => refusal("it stands in a processing instruction"));
  }
  if (text.startsWith("<!", start)) {
    draft.refuseAll(start, text.length, "it stands in or behind a document type, which can change what text means");
    return text.length;
  }
  return placeTag(draft, start);
}

function placeTag(draft: Draft, start: number): number {
  const { text } = draft;
  let at = start + 1;
  while (at < text.length && text[at] !== ">") {
    const char = text.charAt(at);
    if (char === '"' || char === "'") {
      const close = text.indexOf(char, at + 1);
      const end = close === -1 ? text.length : close;
      putText(draft, at, end, inAttribute);
      at = end + 1;
    } else {
      const mark = draft.mark(at);
      if (mark !== undefined) {
        draft.put(mark, inName(mark, text.charAt(at - 1)));
      }
      at = mark?.end ?? at + 1;
    }
  }
  return at + 1;
}

function inText({ text }: Mark): Escaped {
  return characterProblem(text) ?? text.replace(/[&<>\r]/g, (char) => TEXT_ESCAPES[char] ?? char);
}

function inAttribute({ text }: Mark): Escaped {
  return characterProblem(text) ?? text.replace(/[&<>"'\t\n\r]/g, (char) => ATTRIBUTE_ESCAPES[char] ?? char);
}

function inName({ text }: Mark, before: string): Escaped {
  if (before === "=") {
    return refusal("it is an attribute's value without quotes around it");
  }
  return /^[A-Za-z_][A-Za-z0-9_.-]{0,1000}$/.test(text)
    ? text
    : refusal("it stands in a tag, where only a plain name is let through");
}

function characterProblem(text: string): Escaped | undefined {
  return /[\u0001-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text)
    ? refusal("it holds a control character, which XML does not have")
    : undefined;
}

function wrap(escaped: Escaped, before: string, after: string): Escaped {
  return typeof escaped === "string" ? before + escaped + after : escaped;
}

function putUpTo(draft: Draft, start: number, close: string, escape: (mark: Mark) => Escaped): number {
  const found = draft.text.indexOf(close, start);
  const end = found === -1 ? draft.text.length : found + close.length;
  putAll(draft, start, end, escape);
  return end;
}

function putAll(draft: Draft, start: number, end: number, escape: (mark: Mark) => Escaped): void {
  for (let mark = draft.nextMark(start, end); mark !== undefined; mark = draft.nextMark(mark.end, end)) {
    draft.put(mark, escape(mark));
  }
}

/** The same where the author's `&` begins a reference. */
function putText(draft: Draft, start: number, end: number, escape: (mark: Mark) => Escaped): void {
  putAll(draft, start, end, (mark) => {
    const before = draft.text.slice(Math.max(start, mark.start - MAX_REFERENCE_CHARS), mark.start);
    return /&[^;\s<>"']*$/.test(before) ? refusal("it would be the name of an entity") : escape(mark);
  });
}
