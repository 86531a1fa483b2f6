import type { Log } from "../../ports.ts";
import { createNews } from "../news.ts";
import type { MappedService } from "./mapping.ts";
import type { InvalidObject } from "./state.ts";

/** Logs what is not registered: once, and again only when the reasons change. */
export function createReporter(log: Log): (mapped: readonly MappedService[], invalid: readonly InvalidObject[]) => void {
  const news = createNews();
  return (mapped, invalid) =>
    news((isNews) => {
      for (const { service, skipped } of mapped.filter((each) => isNews(each.service.id, JSON.stringify(each.skipped)))) {
        for (const { port, reason, kind } of skipped) {
          const fields = { swarmService: service.name, ...(port !== undefined && { port }), reason };
          log[kind === "problem" ? "info" : "debug"]("left out of registration", fields);
        }
      }
      for (const { kind, id, reason } of invalid) {
        if (isNews(`${kind} ${id}`, reason)) {
          log.info("left out of registration", { [kind]: id, reason });
        }
      }
    });
}
