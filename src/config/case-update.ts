/** Writes an expected text into a case file, and leaves every other byte of it alone. */
import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, isNode, isScalar, parseDocument } from "yaml";
import type { Path } from "./problems.ts";

/**
 * The file's text with another text at the path. Undefined where that cannot be done without a change of something else, for example
 * because it is an alias.
 */
export function replaceText(source: string, path: Path, text: string): string | undefined {
  const document = parseDocument(source);
  const node = document.getIn(path, true);
  if (document.errors.length > 0 || !isScalar(node) || !node.range) {
    return undefined;
  }
  const [start, end] = node.range;
  const spot = spotOf(source, start, end);
  const indent = keyColumn(document, source, path) + 2;
  const quoted = JSON.stringify(text);
  const candidates = [
    ...(isInFlow(document, path) || !hasBlock(text)
      ? []
      : [source.slice(0, start) + asBlock(text, spot.comment, indent) + source.slice(spot.end)]),
    source.slice(0, start) + quoted + (spot.isBlock ? `${spot.comment}\n` : "") + source.slice(end),
  ];
  return candidates.find((candidate) => isSameBut({ source, candidate, path, text }));
}

/** Where the scalar ends when its whole line goes with it, and the comment on that line. */
function spotOf(
  source: string,
  start: number,
  end: number,
): { readonly isBlock: boolean; readonly end: number; readonly comment: string } {
  const isBlock = source.charAt(start) === "|" || source.charAt(start) === ">";
  const from = isBlock ? start : end;
  const newline = source.indexOf("\n", from);
  const lineEnd = newline === -1 ? source.length : newline;
  const comment = / #.*$/.exec(source.slice(from, lineEnd))?.[0] ?? "";
  return { isBlock, end: isBlock ? end : Math.min(lineEnd + 1, source.length), comment };
}

/** Printable text and line feeds; what else there is has to be escaped. */
function hasBlock(text: string): boolean {
  return text !== "" && !/[^\n\t\P{C}]|[\u2028\u2029]/u.test(text);
}

/** A literal block: `-` and `+` say how it ends, a digit where lines begin that begin with a blank. */
function asBlock(text: string, comment: string, indent: number): string {
  const ending = text.endsWith("\n\n") ? "+" : text.endsWith("\n") ? "" : "-";
  const lines = text.replace(/\n$/, "").split("\n");
  const body = lines.map((line) => (line === "" ? "" : " ".repeat(indent) + line)).join("\n");
  return `|${/^[ \n]/.test(text) ? "2" : ""}${ending}${comment}\n${body}\n`;
}

function keyColumn(document: Document, source: string, path: Path): number {
  const parent = document.getIn(path.slice(0, -1), true);
  const key = isMap(parent) ? parent.items.find((item) => isScalar(item.key) && item.key.value === path.at(-1))?.key : undefined;
  const start = isNode(key) ? (key.range?.[0] ?? 0) : 0;
  return start - (source.lastIndexOf("\n", start - 1) + 1);
}

/** Inside `{…}` or `[…]`, where no block can stand. */
function isInFlow(document: Document, path: Path): boolean {
  return path.some((_, length) => {
    const node = document.getIn(path.slice(0, length), true);
    return typeof node === "object" && node !== null && "flow" in node && node.flow === true;
  });
}

interface Attempt {
  readonly source: string;
  readonly candidate: string;
  readonly path: Path;
  readonly text: string;
}

function isSameBut({ source, candidate, path, text }: Attempt): boolean {
  const after = parseDocument(candidate);
  if (after.errors.length > 0) {
    return false;
  }
  // As JSON: what an anchor shares is then no longer shared, so that a change of both is seen.
  const wanted: unknown = JSON.parse(JSON.stringify(parseDocument(source)));
  const holder = path.slice(0, -1).reduce<unknown>((value, part) => (isRecord(value) ? value[part] : undefined), wanted);
  if (!isRecord(holder)) {
    return false;
  }
  holder[path.at(-1) ?? ""] = text;
  return isDeepStrictEqual(JSON.parse(JSON.stringify(after)), wanted);
}

function isRecord(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}
