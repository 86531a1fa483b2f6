/** `if`, `unless`, `each`, `with` and `lookup`: as in Handlebars, but counted, strict about kinds, and aware of whose data they walk through. */
import { FairleadError, type Location } from "../../model/errors.ts";
import { isRecord, isTruthy, kindOf } from "../helpers/values.ts";
import type { Budget } from "./budget.ts";
import type { Insertions } from "./insertions.ts";
import { MEMO, type Memo } from "./memo.ts";
import type { Trail } from "./trail.ts";

/** What Handlebars gives to a helper as its last argument. */
export interface CallOptions {
  readonly hash: Readonly<Record<string, unknown>>;
  readonly loc?: hbs.AST.SourceLocation;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly fn?: (context: unknown, more?: object) => string;
  readonly inverse?: (context: unknown) => string;
}

export interface BlockState {
  readonly budget: Budget;
  readonly trail: Trail;
  readonly insertions: Insertions;
}

type Block = (context: unknown, value: unknown, options: CallOptions) => unknown;

/** By name. */
export function createBlocks(
  state: () => BlockState,
  locate: (options: CallOptions) => Location,
  memo: Memo,
): Readonly<Record<string, Block>> {
  function decide(context: unknown, isTrue: boolean, options: CallOptions): string {
    const { budget, trail } = state();
    trail.forget();
    budget.spend(1, locate(options));
    return (isTrue ? options.fn?.(context) : options.inverse?.(context)) ?? "";
  }

  function each(context: unknown, value: unknown, options: CallOptions): string {
    const { budget, trail, insertions } = state();
    const origin = trail.take();
    const location = locate(options);
    const keys = keysOf(value);
    if (keys === undefined && (isPresent(value) || !hasElse(options))) {
      throw wrongKind("each", value, location);
    }
    if (keys === undefined || keys.length === 0) {
      return options.inverse?.(context) ?? "";
    }
    // One frame for all turns: each turn is over before the next begins.
    const data: Record<string, unknown> = { ...options.data, _parent: options.data };
    const frame = trail.enter(origin);
    const again = memo.open(options.hash[MEMO], value, origin);
    let text = "";
    try {
      for (let index = 0; index < keys.length; index++) {
        const key = keys[index];
        const item: unknown = Reflect.get(Object(value), key ?? index);
        Object.assign(data, { key, index, first: index === 0, last: index === keys.length - 1 });
        frame.context = item;
        budget.spend(1, location);
        // What a turn left unused is not the next one's.
        trail.forget();
        const write = (): string => options.fn?.(item, { data, blockParams: blockParams(item, key) }) ?? "";
        text += again === undefined ? write() : again(item, write, { budget, insertions, location });
        budget.fit(text.length, location);
      }
    } finally {
      trail.forget();
      trail.leave();
    }
    return text;
  }

  function within(context: unknown, value: unknown, options: CallOptions): string {
    const { budget, trail } = state();
    const origin = trail.take();
    const location = locate(options);
    budget.spend(1, location);
    if (!isPresent(value) && !hasElse(options)) {
      throw wrongKind("with", value, location);
    }
    if (!isTruthy(value) && value !== 0) {
      return options.inverse?.(context) ?? "";
    }
    const frame = trail.enter(origin);
    frame.context = value;
    try {
      return options.fn?.(value, { data: options.data, blockParams: blockParams(value) }) ?? "";
    } finally {
      trail.leave();
    }
  }

  return {
    if: (context, value, options) => decide(context, isTruthy(value) || isZeroIncluded(value, options), options),
    unless: (context, value, options) => decide(context, !(isTruthy(value) || isZeroIncluded(value, options)), options),
    each,
    with: within,
  };
}

function isZeroIncluded(value: unknown, options: CallOptions): boolean {
  return value === 0 && options.hash["includeZero"] === true;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Where there is no `{{else}}`, Handlebars gives a function that is no program of the template. */
function hasElse(options: CallOptions): boolean {
  return options.inverse !== undefined && "program" in options.inverse;
}

/** Indexes of a list, names of an object. */
function keysOf(value: unknown): readonly (string | number)[] | undefined {
  return Array.isArray(value) ? [...value.keys()] : isRecord(value) ? Object.keys(value) : undefined;
}

/** Handlebars reads `path` beside the values. */
function blockParams(...values: readonly unknown[]): readonly unknown[] {
  return Object.assign([...values], { path: values.map(() => null) });
}

function wrongKind(name: string, value: unknown, location: Location): FairleadError {
  const what = kindOf(value);
  return new FairleadError("TEMPLATE_FAILED", `"#${name}" got ${what === "absent" ? "something absent" : what}`, {
    location,
    hint: isPresent(value) ? "it takes a list or an object" : `if it may be absent: {{#${name} …}}…{{else}}…{{/${name}}}`,
  });
}
