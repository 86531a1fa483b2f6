import type { Draft, Mark } from "./draft.ts";
import { contentStart, type Word } from "./nginx-words.ts";

/** Directives with an argument that is a pattern whatever it holds; 0: all of them are. */
const PATTERN_ARGUMENT: Readonly<Record<string, number>> = { rewrite: 1, fastcgi_split_path_info: 1, gzip_disable: 0 };
/** Directives with words that are patterns when a `~` begins them. */
const TILDE = new Set([
  ..."location server_name valid_referers".split(" "),
  ..."proxy_redirect proxy_cookie_domain proxy_cookie_path proxy_cookie_flags".split(" "),
]);
const OPERATOR = /^!?~\*?$/;

/** What has been read of the statement that a word stands in. */
export interface WordPlace {
  /** The first word; empty when it is data, or the word itself. */
  readonly head: string;
  /** How many words stand before. */
  readonly words: number;
  /** The one directly before. */
  readonly last: () => string;
  /** The block around. */
  readonly block: string;
}

/** Whether nginx reads the word as a regular expression. */
export function isPattern(draft: Draft, word: Word, { head, words, last, block }: WordPlace): boolean {
  const startsWithTilde = draft.text[contentStart(word)] === "~";
  if (words === 0) {
    return block === "map" && startsWithTilde;
  }
  const argument = Object.hasOwn(PATTERN_ARGUMENT, head) ? PATTERN_ARGUMENT[head] : undefined;
  return (
    (argument !== undefined && (argument === 0 || argument === words)) ||
    ((head === "if" || head === "location") && OPERATOR.test(last())) ||
    (TILDE.has(head) && startsWithTilde)
  );
}

/** A value in a pattern matches itself and nothing else: PCRE takes every such character literally behind a backslash. */
export function patternPart(draft: Draft, mark: Mark): string {
  const literal = mark.text.replace(/[.*+?^$(){}|[\]\\# ]/g, "\\$&");
  return /[*+?{]/.test(draft.text.charAt(mark.end)) ? `(?:${literal})` : literal;
}

/** Why a value cannot be a literal behind this part of the author's pattern, where each value before it stands as a `/`. */
export function patternProblem(before: string): string | undefined {
  const open = openAt(before);
  if (open === "[" || open === "{" || /\(\?(<(?![=!])[^>]*|'[^']*|P[^>]*|[A-Za-z-]*)$/.test(before)) {
    return "it stands in a part of a pattern that is no text: a [ ], a { } or the head of a group";
  }
  return /\\(\d+|x([\dA-Fa-f]?|\{[^}]*)|[pPo](\{[^}]*)?|[gk]([<{'][^>}']*|\d*)|c)$|\\Q/.test(before)
    ? "it would be a part of an escape in a pattern"
    : undefined;
}

/** The class or the repetition that has not been closed yet. */
function openAt(pattern: string): "[" | "{" | "" {
  let open: "[" | "{" | "" = "";
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    if (char === "\\") {
      at += 1;
    } else if (open === "" && (char === "[" || char === "{")) {
      open = char;
      at += /^\^?\]/.exec(pattern.slice(at + 1))?.[0].length ?? 0; // a `]` that comes first is one of the class
    } else if ((open === "[" && char === "]") || (open === "{" && char === "}")) {
      open = "";
    }
  }
  return open;
}
