import { GENERATION_MARK } from "../../ports.ts";
import type { Escaped, Inserted, Problem, Resolved } from "./format.ts";
import type { Piece } from "./piece.ts";
import { defectOf, textOf } from "./values.ts";

const OPEN = 0xe000;
const MAX_MARK_CHARS = 11;
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
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * A rendered text with marks, on its way to the text without. A scanner reads `text`, finds the marks with `mark(at)` and decides each
 * one with `put` or `refuse`; edits come in the order of the text.
 */
export class Draft {
  readonly text: string;
  readonly #values: readonly Inserted[];
  readonly #pieces: readonly Piece[];
  #placedPieces = 0;
  readonly #edits: Edit[] = [];
  readonly #refused = new Map<number, { readonly offset: number; readonly reason: string }>();
  readonly #decided = new Set<number>();

  constructor(text: string, values: readonly Inserted[], pieces: readonly Piece[] = []) {
    this.text = text;
    this.#values = values;
    this.#pieces = pieces;
  }

  /** The mark that begins at `at`, if one does. Anything that only looks like a mark is the author's text. */
  mark(at: number): Mark | undefined {
    if (this.text.charCodeAt(at) !== OPEN) {
      return undefined;
    }
    const digits = /^\ue000(\d{1,9})\ue001/.exec(this.text.slice(at, at + MAX_MARK_CHARS))?.[1];
    const index = Number(digits ?? -1);
    const inserted = this.#values[index];
    if (digits === undefined || inserted === undefined) {
      return undefined;
    }
    const isGeneration = inserted.isGeneration === true;
    return {
      index,
      start: at,
      end: at + digits.length + 2,
      inserted,
      text: isGeneration ? GENERATION_STAND_IN : textOf(inserted),
      defect: isGeneration ? undefined : defectOf(inserted),
    };
  }

  /** The piece whose mark begins at `at`, if one does. */
  piece(at: number): { readonly piece: Piece; readonly start: number; readonly end: number } | undefined {
    if (this.#pieces.length === 0 || this.text.charCodeAt(at) !== OPEN) {
      return undefined;
    }
    const digits = /^\ue000(\d{1,9})\ue002/.exec(this.text.slice(at, at + MAX_MARK_CHARS))?.[1];
    const piece = this.#pieces[Number(digits ?? -1)];
    return digits === undefined || piece === undefined ? undefined : { piece, start: at, end: at + digits.length + 2 };
  }

  /** The text of a piece takes its mark's place. */
  putPiece({ start, end }: { readonly start: number; readonly end: number }, text: string): void {
    this.#placedPieces += 1;
    this.#edit({ start, end, text });
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
    for (let open = this.text.indexOf("\ue000", at); open !== -1 && open < end; open = this.text.indexOf("\ue000", open + 1)) {
      const mark = this.mark(open);
      if (mark !== undefined) {
        return mark;
      }
    }
    return undefined;
  }

  /** Decides a mark: the escaped text takes its place, or it is refused. */
  put(mark: Mark, escaped: Escaped): void {
    const reason = mark.defect ?? (typeof escaped === "string" ? undefined : escaped.reason);
    if (reason !== undefined || typeof escaped !== "string") {
      this.refuse(mark, reason ?? "");
      return;
    }
    this.#decided.add(mark.start);
    const text = mark.inserted.isGeneration === true ? escaped.replaceAll(GENERATION_STAND_IN, GENERATION_MARK) : escaped;
    this.#edit({ start: mark.start, end: mark.end, text });
  }

  refuse(mark: Mark, reason: string): void {
    this.#decided.add(mark.start);
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
    this.#edit({ start: at, end: at, text });
  }

  finish(): Resolved {
    for (let mark = this.nextMark(0, this.text.length); mark !== undefined; mark = this.nextMark(mark.end, this.text.length)) {
      if (!this.#decided.has(mark.start)) {
        this.refuse(mark, "it stands where no value can stand");
      }
    }
    if (this.#refused.size > 0) {
      return { ok: false, problems: this.#problems() };
    }
    const parts: string[] = [];
    let done = 0;
    for (const edit of this.#edits) {
      if (edit.start > done) {
        parts.push(this.text.slice(done, edit.start));
      }
      parts.push(edit.text);
      done = edit.end;
    }
    parts.push(this.text.slice(done));
    return { ok: true, text: parts.join("") };
  }

  #edit(edit: Edit): void {
    const last = this.#edits.at(-1);
    if (last !== undefined && edit.start < last.end) {
      throw new Error(`edits are out of order at offset ${edit.start}`);
    }
    this.#edits.push(edit);
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
