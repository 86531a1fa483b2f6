import { encodeSegment } from "../registry/codec.ts";

/**
 * The longest name when encoded: as a file name it leaves room for `.json` and a staging suffix in 255 bytes, and a service and an id
 * fit together into the 512 bytes of a key in Consul.
 */
const MAX_NAME_BYTES = 200;

/** Why a service's name or an instance id cannot be stored, as the end of a sentence; undefined: it can. */
export function nameProblem(name: string): string | undefined {
  if (name === "") {
    return "is empty";
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(name)) {
    return "holds a control character";
  }
  // U+FFFD stands where a text was no UTF-8: two such names would be one.
  if (isHalfText(name) || name.includes("\ufffd")) {
    return "is no UTF-8";
  }
  const bytes = encodeSegment(name).length;
  return bytes > MAX_NAME_BYTES ? `is too long to be stored (${bytes} bytes when encoded, at most ${MAX_NAME_BYTES})` : undefined;
}

/** Whether it holds half a surrogate pair, which JSON can write and UTF-8 cannot: what is stored would never be what was read. */
export function isHalfText(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}
