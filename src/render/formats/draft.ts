import { GENERATION_MARK } from "../../ports.ts";
import type { Escaped, Inserted, Problem, Resolved } from "./format.ts";
import type { Piece } from "./piece.ts";
import { defectOf, textOf } from "./values.ts";

const OPEN = 0xe000;
const CLOSE = 0xe001;
const MAX_DIGITS = 9;
/** Decides in place of the generation, which is not known yet: digits only, so that it is quoted wherever digits would be a number. */
const GENERATION_STAND_IN = "0000000000000000";

/** The mark that stands for a value while rendering. */
export function markText(index: number): string {
  return `\ue000${index}\ue001`;
}

export function hasMarks(text: string): boolean {
  return text.includes("\ue000");
}

/** A mark in the text: `text.slice(start, end)` is the mark itself. */
export interface Mark {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly inserted: Inserted;
  /** The value as text; empty for null. */
  readonly text: string;
  /** Why it can stand nowhere. */
  readonly defect: string | undefined;
  /** Which of the text's marks it is. */
  readonly order: number;
}

/**
 * A rendered text with marks, on its way to the text without. A scanner reads `text`, finds the marks with `mark(at)` and decides each
 * one with `put` or `refuse`; edits come in the order of the text.
 */
export class Draft {
  readonly text: string;
  readonly #pieces: readonly Piece[];
  #placedPieces = 0;
  /** All marks, read once: a scanner may ask for the same one several times, and in vain for every other character. */
  readonly #marks: readonly Mark[];
  readonly #isDecided: Uint8Array;
  /** Where the last mark that was asked for stands among them. */
  #near = 0;
  readonly #parts: string[] = [];
  /** So far the text is in the parts. */
  #done = 0;
  readonly #refused = new Map<number, { readonly offset: number; readonly reason: string }>();

  constructor(text: string, values: readonly Inserted[], pieces: readonly Piece[] = []) {
    this.text = text;
    this.#pieces = pieces;
    this.#marks = readMarks(text, values);
    this.#isDecided = new Uint8Array(this.#marks.length);
  }

  /** The mark that begins at `at`, if one does. Anything that only looks like a mark is the author's text. */
  mark(at: number): Mark | undefined {
    if (this.text.charCodeAt(at) !== OPEN) {
      return undefined;
    }
    const mark = this.#marks[this.#seek(at)];
    return mark?.start === at ? mark : undefined;
  }

  /** The piece whose mark begins at `at`, if one does. */
  piece(at: number): { readonly piece: Piece; readonly start: number; readonly end: number } | undefined {
    if (this.#pieces.length === 0 || this.text.charCodeAt(at) !== OPEN) {
      return undefined;
    }
    const digits = /^\ue000(\d{1,9})\ue002/.exec(this.text.slice(at, at + MAX_DIGITS + 2))?.[1];
    const piece = this.#pieces[Number(digits ?? -1)];
    return digits === undefined || piece === undefined ? undefined : { piece, start: at, end: at + digits.length + 2 };
  }

  /** The text of a piece takes its mark's place. */
  putPiece({ start, end }: { readonly start: number; readonly end: number }, text: string): void {
    this.#placedPieces += 1;
    this.#edit(start, end, text);
  }

  /** The text, if every piece found its place and nothing was refused. */
  finishPieces(): string | undefined {
    if (this.#placedPieces !== this.#pieces.length) {
      return undefined;
    }
    const finished = this.finish();
    return finished.ok ? finished.text : undefined;
  }

  /** The first mark at or after `at` and before `end`. */
  nextMark(at: number, end: number): Mark | undefined {
    const mark = this.#marks[this.#seek(at)];
    return mark !== undefined && mark.start < end ? mark : undefined;
  }

  /** Decides a mark: the escaped text takes its place, or it is refused. */
  put(mark: Mark, escaped: Escaped): void {
    if (mark.defect !== undefined || typeof escaped !== "string") {
      this.refuse(mark, typeof escaped === "string" ? "" : escaped.reason);
      return;
    }
    this.#isDecided[mark.order] = 1;
    const text = mark.inserted.isGeneration === true ? escaped.replaceAll(GENERATION_STAND_IN, GENERATION_MARK) : escaped;
    this.#edit(mark.start, mark.end, text);
  }

  refuse(mark: Mark, reason: string): void {
    this.#isDecided[mark.order] = 1;
    if (!this.#refused.has(mark.index)) {
      this.#refused.set(mark.index, { offset: mark.start, reason: mark.defect ?? reason });
    }
  }

  /** Refuses every mark of a stretch of text. */
  refuseAll(start: number, end: number, reason: string): void {
    for (let mark = this.nextMark(start, end); mark !== undefined; mark = this.nextMark(mark.end, end)) {
      this.refuse(mark, reason);
    }
  }

  /** Adds text of the format's own at a place of the author's text: the quotes around a token, an escape in it. */
  insert(at: number, text: string): void {
    this.#edit(at, at, text);
  }

  finish(): Resolved {
    for (const mark of this.#marks) {
      if (this.#isDecided[mark.order] === 0) {
        this.refuse(mark, "it stands where no value can stand");
      }
    }
    if (this.#refused.size > 0) {
      return { ok: false, problems: this.#problems() };
    }
    this.#parts.push(this.text.slice(this.#done));
    return { ok: true, text: this.#parts.join("") };
  }

  #edit(start: number, end: number, text: string): void {
    if (start < this.#done) {
      throw new Error(`edits are out of order at offset ${start}`);
    }
    if (start > this.#done) {
      this.#parts.push(this.text.slice(this.#done, start));
    }
    this.#parts.push(text);
    this.#done = end;
  }

  /** Which mark is the first at or after `at`: nearly always the one that was asked for last, or the next. */
  #seek(at: number): number {
    const marks = this.#marks;
    const isBehind = (order: number): boolean => order >= marks.length || (marks[order]?.start ?? 0) >= at;
    let from = 0;
    let to = marks.length;
    if (!isBehind(this.#near)) {
      from = this.#near + 1;
      to = isBehind(from) ? from : to;
    } else {
      to = this.#near;
      from = to === 0 || !isBehind(to - 1) ? to : from;
    }
    while (from < to) {
      const middle = (from + to) >> 1;
      if (isBehind(middle)) {
        to = middle;
      } else {
        from = middle + 1;
      }
    }
    this.#near = to;
    return to;
  }

  #problems(): readonly Problem[] {
    const refused = [...this.#refused].sort(([, a], [, b]) => a.offset - b.offset);
    let line = 1;
    let lineStart = 0;
    return refused.map(([index, { offset, reason }]) => {
      for (let at = this.text.indexOf("\n", lineStart); at !== -1 && at < offset; at = this.text.indexOf("\n", lineStart)) {
        line += 1;
        lineStart = at + 1;
      }
      return { index, offset, line, column: offset - lineStart + 1, reason };
    });
  }
}

function readMarks(text: string, values: readonly Inserted[]): readonly Mark[] {
  const marks: Mark[] = [];
  for (let open = text.indexOf("\ue000"); open !== -1; open = text.indexOf("\ue000", open + 1)) {
    const close = closeOf(text, open);
    const index = close === -1 ? -1 : Number(text.slice(open + 1, close));
    const inserted = values[index];
    if (inserted !== undefined) {
      marks.push(markOf(inserted, { index, start: open, end: close + 1, order: marks.length }));
    }
  }
  return marks;
}

/** Where a mark ends that begins at `open`; -1: it is none. */
function closeOf(text: string, open: number): number {
  let at = open + 1;
  let code = text.charCodeAt(at);
  while (code >= 0x30 && code <= 0x39 && at <= open + MAX_DIGITS) {
    at += 1;
    code = text.charCodeAt(at);
  }
  return code === CLOSE && at > open + 1 ? at : -1;
}

function markOf(inserted: Inserted, place: Pick<Mark, "index" | "start" | "end" | "order">): Mark {
  const { index, start, end, order } = place;
  if (inserted.isGeneration === true) {
    return { index, start, end, inserted, text: GENERATION_STAND_IN, defect: undefined, order };
  }
  const text = textOf(inserted);
  return { index, start, end, inserted, text, defect: defectOf(inserted, text), order };
}
