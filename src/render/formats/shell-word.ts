/** What a shell's word says, read character by character: no question about it reads it again. */
export interface WordSoFar {
  /** Its beginning, enough to tell every word with a meaning; a `\0` stands for what is not the author's bare text. */
  start: string;
  isEmpty: boolean;
  /** It is a variable's name so far, or empty. */
  isName: boolean;
  /** It is a name and a `+`. */
  isNameAndPlus: boolean;
  /** It begins with `NAME=`. */
  setsName: boolean;
  /** It begins with `NAME+=`. */
  addsToName: boolean;
  hasBrace: boolean;
}

/** Longer than any word with a meaning. */
const MAX_START_CHARS = 32;

export function createWord(): WordSoFar {
  return {
    start: "",
    isEmpty: true,
    isName: true,
    isNameAndPlus: false,
    setsName: false,
    addsToName: false,
    hasBrace: false,
  };
}

export function append(word: WordSoFar, char: string): void {
  if (word.isName) {
    word.setsName = char === "=" && !word.isEmpty;
    word.isNameAndPlus = char === "+" && !word.isEmpty;
    word.isName = isNameChar(char.charCodeAt(0)) && !(word.isEmpty && isDigit(char.charCodeAt(0)));
  } else if (word.isNameAndPlus) {
    word.addsToName = char === "=";
    word.isNameAndPlus = false;
  }
  word.isEmpty = false;
  word.hasBrace ||= char === "{";
  if (word.start.length < MAX_START_CHARS) {
    word.start += char;
  }
}

/** Whether a variable's name may hold a character of this code. */
export function isNameChar(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || isDigit(code);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

const ENDS: ReadonlySet<string> = new Set(" \t\n;&|()<>");

/** Whether a bare word ends in front of this character. */
export function endsWord(char: string): boolean {
  return ENDS.has(char);
}
