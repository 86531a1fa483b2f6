import type { Instance } from "../model/instance.ts";
import type { Owned } from "../ports.ts";
import { placeOf } from "./plan.ts";

interface LeavingWorld {
  /** What all sources said last. */
  readonly desired: readonly Instance[];
  readonly owned: readonly Owned[];
  /** All sources have answered once. */
  readonly isComplete: boolean;
}

/** Which of the owned entries that nobody lists may be taken away. It remembers no place that is neither listed nor owned. */
export type Leaving = (world: LeavingWorld) => ReadonlySet<Owned>;

/**
 * Until every source has answered once, an entry that nobody lists may be that of one which has not told yet: it was written by an earlier
 * process, and nothing in it says for which source. Only what a source has listed while this process runs, and lists no more, is certain
 * to have gone: a source that is down from the start keeps no dead container of another source in the registry.
 */
export function createLeaving(): Leaving {
  const listed = new Set<string>();
  return ({ desired, owned, isComplete }) => {
    const wanted = new Set(desired.map(placeOf));
    const unwanted = owned.filter(({ entry }) => !wanted.has(placeOf(entry)));
    if (isComplete) {
      listed.clear();
      return new Set(unwanted);
    }
    const leaving = new Set(unwanted.filter(({ entry }) => listed.has(placeOf(entry))));
    listed.clear();
    for (const place of [...wanted, ...[...leaving].map(({ entry }) => placeOf(entry))]) {
      listed.add(place);
    }
    return leaving;
  };
}
