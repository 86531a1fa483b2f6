import { Draft } from "./draft.ts";
import type { Format } from "./format.ts";
import { placeLineComment } from "./line-comment.ts";
import { MAP_WORDS, putWord } from "./nginx-put.ts";
import { isPattern } from "./nginx-regex.ts";
import { authorPieces, contentStart, isSpace, readWord, type Word, wordText } from "./nginx-words.ts";
import type { Piece } from "./piece.ts";

/** Blocks whose first words are data, and which of those have a meaning. A `map` takes any word that begins with a backslash literally. */
const DATA_BLOCKS: Readonly<Record<string, readonly string[]>> = {
  map: MAP_WORDS,
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
  last: Word | undefined;
  /** The words of an `if` so far; undefined once a value is among them. */
  test: string | undefined;
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
  place: (draft) => placeStatements(draft, { words: 0, head: "", last: undefined, test: "", blocks: [], dark: undefined }),
};

/** Walks statements from between two of them to the end of the text. */
function placeStatements(draft: Draft, statement: Statement): void {
  const { text } = draft;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    const found = statement.words === 0 ? draft.piece(at) : undefined;
    if (found !== undefined) {
      const placed = placePiece(found.piece, statement);
      if (placed === undefined) {
        return;
      }
      draft.putPiece(found, placed);
      at = found.end;
    } else if (isSpace(code)) {
      at += 1;
    } else if (code === 0x23 /* # */) {
      at = placeLineComment(draft, at);
    } else if (code === 0x3b /* ; */ || code === 0x7b /* { */ || code === 0x7d /* } */) {
      endStatement(statement, text.charAt(at));
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
    const statement: Statement = { words: 0, head: "", last: undefined, test: "", blocks: [...blocks], dark };
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
  statement.last = undefined;
  statement.test = "";
}

/** Decides the values of a word; returns where the text goes on. */
function placeWord(draft: Draft, statement: Statement, word: Word): number {
  if (word.placed.length > 0) {
    placeValues(draft, statement, word);
  }
  readOn(draft, statement, word);
  const glued = word.quote === "" ? undefined : draft.mark(word.end);
  if (glued !== undefined) {
    draft.refuse(glued, "it is glued to a closing quote");
  }
  return glued?.end ?? word.end;
}

function placeValues(draft: Draft, statement: Statement, word: Word): void {
  const { words, head, last, blocks, dark } = statement;
  const isHead = words === 0;
  const pieces = authorPieces(draft, word);
  const whole = wordText(pieces, word, (mark) => mark.text);
  const reason =
    dark ?? (isHead ? headProblem(statement, word, whole) : argumentProblem(draft, statement, { word, pieces, whole }));
  if (reason !== undefined) {
    word.placed.forEach(({ mark }) => draft.refuse(mark, reason));
    return;
  }
  const block = blocks.at(-1) ?? "";
  putWord(draft, word, {
    pieces,
    isMapKey: isHead && block === "map",
    isTest: head === "if",
    isPattern: isPattern(draft, word, { head, words, block, last: () => (last === undefined ? "" : authorText(draft, last)) }),
  });
}

/** What the words behind this one will ask for. */
function readOn(draft: Draft, statement: Statement, word: Word): void {
  if (statement.words === 0) {
    statement.head = authorText(draft, word);
  } else if (statement.head === "if" && statement.test !== undefined) {
    statement.test = word.placed.length === 0 ? `${statement.test}${authorText(draft, word)} ` : undefined;
  }
  statement.words += 1;
  statement.last = word;
}

/** A word without values; empty when it has some. */
function authorText(draft: Draft, word: Word): string {
  return word.placed.length === 0 ? (authorPieces(draft, word)[0] ?? "") : "";
}

function headProblem(statement: Statement, word: Word, whole: string): string | undefined {
  const block = statement.blocks.at(-1) ?? "";
  const special = Object.hasOwn(DATA_BLOCKS, block) ? DATA_BLOCKS[block] : undefined;
  if (special === undefined) {
    return "it would be the name of a directive";
  }
  if (block === "map" && word.placed.length === 1 && word.placed[0]?.mark.text === whole) {
    return undefined; // a backslash takes the meaning away
  }
  return special.includes(whole) ? `it would be a word with a meaning in "${block}"` : undefined;
}

interface Argument {
  readonly word: Word;
  /** The author's text between the values. */
  readonly pieces: readonly string[];
  /** The word with its values. */
  readonly whole: string;
}

function argumentProblem(draft: Draft, { head, words, test }: Statement, { word, pieces, whole }: Argument): string | undefined {
  const first = word.placed[0]?.mark;
  if (head.startsWith("perl") || head.endsWith("_by_lua")) {
    return `it would be program text in "${head}"`;
  }
  if (head === "include" || head === "load_module") {
    const values = word.placed.map(({ mark }) => mark.text);
    if (first?.start === contentStart(word) || values.some((value) => /[/*?[\\]|\.\./.test(value))) {
      return `it would choose a file for "${head}"`;
    }
  }
  if (head === "if" && test !== undefined && isTestHead(test + draft.text.slice(contentStart(word), first?.start))) {
    return 'it would be the test of an "if"';
  }
  const prefixed = Object.hasOwn(PREFIXED, head) ? PREFIXED[head] : undefined;
  const startsPrefix = prefixed?.test(whole) === true && !prefixed.test(pieces.join(""));
  if (startsPrefix && (head !== "location" || words === 1)) {
    return `its beginning has a meaning in "${head}"`;
  }
  return undefined;
}

/** Whether what stands before is not yet a variable and an operator, nor the test for a file. */
function isTestHead(before: string): boolean {
  return /^[(! ]*$|^\( ?\$\w+ +[!=~*]*$|^\( ?!?-$/.test(before);
}
