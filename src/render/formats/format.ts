import type { Draft } from "./draft.ts";

export const FORMAT_NAMES = ["nginx", "haproxy", "json", "yaml", "toml", "env", "shell", "ini", "xml", "text"] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** A value that the template inserts, as it is before any escape. */
export interface Inserted {
  readonly value: string | number | boolean | null;
  /** It stands for the generation, and `value` is its mark. From outside that text is refused like every other private-use character. */
  readonly isGeneration?: boolean;
  /** What `toJson` or `toYaml` printed: structure where the format reads it, text elsewhere. `value` is the same text. */
  readonly structure?: string;
}

/** Why a value cannot stand where the template puts it. */
export interface Problem {
  /** Which of the values. */
  readonly index: number;
  /** Where its mark stands in the text that was given, in code units from 0. */
  readonly offset: number;
  /** The same place, from 1. */
  readonly line: number;
  readonly column: number;
  /** The rest of the sentence "the value cannot stand here: it …". Never holds the value. */
  readonly reason: string;
}

/** The text with every value in place, or everything that stands in the way: one problem for each guilty value. */
export type Resolved =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** An output format: how its places are found and which escape each one has. */
export interface Format {
  readonly name: FormatName;
  /**
   * Whether this text is safe, and still this very text, in every place of the format where a template may put it, glued to other text
   * or not. Such a value needs no mark. False is always right; true saves the scan.
   */
  isPlain(text: string): boolean;
  /** In a template with such text even a plain value is marked: a place may take it for more than text. */
  readonly marksAll?: RegExp;
  /** Walks the text once, and puts or refuses each mark. A mark that it leaves out is refused by the draft. */
  place(draft: Draft): void;
}

/** What an escape gave: the text to insert, or why there is none. */
export type Escaped = string | Refusal;

export interface Refusal {
  readonly reason: string;
}

export function refusal(reason: string): Refusal {
  return { reason };
}
