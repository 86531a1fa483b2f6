import type { Entry } from "../../model/instance.ts";
import type { Hold } from "../../model/provenance.ts";
import type { Service, Snapshot } from "../../model/snapshot.ts";
import type { Target } from "../../ports.ts";
import { type Guarded, type GuardRules, guardServices } from "./guard.ts";

/** A snapshot, and when the full read began that it came from or follows; milliseconds since the epoch. */
export interface Seen {
  readonly snapshot: Snapshot;
  readonly freshAtMs: number;
}

export interface GuardedSnapshot {
  /** What the target's templates may see. */
  readonly snapshot: Snapshot;
  readonly holds: readonly Hold[];
  /** When a fresh read could end a hold, milliseconds since the epoch. */
  readonly confirmAtMs: number | undefined;
}

export interface TargetGuard {
  look(seen: Seen): Promise<GuardedSnapshot>;
}

/**
 * Guards one target. What was there before comes from the target itself, so that a restart, or another process that applied it, makes no
 * difference. A target without applied files is not guarded: there is nothing to lose.
 */
export function createTargetGuard(target: Target, rules: GuardRules | undefined): TargetGuard {
  /** Since when something is held, also when it could not be applied and so is not stored. */
  let held: readonly Hold[] = [];
  /** What was let go within the last hold, by service and id. */
  const recent = new Map<string, { readonly service: string; readonly entry: Entry; readonly atMs: number }>();
  let last: { readonly input: Snapshot; readonly output: Snapshot } | undefined;

  async function look({ snapshot, freshAtMs }: Seen): Promise<GuardedSnapshot> {
    const memory = rules === undefined ? undefined : await target.recall();
    if (rules === undefined || memory === undefined) {
      return { snapshot, holds: [], confirmAtMs: undefined };
    }
    const { services, holds } = memory.provenance;
    const before = { services, holds: held.length > 0 ? held : holds };
    const nowMs = Date.now();
    forgetBefore(nowMs - rules.holdMs);
    const guarded = guardServices({ rules, before, letGo: groupByService(recent.values()), snapshot, nowMs, freshAtMs });
    noteLetGo(guarded, before.holds, nowMs);
    held = guarded.holds;
    return { snapshot: withServices(snapshot, guarded.services), holds: guarded.holds, confirmAtMs: guarded.confirmAtMs };
  }

  function forgetBefore(timeMs: number): void {
    for (const [key, { atMs }] of recent) {
      if (atMs <= timeMs) {
        recent.delete(key);
      }
    }
  }

  /** What a hold has had its time for is gone for good, and counts no more. */
  function noteLetGo({ letGo }: Guarded, earlier: readonly Hold[], nowMs: number): void {
    const counted = new Set(earlier.flatMap(({ service, instances }) => instances.map((id) => keyOf(service, id))));
    for (const [service, entries] of letGo) {
      for (const entry of entries) {
        const key = keyOf(service, entry.id);
        if (!counted.has(key) && !recent.has(key)) {
          recent.set(key, { service, entry, atMs: nowMs });
        }
      }
    }
  }

  /** The same object as the last time when it would be equal: what was rendered of it stays good. */
  function withServices(snapshot: Snapshot, services: ReadonlyMap<string, Service>): Snapshot {
    if (services === snapshot.services) {
      return snapshot;
    }
    const known = last?.output.services;
    const same = known !== undefined && sameServices(known, services) ? known : services;
    if (last?.input !== snapshot || last.output.services !== same) {
      last = { input: snapshot, output: Object.freeze({ ...snapshot, services: same }) };
    }
    return last.output;
  }

  return { look };
}

function keyOf(service: string, id: string): string {
  return JSON.stringify([service, id]);
}

function groupByService(
  items: Iterable<{ readonly service: string; readonly entry: Entry }>,
): ReadonlyMap<string, readonly Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const { service, entry } of items) {
    const group = groups.get(service) ?? [];
    group.push(entry);
    groups.set(service, group);
  }
  return groups;
}

function sameServices(a: ReadonlyMap<string, Service>, b: ReadonlyMap<string, Service>): boolean {
  return a.size === b.size && [...a].every(([name, service]) => b.get(name) === service);
}
