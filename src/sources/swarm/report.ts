import type { Log } from "../../ports.ts";
import type { MappedService } from "./mapping.ts";
import type { InvalidObject } from "./state.ts";

/** Logs what is not registered: once, and again only when the reasons change. */
export function createReporter(log: Log): (mapped: readonly MappedService[], invalid: readonly InvalidObject[]) => void {
  let reported = new Map<string, string>();
  return (mapped, invalid) => {
    const next = new Map<string, string>();
    function isNews(key: string, text: string): boolean {
      next.set(key, text);
      return reported.get(key) !== text;
    }
    for (const { service, skipped } of mapped) {
      if (isNews(service.id, JSON.stringify(skipped))) {
        for (const { port, reason, kind } of skipped) {
          const fields = { swarmService: service.name, ...(port !== undefined && { port }), reason };
          log[kind === "problem" ? "info" : "debug"]("left out of registration", fields);
        }
      }
    }
    for (const { kind, id, reason } of invalid) {
      if (isNews(`${kind} ${id}`, reason)) {
        log.info("left out of registration", { [kind]: id, reason });
      }
    }
    reported = next;
  };
}
