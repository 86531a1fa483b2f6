import type { Instance } from "../model/instance.ts";
import type { Log } from "../ports.ts";
import { placeOf } from "./plan.ts";

export interface Listed {
  readonly source: string;
  readonly instances: readonly Instance[];
}

/** An instance whose service and id another source of this process uses too. */
export interface Double {
  readonly instance: Instance;
  readonly source: string;
  readonly holder: string;
}

/**
 * What all sources say together. Of two that use one id in one service the one that the configuration's order names first keeps it, whichever
 * answered first: else they would overwrite each other in turn. Pure.
 */
export function joinListed(lists: readonly Listed[]): {
  readonly instances: readonly Instance[];
  readonly doubles: readonly Double[];
} {
  const holders = new Map<string, string>();
  const instances: Instance[] = [];
  const doubles: Double[] = [];
  for (const { source, instances: listed } of lists) {
    for (const instance of listed) {
      const place = placeOf(instance);
      const holder = holders.get(place);
      if (holder === undefined) {
        holders.set(place, source);
        instances.push(instance);
      } else {
        doubles.push({ instance, source, holder });
      }
    }
  }
  return { instances, doubles };
}

/** `joinListed`, with what is left out logged once. */
export function createJoin(log: Log): (lists: readonly Listed[]) => readonly Instance[] {
  let reported: ReadonlySet<string> = new Set();
  return (lists) => {
    const { instances, doubles } = joinListed(lists);
    const next = new Set<string>();
    for (const { instance, source, holder } of doubles) {
      const { service, id } = instance;
      const key = JSON.stringify([service, id, source, holder]);
      if (!reported.has(key) && !next.has(key)) {
        log.warn("entry is held by another source of this process; the instance is not registered", {
          service,
          id,
          source,
          holder,
        });
      }
      next.add(key);
    }
    reported = next;
    return instances;
  };
}
