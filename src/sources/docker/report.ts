import type { Log } from "../../ports.ts";
import type { MappedContainer } from "./mapping/unique.ts";

/** Logs what is not registered: once, and again only when the reasons change. A restarted container has its id still. */
export function createReporter(log: Log): (mapped: readonly MappedContainer[]) => void {
  let reported = new Map<string, string>();
  return (mapped) => {
    const next = new Map<string, string>();
    for (const { container, skipped } of mapped) {
      const text = JSON.stringify(skipped);
      next.set(container.id, text);
      if (reported.get(container.id) === text) {
        continue;
      }
      for (const { port, reason, kind } of skipped) {
        const fields = { container: container.name, id: container.id.slice(0, 12), ...(port !== undefined && { port }), reason };
        log[kind === "problem" ? "info" : "debug"]("left out of registration", fields);
      }
    }
    reported = next;
  };
}
