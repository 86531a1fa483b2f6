/** Where a template reads or inserts something: made once when it is compiled, so that a render only carries numbers. */
import type { Location } from "../../model/errors.ts";

/** The helper that every `{{x}}` becomes: `{{insert base 7}}`, where site 7 says how to go on from the base. */
export const INSERT = "fairlead:insert";
/** The helper that every path in an argument becomes: `(path base 7)`. */
export const PATH = "fairlead:path";
/** The helper that joins a partial's context with what its call gives besides: `(context base a=1)`. */
export const CONTEXT = "fairlead:context";

/** What is read, as its author wrote it. */
export interface Site {
  readonly source: string;
  /** Of the path or call itself. */
  readonly location: Location;
  /** What is read below the base; empty: the base itself, or the result of a call. */
  readonly parts: readonly string[];
  /** `call`: a helper's result. `variable`: `@index` and its kind. */
  readonly kind: "path" | "variable" | "call";
  /** Whether data may be absent here: where it is only asked for. */
  readonly isOptional: boolean;
  /** What to do about data that is absent. */
  readonly advice: string;
}

export interface InsertSite extends Site {
  /** Of the whole insertion. */
  readonly place: Location;
  readonly isRaw: boolean;
}

/** These ask whether something is there: in their arguments, data may be absent. */
export const ASKING_HELPERS: readonly string[] = [
  "if",
  "unless",
  "default",
  "coalesce",
  "and",
  "or",
  "not",
  "eq",
  "ne",
  "lookup",
];

export function asks(helper: string): boolean {
  return ASKING_HELPERS.includes(helper);
}

/** A path as a template writes it, with brackets around names that need them. */
export function pathText(path: hbs.AST.PathExpression): string {
  const prefix = (path.data ? "@" : "") + "../".repeat(path.depth);
  if (path.parts.length === 0) {
    return path.depth === 0 ? "this" : prefix.slice(0, -1);
  }
  return prefix + path.parts.map((part) => (/^[^\s!-,./;-@[-^`{-~]+$/.test(part) ? part : `[${part}]`)).join(".");
}

/** How to go on when data may be absent, by what it is for. */
export function adviceFor(source: string, use: { readonly helper: string } | "insert" | "partial"): string {
  if (use === "insert") {
    return `if it may be absent: {{default ${source} ""}}`;
  }
  if (use === "partial") {
    return `if it may be absent, give (default ${source} "") or put {{#if ${source}}} around it`;
  }
  return use.helper === "each" || use.helper === "with"
    ? `if it may be absent, say what stands there instead: {{#${use.helper} ${source}}}…{{else}}…{{/${use.helper}}}`
    : `if it may be absent: (default ${source} "")`;
}
