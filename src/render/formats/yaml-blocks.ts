import type { Mark } from "./draft.ts";
import { type Escaped, refusal } from "./format.ts";
import { countSpaces, isDocumentMark, lineEndOf, placeComment, skipBlanks, type Walk } from "./yaml-cursor.ts";
import { isPrintable } from "./yaml-text.ts";

interface Block {
  readonly isLiteral: boolean;
  /** Column of the content. */
  readonly indent: number;
  /** The header says it, so that the first line may begin with blanks. */
  readonly isExplicit: boolean;
}

/** A block scalar, from its `|` or `>` to the line behind its last one. */
export function placeBlockScalar(walk: Walk): void {
  const { text, draft } = walk;
  const isLiteral = text[walk.at] === "|";
  const header = /^[0-9+-]*/.exec(text.slice(walk.at + 1, walk.at + 4))?.[0] ?? "";
  walk.at = skipBlanks(text, walk.at + 1 + header.length);
  const lineEnd = lineEndOf(text, walk.at);
  if (text[walk.at] === "#") {
    placeComment(walk);
  } else {
    draft.refuseAll(walk.at, lineEnd, "it stands in the header of a block scalar");
    walk.at = lineEnd + 1;
  }
  if (text.startsWith("\r\n", lineEnd)) {
    walk.at = lineEnd + 2;
  }
  const digit = /\d/.exec(header)?.[0];
  const indent = digit === undefined ? detectIndent(walk) : Math.max(walk.parent, 0) + Number(digit);
  placeLines(walk, { isLiteral, indent, isExplicit: digit !== undefined });
}

/** The first line that is not blank says it; no content at all when that is not deeper than the collection around. */
function detectIndent(walk: Walk): number {
  return Math.max(nextIndent(walk.text, walk.at), walk.parent + 1);
}

/** Indentation of the first line at or behind `at` that is not blank; -1 when there is none. */
function nextIndent(text: string, start: number): number {
  for (let at = start; at < text.length; at = lineEndOf(text, at) + 1) {
    const indent = countSpaces(text, at);
    if (lineEndOf(text, at) > at + indent) {
      return indent;
    }
  }
  return -1;
}

function placeLines(walk: Walk, block: Block): void {
  const { text } = walk;
  let isFirst = true;
  while (walk.at < text.length) {
    const lineStart = walk.at;
    const lineEnd = lineEndOf(text, lineStart);
    const spaces = countSpaces(text, lineStart);
    const isEmpty = lineStart + spaces >= lineEnd;
    if (!isEmpty && (spaces < block.indent || isDocumentMark(text, lineStart))) {
      return;
    }
    placeContent(walk, block, { lineStart, lineEnd, isFirst });
    isFirst &&= isEmpty;
    walk.at = lineEnd + 1;
  }
}

interface Line {
  readonly lineStart: number;
  readonly lineEnd: number;
  readonly isFirst: boolean;
}

function placeContent(walk: Walk, block: Block, { lineStart, lineEnd, isFirst }: Line): void {
  const { text, draft } = walk;
  for (let mark = draft.nextMark(lineStart, lineEnd); mark !== undefined; mark = draft.nextMark(mark.end, lineEnd)) {
    const isLead = text.slice(lineStart, mark.start).trim() === "";
    const givesIndent = isFirst && !block.isExplicit && (mark.text !== "" || nextIndent(text, lineEnd) > block.indent);
    const place = { isLead, givesIndent, isAtMargin: block.indent === 0 };
    draft.put(mark, block.isLiteral ? inLiteral(mark, block, place) : inFolded(mark, place));
  }
}

interface Place {
  /** Nothing but blanks stands in front of it. */
  readonly isLead: boolean;
  /** The indentation of this line, or of the next one if the value is empty, is the block's. */
  readonly givesIndent: boolean;
  readonly isAtMargin: boolean;
}

const UNPRINTABLE = "it holds a control character, which has no escape in a block scalar";

function inLiteral({ text }: Mark, block: Block, place: Place): Escaped {
  const lines = text.split("\n");
  if (!lines.every(isPrintable)) {
    return refusal(UNPRINTABLE);
  }
  if (lines.length > 1 && (lines[0] === "" || lines.at(-1) === "")) {
    return refusal("it begins or ends with a line break, which a block scalar would not keep");
  }
  return marginProblem(text, place) ?? lines.join(`\n${" ".repeat(block.indent)}`);
}

function inFolded({ text }: Mark, place: Place): Escaped {
  if (text.includes("\n")) {
    return refusal("it holds a line break, which has no escape in a folded block scalar");
  }
  if (!isPrintable(text)) {
    return refusal(UNPRINTABLE);
  }
  if (place.isLead && /^([ \t]|$)/.test(text)) {
    return refusal("it is empty or begins with a blank at the beginning of a folded line");
  }
  return marginProblem(text, place) ?? text;
}

function marginProblem(text: string, place: Place): Escaped | undefined {
  if (place.isAtMargin && (place.isLead || text.includes("\n"))) {
    return refusal("it stands at the very beginning of a line, where a document could end");
  }
  if (place.isLead && place.givesIndent && /^([ \t]|$)/.test(text)) {
    return refusal("it is empty or begins with a blank in the line that gives a block scalar its indentation");
  }
  return undefined;
}
