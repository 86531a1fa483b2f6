/** The same seed draws the same faults. */
export interface Dice {
  /** 0 ≤ x < 1 */
  next(): number;
  /** Both included. */
  between(low: number, high: number): number;
  pick<const T>(items: readonly [T, ...T[]]): T;
  /** `count` different ones. */
  draw<T>(items: readonly T[], count: number): readonly T[];
  /** Another dice: who throws it, and when, changes nothing for the others. */
  fork(): Dice;
}

export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  // mulberry32
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  function between(low: number, high: number): number {
    return low + Math.floor(next() * (high - low + 1));
  }
  return {
    next,
    between,
    pick: (items) => items[between(0, items.length - 1)] ?? items[0],
    draw: (items, count) => {
      const left = [...items];
      return Array.from({ length: Math.min(count, left.length) }, () => left.splice(between(0, left.length - 1), 1)).flat();
    },
    fork: () => createDice(Math.floor(next() * 2 ** 32)),
  };
}
