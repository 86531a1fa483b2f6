import { FairleadError, type Location } from "../model/errors.ts";
import { GENERATION_MARK } from "../ports.ts";
import { type InstanceView } from "./fields.ts";
import type { FormatName, Inserted } from "./formats/index.ts";
import { isPlain, markText, resolve } from "./formats/index.ts";
import { Structure } from "./helpers/index.ts";
import { GENERATION } from "./reads.ts";
import type { InsertSite } from "./sites.ts";
import { holds, type Origin, UNKNOWN_ORIGIN } from "./trail.ts";

/** A value that cannot stand where it is inserted. */
export interface Blame {
  /** The instance that it comes from; absent: that is not known, or from none. */
  readonly instance?: InstanceView;
  /** It comes from a key or the like, and no instance can be blamed. */
  readonly isForeign: boolean;
  /** For finding who holds it; never shown. */
  readonly value: string;
  readonly reason: string;
  readonly location: Location;
}

export type Finished =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly error: FairleadError; readonly blames: readonly Blame[] };

export interface Insertions {
  /** The text that stands for the value until everything is rendered; `origin` tells whose it is. */
  insert(value: unknown, site: InsertSite, origin: () => Origin): string;
  finish(text: string): Finished;
}

interface Insertion {
  readonly site: InsertSite;
  readonly origin: Origin;
}

/**
 * Collects what one render inserts, and puts it in escaped for its place afterwards (see `formats/`). `needsMarks`: the templates have places
 * where even a plain value needs an escape.
 */
export function createInsertions(format: FormatName, { needsMarks }: { readonly needsMarks: boolean }): Insertions {
  const values: Inserted[] = [];
  const inserted: Insertion[] = [];
  const refused: (Blame & { readonly source: string })[] = [];

  function mark(value: Inserted, site: InsertSite, origin: Origin): string {
    values.push(value);
    inserted.push({ site, origin });
    return markText(values.length - 1);
  }

  function insert(value: unknown, site: InsertSite, origin: () => Origin): string {
    if (value === GENERATION) {
      return mark({ value: GENERATION_MARK, isGeneration: true }, site, UNKNOWN_ORIGIN);
    }
    if (value === undefined) {
      const { source, location, advice } = site;
      throw new FairleadError("TEMPLATE_FAILED", `"${source}" is not there`, { location, hint: advice });
    }
    if (site.isRaw) {
      return insertRaw(value, site, origin);
    }
    switch (typeof value) {
      case "string":
        return !needsMarks && isPlain(format, value) ? value : mark({ value }, site, origin());
      case "number":
      case "boolean":
        return !needsMarks && isPlain(format, String(value)) ? String(value) : mark({ value }, site, origin());
      default:
        if (value === null) {
          return mark({ value }, site, UNKNOWN_ORIGIN);
        }
        if (value instanceof Structure) {
          return mark({ value: value.text, structure: value.text }, site, origin());
        }
        throw notText(value, site);
    }
  }

  function insertRaw(value: unknown, site: InsertSite, origin: () => Origin): string {
    if (!(value instanceof Structure) && typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
      throw notText(value, site);
    }
    const text = String(value);
    if (/[\ue000\ue001\uf8ff\0]/.test(text)) {
      refused.push({
        ...blame({ site, origin: origin() }, text, "it holds a character that is never allowed"),
        source: site.source,
      });
      return "";
    }
    return text;
  }

  function finish(text: string): Finished {
    const resolved = resolve(format, text, values);
    const problems = resolved.ok ? [] : resolved.problems;
    for (const { index, reason } of problems) {
      const insertion = inserted[index];
      if (insertion !== undefined) {
        refused.push({ ...blame(insertion, String(values[index]?.value), reason), source: insertion.site.source });
      }
    }
    const [first] = refused;
    if (resolved.ok && first === undefined) {
      return resolved;
    }
    const more = refused.length > 1 ? ` (and ${refused.length - 1} more)` : "";
    const error = new FairleadError(
      "TEMPLATE_UNSAFE",
      `the value of "${first?.source}" cannot stand here: ${first?.reason}${more}`,
      {
        ...(first !== undefined && { location: first.location }),
      },
    );
    return { ok: false, error, blames: refused };
  }

  return { insert, finish };
}

function blame({ site, origin }: Insertion, value: string, reason: string): Blame {
  const { instance, isForeign } = origin;
  const isTheirs = instance !== undefined && (!isForeign || holds(instance, value));
  return { value, reason, location: site.place, isForeign: isForeign && !isTheirs, ...(isTheirs && { instance }) };
}

function notText(value: unknown, { source, location }: InsertSite): FairleadError {
  const kind = Array.isArray(value) ? "a list" : "an object";
  const hint = Array.isArray(value)
    ? 'use {{join … ","}}, {{#each …}} or {{toJson …}}'
    : "name one of its fields, or use {{toJson …}}";
  return new FairleadError("TEMPLATE_FAILED", `"${source}" is ${kind}, not text`, { location, hint });
}
