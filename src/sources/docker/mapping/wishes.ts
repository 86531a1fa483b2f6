import {
  isTruthy,
  META_READERS,
  metaNameProblem,
  parseBoolean,
  parseTags,
  parseWeight,
  quoteKey,
  tagProblem,
  textProblem,
} from "./values.ts";
import { parsePort, type Scope, type Word } from "./words.ts";

/** What the words of one scope ask for, checked. A word that makes no sense asks for nothing, and is named in `problems`. */
export interface Wishes {
  readonly enable?: { readonly wanted: boolean; readonly key: string };
  readonly service?: { readonly name: string; readonly key: string };
  readonly id?: { readonly text: string; readonly key: string };
  readonly tags?: readonly string[];
  readonly weight?: number;
  /** `number` is undefined when it is no port. */
  readonly port?: { readonly number: number | undefined; readonly key: string };
  readonly drain?: { readonly wanted: boolean; readonly key: string };
  /** Undefined: the word made no sense; it stands in the way of a more general one all the same. */
  readonly meta: ReadonlyMap<string, string | undefined>;
  readonly checks: Scope["checks"];
  /** `fairlead.enable=true`, which is more than not to be ignored. */
  readonly asks: boolean;
  readonly problems: readonly string[];
}

export const NO_WISHES: Wishes = { meta: new Map(), checks: new Map(), asks: false, problems: [] };

export function readWishes(scope: Scope): Wishes {
  const problems: string[] = [];
  function read<T>(word: Word | undefined, parse: (text: string) => T | undefined, what: string): T | undefined {
    const value = word === undefined ? undefined : parse(word.value);
    if (word !== undefined && value === undefined) {
      problems.push(`${word.key} is ${what}; it was left out`);
    }
    return value;
  }
  const { enable, service, id, tags, weight, port, drain } = Object.fromEntries(scope.settings);
  const isIgnore = enable?.family === "service";
  const wanted = read(enable, isIgnore ? (text) => !isTruthy(text) : parseBoolean, "neither true nor false");
  const drains = read(drain, parseBoolean, "neither true nor false");
  const parsedWeight = read(weight, parseWeight, "no number of at least 0");
  const parsedTags = tags === undefined ? undefined : readTags(tags, problems);
  const meta = readMeta(scope.meta, problems);
  return {
    ...(enable !== undefined && wanted !== undefined && { enable: { wanted, key: enable.key } }),
    ...(service !== undefined && { service: { name: service.value.trim(), key: service.key } }),
    ...(id !== undefined && { id: { text: id.value.trim(), key: id.key } }),
    ...(parsedTags !== undefined && { tags: parsedTags }),
    ...(parsedWeight !== undefined && { weight: parsedWeight }),
    ...(port !== undefined && { port: { number: parsePort(port.value), key: port.key } }),
    ...(drain !== undefined && drains !== undefined && { drain: { wanted: drains, key: drain.key } }),
    meta,
    checks: scope.checks,
    asks: wanted === true && !isIgnore,
    problems,
  };
}

/** A bad tag does not hurt its neighbours. */
function readTags(word: Word, problems: string[]): readonly string[] {
  const tags = parseTags(word.value);
  const good = tags.filter((tag) => tagProblem(tag) === undefined);
  for (const what of new Set(tags.map(tagProblem))) {
    if (what !== undefined) {
      problems.push(`${word.key} holds a tag that is ${what}; it was left out`);
    }
  }
  return good;
}

function readMeta(words: Scope["meta"], problems: string[]): Wishes["meta"] {
  const meta = new Map<string, string | undefined>();
  for (const [name, word] of words) {
    const nameProblem = metaNameProblem(name);
    if (nameProblem !== undefined) {
      problems.push(`the word ${quoteKey(word.key)} has a name that is ${nameProblem}; it was left out`);
      continue;
    }
    const result = META_READERS.get(name)?.(word.value) ?? readText(word.value);
    meta.set(name, result.value);
    if (result.problem !== undefined) {
      problems.push(`${word.key} is ${result.problem}; it was left out`);
    }
  }
  return meta;
}

function readText(text: string): { readonly value: string | undefined; readonly problem?: string } {
  const problem = textProblem(text);
  return problem === undefined ? { value: text } : { value: undefined, problem };
}
