import type { Draft, Mark } from "./draft.ts";
import { type Format, refusal } from "./format.ts";
import { createLines, type Line } from "./lines.ts";
import { inComment, indentRest, jsonInner } from "./values.ts";

interface State {
  /** The collections around. */
  readonly open: ("{" | "[")[];
  /** The keys of each of them so far, and the values that a second one of that name would refuse. */
  readonly keys: Map<string, readonly Mark[]>[];
  /** The next token is a key. */
  isKey: boolean;
  /** Why nothing can stand in the rest of the file. */
  dark: string | undefined;
  readonly lineOf: (at: number) => Line;
}

/**
 * JSON, with comments if the reader of the file takes them. A bare value is a number, boolean or null as such, or a quoted text (always
 * as a key); inside the author's quotes it is escaped.
 */
export const json: Format = {
  name: "json",
  isPlain: () => false, // bare text needs quotes
  place(draft) {
    const state: State = { open: [], keys: [], isKey: false, dark: undefined, lineOf: createLines(draft.text) };
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
    case '"':
      return placeString(draft, state, at);
    case "{":
    case "[":
      state.open.push(char);
      state.keys.push(new Map());
      state.isKey = char === "{";
      return at + 1;
    case "}":
    case "]":
      state.open.pop();
      state.keys.pop();
      state.isKey = false;
      return at + 1;
    case ",":
      state.isKey = state.open.at(-1) === "{";
      return at + 1;
    case ":":
      state.isKey = false;
      return at + 1;
    case "/":
      return placeComment(draft, state, at);
    default: {
      const mark = draft.mark(at);
      if (mark !== undefined) {
        placeBare(draft, state, mark);
        return mark.end;
      }
      if (!/[\s\ufeffA-Za-z0-9+.-]/.test(char)) {
        state.dark = "it stands behind text that is no JSON";
      }
      return at + 1;
    }
  }
}

function placeBare(draft: Draft, state: State, mark: Mark): void {
  const { value, structure } = mark.inserted;
  if (state.dark !== undefined) {
    draft.refuse(mark, state.dark);
  } else if (isGlued(draft.text, mark)) {
    draft.refuse(mark, "it is glued to other text without quotes around both");
  } else if (structure !== undefined && !state.isKey && isJson(structure)) {
    draft.put(mark, structure.includes("\n") ? indentRest(structure, lineIndent(draft.text, state, mark.start)) : structure);
  } else if (typeof value === "string" || state.isKey) {
    draft.put(mark, `"${jsonInner(mark.text)}"`);
    addKey(draft, state, { key: mark.text, marks: [mark] });
  } else {
    draft.put(mark, JSON.stringify(value));
  }
}

interface Key {
  readonly key: string;
  /** The values in it. */
  readonly marks: readonly Mark[];
}

/** A reader takes one of two equal keys and drops the other, so that a value could take the place of what the author wrote. */
function addKey(draft: Draft, state: State, { key, marks }: Key): void {
  const keys = state.keys.at(-1);
  if (!state.isKey || keys === undefined) {
    return;
  }
  const earlier = keys.get(key);
  if (earlier !== undefined) {
    [...earlier, ...marks].forEach((mark) => draft.refuse(mark, "it makes a key that is there already"));
  }
  keys.set(key, earlier === undefined ? marks : []); // those that are refused need not be refused again
}

/** What the author wrote between the quotes, as a reader takes it; broken escapes stay as they are. */
function unquote(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw; // the author's mistake, which the file's reader will tell
  }
}

function isGlued(text: string, mark: Mark): boolean {
  return (
    /[^\s{}[\],:/\ufeff]$/.test(text.slice(Math.max(0, mark.start - 1), mark.start)) ||
    /^[^\s{}[\],:/]/.test(text.charAt(mark.end))
  );
}

function placeString(draft: Draft, state: State, start: number): number {
  const { text } = draft;
  const marks: Mark[] = [];
  let key = "";
  let done = start + 1;
  let at = start + 1;
  while (at < text.length && text[at] !== '"') {
    const mark = draft.mark(at);
    if (mark !== undefined) {
      marks.push(mark);
      key += unquote(text.slice(done, at)) + mark.text;
      done = mark.end;
      draft.put(mark, state.dark === undefined ? jsonInner(mark.text) : refusal(state.dark));
      at = mark.end;
    } else if (text[at] === "\\") {
      const end = at + (text[at + 1] === "u" ? 6 : 2);
      const broken = draft.nextMark(at, end);
      if (broken !== undefined) {
        draft.refuse(broken, "it would be a part of an escape");
      }
      at = broken?.end ?? end;
    } else {
      at += 1;
    }
  }
  if (state.isKey) {
    addKey(draft, state, { key: key + unquote(text.slice(done, at)), marks });
  }
  return at + 1;
}

function placeComment(draft: Draft, state: State, start: number): number {
  const { text } = draft;
  const isBlock = text[start + 1] === "*";
  if (!isBlock && text[start + 1] !== "/") {
    state.dark = "it stands behind text that is no JSON";
    return start + 1;
  }
  const close = text.indexOf(isBlock ? "*/" : "\n", start + 2);
  const end = close === -1 ? text.length : close + (isBlock ? 2 : 1);
  for (let mark = draft.nextMark(start, end); mark !== undefined; mark = draft.nextMark(mark.end, end)) {
    const endsComment = isBlock && mark.text.startsWith("/");
    draft.put(mark, endsComment ? refusal("it could end the comment") : inComment(mark.text));
  }
  return end;
}

/** Whether a structure is JSON: what `toJson` prints is, what `toYaml` prints may not be, and is text in a JSON file then. */
export function isJson(structure: string): boolean {
  try {
    JSON.parse(structure);
    return true;
  } catch {
    return false; // what `toYaml` printed
  }
}

function lineIndent(text: string, state: State, at: number): string {
  return /^[ \t]*/.exec(text.slice(state.lineOf(at).start, at))?.[0] ?? "";
}
