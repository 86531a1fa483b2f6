import type { Draft } from "./draft.ts";
import { type Escaped, refusal } from "./format.ts";
import { inComment } from "./values.ts";
import { doubleInner, isPrintable } from "./yaml-text.ts";

/** Where the scanner is, and in which block collections. */
export interface Walk {
  readonly draft: Draft;
  readonly text: string;
  at: number;
  /** Beginning of the line in which the current node began. */
  lineStart: number;
  /** Column of the innermost block collection's entries; -1 at the top: a node's further lines are indented more than this. */
  parent: number;
  /** Columns of all of them. */
  readonly parents: number[];
  /** A key, a tag, an anchor or a document mark stands in front, so that block structure has to begin on a line of its own. */
  needsOwnLine: boolean;
  /** Set while a plain scalar may go on in the next line: when that is indented more than this. */
  open: number | undefined;
}

export function isBlank(char: string): boolean {
  return char === " " || char === "\t";
}

export function isBreak(char: string): boolean {
  return char === "\n" || char === "\r";
}

export function isFlowEnd(char: string): boolean {
  return char === "," || char === "[" || char === "]" || char === "{" || char === "}";
}

/** Whether `-`, `?` or `:` at this place stands alone: a blank or the line's end follows. */
export function isIndicator(text: string, at: number): boolean {
  const next = text.charAt(at + 1);
  return next === "" || isBlank(next) || isBreak(next);
}

export function lineEndOf(text: string, at: number): number {
  let end = at;
  while (end < text.length && !isBreak(text.charAt(end))) {
    end += 1;
  }
  return end;
}

export function skipBlanks(text: string, at: number): number {
  let end = at;
  while (isBlank(text.charAt(end))) {
    end += 1;
  }
  return end;
}

export function countSpaces(text: string, at: number): number {
  let end = at;
  while (text[end] === " ") {
    end += 1;
  }
  return end - at;
}

/** `---` or `...` at the beginning of a line. */
export function isDocumentMark(text: string, at: number): boolean {
  return /^(---|\.\.\.)(\s|$)/.test(text.slice(at, at + 4));
}

/** From the `#` to the next line. */
export function placeComment(walk: Walk): void {
  const end = lineEndOf(walk.text, walk.at);
  for (let mark = walk.draft.nextMark(walk.at, end); mark !== undefined; mark = walk.draft.nextMark(mark.end, end)) {
    walk.draft.put(mark, inComment(mark.text));
  }
  walk.at = end + 1;
}

/** A tag, an anchor or an alias. */
export function placeProperty(walk: Walk, inFlow: boolean): void {
  const start = walk.at;
  let char = walk.text.charAt(walk.at);
  while (char !== "" && !isBlank(char) && !isBreak(char) && !(inFlow && isFlowEnd(char))) {
    walk.at += 1;
    char = walk.text.charAt(walk.at);
  }
  walk.draft.refuseAll(start, walk.at, "it would be a part of a tag, an anchor or an alias");
}

/** A scalar in the author's quotes, over one line or more. */
export function placeQuoted(walk: Walk): void {
  const { text, draft } = walk;
  const quote = text.charAt(walk.at);
  let at = walk.at + 1;
  let lineStart: number | undefined; // of a line other than the first
  while (at < text.length) {
    const char = text.charAt(at);
    const mark = draft.mark(at);
    if (mark !== undefined) {
      const edges = {
        atLineStart: lineStart !== undefined && text.slice(lineStart, at).trim() === "",
        atLineEnd: isBreak(text.charAt(skipBlanks(text, mark.end))),
        column: at - (lineStart ?? 0),
      };
      draft.put(mark, quote === '"' ? inDouble(mark.text, edges) : inSingle(mark.text, edges));
      at = mark.end;
    } else if (char === "\\" && quote === '"') {
      const end = at + 2 + (ESCAPE_DIGITS[text.charAt(at + 1)] ?? 0);
      const broken = draft.nextMark(at, end);
      if (broken !== undefined) {
        draft.refuse(broken, "it would be a part of an escape");
      }
      at = broken?.end ?? (isBreak(text.charAt(at + 1)) ? at + 1 : end);
    } else if (char === "'" && quote === "'" && text[at + 1] === "'") {
      at += 2;
    } else if (char === quote) {
      at += 1;
      break;
    } else {
      at += 1;
      if (isBreak(char)) {
        lineStart = at;
      }
    }
  }
  walk.at = at;
}
const ESCAPE_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

interface Edges {
  readonly atLineStart: boolean;
  readonly atLineEnd: boolean;
  readonly column: number;
}

function inDouble(text: string, edges: Edges): Escaped {
  return edgeProblem(text, edges) ?? doubleInner(text, edges);
}

function inSingle(text: string, edges: Edges): Escaped {
  if (!isPrintable(text)) {
    return refusal("it holds a line break or a control character, which has no escape in single quotes");
  }
  if ((edges.atLineStart && /^[ \t]/.test(text)) || (edges.atLineEnd && /[ \t]$/.test(text))) {
    return refusal("it has a blank at the edge of a line in single quotes, where it would be lost");
  }
  return edgeProblem(text, edges) ?? text.replaceAll("'", "''");
}

function edgeProblem(text: string, edges: Edges): Escaped | undefined {
  if (edges.atLineStart && edges.column === 0) {
    return refusal("it stands at the very beginning of a line in quotes, where a document could end");
  }
  return text === "" && (edges.atLineStart || edges.atLineEnd)
    ? refusal("it is empty at the edge of a line in quotes")
    : undefined;
}
