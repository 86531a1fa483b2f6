import { type Instance, sameInstance } from "../model/instance.ts";
import type { Change, Owned, Put } from "../ports.ts";

/**
 * What to write so that what we own becomes what is desired. Pure; planning again after the change was made gives nothing.
 *
 * | desired | owned            | then                         |
 * |---------|------------------|------------------------------|
 * | yes     | no               | put, the place must be free  |
 * | yes     | equal            | nothing                      |
 * | yes     | equal, unleased  | put: it hangs on a dead lease |
 * | yes     | different        | put, replacing               |
 * | no      | yes              | remove                       |
 */
export function plan(
  desired: readonly Instance[],
  owned: readonly Owned[],
  asStored: (instance: Instance) => Instance | undefined,
): Change {
  const before = new Map(owned.map((item) => [placeOf(item.entry), item]));
  const put: Put[] = [];
  const wanted = new Set<string>();
  for (const instance of desired) {
    const stored = asStored(instance);
    if (stored === undefined) {
      continue;
    }
    const place = placeOf(instance);
    wanted.add(place);
    const old = before.get(place);
    if (old === undefined) {
      put.push({ instance });
    } else if (old.unleased || !sameInstance(stored, old.entry)) {
      put.push({ instance, replaces: old });
    }
  }
  return { put, remove: owned.filter(({ entry }) => !wanted.has(placeOf(entry))) };
}

/** A place as the key of a map. */
export function placeOf({ service, id }: Pick<Instance, "service" | "id">): string {
  return JSON.stringify([service, id]);
}
