import { type Escaped, type Inserted, refusal } from "./format.ts";

/** The value as text; null is empty, as everywhere in templates. */
export function textOf(inserted: Inserted): string {
  if (inserted.structure !== undefined) {
    return inserted.structure;
  }
  return inserted.value === null ? "" : String(inserted.value);
}

/** Defects, and characters beyond U+FFFF, which are looked at again. */
const DOUBTFUL = /[\0\ud800-\udfff\ue000\ue001\uf8ff]/;

/** What no place of any format can hold; `text` is the value's. */
export function defectOf({ value }: Inserted, text: string): string | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) {
    return "it is a number without a finite value";
  }
  if (!DOUBTFUL.test(text)) {
    return undefined;
  }
  if (text.includes("\0")) {
    return "it holds a NUL character";
  }
  if (/\p{Surrogate}/u.test(text)) {
    return "it holds half of a surrogate pair, which is no text";
  }
  if (/[\ue000\ue001\uf8ff]/.test(text)) {
    return "it holds a private-use character that fairlead marks places with";
  }
  return undefined;
}

/** Line breaks and control characters, U+0085 and the separators that some programs read as line breaks too. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

/** Why a text with a control character cannot stand in a place that has no escape for it; `place` ends the sentence. */
export function controlRefusal(text: string, place: string): string {
  return /[\n\r\u0085\u2028\u2029]/.test(text)
    ? `it holds a line break, which has no escape ${place}`
    : `it holds a control character, which has no escape ${place}`;
}

/** A token that is no syntax in a comment, nor ends one; the one kind of value that a comment may hold. */
export function inComment(text: string): Escaped {
  return /^[A-Za-z0-9._:/[\]@%+,=~-]*$/.test(text) && !text.includes("--")
    ? text
    : refusal("it stands in a comment, where only a plain word is let through");
}

/** The inside of a double-quoted JSON text; what other readers of JSON-like text stumble over is escaped as well. */
export function jsonInner(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, escapeUnit);
}

function escapeUnit(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Puts `prefix` before every line but the first. */
export function indentRest(text: string, prefix: string): string {
  return text.replaceAll("\n", `\n${prefix}`);
}
