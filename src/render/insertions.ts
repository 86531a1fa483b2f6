import { FairleadError, type Location } from "../model/errors.ts";
import { GENERATION_MARK } from "../ports.ts";
import type { FormatName, Inserted } from "./formats/index.ts";
import { isPlain, marksAll, markText, resolve } from "./formats/index.ts";
import { Structure } from "./helpers/index.ts";
import { GENERATION } from "./reads.ts";

/** Collects what is inserted while rendering these templates, and puts it in escaped for its place afterwards (see `formats/`). */
export function createInsertions(format: FormatName, texts: readonly string[] = []) {
  const needsMarks = texts.some((text) => marksAll(format, text));
  let values: Inserted[] = [];
  let origins: { readonly source: string; readonly location: Location }[] = [];

  function mark(inserted: Inserted, source: string, location: Location): string {
    values.push(inserted);
    origins.push({ source, location });
    return markText(values.length - 1);
  }

  function insert(value: unknown, source: string, isRaw: boolean, location: Location): string {
    if (value === GENERATION) {
      return mark({ value: GENERATION_MARK, isGeneration: true }, source, location);
    }
    if (value === undefined) {
      throw new FairleadError("TEMPLATE_FAILED", `"${source}" is not there`, {
        location,
        hint: `if it may be absent: {{default ${source} ""}}`,
      });
    }
    if (isRaw) {
      return rawText(value, source, location);
    }
    switch (typeof value) {
      case "string":
        return !needsMarks && isPlain(format, value) ? value : mark({ value }, source, location);
      case "number":
      case "boolean":
        return !needsMarks && isPlain(format, String(value)) ? String(value) : mark({ value }, source, location);
      default:
        if (value === null) {
          return mark({ value }, source, location);
        }
        if (value instanceof Structure) {
          return mark({ value: value.text, structure: value.text }, source, location);
        }
        throw notText(value, source, location);
    }
  }

  function finish(text: string): string {
    const resolved = resolve(format, text, values);
    if (resolved.ok) {
      return resolved.text;
    }
    const [first] = resolved.problems;
    const origin = origins[first?.index ?? 0];
    const count = resolved.problems.length;
    const more = count > 1 ? ` (and ${count - 1} more)` : "";
    throw new FairleadError("TEMPLATE_UNSAFE", `the value of "${origin?.source}" cannot stand here: ${first?.reason}${more}`, {
      ...(origin !== undefined && { location: origin.location }),
    });
  }

  function clear(): void {
    values = [];
    origins = [];
  }

  return { insert, finish, clear };
}

function rawText(value: unknown, source: string, location: Location): string {
  if (value instanceof Structure) {
    return value.text;
  }
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
    throw notText(value, source, location);
  }
  const text = String(value);
  if (/[\ue000\ue001\uf8ff\0]/.test(text)) {
    throw new FairleadError("TEMPLATE_UNSAFE", `the value of "${source}" holds a character that is never allowed`, { location });
  }
  return text;
}

function notText(value: unknown, source: string, location: Location): FairleadError {
  const kind = Array.isArray(value) ? "a list" : "an object";
  const hint = Array.isArray(value)
    ? 'use {{join … ","}}, {{#each …}} or {{toJson …}}'
    : "name one of its fields, or use {{toJson …}}";
  return new FairleadError("TEMPLATE_FAILED", `"${source}" is ${kind}, not text`, { location, hint });
}
