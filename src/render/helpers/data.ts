import { createRequire } from "node:module";
import type * as Yaml from "yaml";
import { printYaml } from "../formats/yaml-print.ts";
import { type Arguments, helpers } from "./entry.ts";
import { toPlain } from "./plain.ts";
import { Structure } from "./values.ts";

/** As deep as `JSON.stringify` indents. */
const MAX_JSON_INDENT = 10;
/** What one alias of a YAML text may grow to: no text makes more than this many nodes out of one. */
const MAX_ALIASES = 100;

export const DATA_HELPERS = helpers("data", [
  {
    signature: "fromJson text",
    meaning: "The value that a JSON text says.",
    example: { template: `{{lookup (fromJson '{"a": 1}') "a"}}`, output: "1" },
    run: (args) => {
      const text = args.text("text");
      try {
        return toPlain(JSON.parse(text), args.fail);
      } catch (error) {
        // What the parser says quotes the text.
        return error instanceof SyntaxError ? args.fail('"text" is not JSON') : tooDeep(args, error);
      }
    },
  },
  {
    signature: "fromYaml text",
    meaning: "The value that a YAML text (1.2, one document, no tags of its own) says.",
    example: { template: '{{join (fromYaml "[x, y]") "-"}}', output: "x-y" },
    run: (args) => {
      try {
        return toPlain(parseYaml(args), args.fail);
      } catch (error) {
        return error instanceof ReferenceError
          ? args.fail('"text" has aliases that are unknown or too many')
          : tooDeep(args, error);
      }
    },
  },
  {
    signature: "toJson x [indent=]",
    meaning: "`x` as JSON, on one line or indented: structure in a JSON or YAML file, text elsewhere.",
    example: { template: "{{toJson tags}}", output: '["http","blue"]', data: { tags: ["http", "blue"] } },
    run: (args) => {
      const indent = args.has("indent") ? args.integer("indent") : 0;
      if (indent < 0 || indent > MAX_JSON_INDENT) {
        args.fail(`"indent" is not between 0 and ${MAX_JSON_INDENT}`);
      }
      const json = JSON.stringify(toPlain(args.value("x"), args.fail), undefined, indent);
      return new Structure(json.replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, escapeUnit));
    },
  },
  {
    signature: "toYaml x",
    meaning: "`x` as YAML in block style: structure in a YAML file, where it takes the indentation of its place, text elsewhere.",
    example: {
      template: "{{toYaml meta}}",
      output: 'host: a.example\nversion: "2"',
      data: { meta: { host: "a.example", version: "2" } },
    },
    run: (args) => new Structure(printYaml(toPlain(args.value("x"), args.fail))),
  },
]);

function escapeUnit(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function parseYaml(args: Arguments): unknown {
  // Its own check of unique keys compares each with each.
  const options = {
    version: "1.2",
    schema: "core",
    merge: true,
    uniqueKeys: false,
    logLevel: "error",
    prettyErrors: false,
  } as const;
  const { isScalar, parseDocument, visit } = loadYaml();
  const document = parseDocument(args.text("text"), options);
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    args.fail(`"text" is not YAML (${problem.code} at character ${problem.pos[0] + 1})`);
  }
  visit(document, { Map: (_, map) => (hasTwice(map, isScalar) ? args.fail('"text" has a key twice in one object') : undefined) });
  return document.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES });
}

/** Loaded with the first template that reads YAML: rendering others should not wait for it. */
function loadYaml(): typeof Yaml {
  return createRequire(import.meta.url)("yaml") as typeof Yaml;
}

function hasTwice(map: Yaml.YAMLMap, isScalar: typeof Yaml.isScalar): boolean {
  const names = map.items.flatMap(({ key }) => (isScalar(key) && key.value !== "<<" ? [String(key.value)] : []));
  return new Set(names).size < names.length;
}

/** A parser that calls itself ends so on text that nests without end; anything else goes on as it is. */
function tooDeep(args: Arguments, error: unknown): never {
  if (error instanceof RangeError) {
    return args.fail('"text" nests too deeply');
  }
  throw error;
}
