import type { Mark } from "./draft.ts";
import { type Escaped, refusal } from "./format.ts";
import { isJson } from "./json.ts";
import { indentRest, jsonInner } from "./values.ts";
import { countSpaces, isBlank, isBreak, isDocumentMark, isIndicator, lineEndOf, type Walk } from "./yaml-cursor.ts";
import { isInsideScalar, isPlainScalar, isResolved, yamlNumber, yamlScalar } from "./yaml-text.ts";

/** YAML reads no key of more than 1024 characters. */
export const MAX_KEY_CHARS = 1000;
export const LONG_KEY = "it makes a key longer than YAML can read (1024 characters)";
const SEVERAL_LINES = "it is a part of a text over several lines without quotes";

/** A plain scalar of the template: the author's text, values, or both. */
export interface Scalar {
  readonly start: number;
  readonly end: number;
  readonly marks: readonly Mark[];
  readonly isKey: boolean;
  /** It goes on in another line. */
  readonly isMulti: boolean;
  readonly inFlow: boolean;
}

/** A plain scalar in block context, to the end of its part of the line. */
export function placePlain(walk: Walk): void {
  const { text } = walk;
  const start = walk.at;
  const { end, marks } = readLine(walk);
  const isKey = text[walk.at] === ":";
  const isLast = !isKey && text[walk.at] !== "#";
  const isMulti = isLast && marks.length > 0 && goesOn(walk);
  walk.open = isLast ? walk.parent : undefined;
  placeScalar(walk, { start, end, marks, isKey, isMulti, inFlow: false });
}

/** A further line of a plain scalar. */
export function placeContinuation(walk: Walk): void {
  const start = walk.at;
  const { marks } = readLine(walk);
  for (const mark of marks) {
    walk.draft.put(mark, isInsideScalar(mark.text, mark.start === start) ? mark.text : refusal(SEVERAL_LINES));
  }
  const lineEnd = lineEndOf(walk.text, walk.at);
  if (walk.at < lineEnd) {
    walk.draft.refuseAll(walk.at, lineEnd, "it stands behind text that is no YAML, or in a comment");
    walk.open = undefined;
  }
  walk.at = lineEnd + 1;
}

/** To the key's colon, the comment's `#` or the end of the line, where `walk.at` is left; `end` leaves blanks out. */
function readLine(walk: Walk): { readonly end: number; readonly marks: readonly Mark[] } {
  const { text, draft } = walk;
  const marks: Mark[] = [];
  let end = walk.at;
  while (walk.at < text.length) {
    const { at } = walk;
    const char = text.charAt(at);
    if (isBreak(char) || (char === ":" && isIndicator(text, at)) || (char === "#" && isBlank(text.charAt(at - 1)))) {
      break;
    }
    const mark = draft.mark(at);
    if (mark !== undefined) {
      marks.push(mark);
    }
    walk.at = mark?.end ?? at + 1;
    end = isBlank(char) ? end : walk.at;
  }
  return { end, marks };
}

/** Whether the next line that is not blank belongs to the scalar that ended with this one. */
function goesOn(walk: Walk): boolean {
  const { text } = walk;
  for (let at = lineEndOf(text, walk.at) + 1; at < text.length; ) {
    const end = lineEndOf(text, at);
    const content = text.slice(at, end).trim();
    if (content !== "") {
      return countSpaces(text, at) > walk.parent && !content.startsWith("#") && !isDocumentMark(text, at);
    }
    at = end + 1;
  }
  return false;
}

/** Decides the values of a scalar. */
export function placeScalar(walk: Walk, scalar: Scalar): void {
  const { draft } = walk;
  const { marks } = scalar;
  const [mark] = marks;
  if (mark === undefined) {
    return;
  }
  const length = marks.reduce((sum, { text }) => sum + text.length, scalar.end - scalar.start);
  if (scalar.isKey && length > MAX_KEY_CHARS) {
    marks.forEach((mark) => draft.refuse(mark, LONG_KEY));
  } else if (scalar.isMulti) {
    marks.forEach((mark) => {
      draft.put(mark, isInsideScalar(mark.text, mark.start === scalar.start) ? mark.text : refusal(SEVERAL_LINES));
    });
  } else if (mark.start === scalar.start && mark.end === scalar.end) {
    draft.put(mark, whole(walk, scalar, mark));
  } else {
    placeMixed(walk, scalar);
  }
}

function whole(walk: Walk, scalar: Scalar, mark: Mark): Escaped {
  const { value, structure } = mark.inserted;
  if (scalar.isKey) {
    return yamlScalar(mark.text);
  }
  if (structure !== undefined) {
    return structured(walk, scalar, { mark, structure });
  }
  switch (typeof value) {
    case "number":
      return yamlNumber(value);
    case "string":
      return yamlScalar(mark.text);
    default:
      return String(value);
  }
}

function structured(
  walk: Walk,
  scalar: Scalar,
  { mark, structure }: { readonly mark: Mark; readonly structure: string },
): Escaped {
  const lead = /^ */.exec(structure)?.[0] ?? "";
  const text = structure.slice(lead.length).replaceAll(`\n${lead}`, "\n");
  const deeper = walk.parent < 0 ? "" : " ".repeat(walk.parent + 2);
  if (isJson(text) || isPlainScalar(text)) {
    return indentRest(text, deeper);
  }
  if (scalar.inFlow) {
    return refusal("it is block structure inside of [ ] or { }, where toJson is needed");
  }
  return walk.needsOwnLine ? indentRest(`\n${text}`, deeper) : indentRest(text, " ".repeat(mark.start - walk.lineStart));
}

/** The author's text and values make one scalar: as it is when that is plain text (or a number all of numbers), else quoted as a whole. */
function placeMixed(walk: Walk, scalar: Scalar): void {
  const { draft, text } = walk;
  const { marks } = scalar;
  let done = scalar.start;
  let composite = "";
  for (const mark of marks) {
    composite += text.slice(done, mark.start) + mark.text;
    done = mark.end;
  }
  composite += text.slice(done, scalar.end);
  const isNumber = marks.every(({ inserted }) => typeof inserted.value === "number") && /^-?\d+(\.\d+)?$/.test(composite);
  const isText = marks.every((mark) => isInsideScalar(mark.text, mark.start === scalar.start)) && !isResolved(composite);
  if (isText || (isNumber && !scalar.isKey)) {
    marks.forEach((mark) => draft.put(mark, mark.text));
    return;
  }
  draft.insert(scalar.start, '"');
  let at = scalar.start;
  for (const mark of marks) {
    escapeAuthor(walk, at, mark.start);
    draft.put(mark, jsonInner(mark.text));
    at = mark.end;
  }
  escapeAuthor(walk, at, scalar.end);
  draft.insert(scalar.end, '"');
}

/** The author's `"` and `\` are literal in a plain scalar; once it is quoted they need a backslash. */
function escapeAuthor(walk: Walk, from: number, to: number): void {
  for (let at = from; at < to; at += 1) {
    if (walk.text[at] === '"' || walk.text[at] === "\\") {
      walk.draft.insert(at, "\\");
    }
  }
}
