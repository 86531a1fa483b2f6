import type { Draft, Mark } from "./draft.ts";
import {
  arithmetic,
  comment,
  type Place,
  redirection,
  report,
  reportNext,
  skipHeredocs,
  skipTo,
  type Walk,
} from "./shell-cursor.ts";
import { append, createWord, endsWord, isNameChar, type WordSoFar } from "./shell-word.ts";

/** Words behind which a command still begins. */
const LEADING = new Set("then do else elif if while until ! { time builtin command env exec nohup sudo".split(" "));
/** Commands that read their words as program text, or as arithmetic, which is program text too. */
const EVALUATING = new Set("eval let trap alias [[ source . unset read mapfile readarray getopts".split(" "));
const SHELLS = new Set(["sh", "ash", "bash", "dash", "ksh", "zsh"]);
const DECLARING = new Set(["export", "readonly", "local", "declare", "typeset"]);

/**
 * Walks a script as a POSIX shell reads it, and names the place of each mark. What it cannot follow with certainty (bash's own quotes,
 * here-documents, arithmetic, `case` within `$( )`) holds no value, and neither does what stands behind it when the end is uncertain.
 */
export function walkShell(draft: Draft, place: (mark: Mark, place: Place) => void): void {
  const walk: Walk = { draft, text: draft.text, place, at: 0, heredocs: [], dark: undefined };
  while (walk.at < walk.text.length) {
    commands(walk, { isNested: false });
    walk.at += 1; // a `)` too many
  }
}

/** Commands up to the closing parenthesis, which is left, or to the end. */
function commands(walk: Walk, { isNested }: { readonly isNested: boolean }): void {
  const { text } = walk;
  let command: string | undefined;
  while (walk.at < text.length) {
    const char = text.charAt(walk.at);
    if (char === " " || char === "\t") {
      walk.at += 1;
    } else if (char === "\\" && text[walk.at + 1] === "\n") {
      walk.at += 2;
    } else if (char === "\n") {
      command = undefined;
      walk.at += 1;
      skipHeredocs(walk);
    } else if (char === "#") {
      comment(walk);
    } else if (char === ")") {
      if (isNested) {
        return;
      }
      command = undefined;
      walk.at += 1;
    } else if (char === "(") {
      parenthesis(walk);
    } else if (char === "<" || char === ">") {
      redirection(walk);
    } else if (char === ";" || char === "&" || char === "|") {
      command = text[walk.at + 1] === ">" ? command : undefined; // bash's &> is a redirection
      walk.at += 1;
    } else {
      const word = readWord(walk, command);
      if (command === undefined && !LEADING.has(word.start) && !word.setsName) {
        command = word.start;
        if (command === "case" && isNested) {
          walk.dark ??= "it stands behind a case within $( ), which cannot be followed";
        }
      } else if (word.start === "-c" && SHELLS.has(command ?? "")) {
        command = "eval";
      }
    }
  }
}

function parenthesis(walk: Walk): void {
  if (walk.text[walk.at + 1] === "(") {
    arithmetic(walk, walk.at + 2);
    return;
  }
  walk.at += 1;
  commands(walk, { isNested: true });
  walk.at += 1;
}

/** Reads a word with its quotes. */
function readWord(walk: Walk, command: string | undefined): WordSoFar {
  const { text, draft } = walk;
  const word = createWord();
  const role = createRoles(walk, word, command);
  let name = false;
  while (walk.at < text.length) {
    const { at } = walk;
    const char = text.charAt(at);
    if (endsWord(char)) {
      break;
    }
    const mark = draft.mark(at);
    if (mark !== undefined) {
      const known = role(mark);
      const behind = text.charAt(mark.end);
      const isName = known.role === "name";
      const isGlued = name || behind === "<" || behind === ">" || (isName ? !word.isEmpty : word.hasBrace);
      report(walk, mark, { ...known, isGlued });
      append(word, isName ? "n" : "\0");
      walk.at = mark.end;
    } else if (char === "\\") {
      reportNext(walk, at + 1, "it stands behind a backslash");
      append(word, "\0");
      walk.at = Math.max(walk.at, at + 2);
    } else if (char === "'" || char === '"') {
      walk.at += 1;
      quoted(walk, char, role);
      append(word, "\0");
    } else if (char === "$" || char === "`") {
      name = expansion(walk, "");
      append(word, "\0");
      continue;
    } else {
      append(word, char);
      walk.at += 1;
    }
    name = char === "~";
  }
  return word;
}

type Roles = (mark: Mark) => Pick<Place, "role" | "reason">;

/** Says what a value would be behind the word so far. */
function createRoles(walk: Walk, word: WordSoFar, command: string | undefined): Roles {
  const declares = command === undefined || DECLARING.has(command);
  let nameEnd = -1; // a name goes on up to here; the values in it need not look again

  function setsName(start: number): boolean {
    nameEnd = start <= nameEnd ? nameEnd : endOfName(walk, start);
    return walk.text[nameEnd] === "=";
  }

  return (mark) => {
    if (declares && (word.setsName || word.addsToName)) {
      return { role: "assigned", reason: "" };
    }
    if (declares && word.isName && setsName(mark.end)) {
      return { role: "name", reason: "" };
    }
    if (command === undefined) {
      return { role: "nowhere", reason: "it would be a command" };
    }
    if (DECLARING.has(command)) {
      return { role: "nowhere", reason: "it would be the variable that is set, or an option" };
    }
    return EVALUATING.has(command)
      ? { role: "nowhere", reason: "it would be a word of a command that may run its words as a program" }
      : { role: "word", reason: "" };
  };
}

/** How far letters, digits and values go on. */
function endOfName(walk: Walk, start: number): number {
  let at = start;
  for (let mark = walk.draft.mark(at); mark !== undefined || isNameChar(walk.text.charCodeAt(at)); mark = walk.draft.mark(at)) {
    at = mark?.end ?? at + 1;
  }
  return at;
}

/** The inside of quotes and the closing one. */
function quoted(walk: Walk, quote: '"' | "'", role: Roles): void {
  const { text, draft } = walk;
  let name = false;
  while (walk.at < text.length && text[walk.at] !== quote) {
    const { at } = walk;
    const char = text.charAt(at);
    const mark = draft.mark(at);
    if (mark !== undefined) {
      report(walk, mark, { ...role(mark), quote, isGlued: name });
      walk.at = mark.end;
    } else if (quote === '"' && char === "\\") {
      reportNext(walk, at + 1, "it stands behind a backslash");
      walk.at = Math.max(walk.at, at + 2);
    } else if (quote === '"' && (char === "$" || char === "`")) {
      name = expansion(walk, '"');
      continue;
    } else {
      walk.at += 1;
    }
    name = false;
  }
  walk.at += 1;
}

/** `$…` or a back-quoted command; true when a variable's name ends it, which a value would make longer. */
function expansion(walk: Walk, quote: '"' | ""): boolean {
  const { text } = walk;
  const start = walk.at;
  if (text[start] === "`") {
    skipTo(walk, start + 1, "`");
    return false;
  }
  const next = text.charAt(start + 1);
  walk.at += 1;
  if (next === "(" && text[start + 2] === "(") {
    arithmetic(walk, start + 3);
  } else if (next === "(") {
    walk.at += 1;
    commands(walk, { isNested: true });
    walk.at += 1;
  } else if (next === "{") {
    skipTo(walk, start + 2, "}");
  } else if ((next === "'" && quote === "") || next === "[") {
    walk.dark ??= "it stands behind $'…' or $[…], which shells read differently";
  } else if (/[A-Za-z_]/.test(next)) {
    while (isNameChar(text.charCodeAt(walk.at))) {
      walk.at += 1;
    }
    return true;
  } else if (/[0-9@*#?$!-]/.test(next)) {
    walk.at += 1;
  } else {
    reportNext(walk, walk.at, "it stands behind a $");
  }
  return false;
}
