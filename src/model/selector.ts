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
  return selector.keys.some((selected) => prefix.startsWith(selected));
}

/** The smallest canonical selector (sorted, no prefix inside another) that holds both. */
export function joinSelectors(a: Selector, b: Selector): Selector {
  const services = a.services === "all" || b.services === "all" ? "all" : [...new Set([...a.services, ...b.services])].sort();
  const keys: string[] = [];
  for (const prefix of [...a.keys, ...b.keys].sort()) {
    if (!keys.some((kept) => prefix.startsWith(kept))) {
      keys.push(prefix);
    }
  }
  return { services, keys };
}

/** Equal selectors have equal text when they are canonical. */
export function selectorText(selector: Selector): string {
  return JSON.stringify([selector.services, selector.keys]);
}
