import { compareText, type Instance } from "../../../model/instance.ts";
import type { Container } from "../container.ts";
import type { Mapped } from "./mapping.ts";

export interface MappedContainer extends Mapped {
  /** Of one that could not be understood only what is known. */
  readonly container: Container | Pick<Container, "id" | "name" | "createdAt">;
}

/**
 * Ids are unique on a node. Of two claimants the oldest container wins, whatever the order of the list: a newcomer never takes the place of
 * a running one. The other instance is skipped.
 */
export function withUniqueIds(mapped: readonly MappedContainer[]): readonly MappedContainer[] {
  const claims = new Map<string, string>();
  const winners = new Set<Instance>();
  const byAge = [...mapped].sort(
    (a, b) => a.container.createdAt - b.container.createdAt || compareText(a.container.id, b.container.id),
  );
  for (const { container, instances } of byAge) {
    for (const instance of instances) {
      if (!claims.has(instance.id)) {
        claims.set(instance.id, container.name);
        winners.add(instance);
      }
    }
  }
  return mapped.map((entry) => {
    const losers = entry.instances.filter((instance) => !winners.has(instance));
    return losers.length === 0
      ? entry
      : {
          ...entry,
          instances: entry.instances.filter((i) => winners.has(i)),
          skipped: [
            ...entry.skipped,
            ...losers.map((loser) => ({
              reason: `the instance id ${JSON.stringify(loser.id)} is taken by container ${claims.get(loser.id)}`,
              kind: "problem" as const,
            })),
          ],
        };
  });
}
