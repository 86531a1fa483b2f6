import { jitter, type Random } from "../core/time.ts";
import { type Instance, sameInstance } from "../model/instance.ts";
import type { Change, Owned, Put } from "../ports.ts";
import { placeOf } from "./plan.ts";

const MIN_MS = 200;
const MAX_MS = 30_000;

/** What was wanted of a place when a write there failed. */
type Wish = { readonly put: Instance } | { readonly remove: true };

interface Failure {
  readonly wish: Wish;
  readonly waitMs: number;
  readonly dueAtMs: number;
}

/**
 * Entries whose writing failed, each with a back-off of its own: 200 ms, doubled up to 30 s, ± 20 %. The others are neither held up nor
 * tried again with it. One that is wanted in another way is tried at once. Pure but for what it remembers: no more places than are wanted.
 */
export interface Retries {
  /** The changes whose time has come. */
  due(change: Change, nowMs: number): Change;
  /** A write at a place failed. Returns how long it is left alone. */
  failed(change: Change, place: Pick<Instance, "service" | "id">, nowMs: number): number;
  succeeded(place: Pick<Instance, "service" | "id">): void;
  /** Forgets every place that needs no change any more. */
  retain(change: Change): void;
  /** When the next one is due; `Infinity`: nothing has failed. */
  nextDueMs(): number;
}

export function createRetries(random: Random = Math.random): Retries {
  const failures = new Map<string, Failure>();

  function isDue(place: string, wish: Wish, nowMs: number): boolean {
    const failure = failures.get(place);
    return failure === undefined || nowMs >= failure.dueAtMs || !sameWish(failure.wish, wish);
  }

  return {
    due: ({ put, remove }, nowMs) => ({
      put: put.filter((item) => isDue(placeOf(item.instance), wishOf(item), nowMs)),
      remove: remove.filter((item) => isDue(placeOf(item.entry), wishOf(item), nowMs)),
    }),
    failed(change, { service, id }, nowMs) {
      const place = placeOf({ service, id });
      const put = change.put.find(({ instance }) => placeOf(instance) === place);
      const wish: Wish = put === undefined ? { remove: true } : wishOf(put);
      const before = failures.get(place);
      const isSame = before !== undefined && sameWish(before.wish, wish);
      const waitMs = isSame ? Math.min(MAX_MS, before.waitMs * 2) : MIN_MS;
      const restMs = Math.min(MAX_MS, jitter(waitMs, 0.2, random));
      failures.set(place, { wish, waitMs, dueAtMs: nowMs + restMs });
      return restMs;
    },
    succeeded: (place) => void failures.delete(placeOf(place)),
    retain({ put, remove }) {
      const wanted = new Set([...put.map(({ instance }) => placeOf(instance)), ...remove.map(({ entry }) => placeOf(entry))]);
      for (const place of failures.keys()) {
        if (!wanted.has(place)) {
          failures.delete(place);
        }
      }
    },
    nextDueMs: () => [...failures.values()].reduce((first, { dueAtMs }) => Math.min(first, dueAtMs), Number.POSITIVE_INFINITY),
  };
}

function wishOf(item: Put | Owned): Wish {
  return "instance" in item ? { put: item.instance } : { remove: true };
}

function sameWish(a: Wish, b: Wish): boolean {
  return "put" in a ? "put" in b && sameInstance(a.put, b.put) : "remove" in b;
}
