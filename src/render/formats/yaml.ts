import type { Format } from "./format.ts";
import { placeBlockScalar } from "./yaml-blocks.ts";
import {
  countSpaces,
  isBreak,
  isDocumentMark,
  isIndicator,
  lineEndOf,
  placeComment,
  placeProperty,
  placeQuoted,
  skipBlanks,
  type Walk,
} from "./yaml-cursor.ts";
import { placeFlow } from "./yaml-flow.ts";
import { LONG_KEY, MAX_KEY_CHARS, placeContinuation, placePlain } from "./yaml-plain.ts";

/**
 * YAML 1.1 and 1.2. A bare value is one scalar: number, boolean and null as such, text plain where every YAML reads it as text, else in
 * double quotes; text that is glued to the author's makes one scalar with it. In block scalars it takes their indentation.
 */
export const yaml: Format = {
  name: "yaml",
  isPlain: () => false, // what is text here is a tag, a number or a key's name there
  place(draft) {
    const walk: Walk = {
      draft,
      text: draft.text,
      at: 0,
      lineStart: 0,
      parent: -1,
      parents: [],
      open: undefined,
      needsOwnLine: false,
    };
    if (walk.text.startsWith("\ufeff")) {
      walk.at = 1;
    }
    while (walk.at < walk.text.length) {
      placeLine(walk);
    }
  },
};

/** From the beginning of a line to the beginning of the next one that belongs to no node begun here. */
function placeLine(walk: Walk): void {
  const { text } = walk;
  walk.lineStart = walk.at;
  walk.needsOwnLine = false;
  const lineEnd = lineEndOf(text, walk.at);
  const indent = countSpaces(text, walk.at);
  walk.at += indent;
  if (text.slice(walk.at, lineEnd).trim() === "") {
    walk.at = lineEnd + 1;
  } else if (isDocumentMark(text, walk.lineStart)) {
    beginDocument(walk);
    placeNodes(walk);
  } else if (walk.open !== undefined && indent > walk.open && text[walk.at] !== "#") {
    placeContinuation(walk);
  } else if (indent === 0 && text[walk.at] === "%") {
    refuseRest(walk, "it stands in a YAML directive");
  } else {
    endDeeper(walk, indent);
    placeNodes(walk);
  }
}

/** Behind `---` or `...`; block structure cannot begin on the same line. */
function beginDocument(walk: Walk): void {
  walk.parents.length = 0;
  walk.parent = -1;
  walk.open = undefined;
  walk.needsOwnLine = true;
  walk.at += 3;
}

/** Ends the collections that have no entry at this column or further left. */
function endDeeper(walk: Walk, indent: number): void {
  walk.open = undefined;
  while ((walk.parents.at(-1) ?? -1) >= indent) {
    walk.parents.pop();
  }
  walk.parent = walk.parents.at(-1) ?? -1;
}

/** The indicators, keys and the value of one line. */
function placeNodes(walk: Walk): void {
  const { text } = walk;
  let nodeStart: number | undefined; // where its tag or anchor begins
  for (;;) {
    walk.at = skipBlanks(text, walk.at);
    const { at } = walk;
    const char = text.charAt(at);
    if (char === "" || isBreak(char)) {
      walk.at = at + 1;
      return;
    }
    if (char === "#") {
      placeComment(walk);
      return;
    }
    if ((char === "-" || char === "?" || char === ":") && isIndicator(text, at)) {
      enter(walk, at);
      walk.at += 1;
      walk.needsOwnLine = char === ":";
      nodeStart = undefined;
    } else if (char === "&" || char === "!") {
      nodeStart ??= at;
      walk.needsOwnLine = true;
      placeProperty(walk, false);
    } else if (char === "|" || char === ">") {
      placeBlockScalar(walk);
      return;
    } else {
      placeNode(walk);
      if (!endNode(walk, nodeStart ?? at)) {
        return;
      }
      nodeStart = undefined;
    }
  }
}

/** An alias, a scalar or a flow collection. */
function placeNode(walk: Walk): void {
  switch (walk.text.charAt(walk.at)) {
    case "*":
      placeProperty(walk, false);
      break;
    case '"':
    case "'":
      placeQuoted(walk);
      break;
    case "[":
    case "{":
      placeFlow(walk);
      break;
    case "%":
    case "@":
    case "`":
    case ",":
    case "]":
    case "}":
      break; // no YAML: the rest of the line is refused as something that follows a node
    default:
      placePlain(walk);
  }
}

/** Behind a node: true when it was a key (its colon is consumed), else the line is over. */
function endNode(walk: Walk, start: number): boolean {
  const { text } = walk;
  walk.at = skipBlanks(text, walk.at);
  if (text[walk.at] === ":" && isIndicator(text, walk.at)) {
    refuseLongKey(walk, start);
    enter(walk, start);
    walk.at += 1;
    walk.needsOwnLine = true;
    return true;
  }
  if (text[walk.at] === "#") {
    placeComment(walk);
    return false;
  }
  refuseRest(walk, "it is glued to something that is whole without it");
  return false;
}

/** A key in the author's quotes, or in brackets; one without was judged with its scalar. */
function refuseLongKey(walk: Walk, start: number): void {
  let length = walk.at - start;
  for (let mark = walk.draft.nextMark(start, walk.at); mark !== undefined; mark = walk.draft.nextMark(mark.end, walk.at)) {
    length += mark.text.length;
  }
  if (length > MAX_KEY_CHARS) {
    walk.draft.refuseAll(start, walk.at, LONG_KEY);
  }
}

/** No value can stand in the rest of the line. */
function refuseRest(walk: Walk, reason: string): void {
  const lineEnd = lineEndOf(walk.text, walk.at);
  walk.draft.refuseAll(walk.at, lineEnd, reason);
  walk.at = lineEnd + 1;
}

/** A collection whose entry begins here is now the innermost one. */
function enter(walk: Walk, at: number): void {
  walk.parent = at - walk.lineStart;
  walk.parents.push(walk.parent);
}
