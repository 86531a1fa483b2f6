/**
 * What templates read. A reader fetches this and nothing more. `keys` are prefixes below the registry's `kvPrefix`, without a leading
 * slash; `""` is all keys. A prefix is text: `app/d` selects `app/db` too.
 */
export interface Selector {
  readonly services: "all" | readonly string[];
  readonly keys: readonly string[];
}

export const NOTHING: Selector = Object.freeze({ services: Object.freeze([]), keys: Object.freeze([]) });
export const EVERYTHING: Selector = Object.freeze({ services: "all", keys: Object.freeze([""]) });

export function selectsService(selector: Selector, name: string): boolean {
  return selector.services === "all" || selector.services.includes(name);
}

/** Whether all keys that begin with `prefix` are selected. */
export function selectsKeys(selector: Selector, prefix: string): boolean {
  const { keys } = selector;
  return keys.length > MANY ? holdsPrefixOf(sortedOf(keys), prefix) : keys.some((selected) => prefix.startsWith(selected));
}

/** More prefixes than this are searched, not tried one by one. */
const MANY = 16;
const sorted = new WeakMap<readonly string[], readonly string[]>();

function sortedOf(keys: readonly string[]): readonly string[] {
  const known = sorted.get(keys) ?? withoutInner(keys);
  sorted.set(keys, known);
  return known;
}

/** Sorted, and without those that another one covers. A prefix sorts directly before everything that begins with it. */
function withoutInner(keys: readonly string[]): string[] {
  const kept: string[] = [];
  for (const prefix of [...keys].sort()) {
    const last = kept.at(-1);
    if (last === undefined || !prefix.startsWith(last)) {
      kept.push(prefix);
    }
  }
  return kept;
}

/** Whether `text` begins with one of these, which are sorted and not inside one another: then only the last one up to it can be it. */
function holdsPrefixOf(prefixes: readonly string[], text: string): boolean {
  let low = 0;
  let high = prefixes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((prefixes[middle] ?? "") <= text) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const candidate = prefixes[low - 1];
  return candidate !== undefined && text.startsWith(candidate);
}

/** The smallest canonical selector (sorted, no prefix inside another) that holds both. */
export function joinSelectors(a: Selector, b: Selector): Selector {
  const services = a.services === "all" || b.services === "all" ? "all" : [...new Set([...a.services, ...b.services])].sort();
  const keys = withoutInner([...a.keys, ...b.keys]);
  return { services, keys };
}

/** `joinSelectors` for very many at once. */
export function joinAll(selectors: readonly Selector[]): Selector {
  const names = selectors.flatMap(({ services }) => (services === "all" ? [] : services));
  const isAll = selectors.some(({ services }) => services === "all");
  return joinSelectors({ services: isAll ? "all" : names, keys: selectors.flatMap(({ keys }) => keys) }, NOTHING);
}

/** Equal selectors have equal text when they are canonical. */
export function selectorText(selector: Selector): string {
  return JSON.stringify([selector.services, selector.keys]);
}
