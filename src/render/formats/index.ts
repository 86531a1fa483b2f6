import { Draft, hasMarks } from "./draft.ts";
import { env } from "./env.ts";
import type { Format, FormatName, Inserted, Resolved } from "./format.ts";
import { haproxy } from "./haproxy.ts";
import { ini } from "./ini.ts";
import { json } from "./json.ts";
import { nginx } from "./nginx.ts";
import type { Frame } from "./piece.ts";
import { shell } from "./shell.ts";
import { text } from "./text.ts";
import { toml } from "./toml.ts";
import { xml } from "./xml.ts";
import { yaml } from "./yaml.ts";

export { markText } from "./draft.ts";
export type { Format, FormatName, Inserted, Resolved } from "./format.ts";
export { FORMAT_NAMES } from "./format.ts";
export { appendTo, expand, type Frame, Piece, pieceText } from "./piece.ts";

/** Every output format. Adding one is a file and a line here. */
export const FORMATS: Readonly<Record<FormatName, Format>> = { nginx, haproxy, json, yaml, toml, env, shell, ini, xml, text };

/** By what a file's name ends with. */
const BY_EXTENSION: Readonly<Record<string, FormatName>> = {
  conf: "nginx",
  cfg: "haproxy",
  json: "json",
  yaml: "yaml",
  yml: "yaml",
  toml: "toml",
  env: "env",
  sh: "shell",
  bash: "shell",
  ini: "ini",
  properties: "ini",
  xml: "xml",
};

/**
 * The format of a destination that names none.
 * @example formatForDest("/etc/nginx/conf.d/app.conf") === "nginx"
 */
export function formatForDest(path: string): FormatName {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const extension = name.slice(name.lastIndexOf(".") + 1);
  if (name.includes(".") && Object.hasOwn(BY_EXTENSION, extension)) {
    return BY_EXTENSION[extension] ?? "text";
  }
  return name.startsWith(".env.") ? "env" : "text";
}

/**
 * Whether a text needs no mark, whatever the place: it is inserted as it is. For numbers and booleans ask with their text.
 * @example isPlain("nginx", "10.0.0.1:8080") === true
 */
export function isPlain(format: FormatName, value: string): boolean {
  return FORMATS[format].isPlain(value);
}

/**
 * Whether a template has places for which `isPlain` does not speak: all of its values are marked.
 * @example marksAll("nginx", "location ~ ^/{{x}}$ { }") === true
 */
export function marksAll(format: FormatName, template: string): boolean {
  return FORMATS[format].marksAll?.test(template) === true;
}

/**
 * Puts the values in place of their marks (`markText(index)`), each escaped for where it stands. A value fills one token and nothing more,
 * whatever it holds; where there is no escape for it, it is named as a problem, and so are all others. Text without marks is returned as
 * it is.
 * @example resolve("nginx", `return 200 ${markText(0)};`, [{ value: "a b" }]) // { ok: true, text: 'return 200 "a b";' }
 */
export function resolve(format: FormatName, text: string, values: readonly Inserted[]): Resolved {
  if (!hasMarks(text)) {
    return { ok: true, text };
  }
  const draft = new Draft(text, values);
  FORMATS[format].place(draft);
  return draft.finish();
}

/** Whose scanner sees pieces as such; in the others' texts they are taken apart at once. */
export function knowsPieces(format: FormatName): boolean {
  return format === "nginx";
}

/** `resolve` for a text with pieces; undefined: they have to be taken apart first, to see it as a whole. */
export function resolvePieces(format: FormatName, { text, values, pieces }: Frame<unknown>): string | undefined {
  if (pieces.length === 0) {
    return undefined;
  }
  const draft = new Draft(text, values, pieces);
  FORMATS[format].place(draft);
  return draft.finishPieces();
}
