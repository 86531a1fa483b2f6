/**
 * Which of several processes registers for a node. Pure: what a process makes of the mark that it sees in the registry. Who asks for the
 * name shows its mark with a `?` before it.
 *
 * | what it is | sees nobody's mark  | its own                                              | another's                          |
 * |------------|---------------------|------------------------------------------------------|------------------------------------|
 * | new        | it holds the name   | with `?`: asks again; else it holds the name         | asks: does the other one answer?   |
 * | asking     | it holds the name   | unanswered for the window: it holds the name         | that is the answer: it waits       |
 * | waiting    | it holds the name   | a word of its own that came late counts as asking    | waits, and asks from time to time  |
 * | holding    | shows its own again | goes on                                              | answers, by showing its own again  |
 *
 * A holder looks twice within a window, and it answers only for as long as nobody can have waited through one: who was away for longer
 * (stopped, cut off) asks like anybody else. So there is never a moment in which two of them are right.
 */
export interface Terms {
  readonly mark: string;
  /** How often a holder looks at least. */
  readonly lookMs: number;
  /** How long an asking process waits for an answer. */
  readonly windowMs: number;
  /** A waiting process asks so often, in case a mark has outlived its process. */
  readonly askMs: number;
  readonly ttlMs: number;
}

export function termsFor(mark: string, ttlMs: number): Terms {
  return { mark, lookMs: ttlMs / 6, windowMs: ttlMs / 3 + 1000, askMs: ttlMs, ttlMs };
}

/** How soon a process looks whether the mark that it has shown is still there: until then, another one may have been quicker. */
const CONFIRM_MS = 200;

export type Tenure =
  | { readonly kind: "new" }
  /** Its word came so late that it counts for nothing. */
  | { readonly kind: "unsure" }
  | { readonly kind: "asking"; readonly since: Moment }
  | { readonly kind: "waiting"; readonly holder: string; readonly since: Moment }
  | {
      readonly kind: "holding";
      /** No other process can have been right before this moment and a window. */
      readonly proven: Moment;
      /** Our mark was seen since it was shown. */
      readonly isSeen: boolean;
    };

/** A moment by two clocks that err to different sides when the machine sleeps or its clock is set. */
export interface Moment {
  /** Time that certainly has passed. */
  readonly atLeastMs: number;
  /** Time that may have passed. */
  readonly atMostMs: number;
}

export interface Step {
  readonly tenure: Tenure;
  /** What has to be shown; the step counts when that has gone well, from `afterShowing`. */
  readonly shows?: string;
}

/** What a look makes of it. `before` is when the look began. */
export function look(
  tenure: Tenure,
  seen: string | undefined,
  times: { readonly before: Moment; readonly now: Moment },
  terms: Terms,
): Step {
  const { before, now } = times;
  if (possiblySince(before, now) >= terms.windowMs) {
    return { tenure }; // what was seen is old
  }
  if (seen === undefined) {
    return { tenure: hold(before, false), shows: terms.mark };
  }
  if (seen !== terms.mark && seen !== asks(terms.mark)) {
    return meetOther(tenure, seen, now, terms);
  }
  switch (tenure.kind) {
    case "new":
      return seen === terms.mark ? { tenure: hold(before, true) } : ask(now, terms);
    case "holding":
      return { tenure: hold(before, true), ...(seen !== terms.mark && { shows: terms.mark }) };
    case "asking":
      return certainlySince(tenure.since, before) >= terms.windowMs
        ? { tenure: hold(before, true), shows: terms.mark }
        : { tenure };
    case "waiting":
    case "unsure":
      return ask(now, terms);
  }
}

/** The step's tenure, when showing our mark took from `before` until `now`. */
export function afterShowing(tenure: Tenure, times: { readonly before: Moment; readonly now: Moment }, terms: Terms): Tenure {
  const { before, now } = times;
  switch (tenure.kind) {
    case "asking":
      return { kind: "asking", since: now };
    case "holding":
      return possiblySince(tenure.proven, now) < terms.windowMs ? { ...tenure, proven: before } : { kind: "unsure" };
    case "new":
    case "unsure":
    case "waiting":
      return tenure;
  }
}

/** Whether it may still write: another process cannot have waited through a window meanwhile. */
export function isSure(tenure: Tenure, now: Moment, terms: Terms): boolean {
  return tenure.kind === "holding" && possiblySince(tenure.proven, now) < terms.windowMs;
}

/** Whether the lease lives, when the newest beat that went well began at `beaten`. */
export function isLeaseSure(beaten: Moment | undefined, now: Moment, { ttlMs }: Terms): boolean {
  return beaten !== undefined && possiblySince(beaten, now) < ttlMs;
}

/** Whose mark it is, asking or not. */
export function processOf(shown: string): string {
  return shown.startsWith("?") ? shown.slice(1) : shown;
}

/** How long until the next look. */
export function restMs(tenure: Tenure, now: Moment, terms: Terms): number {
  switch (tenure.kind) {
    case "new":
      return terms.lookMs;
    case "holding":
      return tenure.isSeen ? terms.lookMs : Math.min(terms.lookMs, CONFIRM_MS);
    case "unsure":
      return 0;
    case "asking":
      return Math.max(0, Math.min(terms.lookMs, terms.windowMs - certainlySince(tenure.since, now)));
    case "waiting":
      return Math.max(0, Math.min(2 * terms.lookMs, terms.askMs - certainlySince(tenure.since, now)));
  }
}

function meetOther(tenure: Tenure, rival: string, now: Moment, terms: Terms): Step {
  const wait: Step = { tenure: { kind: "waiting", holder: rival, since: now } };
  switch (tenure.kind) {
    case "new":
    case "unsure":
      return ask(now, terms);
    case "asking":
      return wait;
    case "waiting":
      return certainlySince(tenure.since, now) >= terms.askMs ? ask(now, terms) : { tenure: { ...tenure, holder: rival } };
    case "holding":
      if (!tenure.isSeen) {
        return rival.startsWith("?") ? ask(now, terms) : wait; // it was quicker; a question says only that somebody was
      }
      if (!isSure(tenure, now, terms)) {
        return ask(now, terms);
      }
      // Both believe that they hold the name, when they began at the same moment: one has to give way, and both know which.
      return !rival.startsWith("?") && terms.mark > rival ? wait : { tenure, shows: terms.mark };
  }
}

function ask(since: Moment, { mark }: Terms): Step {
  return { tenure: { kind: "asking", since }, shows: asks(mark) };
}

function asks(mark: string): string {
  return `?${mark}`;
}

function hold(proven: Moment, isSeen: boolean): Tenure {
  return { kind: "holding", proven, isSeen };
}

function certainlySince(then: Moment, now: Moment): number {
  return now.atLeastMs - then.atLeastMs;
}

function possiblySince(then: Moment, now: Moment): number {
  return now.atMostMs - then.atMostMs;
}
