import type { Mark } from "./draft.ts";
import { isBlank, isBreak, isFlowEnd, isIndicator, placeComment, placeProperty, placeQuoted, type Walk } from "./yaml-cursor.ts";
import { placeScalar } from "./yaml-plain.ts";

/** A flow collection, to its closing bracket, over one line or more. */
export function placeFlow(walk: Walk): void {
  const { text, draft } = walk;
  let depth = 0;
  let wholeEnd = -1; // behind a quoted scalar or a collection a colon needs no blank
  do {
    walk.at = skipSpace(text, walk.at);
    const { at } = walk;
    const char = text.charAt(at);
    if (char === "") {
      return;
    }
    if (char === "[" || char === "{") {
      depth += 1;
      walk.at += 1;
    } else if (char === "]" || char === "}") {
      depth -= 1;
      walk.at += 1;
      wholeEnd = walk.at;
    } else if (
      char === "," ||
      (char === ":" && (wholeEnd === at || isValueColon(text, at))) ||
      (char === "?" && isIndicator(text, at))
    ) {
      walk.at += 1;
    } else if (char === "#") {
      placeComment(walk);
    } else if (char === "&" || char === "!" || char === "*") {
      placeProperty(walk, true);
    } else if (char === '"' || char === "'") {
      placeQuoted(walk);
      wholeEnd = walk.at;
      const glued = draft.mark(walk.at);
      if (glued !== undefined) {
        draft.refuse(glued, "it is glued to a closing quote");
        walk.at = glued.end;
      }
    } else {
      placeFlowPlain(walk);
    }
  } while (depth > 0);
}

function placeFlowPlain(walk: Walk): void {
  const { text, draft } = walk;
  const start = walk.at;
  const marks: Mark[] = [];
  let end = start;
  let isMulti = false;
  while (walk.at < text.length) {
    const { at } = walk;
    const char = text.charAt(at);
    if (isFlowEnd(char) || (char === ":" && isValueColon(text, at)) || (char === "#" && /\s/.test(text.charAt(at - 1)))) {
      break;
    }
    if (isBreak(char)) {
      const next = skipSpace(text, at);
      const begin = text.charAt(next);
      if (begin === "" || begin === "#" || isFlowEnd(begin) || (begin === ":" && isValueColon(text, next))) {
        break;
      }
      isMulti = true;
      walk.at = next;
      continue;
    }
    const mark = draft.mark(at);
    if (mark !== undefined) {
      marks.push(mark);
    }
    walk.at = mark?.end ?? at + 1;
    end = isBlank(char) ? end : walk.at;
  }
  const isKey = text[skipSpace(text, walk.at)] === ":";
  placeScalar(walk, { start, end, marks, isKey, isMulti, inFlow: true });
}

function isValueColon(text: string, at: number): boolean {
  return isIndicator(text, at) || isFlowEnd(text.charAt(at + 1));
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (isBlank(text.charAt(next)) || isBreak(text.charAt(next))) {
    next += 1;
  }
  return next;
}
