import type { Draft, Mark } from "./draft.ts";

/** What a value is to the shell. */
export type Role =
  /** The name of a variable that is set: `{{k}}=…`. */
  | "name"
  /** The value of a variable that is set, or a part of it. */
  | "assigned"
  /** A word of a command, or a part of one. */
  | "word"
  | "comment"
  /** No value can stand here; `reason` says why. */
  | "nowhere";

export interface Place {
  readonly role: Role;
  readonly quote: '"' | "'" | "";
  /** Directly behind a name, a `~` or an open brace that would take the value in if it were bare. */
  readonly isGlued: boolean;
  readonly reason: string;
}

export interface Walk {
  readonly draft: Draft;
  readonly text: string;
  readonly place: (mark: Mark, place: Place) => void;
  at: number;
  /** Delimiters of the here-documents that begin behind this line. */
  heredocs: { readonly end: string; readonly stripsTabs: boolean }[];
  /** Why nothing can stand in the rest of the file: the scanner cannot follow it. */
  dark: string | undefined;
}

/** `<`, `>` and what belongs to them; a here-document is remembered for the end of the line. */
export function redirection(walk: Walk): void {
  const here = /^<<(-?)(?!<)[ \t]*((?:'[^'\n]*'|"[^"\n]*"|\\.|[^\s'"\\;&|<>()])*)/.exec(walk.text.slice(walk.at, walk.at + 200));
  if (here === null) {
    walk.at += /^(<<<|>>|[<>]&|>\||<>|.)/.exec(walk.text.slice(walk.at, walk.at + 3))?.[0].length ?? 1;
    return;
  }
  const word = here[2] ?? "";
  const start = walk.at;
  walk.at += here[0].length;
  if (word === "" || walk.draft.nextMark(start, walk.at) !== undefined) {
    walk.dark ??= "it stands behind a here-document whose end is uncertain";
  }
  walk.heredocs.push({ end: word.replace(/['"\\]/g, ""), stripsTabs: here[1] === "-" });
}

export function skipHeredocs(walk: Walk): void {
  for (const { end, stripsTabs } of walk.heredocs) {
    const start = walk.at;
    for (let line = ""; walk.at < walk.text.length; ) {
      const lineEnd = walk.text.indexOf("\n", walk.at);
      line = walk.text.slice(walk.at, lineEnd === -1 ? undefined : lineEnd);
      walk.at = lineEnd === -1 ? walk.text.length : lineEnd + 1;
      if ((stripsTabs ? line.replace(/^\t+/, "") : line) === end) {
        break;
      }
    }
    nowhere(walk, start, "it stands in a here-document");
  }
  walk.heredocs = [];
}

export function comment(walk: Walk): void {
  const lineEnd = walk.text.indexOf("\n", walk.at);
  const end = lineEnd === -1 ? walk.text.length : lineEnd;
  for (let mark = walk.draft.nextMark(walk.at, end); mark !== undefined; mark = walk.draft.nextMark(mark.end, end)) {
    report(walk, mark, { role: "comment" });
  }
  walk.at = end;
}

/** `$(( ))` or `(( ))`, from behind the second parenthesis. */
export function arithmetic(walk: Walk, start: number): void {
  let depth = 2;
  let at = start;
  for (; at < walk.text.length && depth > 0; at += 1) {
    const char = walk.text.charAt(at);
    depth += char === "(" ? 1 : char === ")" ? -1 : 0;
    if (/['"`\\#]/.test(char)) {
      walk.dark ??= "it stands behind an arithmetic expression with quotes, which cannot be followed";
    }
  }
  walk.at = at;
  nowhere(walk, start, "it would be a part of an arithmetic expression");
}

/** To behind the back-quote, or the brace that closes `${`; a `${…}` with quotes or commands inside cannot be followed. */
export function skipTo(walk: Walk, start: number, close: "`" | "}"): void {
  const { text } = walk;
  let at = start;
  for (let depth = 1; at < text.length && depth > 0; at += 1) {
    const char = text.charAt(at);
    if (close === "`") {
      depth -= char === "`" ? 1 : 0;
      at += char === "\\" ? 1 : 0;
    } else {
      depth += text.startsWith("${", at) ? 1 : char === "}" ? -1 : 0;
      if (/['"`\\]/.test(char) || text.startsWith("$(", at)) {
        walk.dark ??= "it stands behind a ${…} with quotes or a command inside, which cannot be followed";
      }
    }
  }
  walk.at = at;
  nowhere(walk, start, "it would be a part of an expansion");
}

function nowhere(walk: Walk, start: number, reason: string): void {
  const { draft } = walk;
  for (let mark = draft.nextMark(start, walk.at); mark !== undefined; mark = draft.nextMark(mark.end, walk.at)) {
    report(walk, mark, { role: "nowhere", reason });
  }
}

export function reportNext(walk: Walk, at: number, reason: string): void {
  const mark = walk.draft.mark(at);
  if (mark !== undefined) {
    report(walk, mark, { role: "nowhere", reason });
    walk.at = mark.end;
  }
}

export function report(walk: Walk, mark: Mark, place: Partial<Place> & Pick<Place, "role">): void {
  const known: Place = { quote: "", isGlued: false, reason: "", ...place };
  walk.place(mark, walk.dark === undefined ? known : { ...known, role: "nowhere", reason: walk.dark });
}
