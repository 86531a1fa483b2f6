import type { Log } from "../../ports.ts";
import { createNews } from "../news.ts";
import type { MappedContainer } from "./mapping/unique.ts";

/** Logs what is not registered: once, and again only when the reasons change. A restarted container has its id still. */
export function createReporter(log: Log): (mapped: readonly MappedContainer[]) => void {
  const news = createNews();
  return (mapped) =>
    news((isNews) => {
      for (const { container, skipped } of mapped.filter((each) => isNews(each.container.id, JSON.stringify(each.skipped)))) {
        for (const { port, reason, kind } of skipped) {
          const fields = {
            container: container.name,
            id: container.id.slice(0, 12),
            ...(port !== undefined && { port }),
            reason,
          };
          log[kind === "problem" ? "info" : "debug"]("left out of registration", fields);
        }
      }
    });
}
