import { Draft, type Mark } from "./draft.ts";
import { type Escaped, type Format, refusal } from "./format.ts";
import { placeLineComment } from "./line-comment.ts";
import { isPattern, patternPart, patternProblem } from "./nginx-regex.ts";
import { authorQuotes, contentStart, isNameChar, isSpace, type Placed, readWord, type Word, wordText } from "./nginx-words.ts";
import type { Piece } from "./piece.ts";
import { controlRefusal, hasControl } from "./values.ts";

/** What needs no quotes in any nginx. */
const SAFE = /^[A-Za-z0-9._:/[\]@%+,=~-]+$/;
/** nginx reads no word of more than its 4 KiB buffer. */
const MAX_WORD_BYTES = 4000;

/** Blocks whose first words are data, and which of those have a meaning. A `map` takes any word that begins with a backslash literally. */
const DATA_BLOCKS: Readonly<Record<string, readonly string[]>> = {
  map: ["default", "hostnames", "include", "volatile"],
  geo: ["default", "delete", "include", "proxy", "proxy_recursive", "ranges"],
  types: ["include"],
  split_clients: [],
  charset_map: [],
};

const UNIX_SOCKET = /^([a-z]+:\/\/)?unix:/i;
/**
 * Where the beginning of a word decides what it means: `~` and `=` in front of a path, `~` in front of a name, `unix:` in front of a file's
 * name, and `off`, which turns a password off.
 */
const PREFIXED: Readonly<Record<string, RegExp>> = {
  location: /^[~=@^]/,
  server_name: /^~/,
  valid_referers: /^~/,
  proxy_redirect: /^~/,
  proxy_cookie_domain: /^~/,
  proxy_cookie_path: /^~/,
  proxy_cookie_flags: /^~/,
  server: UNIX_SOCKET,
  listen: UNIX_SOCKET,
  proxy_pass: UNIX_SOCKET,
  fastcgi_pass: UNIX_SOCKET,
  grpc_pass: UNIX_SOCKET,
  scgi_pass: UNIX_SOCKET,
  uwsgi_pass: UNIX_SOCKET,
  auth_basic: /^off$/,
};

interface Statement {
  /** Words so far. */
  words: number;
  /** The first word; empty when it is data. */
  head: string;
  /** The word directly before. */
  last: string;
  /** The words of an `if` so far. */
  test: string;
  /** The heads of the blocks around. */
  readonly blocks: string[];
  /** Why nothing can stand in the rest of the file. */
  dark: string | undefined;
}

/**
 * nginx. A bare value is a word of its own or a part of one, quoted as a whole when it needs to be; `$` has no escape anywhere. A value is
 * never the name of a directive, and plain text begins with a digit or a bracket so that it cannot be one either, nor a path.
 */
export const nginx: Format = {
  name: "nginx",
  // There an address is a part of a pattern, of a file's name, of a program or of a variable's name.
  marksAll: /(?<!\{)~(?!\})|rewrite|gzip_disable|fastcgi_split_path_info|include|load_module|_by_lua|perl|\$[{\w]*\{\{|\\\{\{/,
  isPlain: (text) => /^[0-9[][A-Za-z0-9._:/[\]@%+,=~-]{0,200}$/.test(text),
  place: (draft) => placeStatements(draft, { words: 0, head: "", last: "", test: "", blocks: [], dark: undefined }),
};

/** Walks statements from between two of them to the end of the text. */
function placeStatements(draft: Draft, statement: Statement): void {
  const { text } = draft;
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    const found = statement.words === 0 ? draft.piece(at) : undefined;
    if (found !== undefined) {
      const placed = placePiece(found.piece, statement);
      if (placed === undefined) {
        return;
      }
      draft.putPiece(found, placed);
      at = found.end;
    } else if (isSpace(char)) {
      at += 1;
    } else if (char === "#") {
      at = placeLineComment(draft, at);
    } else if (char === ";" || char === "{" || char === "}") {
      endStatement(statement, char);
      at += 1;
    } else {
      at = placeWord(draft, statement, readWord(draft, at));
    }
  }
}

/** A piece between two statements, if it holds whole ones: then what stands behind it is read as if it were not there. */
function placePiece(piece: Piece, { blocks, dark }: Statement): string | undefined {
  const { frame } = piece;
  const around = blocks.join("\0");
  return piece.textIn(`${dark}\0${around}`, () => {
    const draft = new Draft(frame.text, frame.values, frame.pieces);
    const statement: Statement = { words: 0, head: "", last: "", test: "", blocks: [...blocks], dark };
    placeStatements(draft, statement);
    // A comment that its last line leaves open would swallow what follows.
    const isWhole = statement.words === 0 && statement.dark === dark && statement.blocks.join("\0") === around;
    return isWhole && frame.text.endsWith("\n") ? draft.finishPieces() : undefined;
  });
}

function endStatement(statement: Statement, char: string): void {
  if (char === "{") {
    statement.blocks.push(statement.head);
    if (statement.head.endsWith("_by_lua_block")) {
      statement.dark = "it stands behind the beginning of a Lua block, which is not nginx's own syntax";
    }
  } else if (char === "}") {
    statement.blocks.pop();
  }
  statement.words = 0;
  statement.head = "";
  statement.last = "";
  statement.test = "";
}

/** Decides the values of a word; returns where the text goes on. */
function placeWord(draft: Draft, statement: Statement, word: Word): number {
  const isHead = statement.words === 0;
  if (word.placed.length > 0) {
    const reason = statement.dark ?? (isHead ? headProblem(draft, statement, word) : argumentProblem(draft, statement, word));
    if (reason === undefined) {
      const place = { ...statement, block: statement.blocks.at(-1) ?? "" };
      putWord(draft, word, {
        isMapKey: isHead && place.block === "map",
        isTest: statement.head === "if",
        isPattern: isPattern(draft, word, place),
      });
    } else {
      word.placed.forEach(({ mark }) => draft.refuse(mark, reason));
    }
  }
  const text = wordText(draft, word, (mark) => mark.text);
  if (isHead) {
    statement.head = word.placed.length === 0 ? text : "";
  }
  statement.words += 1;
  statement.last = word.placed.length === 0 ? text : "";
  statement.test += isHead ? "" : `${word.placed.length === 0 ? text : "\0"} `;
  const glued = word.quote === "" ? undefined : draft.mark(word.end);
  if (glued !== undefined) {
    draft.refuse(glued, "it is glued to a closing quote");
  }
  return glued?.end ?? word.end;
}

function headProblem(draft: Draft, statement: Statement, word: Word): string | undefined {
  const block = statement.blocks.at(-1) ?? "";
  const special = Object.hasOwn(DATA_BLOCKS, block) ? DATA_BLOCKS[block] : undefined;
  if (special === undefined) {
    return "it would be the name of a directive";
  }
  const isWhole = word.placed.length === 1 && word.placed[0]?.mark.text === wordText(draft, word, (mark) => mark.text);
  if (block === "map" && isWhole) {
    return undefined; // a backslash takes the meaning away
  }
  return special.includes(wordText(draft, word, (mark) => mark.text))
    ? `it would be a word with a meaning in "${block}"`
    : undefined;
}

function argumentProblem(draft: Draft, statement: Statement, word: Word): string | undefined {
  const { head } = statement;
  const first = word.placed[0]?.mark;
  const text = wordText(draft, word, (mark) => mark.text);
  if (/_by_lua$|^perl/.test(head)) {
    return `it would be program text in "${head}"`;
  }
  if (head === "include" || head === "load_module") {
    const values = word.placed.map(({ mark }) => mark.text);
    if (first?.start === contentStart(word) || values.some((value) => /[/*?[\\]|\.\./.test(value))) {
      return `it would choose a file for "${head}"`;
    }
  }
  if (head === "if" && isTestHead(statement.test + draft.text.slice(contentStart(word), first?.start))) {
    return 'it would be the test of an "if"';
  }
  const prefixed = Object.hasOwn(PREFIXED, head) ? PREFIXED[head] : undefined;
  const startsPrefix = prefixed?.test(text) === true && !prefixed.test(wordText(draft, word, () => ""));
  if (startsPrefix && (head !== "location" || statement.words === 1)) {
    return `its beginning has a meaning in "${head}"`;
  }
  return undefined;
}

/** Whether what stands before is not yet a variable and an operator, nor the test for a file. */
function isTestHead(before: string): boolean {
  return /^[(! ]*$|^\( ?\$\w+ +[!=~*]*$|^\( ?!?-$/.test(before);
}

interface WordRole {
  readonly isMapKey: boolean;
  /** A part of an `if`: the last parenthesis ends the test, and stays outside of quotes as nginx allows there. */
  readonly isTest: boolean;
  /** nginx reads the word as a regular expression. */
  readonly isPattern: boolean;
}

function putWord(draft: Draft, word: Word, { isMapKey, isTest, isPattern }: WordRole): void {
  const valueOf = (mark: Mark): string => (isPattern ? patternPart(draft, mark) : isMapKey ? mapKeyPart(word, mark) : mark.text);
  const needsQuotes = word.quote === "" && word.placed.some(({ mark }) => !SAFE.test(valueOf(mark)));
  const quote = needsQuotes ? '"' : word.quote;
  const tooLong =
    Buffer.byteLength(wordText(draft, word, (mark) => escapeIn(valueOf(mark), quote))) > MAX_WORD_BYTES
      ? refusal("it makes a word longer than nginx can read (4 KiB)")
      : undefined;
  const quotes = needsQuotes ? authorQuotes(draft, word) : [];
  let next = 0;
  if (needsQuotes) {
    draft.insert(word.start, '"');
  }
  for (const placed of word.placed) {
    for (let at = quotes[next]; at !== undefined && at < placed.mark.start; at = quotes[next]) {
      draft.insert(at, "\\");
      next += 1;
    }
    const problem = isPattern ? patternProblem(draft, word, placed) : undefined;
    const escaped = tooLong ?? escape(placed, valueOf(placed.mark), quote, draft.text.charAt(placed.mark.end));
    draft.put(placed.mark, problem === undefined ? escaped : refusal(problem));
  }
  for (const at of quotes.slice(next)) {
    draft.insert(at, "\\");
  }
  if (needsQuotes) {
    draft.insert(isTest && draft.text[word.end - 1] === ")" ? word.end - 1 : word.end, '"');
  }
}

/** In a `map`, a backslash in front of the key takes any meaning from it and is dropped by nginx. */
function mapKeyPart(word: Word, mark: Mark): string {
  const hasMeaning = /^[~\\]/.test(mark.text) || DATA_BLOCKS["map"]?.includes(mark.text) === true;
  return hasMeaning && mark.start === contentStart(word) ? `\\${mark.text}` : mark.text;
}

function escape({ after, mark }: Placed, text: string, quote: Word["quote"], behind: string): Escaped {
  if (after === "escape") {
    return refusal("it stands behind a backslash");
  }
  if (after === "brace" || (after === "name" && isNameChar(mark.text || behind))) {
    return refusal("it would be a part of a variable's name");
  }
  if (mark.text.includes("$")) {
    return refusal("it holds a $, which has no escape in nginx");
  }
  if (hasControl(mark.text)) {
    return refusal(controlRefusal(mark.text, "in nginx"));
  }
  return escapeIn(text, quote);
}

function escapeIn(text: string, quote: Word["quote"]): string {
  return quote === "" ? text : text.replace(quote === '"' ? /[\\"]/g : /[\\']/g, "\\$&");
}
