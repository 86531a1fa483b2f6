import { FairleadError, type Location } from "../model/errors.ts";
import { GENERATION_MARK } from "../ports.ts";
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
} from "./formats/index.ts";
import { Structure } from "./helpers/index.ts";
import { GENERATION } from "./reads.ts";

/** What a generation looks like to a format: digits. */
const GENERATION_DIGITS = "0".repeat(16);

interface Origin {
  readonly source: string;
  readonly location: Location;
}

/** A text on its way, and what was inserted into it so far. */
interface Open {
  readonly values: Inserted[];
  readonly origins: Origin[];
  readonly pieces: Piece<Origin>[];
}

/** Collects what is inserted while rendering, and puts it in escaped for its place afterwards (see `formats/`). */
export function createInsertions(format: FormatName) {
  const isGenerationPlain = isPlain(format, GENERATION_DIGITS);
  let open: Open = { values: [], origins: [], pieces: [] };

  function mark(inserted: Inserted, source: string, location: Location): string {
    open.values.push(inserted);
    open.origins.push({ source, location });
    return markText(open.values.length - 1);
  }

  function insert(value: unknown, source: string, isRaw: boolean, location: Location): string {
    if (value === GENERATION) {
      return isGenerationPlain ? GENERATION_MARK : mark({ value: GENERATION_MARK }, source, location);
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
        return isPlain(format, value) ? value : mark({ value }, source, location);
      case "number":
      case "boolean":
        return isPlain(format, String(value)) ? String(value) : mark({ value }, source, location);
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

  /** What `work` renders, with what it inserts, as a piece of its own. */
  function capture(work: () => string): Piece<Origin> {
    const outer = open;
    open = { values: [], origins: [], pieces: [] };
    try {
      return new Piece({ text: work(), ...open });
    } finally {
      open = outer;
    }
  }

  /** The text that brings a piece into what is being rendered. */
  function include(piece: Piece<Origin>): string {
    if (piece.isPlain) {
      return piece.frame.text;
    }
    if (!knowsPieces(format)) {
      return appendTo(open, expand(piece.frame));
    }
    open.pieces.push(piece);
    return pieceText(open.pieces.length - 1);
  }

  function finish(text: string): string {
    const frame: Frame<Origin> = { text, ...open };
    const placed = resolvePieces(format, frame);
    if (placed !== undefined) {
      return placed;
    }
    const whole = expand(frame);
    const { origins } = whole;
    const resolved = resolve(format, whole.text, whole.values);
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
    open = { values: [], origins: [], pieces: [] };
  }

  return { insert, capture, include, finish, clear };
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
