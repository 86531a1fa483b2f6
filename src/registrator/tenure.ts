/**
 * Which of several processes registers for a node. Pure: what a process makes of the mark that it sees in the registry.
 *
 * | what it is | sees nobody's mark | its own       | another's                                                     |
 * |------------|--------------------|---------------|---------------------------------------------------------------|
 * | new        | shows its own: it holds the name | holds the name | shows its own and asks: does the other one answer? |
 * | asking     | the same           | unanswered for the window: holds the name | that is the answer: it waits           |
 * | waiting    | the same           | asks          | waits; asks again from time to time                            |
 * | holding    | shows its own again | goes on      | answers, by showing its own again                              |
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
}

export function termsFor(mark: string, ttlMs: number): Terms {
  return { mark, lookMs: ttlMs / 6, windowMs: ttlMs / 3 + 1000, askMs: ttlMs };
}

export type Tenure =
  | { readonly kind: "new" }
  | { readonly kind: "asking"; readonly since: Moment }
  | { readonly kind: "waiting"; readonly holder: string; readonly since: Moment }
  | {
      readonly kind: "holding";
      /** No other process can have been right before this moment and a window. */
      readonly proven: Moment;
      /** Our mark was seen since it was shown. */
      readonly isSeen: boolean;
      readonly answers: readonly Answer[];
    };

interface Answer {
  readonly rival: string;
  readonly at: Moment;
}

/** A moment by two clocks that err to different sides when the machine sleeps or its clock is set. */
export interface Moment {
  /** Time that certainly has passed. */
  readonly atLeastMs: number;
  /** Time that may have passed. */
  readonly atMostMs: number;
}

export interface Step {
  readonly tenure: Tenure;
  /** Our mark has to be shown; the step counts when that has gone well, from `afterShowing`. */
  readonly shows: boolean;
}

/** So many answers to one process within `askMs` mean that it answers too: both believe that they hold the name. */
const MAX_ANSWERS = 2;

/** What a look makes of it. `before` is when the look began. */
export function look(
  tenure: Tenure,
  seen: string | undefined,
  times: { readonly before: Moment; readonly now: Moment },
  terms: Terms,
): Step {
  const { before, now } = times;
  if (seen === undefined) {
    return { tenure: hold(before, false), shows: true };
  }
  if (seen !== terms.mark) {
    return meetOther(tenure, seen, now, terms);
  }
  switch (tenure.kind) {
    case "new":
      return { tenure: hold(before, true), shows: false };
    case "holding":
      return { tenure: { ...tenure, proven: before, isSeen: true }, shows: false };
    case "asking":
      return { tenure: certainlySince(tenure.since, now) >= terms.windowMs ? hold(before, true) : tenure, shows: false };
    case "waiting":
      return { tenure: { kind: "asking", since: now }, shows: false }; // a word of ours that came late
  }
}

/** The step's tenure, when showing our mark took from `before` until `now`. */
export function afterShowing(tenure: Tenure, times: { readonly before: Moment; readonly now: Moment }, terms: Terms): Tenure {
  const { before, now } = times;
  switch (tenure.kind) {
    case "asking":
      return { kind: "asking", since: now };
    case "holding":
      return possiblySince(tenure.proven, now) < terms.windowMs ? { ...tenure, proven: before } : { kind: "asking", since: now }; // it may have come too late
    case "new":
    case "waiting":
      return tenure;
  }
}

/** Whether it may still write: another process cannot have waited through a window meanwhile. */
export function isSure(tenure: Tenure, now: Moment, terms: Terms): boolean {
  return tenure.kind === "holding" && possiblySince(tenure.proven, now) < terms.windowMs;
}

/** How long until the next look. */
export function restMs(tenure: Tenure, now: Moment, terms: Terms): number {
  switch (tenure.kind) {
    case "new":
    case "holding":
      return terms.lookMs;
    case "asking":
      return Math.max(0, Math.min(terms.lookMs, terms.windowMs - certainlySince(tenure.since, now)));
    case "waiting":
      return Math.max(0, Math.min(2 * terms.lookMs, terms.askMs - certainlySince(tenure.since, now)));
  }
}

function meetOther(tenure: Tenure, rival: string, now: Moment, terms: Terms): Step {
  const ask: Step = { tenure: { kind: "asking", since: now }, shows: true };
  const wait: Step = { tenure: { kind: "waiting", holder: rival, since: now }, shows: false };
  switch (tenure.kind) {
    case "new":
      return ask;
    case "asking":
      return wait;
    case "waiting":
      return certainlySince(tenure.since, now) >= terms.askMs ? ask : { ...wait, tenure: { ...tenure, holder: rival } };
    case "holding": {
      if (!tenure.isSeen) {
        return wait; // it was quicker
      }
      if (!isSure(tenure, now, terms)) {
        return ask;
      }
      const answers = tenure.answers.filter(({ at }) => certainlySince(at, now) < terms.askMs);
      const isAnswered = answers.filter((answer) => answer.rival === rival).length >= MAX_ANSWERS;
      return isAnswered && terms.mark > rival
        ? wait // one of the two has to give way, and both know which
        : { tenure: { ...tenure, answers: [...answers, { rival, at: now }] }, shows: true };
    }
  }
}

function hold(proven: Moment, isSeen: boolean): Tenure {
  return { kind: "holding", proven, isSeen, answers: [] };
}

function certainlySince(then: Moment, now: Moment): number {
  return now.atLeastMs - then.atLeastMs;
}

function possiblySince(then: Moment, now: Moment): number {
  return now.atMostMs - then.atMostMs;
}
