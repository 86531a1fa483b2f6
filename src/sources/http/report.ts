import type { Log } from "../../ports.ts";
import type { SkippedItem } from "./document.ts";

/** A list that is wrong throughout would fill the log. */
const SHOWN = 20;

/** Logs what was left out: once, and again only when the reason is a new one. An item is known by its id, since places move. */
export function createReporter(log: Log, source: string): (skipped: readonly SkippedItem[]) => void {
  let reported: ReadonlySet<string> = new Set();
  return (skipped) => {
    const next = new Set<string>();
    const fresh = skipped.filter(({ place, id, kind, reason }) => {
      const key = JSON.stringify([id ?? place, reason]);
      const isNew = kind === "problem" && !reported.has(key) && !next.has(key);
      next.add(key);
      return isNew;
    });
    for (const { place, id, reason } of fresh.slice(0, SHOWN)) {
      log.info("left out of registration", { source, place, ...(id !== undefined && { id }), reason });
    }
    if (fresh.length > SHOWN) {
      log.info("more was left out of registration", { source, count: fresh.length - SHOWN });
    }
    reported = next;
  };
}
