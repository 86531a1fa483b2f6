import type { SetAside } from "../model/provenance.ts";
import type { Log } from "../ports.ts";

/** Tells once of each instance that is left out of a file, and again when it is back or the reason is another. */
export function createSetAsideReport(log: Log, target: string): (setAside: readonly SetAside[]) => void {
  let known = new Map<string, SetAside>();
  return (setAside) => {
    const found = new Map(
      setAside.map((one) => [JSON.stringify([one.dest, one.service, one.id, one.reason, one.location]), one]),
    );
    for (const [key, { service, id, dest, reason, location }] of found) {
      if (!known.has(key)) {
        const at = [location?.file, location?.line, location?.column].filter((part) => part !== undefined).join(":");
        log.warn("instance is left out of a file: a value of it cannot stand there", { target, dest, service, id, reason, at });
      }
    }
    const still = new Set([...found.values()].map(placeOf));
    for (const one of known.values()) {
      if (!still.has(placeOf(one))) {
        log.info("instance is no longer left out", { target, dest: one.dest, service: one.service, id: one.id });
      }
    }
    known = found;
  };
}

function placeOf({ dest, service, id }: SetAside): string {
  return JSON.stringify([dest, service, id]);
}
