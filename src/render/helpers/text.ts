import { createHash } from "node:crypto";
import { type Arguments, helpers } from "./entry.ts";
import { compilePattern } from "./pattern.ts";
import { isEmpty, Structure } from "./values.ts";

/** What a helper makes at the most: a text that grows with a list or another text is measured before it is made. */
const MAX_TEXT_CHARS = 16 * 1024 * 1024;
/** More is no indentation. */
const MAX_INDENT = 1000;

export const TEXT_HELPERS = helpers("text", [
  {
    signature: "lower text",
    meaning: "The text in lower case.",
    example: { template: '{{lower "Web-1"}}', output: "web-1" },
    run: (args) => args.text("text").toLowerCase(),
  },
  {
    signature: "upper text",
    meaning: "The text in upper case.",
    example: { template: '{{upper "Web-1"}}', output: "WEB-1" },
    run: (args) => args.text("text").toUpperCase(),
  },
  {
    signature: "trim text",
    meaning: "The text without white space at both ends.",
    example: { template: '[{{trim "  web "}}]', output: "[web]" },
    run: (args) => args.text("text").trim(),
  },
  {
    signature: "replace text from to",
    meaning: "The text with every `from` replaced by `to`; both are literal.",
    example: { template: '{{replace "a.b.c" "." "-"}}', output: "a-b-c" },
    run: (args) => {
      const from = args.text("from");
      const text = args.text("text");
      const to = args.text("to");
      if (from === "") {
        args.fail('"from" is empty');
      }
      const parts = text.split(from);
      fit(args, text.length + (parts.length - 1) * (to.length - from.length));
      return parts.join(to);
    },
  },
  {
    signature: "split text sep",
    meaning: "The list of the parts between each `sep`; empty text is an empty list, an empty `sep` gives the characters.",
    example: { template: '{{#each (split "a,b" ",")}}[{{this}}]{{/each}}', output: "[a][b]" },
    run: (args) => {
      const text = args.text("text");
      const sep = args.text("sep");
      return text === "" ? [] : sep === "" ? Array.from(text) : text.split(sep);
    },
  },
  {
    signature: "join list sep",
    meaning: "The texts and numbers of a list as one text, with `sep` between them.",
    example: { template: '{{join tags ", "}}', output: "http, blue", data: { tags: ["http", "blue"] } },
    run: (args) => {
      const items = args.list("list");
      const odd = items.findIndex((item) => !["string", "number", "boolean"].includes(typeof item));
      if (odd !== -1) {
        args.fail(`item ${odd + 1} of "list" is not text`);
      }
      const sep = args.text("sep");
      fit(
        args,
        items.reduce((sum: number, item) => sum + String(item).length + sep.length, 0),
      );
      return items.join(sep);
    },
  },
  {
    signature: "contains text part",
    meaning: "Whether the text holds `part`.",
    example: { template: '{{contains "web-1" "web"}}', output: "true" },
    run: (args) => args.text("text").includes(args.text("part")),
  },
  {
    signature: "startsWith text part",
    meaning: "Whether the text begins with `part`.",
    example: { template: '{{startsWith "web-1" "web"}}', output: "true" },
    run: (args) => args.text("text").startsWith(args.text("part")),
  },
  {
    signature: "endsWith text part",
    meaning: "Whether the text ends with `part`.",
    example: { template: '{{endsWith "web-1" "web"}}', output: "false" },
    run: (args) => args.text("text").endsWith(args.text("part")),
  },
  {
    signature: "matches text pattern",
    meaning:
      "Whether the pattern is found in the text; regular expressions without back-references and look-around, in linear time.",
    example: { template: String.raw`{{matches "web-12" "^web-\d+$"}}`, output: "true" },
    run: (args) => {
      const text = args.text("text");
      const pattern = compilePattern(args.text("pattern"));
      return typeof pattern === "string" ? args.fail(`"pattern" ${pattern}`) : pattern(text);
    },
  },
  {
    signature: "slice x from [end]",
    meaning:
      "The characters of a text or the items of a list from `from` (counted from 0) up to, not including, `end`; negative counts from the end.",
    example: { template: '{{slice "abcdef" 1 3}}', output: "bc" },
    run: (args) => {
      const from = args.integer("from");
      const end = args.has("end") ? args.integer("end") : undefined;
      const x = args.value("x");
      return Array.isArray(x) ? x.slice(from, end) : Array.from(args.text("x")).slice(from, end).join("");
    },
  },
  {
    signature: "indent text n",
    meaning: "The text with `n` spaces in front of every line; structure stays structure.",
    example: { template: '{{indent "a\nb" 2}}', output: "  a\n  b" },
    run: (args) => {
      const n = args.integer("n");
      if (n < 0 || n > MAX_INDENT) {
        args.fail(`"n" is not between 0 and ${MAX_INDENT}`);
      }
      const source = args.text("text");
      fit(args, source.length + source.split("\n").length * n);
      const text = source.replace(/^/gm, " ".repeat(n));
      return args.value("text") instanceof Structure ? new Structure(text) : text;
    },
  },
  {
    signature: "quote text",
    meaning:
      "The text in double quotes, with backslashes in front of quotes, backslashes and control characters, as JSON writes it; for files of format text, since every other format quotes by itself.",
    example: { template: `{{quote 'say "hi"'}}`, output: String.raw`"say \"hi\""` },
    run: (args) => JSON.stringify(args.text("text")),
  },
  {
    signature: "default x fallback",
    meaning: "`x`, or `fallback` when it is absent, null, empty text or an empty list (0 and false are values).",
    example: { template: '{{default nothing "none"}}', output: "none" },
    run: (args) => (isEmpty(args.value("x")) ? args.value("fallback") : args.value("x")),
  },
  {
    signature: "coalesce a b …",
    meaning: "The first argument that is not empty (see `default`), or empty text.",
    example: { template: '{{coalesce "" nothing "c"}}', output: "c" },
    run: (args) => args.all.find((value) => !isEmpty(value)) ?? "",
  },
  {
    signature: "base64 text",
    meaning: "The text's UTF-8 bytes in base64.",
    example: { template: '{{base64 "user:pass"}}', output: "dXNlcjpwYXNz" },
    run: (args) => Buffer.from(args.text("text"), "utf8").toString("base64"),
  },
  {
    signature: "base64Decode text",
    meaning: "The text whose UTF-8 bytes these are, in base64 or base64url; white space in it is passed over.",
    example: { template: '{{base64Decode "dXNlcjpwYXNz"}}', output: "user:pass" },
    run: (args) => {
      const text = args.text("text").replace(/\s+/g, "");
      if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text) || text.replaceAll("=", "").length % 4 === 1) {
        args.fail('"text" is not base64');
      }
      try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, "base64"));
      } catch {
        return args.fail('"text" holds bytes that are no UTF-8 text');
      }
    },
  },
  {
    signature: "urlEncode text",
    meaning: "The text percent-encoded as one part of a URL: only letters, digits, `-`, `.`, `_` and `~` stay.",
    example: { template: '{{urlEncode "a b/c"}}', output: "a%20b%2Fc" },
    run: (args) => {
      const text = args.text("text");
      if (/\p{Surrogate}/u.test(text)) {
        args.fail('"text" holds half of a surrogate pair');
      }
      return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
    },
  },
  {
    signature: "sha256 text",
    meaning: "The SHA-256 of the text's UTF-8 bytes, in 64 hexadecimal digits.",
    example: { template: '{{slice (sha256 "web") 0 8}}', output: "4b5e57f6" },
    run: (args) => createHash("sha256").update(args.text("text"), "utf8").digest("hex"),
  },
]);

function fit(args: Arguments, chars: number): void {
  if (chars > MAX_TEXT_CHARS) {
    args.fail(`it would make a text of more than ${MAX_TEXT_CHARS} characters`);
  }
}
