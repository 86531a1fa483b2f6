/** Ends a render that would go on without end or grow without bounds; it hurts only its own target. Counted, not timed: two renders are equal. */
import { FairleadError, type Location } from "../../model/errors.ts";

/**
 * Iterations, calls and insertions of one render, long lists and texts counted by their length. A file of 100,000 instances with ten
 * helpers each needs about two million; this many take two or three seconds.
 */
const MAX_STEPS = 5_000_000;
/** No configuration is this long; longer texts come near to what the engine can hold. */
const MAX_OUTPUT_CHARS = 64 * 1024 * 1024;
/** Partials inside partials. */
const MAX_PARTIAL_DEPTH = 100;
/** Inclusions of partials that are being included already: enough for a tree of data, and over in no time. */
const MAX_RECURSIONS = 5_000;

/** What has been used of a budget. */
export interface Used {
  readonly steps: number;
  readonly inserted: number;
}

export interface Budget {
  readonly used: Used;
  /** What is not done again because its result is remembered counts all the same. */
  use(again: Used, location: Location): void;
  spend(steps: number, location: Location): void;
  /** A value is inserted. It stands as a short mark until the end, so it is counted here. */
  insert(value: unknown, location: Location): void;
  /** What is written so far fits, or the render ends. */
  fit(chars: number, location: Location): void;
  /** Runs a partial one level deeper. */
  include(name: string, location: Location, work: () => string): string;
}

export function createBudget(): Budget {
  let steps = 0;
  let recursions = 0;
  let inserted = 0;
  const open: string[] = [];

  function spend(more: number, location: Location): void {
    steps += more;
    if (steps > MAX_STEPS) {
      throw new FairleadError("TEMPLATE_FAILED", `the template takes more than ${MAX_STEPS} steps`, {
        location,
        hint: "a loop inside a loop over a long list? group once ({{#with (groupBy …)}}) and look up",
      });
    }
  }

  function fit(chars: number, location: Location): void {
    if (chars > MAX_OUTPUT_CHARS) {
      throw new FairleadError("TEMPLATE_FAILED", `the text grows beyond ${MAX_OUTPUT_CHARS} characters`, {
        location,
        hint: "is a list repeated inside itself?",
      });
    }
  }

  function use(again: Used, location: Location): void {
    spend(again.steps, location);
    inserted += again.inserted;
    fit(inserted, location);
  }

  function insert(value: unknown, location: Location): void {
    use({ steps: 1, inserted: typeof value === "string" ? value.length : 0 }, location);
  }

  function include(name: string, location: Location, work: () => string): string {
    recursions += open.includes(name) ? 1 : 0;
    if (open.length >= MAX_PARTIAL_DEPTH || recursions > MAX_RECURSIONS) {
      throw new FairleadError("TEMPLATE_FAILED", `partial "${name}" includes itself without end`, {
        location,
        hint: "put a condition around the inclusion that ends it",
      });
    }
    open.push(name);
    try {
      spend(1, location);
      const text = work();
      fit(text.length, location);
      return text;
    } finally {
      open.pop();
    }
  }

  return {
    get used() {
      return { steps, inserted };
    },
    use,
    spend,
    insert,
    fit,
    include,
  };
}

/** Whose work grows with what they are given. */
const GROWING: ReadonlySet<string> = new Set(
  "services keys ls tree sortBy groupBy where unique reverse pluck includes merge join slice split range toJson toYaml fromJson fromYaml".split(
    " ",
  ),
);

/** What a call costs; lists are gone through quickly, texts quicker. */
export function costOf(helper: string, args: readonly unknown[], result: unknown): number {
  let cost = 1 + textCost(result);
  for (const arg of args) {
    cost += textCost(arg);
  }
  if (GROWING.has(helper)) {
    for (const arg of [...args, result]) {
      cost += Array.isArray(arg) ? arg.length >> 3 : 0;
    }
  }
  return cost;
}

function textCost(value: unknown): number {
  return typeof value === "string" ? value.length >> 6 : 0;
}
