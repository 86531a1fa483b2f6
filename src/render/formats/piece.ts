import type { Inserted } from "./format.ts";

/** A mark and where its value comes from, for messages. */
export interface Frame<Origin> {
  readonly text: string;
  readonly values: readonly Inserted[];
  readonly origins: readonly Origin[];
  /** Pieces that stand in the text under marks of their own (`pieceText(index)`). */
  readonly pieces: readonly Piece<Origin>[];
}

/**
 * A part of a rendered text that is used again as long as nothing in it changes. Where a format finds that it begins and ends between two
 * statements, it is escaped once for the blocks around it, and remembered; everywhere else it is taken apart again (`expand`), and then
 * it makes no difference that it ever was a piece.
 */
export class Piece<Origin = unknown> {
  readonly frame: Frame<Origin>;
  readonly #placed = new Map<string, string | undefined>();

  constructor(frame: Frame<Origin>) {
    this.frame = frame;
  }

  get isPlain(): boolean {
    return this.frame.values.length === 0 && this.frame.pieces.length === 0;
  }

  /** The text in its place; `place` finds it the first time, undefined: this piece cannot be seen on its own. */
  textIn(surroundings: string, place: () => string | undefined): string | undefined {
    if (!this.#placed.has(surroundings)) {
      this.#placed.set(surroundings, compact(place()));
    }
    return this.#placed.get(surroundings);
  }
}

/** What was cut from a text with marks takes two bytes a character, and so does everything it is joined to, unless it is read anew. */
function compact(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text).toString();
}

/** The mark that stands for a piece while rendering. */
export function pieceText(index: number): string {
  return `\ue000${index}\ue002`;
}

/** The same text without pieces: each one's own text in its place, with its values among the others. */
export function expand<Origin>({ text, values, origins, pieces }: Frame<Origin>): Frame<Origin> {
  if (pieces.length === 0) {
    return { text, values, origins, pieces };
  }
  const whole = { values: [...values], origins: [...origins] };
  const expanded = text.replace(/\ue000(\d{1,9})\ue002/g, (mark, digits: string) => {
    const piece = pieces[Number(digits)];
    return piece === undefined ? mark : appendTo(whole, expand(piece.frame));
  });
  return { text: expanded, ...whole, pieces: [] };
}

/** Adds a frame's values behind others; returns its text with the marks counted on from there. */
export function appendTo<Origin>(
  whole: { readonly values: Inserted[]; readonly origins: Origin[] },
  { text, values, origins }: Frame<Origin>,
): string {
  const offset = whole.values.length;
  for (const [i, value] of values.entries()) {
    whole.values.push(value);
    const origin = origins[i];
    if (origin !== undefined) {
      whole.origins.push(origin);
    }
  }
  return text.replace(/\ue000(\d{1,9})\ue001/g, (mark, digits: string) =>
    Number(digits) < values.length ? `\ue000${Number(digits) + offset}\ue001` : mark,
  );
}
