/** Judges a history. It knows the events and nothing of fairlead. */
import type { Event } from "./history.ts";
import { type Bounds, createRules } from "./rules.ts";

export interface Violation {
  readonly round: number;
  readonly at: number;
  readonly rule: string;
  readonly what: string;
}

export interface Checker {
  /** Events in the order of time, after all those that were given before. */
  judge(events: readonly Event[]): readonly Violation[];
}

export function createChecker(bounds: Bounds): Checker {
  const rules = createRules(bounds);
  let round = 0;
  return {
    judge(events) {
      const violations: Violation[] = [];
      for (const event of events) {
        round = event.kind === "round-start" ? event.round : round;
        for (const rule of rules) {
          violations.push(...rule.see(event).map((what) => ({ round, at: event.at, rule: rule.name, what })));
        }
      }
      return violations;
    },
  };
}
