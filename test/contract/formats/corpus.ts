import { FairleadError } from "../../../src/model/errors.ts";
import { SnapshotBuilder } from "../../../src/model/snapshot.ts";
import type { FormatName } from "../../../src/render/formats/index.ts";
import { compileTemplate, type Template } from "../../../src/render/template/engine.ts";
import { createView } from "../../../src/render/template/view.ts";
import { PLACES, type PlaceRow } from "../../unit/render/formats/places.ts";
import { ATTACKS, type Attack } from "./attacks.ts";

const FACTS = { node: "n1", env: new Map<string, string>() };
const SELECTOR = { services: [], keys: ["v", "open", "close"] };

/** A value that was let through: what the file says, and what a reader must get. */
export interface Arrival {
  readonly row: PlaceRow;
  readonly attack: Attack;
  readonly text: string;
}

export interface Refused {
  readonly row: PlaceRow;
  readonly attack: Attack;
  readonly error: FairleadError;
}

export interface Outcomes {
  readonly tried: number;
  readonly places: number;
  readonly arrived: readonly Arrival[];
  readonly refused: readonly Refused[];
  /** Refusals that do not say what they must: code, template, line and column. */
  readonly nameless: readonly unknown[];
}

/** Every value of the corpus in every place of a format, through the engine as a template's author meets it. */
export function attackFormat(format: FormatName, rows: readonly PlaceRow[] = PLACES[format]): Outcomes {
  const arrived: Arrival[] = [];
  const refused: Refused[] = [];
  const nameless: unknown[] = [];
  for (const row of rows) {
    const source = templateOf(row.text);
    const template = compileTemplate({ file: "a.hbs", text: source, format, allowRaw: true, partials: new Map() });
    for (const attack of ATTACKS) {
      const result = render(template, attack.value);
      if (typeof result === "string") {
        arrived.push({ row, attack, text: result });
      } else {
        refused.push({ row, attack, error: result });
        if (!isNamed(result, source)) {
          nameless.push({ row: row.text, value: attack.value, error: String(result), location: result.location });
        }
      }
    }
  }
  return { tried: rows.length * ATTACKS.length, places: rows.length, arrived, refused, nameless };
}

/** What a template makes of values, one after the other. */
export function renderer(format: FormatName, text: string): (value: string) => string | FairleadError {
  const template = compileTemplate({ file: "a.hbs", text: templateOf(text), format, allowRaw: true, partials: new Map() });
  return (value) => render(template, value);
}

/** A template with `{{key "v"}}` for every `@@`; braces and backslashes in front of it or behind are written as Handlebars wants them. */
function templateOf(text: string): string {
  return text
    .replace(/(\\+)@@/g, "$1\\@@")
    .replace(/\{@@/g, '{{{key "open"}}}@@')
    .replace(/@@\}/g, '@@{{{key "close"}}}')
    .replaceAll("@@", '{{key "v"}}');
}

function render(template: Template, value: string): string | FairleadError {
  const builder = new SnapshotBuilder();
  for (const [key, text] of Object.entries({ v: value, open: "{", close: "}" })) {
    builder.setKey(key, text);
  }
  try {
    return template.render(createView(builder.snapshot("1"), SELECTOR), FACTS);
  } catch (error) {
    if (error instanceof FairleadError) {
      return error;
    }
    throw error;
  }
}

function isNamed(error: FairleadError, source: string): boolean {
  const { file, line = 0, column = 0 } = error.location ?? {};
  const there = source.split("\n")[line - 1]?.slice(column - 1) ?? "";
  return (
    error.code === "TEMPLATE_UNSAFE" &&
    file === "a.hbs" &&
    there.startsWith('{{key "v"}}') &&
    /^the value of "[^"]*key[^"]*" cannot stand here: its? [^\n]+$/.test(error.message)
  );
}

/** The messages of all refusals: a handful of sentences, whatever the values were. */
export function sentences(refused: readonly Refused[]): ReadonlySet<string> {
  return new Set(refused.map(({ error }) => error.message.replace(/ \(and \d+ more\)$/, "")));
}
