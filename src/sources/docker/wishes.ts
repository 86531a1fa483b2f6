import { isTruthy, META_READERS, parseBoolean, parseTags, parseWeight } from "./values.ts";
import { parsePort, type Scope, type Word } from "./words.ts";

/** What the words of one scope ask for, checked. A word that makes no sense asks for nothing, and is named in `problems`. */
export interface Wishes {
  readonly enable?: { readonly wanted: boolean; readonly key: string };
  readonly service?: string;
  readonly id?: string;
  readonly tags?: readonly string[];
  readonly weight?: number;
  /** `number` is undefined when it is no port. */
  readonly port?: { readonly number: number | undefined; readonly key: string };
  /** Undefined: the word made no sense; it stands in the way of a more general one all the same. */
  readonly meta: ReadonlyMap<string, string | undefined>;
  /** Under `register: labelled`, whether these words let a container (or a port) in. */
  readonly admits: boolean;
  readonly problems: readonly string[];
}

export const NO_WISHES: Wishes = { meta: new Map(), admits: false, problems: [] };

export function readWishes(scope: Scope): Wishes {
  const problems: string[] = [];
  function read<T>(word: Word | undefined, parse: (text: string) => T | undefined, what: string): T | undefined {
    const value = word === undefined ? undefined : parse(word.value);
    if (word !== undefined && value === undefined) {
      problems.push(`${word.key} is ${what}; it was left out`);
    }
    return value;
  }
  const { enable, service, id, tags, weight, port } = Object.fromEntries(scope.settings);
  const isIgnore = enable?.family === "service";
  const wanted = read(enable, isIgnore ? (text) => !isTruthy(text) : parseBoolean, "neither true nor false");
  const parsedWeight = read(weight, parseWeight, "no number of at least 0");
  const meta = new Map<string, string | undefined>();
  for (const [name, word] of scope.meta) {
    const reader = META_READERS.get(name);
    const result = reader === undefined ? { value: word.value } : reader(word.value);
    meta.set(name, result.value);
    if (result.problem !== undefined) {
      problems.push(`${word.key} is ${result.problem}; it was left out`);
    }
  }
  return {
    ...(enable !== undefined && wanted !== undefined && { enable: { wanted, key: enable.key } }),
    ...(service !== undefined && { service: service.value.trim() }),
    ...(id !== undefined && { id: id.value.trim() }),
    ...(tags !== undefined && { tags: parseTags(tags.value) }),
    ...(parsedWeight !== undefined && { weight: parsedWeight }),
    ...(port !== undefined && { port: { number: parsePort(port.value), key: port.key } }),
    meta,
    admits: service !== undefined || meta.get("host") !== undefined || (wanted === true && !isIgnore),
    problems,
  };
}
