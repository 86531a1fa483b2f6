import { isWordCode, type Pattern, parsePattern } from "./pattern-parse.ts";

/** Steps of the compiled pattern: with this many, 64 KiB of text take a fraction of a second whatever both hold. */
const MAX_STEPS = 500;

type Step =
  | { readonly kind: "char"; readonly test: (code: number) => boolean }
  | { readonly kind: "assert"; readonly at: "start" | "end" | "word" | "inside" }
  | { readonly kind: "fork"; readonly to: readonly number[] };

/**
 * Compiles a regular expression to a function that tells whether it is found in a text, in time linear in the text (a Thompson automaton:
 * all ways are followed at once, so none is ever tried again). Syntax and meaning are those of JavaScript with the flag `u`, without look-around,
 * back-references and named groups. Instead of a function: the rest of the sentence "the pattern …".
 */
export function compilePattern(text: string): ((text: string) => boolean) | string {
  const pattern = parsePattern(text);
  if (typeof pattern === "string") {
    return pattern;
  }
  const steps: Step[] = [];
  return emit(steps, pattern) ? (subject) => isFound(steps, subject) : "is too long";
}

/** Appends the steps of a pattern, which lead to the step behind them; false when they are too many. */
function emit(steps: Step[], pattern: Pattern): boolean {
  if (steps.length >= MAX_STEPS) {
    return false;
  }
  switch (pattern.kind) {
    case "char":
    case "assert":
      steps.push(pattern);
      return true;
    case "sequence":
      return pattern.items.length === 0 ? emitNothing(steps) : pattern.items.every((item) => emit(steps, item));
    case "choice":
      return emitChoice(steps, pattern.items);
    case "repeat":
      return emitRepeat(steps, pattern);
  }
}

/** A step all the same: so that what is emitted a million times comes to the limit. */
function emitNothing(steps: Step[]): boolean {
  steps.push({ kind: "fork", to: [steps.length + 1] });
  return true;
}

function emitChoice(steps: Step[], items: readonly Pattern[]): boolean {
  const fork = steps.length;
  const starts: number[] = [];
  const ends: number[] = [];
  steps.push({ kind: "fork", to: [] });
  for (const item of items) {
    starts.push(steps.length);
    if (!emit(steps, item)) {
      return false;
    }
    ends.push(steps.length);
    steps.push({ kind: "fork", to: [] });
  }
  steps[fork] = { kind: "fork", to: starts };
  for (const end of ends) {
    steps[end] = { kind: "fork", to: [steps.length] };
  }
  return true;
}

function emitRepeat(steps: Step[], { item, min, max }: Extract<Pattern, { kind: "repeat" }>): boolean {
  if (max === 0) {
    return emitNothing(steps);
  }
  for (let count = 0; count < min; count += 1) {
    if (!emit(steps, item)) {
      return false;
    }
  }
  if (max === Number.POSITIVE_INFINITY) {
    const fork = steps.length;
    steps.push({ kind: "fork", to: [] });
    const isDone = emit(steps, item);
    steps.push({ kind: "fork", to: [fork] });
    steps[fork] = { kind: "fork", to: [fork + 1, steps.length] };
    return isDone;
  }
  for (let count = min; count < max; count += 1) {
    const fork = steps.length;
    steps.push({ kind: "fork", to: [] });
    if (!emit(steps, item)) {
      return false;
    }
    steps[fork] = { kind: "fork", to: [fork + 1, steps.length] };
  }
  return true;
}

/** Follows all ways through the steps at once, from every place of the text. */
function isFound(steps: readonly Step[], text: string): boolean {
  const codes = Array.from(text, (char) => char.codePointAt(0) ?? 0);
  const seenAt = new Int32Array(steps.length).fill(-1);
  const open: number[] = [];
  let waiting: number[] = [];
  let next: number[] = [];
  for (let at = 0; at <= codes.length; at += 1) {
    const code = codes[at];
    open.push(0, ...waiting);
    next.length = 0;
    for (let step = open.pop(); step !== undefined; step = open.pop()) {
      const known = steps[step];
      if (known === undefined) {
        return true; // behind the last step
      }
      if (seenAt[step] === at) {
        continue;
      }
      seenAt[step] = at;
      if (known.kind === "fork") {
        for (const to of known.to) {
          open.push(to);
        }
      } else if (known.kind === "assert" ? holds(known.at, codes, at) : code !== undefined && known.test(code)) {
        (known.kind === "assert" ? open : next).push(step + 1);
      }
    }
    [waiting, next] = [next, waiting];
  }
  return false;
}

function holds(at: "start" | "end" | "word" | "inside", codes: readonly number[], place: number): boolean {
  switch (at) {
    case "start":
      return place === 0;
    case "end":
      return place === codes.length;
    default:
      return (isWordAt(codes, place - 1) !== isWordAt(codes, place)) === (at === "word");
  }
}

function isWordAt(codes: readonly number[], place: number): boolean {
  const code = codes[place];
  return code !== undefined && isWordCode(code);
}
