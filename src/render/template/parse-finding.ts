import { messageOf } from "../../model/errors.ts";
import type { Finding } from "./finding.ts";

/** What people write who think of nginx, Go templates or JavaScript; the first that fits explains the error. */
const SLIPS: readonly { readonly got: RegExp; readonly at?: RegExp; readonly expected?: RegExp; readonly hint: string }[] = [
  { got: /^CLOSE_UNESCAPED$/, hint: "a literal `}` right after `}}` reads as `}}}`: put a space between them" },
  { got: /^CLOSE_RAW_BLOCK$/, hint: "literal braces right after `}}` are read together with it: put a space between them" },
  {
    got: /^CLOSE$/,
    expected: /^'CLOSE_UNESCAPED'/,
    hint: "`{{{` needs `}}}`; for a literal `{` in front of `{{`, put a space between them",
  },
  { got: /^CLOSE$/, expected: /CLOSE_SEXPR/, hint: "a parenthesis is not closed" },
  { got: /^OPEN_RAW_BLOCK$|^1$/, hint: "for literal braces in front of `{{`, put a space between them" },
  { got: /^EOF$/, expected: /ENDBLOCK/, hint: "a block is not closed: every {{#x}} needs its {{/x}}" },
  { got: /^EOF$/, hint: "`{{` is not closed; for two literal braces write \\{{" },
  { got: /^OPEN_ENDBLOCK$/, hint: "it closes nothing: a block begins with #, for example {{#if x}}" },
  {
    got: /^INVERSE$|^OPEN_INVERSE|^OPEN_INVERSE_CHAIN$/,
    hint: "{{else}} stands in a block that begins with #, once: {{#if x}}…{{else}}…{{/if}}",
  },
  {
    got: /./,
    at: /^(==|!=|=|<|>|&&|\|\||!)/,
    hint: "comparisons are helpers: {{#if (eq a b)}}, {{#if (and a b)}}, {{#if (not a)}}",
  },
  { got: /./, at: /^\|/, hint: "helpers stand in front: {{lower x}}, and inside each other {{lower (trim x)}}" },
  { got: /^SEP$/, hint: "a path does not begin with a point: {{address}}" },
  { got: /^NUMBER$|^INVALID$/, at: /^([0-9]|[\w-]*\[)/, hint: "an item of a list is {{x.[0]}}" },
  { got: /./, at: /^#/, hint: "no space between {{ and #" },
  { got: /./, at: /^['"]/, hint: "a quote is not closed" },
  { got: /./, at: /^(\{\{|\}(?!\}))/, hint: "`{{` is not closed with `}}`" },
  { got: /^unrecognized$/, hint: "a comment is not closed: {{!-- … --}}" },
];

/** Handlebars' parse errors begin `Parse error on line N:`, show where, and end with what was expected. */
export function parseFinding(file: string, error: unknown, source: string): Finding {
  const message = messageOf(error);
  const mismatch = /^(\S+) doesn't match (\S+) - (\d+):(\d+)$/.exec(message);
  if (mismatch !== null) {
    const [, opened, closed, line, column] = mismatch;
    return finding(`{{/${closed}}} closes {{#${opened}}}`, { file, line: Number(line), column: Number(column) + 1 });
  }
  const invalid = /^(.*) - (\d+):(\d+)$/s.exec(message);
  if (invalid !== null) {
    const [, reason, line, column] = invalid;
    return finding(`cannot be parsed: ${reason}`, { file, line: Number(line), column: Number(column) + 1 });
  }
  const [, expected = "", got = message.startsWith("Lexical") ? "unrecognized" : ""] =
    /Expecting (.*), got '(\w+)'/.exec(message) ?? [];
  const line = Number(/on line (\d+)/.exec(message)?.[1] ?? 1);
  const { column, rest } = placeIn(source, line, message);
  const slip = SLIPS.find((one) => one.got.test(got) && (one.at ?? /^/).test(rest) && (one.expected ?? /^/).test(expected));
  const text = got === "" || got === "unrecognized" ? "cannot be parsed" : `cannot be parsed: unexpected ${got}`;
  return finding(text, { file, line, column }, slip?.hint);
}

function finding(message: string, location: Finding["location"], hint?: string): Finding {
  return { code: "TEMPLATE_SYNTAX", severity: "error", message, location, ...(hint !== undefined && { hint }) };
}

/** The parser shows up to 20 characters on both sides of the place, without line breaks: where on the line that is, and what follows. */
function placeIn(source: string, line: number, message: string): { readonly column: number; readonly rest: string } {
  const [, shown = "", pointer = ""] = /:\n(.*)\n(-*\^)/.exec(message) ?? [];
  const at = pointer.length - 1;
  const before = shown.slice(0, at).replace(/^\.\.\./, "");
  const after = shown.slice(at).replace(/\.\.\.$/, "");
  const start = source.split("\n", line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  const lineEnd = source.indexOf("\n", start);
  for (let offset = start; offset <= (lineEnd === -1 ? source.length : lineEnd); offset++) {
    const past = source.slice(Math.max(0, offset - 20), offset).replaceAll("\n", "");
    const next = source.slice(offset, offset + 20).replaceAll("\n", "");
    if (past === before && (next.startsWith(after) || after.startsWith(next))) {
      return { column: offset - start + 1, rest: source.slice(offset) };
    }
  }
  return { column: 1, rest: after };
}
