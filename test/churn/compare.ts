/** Whether a registry says what an engine says, and whether it was written more often than that took. Pure. */
import { type Expected, type Line, placeOf, textOf } from "./expected.ts";

/** An entry as a registry holds it. */
export interface Held extends Line {
  /** Empty: written by hand. */
  readonly owner: string;
  /** The store's version of it: another one after each write. */
  readonly revision: string;
  /** How often it was written since it is there, where the store counts that. */
  readonly writes?: number;
  /** The versions of its checks, where the store runs them by itself. */
  readonly checks?: string;
}

export interface Difference {
  readonly kind: "ghost" | "missing" | "wrong";
  readonly place: string;
  readonly what: string;
}

/** Places that others hold are not ours to fill. */
export function compare(expected: readonly Expected[], held: readonly Held[], owner: string): readonly Difference[] {
  const own = new Map<string, Held>();
  const taken = new Set<string>();
  for (const entry of held) {
    if (entry.owner === owner) {
      own.set(placeOf(entry), entry);
    } else {
      taken.add(placeOf(entry));
    }
  }
  const wanted = new Map(expected.map((line) => [placeOf(line), line]));
  const ghosts = [...own]
    .filter(([place]) => !wanted.has(place))
    .map(([place, entry]) => difference("ghost", place, textOf(entry)));
  const others = [...wanted].flatMap(([place, line]) => {
    const entry = own.get(place);
    if (entry === undefined) {
      return taken.has(place) ? [] : [difference("missing", place, textOf(line))];
    }
    const [want, have] = [textOf(line), textOf(entry)];
    return want === have ? [] : [difference("wrong", place, `want ${want}, have ${have}`)];
  });
  return [...ghosts, ...others];
}

function difference(kind: Difference["kind"], place: string, what: string): Difference {
  return { kind, place, what };
}

/** What was there at the end of a quiet spell, engine and registry being equal. */
export interface Spell {
  readonly expected: readonly Expected[];
  readonly held: readonly Held[];
  /** By container: another one when anything happened to it that the engine knows of. */
  readonly states: ReadonlyMap<string, string>;
}

export interface Since {
  /** Containers to which something was done between the two spells. */
  readonly touched: ReadonlySet<string>;
  /** The lease may have been lost by design: what hung on it may be written again, once. */
  readonly mayLoseLease: boolean;
  /** The store was started anew: checks that it runs by itself may have begun again. */
  readonly isStoreNew: boolean;
}

export interface Untouched {
  /** Entries to whose containers nothing happened. */
  readonly compared: number;
  /** Of those the ones that were written again, as the loss of their lease asks for. */
  readonly renewed: number;
  readonly needless: readonly string[];
}

/** Entries to whose containers nothing happened have the revision that they had. */
export function findNeedless(before: Spell, after: Spell, owner: string, since: Since): Untouched {
  const { touched, mayLoseLease, isStoreNew } = since;
  const lines = new Map(before.expected.map((line) => [placeOf(line), line]));
  const old = new Map(before.held.filter((entry) => entry.owner === owner).map((entry) => [placeOf(entry), entry]));
  const now = new Map(after.held.filter((entry) => entry.owner === owner).map((entry) => [placeOf(entry), entry]));
  let compared = 0;
  let renewed = 0;
  const needless: string[] = [];
  for (const line of after.expected) {
    const place = placeOf(line);
    const [was, is] = [old.get(place), now.get(place)];
    const state = after.states.get(line.container);
    const wasSame = lines.get(place)?.container === line.container && before.states.get(line.container) === state;
    if (was === undefined || is === undefined || !wasSame || touched.has(line.container) || textOf(was) !== textOf(is)) {
      continue;
    }
    compared += 1;
    if (was.revision === is.revision) {
      if (was.checks !== is.checks && !mayLoseLease && !isStoreNew) {
        needless.push(`${place}: its checks ${was.checks} → ${is.checks}`);
      }
      continue;
    }
    const isOnce = is.writes === undefined || is.writes === 1 || is.writes === (was.writes ?? 0) + 1;
    if (mayLoseLease && isOnce) {
      renewed += 1;
    } else {
      needless.push(
        `${place}: revision ${was.revision} → ${is.revision}${is.writes === undefined ? "" : `, ${is.writes} writes`}`,
      );
    }
  }
  return { compared, renewed, needless };
}

/** What others hold, with revisions: the same text for as long as nobody touched it. */
export function othersOf(held: readonly Held[], owner: string): readonly string[] {
  return held
    .filter((entry) => entry.owner !== owner)
    .map((entry) => `${entry.owner} ${entry.revision} ${textOf(entry)}`)
    .sort();
}
