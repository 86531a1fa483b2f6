import { jsonInner } from "./values.ts";

/** Words and colons between them, one space apart: no indicator of YAML, wherever it stands in a scalar. */
const INSIDE = /^[A-Za-z0-9_./@-]+(:[A-Za-z0-9_./@-]+)*( [A-Za-z0-9_./@-]+(:[A-Za-z0-9_./@-]+)*)*$/;
/** Every scalar that YAML 1.1 or 1.2 reads as a number, a time, a boolean, null, a merge or a default. */
const RESOLVED = new RegExp(
  [
    "~|null|true|false|y|yes|n|no|on|off|<<|=",
    String.raw`[-+]?(0b[01_]+|0o?[0-7_]+|0x[\da-f_]+|[\d][\d_,]*(:[0-5]?\d)*(\.[\d_]*)?)`,
    String.raw`[-+]?[\d_]*(\.[\d_]*)?(e[-+]?\d+)?`, // a reader of 1.1 takes even "e1" and "-." for floats
    String.raw`[-+]?\.(inf)|\.nan`,
    String.raw`\d{4}-\d\d?-\d\d?([Tt\s].*)?`,
  ]
    .map((part) => `^(${part})$`)
    .join("|"),
  "i",
);

/**
 * Whether a text may stand in YAML as it is, and is text there. It begins with a letter, `_` or `/`, or is an address or a version of
 * three or more numbers.
 */
export function isPlainScalar(text: string): boolean {
  return (/^[A-Za-z_/]/.test(text) || /^\d+(\.\d+){2,}(:\d+)?$/.test(text)) && INSIDE.test(text) && !isResolved(text);
}

/** Whether a value may be a part of a plain scalar of the author's. The scalar as a whole may still mean a number. */
export function isInsideScalar(text: string, isFirst: boolean): boolean {
  return INSIDE.test(text) && (!isFirst || /^[A-Za-z0-9_/]/.test(text));
}

/** Whether some YAML reads this plain scalar as something else than text. */
export function isResolved(scalar: string): boolean {
  return RESOLVED.test(scalar);
}

/**
 * The inside of a double-quoted scalar: JSON's escapes, which every YAML reads.
 * `atLineStart` and `atLineEnd`: blanks there would be folded away, and are escaped too.
 */
export function doubleInner(text: string, edges: { readonly atLineStart: boolean; readonly atLineEnd: boolean }): string {
  let inner = jsonInner(text);
  if (edges.atLineStart) {
    inner = inner.replace(/^ /, "\\x20");
  }
  return edges.atLineEnd ? inner.replace(/ $/, "\\x20") : inner;
}

function doubleQuoted(text: string): string {
  return `"${jsonInner(text)}"`;
}

/** A text as a scalar of its own: plain when every YAML reads it as this text, else double-quoted. */
export function yamlScalar(text: string): string {
  return isPlainScalar(text) ? text : doubleQuoted(text);
}

/** A number as YAML 1.1 and 1.2 both read it: an exponent needs a fraction in front. */
export function yamlNumber(value: number): string {
  return JSON.stringify(value).replace(/^(-?\d+)e/, "$1.0e");
}

/** Characters that YAML has outside of double quotes, without line breaks. */
export function isPrintable(text: string): boolean {
  return !/[^\t\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u.test(text);
}
