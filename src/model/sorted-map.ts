import { compareText } from "./instance.ts";

/**
 * A map in code-unit order that never changes, and that a changed copy shares most of: a copy with other values costs a copy of one list
 * of references, and only one with other names has to count the places anew.
 */
export class SortedMap<V> implements ReadonlyMap<string, V> {
  readonly #names: readonly string[];
  readonly #values: readonly V[];
  readonly #places: ReadonlyMap<string, number>;

  private constructor(names: readonly string[], values: readonly V[], places: ReadonlyMap<string, number>) {
    this.#names = names;
    this.#values = values;
    this.#places = places;
  }

  static empty<V>(): SortedMap<V> {
    return new SortedMap<V>([], [], new Map());
  }

  /**
   * A copy with these values; undefined takes a name away.
   * @example SortedMap.empty<number>().with(new Map([["b", 1], ["a", 2]])).get("a") === 2
   */
  with(edits: ReadonlyMap<string, V | undefined>): SortedMap<V> {
    const hasSameNames = [...edits].every(([name, value]) => this.#places.has(name) === (value !== undefined));
    return hasSameNames ? this.#withValues(edits) : this.#withNames(edits);
  }

  #withValues(edits: ReadonlyMap<string, V | undefined>): SortedMap<V> {
    const values = [...this.#values];
    for (const [name, value] of edits) {
      const place = this.#places.get(name);
      if (place !== undefined && value !== undefined) {
        values[place] = value;
      }
    }
    return new SortedMap(this.#names, values, this.#places);
  }

  #withNames(edits: ReadonlyMap<string, V | undefined>): SortedMap<V> {
    const names: string[] = [];
    const values: V[] = [];
    const places = new Map<string, number>();
    const add = (name: string, value: V | undefined): void => {
      if (value !== undefined) {
        places.set(name, names.length);
        names.push(name);
        values.push(value);
      }
    };
    const added = [...edits.keys()].filter((name) => !this.#places.has(name)).sort(compareText);
    let next = 0;
    for (const [place, name] of this.#names.entries()) {
      for (let first = added[next]; first !== undefined && first < name; first = added[next]) {
        add(first, edits.get(first));
        next += 1;
      }
      add(name, edits.has(name) ? edits.get(name) : this.#values[place]);
    }
    for (const name of added.slice(next)) {
      add(name, edits.get(name));
    }
    return new SortedMap(names, values, places);
  }

  get size(): number {
    return this.#names.length;
  }

  get(name: string): V | undefined {
    const place = this.#places.get(name);
    return place === undefined ? undefined : this.#values[place];
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  keys(): MapIterator<string> {
    return this.#names.values();
  }

  values(): MapIterator<V> {
    return this.#values.values();
  }

  *entries(): MapIterator<[string, V]> {
    for (const [place, value] of this.#values.entries()) {
      yield [this.#names[place] ?? "", value];
    }
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(callback: (value: V, name: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [name, value] of this) {
      callback(value, name, this);
    }
  }

  /** The names that begin with `prefix` and their values, found without looking at the others. */
  below(prefix: string): [string, V][] {
    const found: [string, V][] = [];
    this.#eachBelow(prefix, (name, value) => {
      found.push([name, value]);
      return true;
    });
    return found;
  }

  /** Whether `below(prefix)` would give just these, without making it. */
  hasBelow(prefix: string, wanted: readonly { readonly key: string; readonly value: V }[]): boolean {
    let count = 0;
    const isSame = this.#eachBelow(prefix, (name, value) => {
      const item = wanted[count];
      count += 1;
      return item?.key === name && item.value === value;
    });
    return isSame && count === wanted.length;
  }

  /** Until `visit` says false; then it is false. */
  #eachBelow(prefix: string, visit: (name: string, value: V) => boolean): boolean {
    for (let place = this.#firstFrom(prefix); this.#names[place]?.startsWith(prefix) === true; place += 1) {
      const name = this.#names[place];
      const value = this.#values[place];
      if (name !== undefined && value !== undefined && !visit(name, value)) {
        return false;
      }
    }
    return true;
  }

  #firstFrom(name: string): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#names[middle] ?? "") < name) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
