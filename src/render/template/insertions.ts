import { FairleadError, type Location } from "../../model/errors.ts";
import { GENERATION_MARK } from "../../ports.ts";
import {
  appendTo,
  expand,
  type FormatName,
  type Frame,
  type Inserted,
  isPlain,
  knowsPieces,
  markText,
  Piece,
  pieceText,
  resolve,
  resolvePieces,
} from "../formats/index.ts";
import { Structure } from "../helpers/index.ts";
import type { InstanceView } from "./fields.ts";
import { GENERATION } from "./reads.ts";
import type { InsertSite } from "./sites.ts";
import { holds, type Origin, UNKNOWN_ORIGIN } from "./trail.ts";

/** What a generation looks like to a format: digits. */
const GENERATION_DIGITS = "0".repeat(16);

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
  /** What `write` renders, with all that it inserts, as a piece of its own. */
  capture(write: () => string): Captured;
  /** The text that brings a piece into what is being rendered; it may come from an earlier render. */
  include(piece: Captured["piece"]): string;
  finish(text: string): Finished;
}

export interface Captured {
  readonly piece: Piece<Insertion>;
  /** Whether all that was inserted is in it; else something was refused at once, which the piece does not know. */
  readonly isWhole: boolean;
}

interface Insertion {
  readonly site: InsertSite;
  readonly origin: Origin;
}

/** A text on its way, and what was inserted into it so far. */
interface Open {
  readonly values: Inserted[];
  readonly origins: Insertion[];
  readonly pieces: Piece<Insertion>[];
}

/**
 * Collects what one render inserts, and puts it in escaped for its place afterwards (see `formats/`). `needsMarks`: the templates have places
 * where even a plain value needs an escape.
 */
export function createInsertions(format: FormatName, { needsMarks }: { readonly needsMarks: boolean }): Insertions {
  const isGenerationPlain = !needsMarks && isPlain(format, GENERATION_DIGITS);
  let open: Open = { values: [], origins: [], pieces: [] };
  const refused: (Blame & { readonly source: string })[] = [];

  function mark(value: Inserted, site: InsertSite, origin: Origin): string {
    open.values.push(value);
    open.origins.push({ site, origin });
    return markText(open.values.length - 1);
  }

  function insert(value: unknown, site: InsertSite, origin: () => Origin): string {
    if (value === GENERATION) {
      return isGenerationPlain ? GENERATION_MARK : mark({ value: GENERATION_MARK, isGeneration: true }, site, UNKNOWN_ORIGIN);
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
    if (/[\ue000\ue001\ue002\uf8ff\0]/.test(text)) {
      refused.push({
        ...blame({ site, origin: origin() }, text, "it holds a character that is never allowed"),
        source: site.source,
      });
      return "";
    }
    return text;
  }

  function capture(write: () => string): Captured {
    const outer = open;
    const refusals = refused.length;
    open = { values: [], origins: [], pieces: [] };
    try {
      const piece = new Piece({ text: write(), ...open });
      return { piece, isWhole: refused.length === refusals };
    } finally {
      open = outer;
    }
  }

  function include(piece: Piece<Insertion>): string {
    if (piece.isPlain) {
      return piece.frame.text;
    }
    if (!knowsPieces(format)) {
      return appendTo(open, expand(piece.frame));
    }
    open.pieces.push(piece);
    return pieceText(open.pieces.length - 1);
  }

  function finish(text: string): Finished {
    const frame: Frame<Insertion> = { text, ...open };
    const placed = resolvePieces(format, frame);
    if (placed !== undefined && refused.length === 0) {
      return { ok: true, text: placed };
    }
    const { values, origins, ...whole } = expand(frame);
    const resolved = resolve(format, whole.text, values);
    const problems = resolved.ok ? [] : resolved.problems;
    for (const { index, reason } of problems) {
      const insertion = origins[index];
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

  return { insert, capture, include, finish };
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
