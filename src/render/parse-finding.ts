import { messageOf } from "../model/errors.ts";
import type { Finding } from "./ast.ts";

/** Handlebars' parse errors begin `Parse error on line N:` and end with what was expected. */
export function parseFinding(file: string, error: unknown): Finding {
  const text = messageOf(error);
  const line = Number(/line (\d+)/.exec(text)?.[1] ?? / - (\d+):\d+$/.exec(text)?.[1] ?? 1);
  const column = parseColumn(text);
  const expecting = /Expecting .*got '(\w+)'/.exec(text)?.[1];
  const mismatch = /^(\S+) doesn't match (\S+)/.exec(text);
  const message =
    mismatch !== null
      ? `{{/${mismatch[2]}}} closes {{#${mismatch[1]}}}`
      : `cannot be parsed${expecting === undefined ? "" : `: unexpected ${expecting}`}`;
  const hint =
    expecting === "CLOSE_UNESCAPED"
      ? "a literal `}` right after `}}` reads as `}}}`: put a space between them"
      : expecting === "EOF"
        ? "a block is not closed: every {{#x}} needs its {{/x}}"
        : undefined;
  return {
    code: "TEMPLATE_SYNTAX",
    severity: "error",
    message,
    location: { file, line, column },
    ...(hint !== undefined && { hint }),
  };
}

function parseColumn(text: string): number {
  const dashes = /^(-*)\^/m.exec(text)?.[1];
  const explicit = / - \d+:(\d+)$/.exec(text)?.[1];
  return explicit !== undefined ? Number(explicit) + 1 : (dashes?.length ?? 0) + 1;
}
