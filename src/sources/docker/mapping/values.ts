/** What the words of labels and environment variables may say. Values come from strangers: what is none of its kind is refused here. */

const NO = new Set(["false", "0", "no", "off"]);
const YES = new Set(["true", "1", "yes", "on"]);
const PROTOS = new Set(["http", "https", "grpc", "grpcs", "fastcgi", "uwsgi"]);

export function parseBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  return NO.has(word) ? false : YES.has(word) ? true : undefined;
}

/** Registrator's `SERVICE_IGNORE`: everything but a word for no is a yes. */
export function isTruthy(text: string): boolean {
  return parseBoolean(text) !== false;
}

/**
 * Tags in their order, without spaces around them; empty ones are dropped.
 * @example parseTags("b, a\\,c,") // ["b", "a,c"]
 */
export function parseTags(text: string): readonly string[] {
  const tags = text.match(/(?:\\,|[^,])+/g) ?? [];
  return tags.map((tag) => tag.replaceAll("\\,", ",").trim()).filter((tag) => tag !== "");
}

/** The longest text that metadata may hold, in bytes: more is a document, and has no place in an entry that everybody reads. */
const MAX_TEXT_BYTES = 4096;
const MAX_NAME_BYTES = 255;
const MAX_TAG_BYTES = 512;

/**
 * Why a text of a stranger is not taken over, as the end of `it is …`. Control characters are what attacks on line-based formats are made
 * of. U+FFFD is what the engine puts where a text was not UTF-8: what was meant is not known any more.
 */
export function textProblem(text: string, maxBytes: number = MAX_TEXT_BYTES): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text)) {
    return "a text with a line break or another control character";
  }
  if (/[\p{Surrogate}\ufffd]/u.test(text)) {
    return "no UTF-8";
  }
  const bytes = Buffer.byteLength(text);
  return bytes > maxBytes ? `too long (${bytes} bytes, at most ${maxBytes})` : undefined;
}

/** The same for the name of metadata, which is part of a label's or variable's name. */
export function metaNameProblem(name: string): string | undefined {
  return textProblem(name, MAX_NAME_BYTES);
}

/** The same for one tag. */
export function tagProblem(tag: string): string | undefined {
  return textProblem(tag, MAX_TAG_BYTES);
}

/** A word's name in a message: short, and without what a terminal would obey. */
export function quoteKey(key: string): string {
  return metaNameProblem(key) === undefined ? key : JSON.stringify(key.slice(0, 60)).replaceAll(UNPRINTABLE, "?");
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/g;

/** @example parseWeight("1.5") === 1.5 */
export function parseWeight(text: string): number | undefined {
  const weight = /^\d{1,9}(\.\d{1,9})?$/.test(text.trim()) ? Number(text) : undefined;
  return weight;
}

/** Metadata that the proxy template reads, cleaned; undefined when it is none of its kind. */
export type MetaReader = (text: string) => { readonly value: string | undefined; readonly problem?: string };

/** Words of which the proxy makes directives. Anything else is metadata for its own readers, and passes as it is. */
export const META_READERS: ReadonlyMap<string, MetaReader> = new Map<string, MetaReader>([
  ["host", readHosts],
  ["path", (text) => only(text.trim(), isPath, "no path that begins with / and is percent-encoded where needed")],
  ["dest", (text) => only(text.trim(), isPath, "no path that begins with / and is percent-encoded where needed")],
  ["proto", (text) => only(text.trim().toLowerCase(), (proto) => PROTOS.has(proto), `none of ${[...PROTOS].join(", ")}`)],
]);

function only(text: string, isKind: (text: string) => boolean, problem: string): ReturnType<MetaReader> {
  return isKind(text) ? { value: text } : { value: undefined, problem };
}

/** Several hosts may stand in one word, with commas; a bad one does not hurt its neighbours. */
function readHosts(text: string): ReturnType<MetaReader> {
  const hosts = text
    .split(",")
    .map((host) => host.trim())
    .filter((host) => host !== "");
  const good = hosts.filter(isHostName);
  const value = good.length === 0 ? undefined : good.join(",");
  return good.length === hosts.length && value !== undefined
    ? { value }
    : { value, problem: good.length === 0 ? "no host name" : "a list with something that is no host name" };
}

/**
 * A host name, also with a wildcard label in front or at the end, as nginx reads it.
 * @example isHostName("*.example.org")
 */
export function isHostName(text: string): boolean {
  const labels = text.split(".");
  const named = labels.slice(labels[0] === "*" ? 1 : 0, labels.length > 1 && labels.at(-1) === "*" ? -1 : undefined);
  return (
    text.length <= 253 && named.length > 0 && named.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label))
  );
}

/** RFC 3986's path without `$`, which nginx cannot quote: one such label would hold back the file for everybody. */
export function isPath(text: string): boolean {
  return text.length <= 1024 && /^\/(?:[A-Za-z0-9._~!&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/.test(text);
}
