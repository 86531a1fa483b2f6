import type { Entry, Instance } from "../model/instance.ts";
import type { Service, Snapshot } from "../model/snapshot.ts";
import type { Log, Owned, RegistryReader } from "../ports.ts";
import { follow } from "../registry/follow.ts";
import { pairsOf, type Refused, settleClaims } from "./claims.ts";
import { placeOf } from "./plan.ts";
import { describe } from "./report.ts";

/** What several services may not have at once: hosts. Decided in each pass, from what all others have registered. */
export interface ExclusiveHosts {
  /**
   * What of the desired instances may be registered. Until the registry was read once, new claims wait. What is owned and not desired
   * counts too, unless it is `leaving`.
   */
  settle(world: HostWorld): readonly Instance[];
  /** Follows what others claim until the signal aborts, and tells whenever that is something else. */
  follow(onChange: () => void, signal: AbortSignal): Promise<void>;
}

interface HostWorld {
  readonly desired: readonly Instance[];
  readonly owned: readonly Owned[];
  readonly leaving: ReadonlySet<Owned>;
}

export interface ExclusiveHostsOptions {
  /** A reader of its own: one reader follows one selector. Closed when following ends. */
  readonly open: () => Promise<RegistryReader & { close(): Promise<void> }>;
  readonly owner: string;
  readonly resyncMs: number;
  readonly log: Log;
}

export function createExclusiveHosts({ open, owner, resyncMs, log }: ExclusiveHostsOptions): ExclusiveHosts {
  const claimsOf = rememberClaims(owner);
  let others: readonly Entry[] | undefined;
  let reported: ReadonlySet<string> = new Set();

  function settle({ desired, owned, leaving }: HostWorld): readonly Instance[] {
    const mine = owned.map(({ entry }) => entry);
    if (others === undefined) {
      const held = new Set(mine.map(placeOf));
      return desired.filter((instance) => held.has(placeOf(instance)) || pairsOf(instance).length === 0);
    }
    const wanted = new Set(desired.map(placeOf));
    const staying = owned.flatMap((item) => (leaving.has(item) || wanted.has(placeOf(item.entry)) ? [] : [item.entry]));
    const { kept, refused } = settleClaims({ desired, owned: mine, others: [...others, ...staying] });
    report(refused);
    return kept;
  }

  /** Once, and again when another service holds it. */
  function report(refused: readonly Refused[]): void {
    const next = new Set<string>();
    for (const { instance, host, path, holder } of refused) {
      const { service, id } = instance;
      const key = JSON.stringify([service, id, host, path, holder]);
      next.add(key);
      if (!reported.has(key)) {
        log.warn("host belongs to another service; the instance is not registered", { service, id, host, path, holder });
      }
    }
    reported = next;
  }

  async function followOthers(onChange: () => void, signal: AbortSignal): Promise<void> {
    const reader = await open();
    try {
      const snapshots = follow(
        reader,
        { services: "all", keys: [] },
        {
          signal,
          backoff: { minMs: 200, maxMs: 10_000 },
          minIntervalMs: 50,
          resyncMs,
          onStale: (stale) => {
            if (stale !== undefined) {
              log.warn("hosts of other services cannot be read; what was known of them stays", describe(stale.error));
            }
          },
        },
      );
      for await (const snapshot of snapshots) {
        const next = claimsOf(snapshot);
        if (others === undefined || !sameItems(others, next)) {
          others = next;
          onChange();
        }
      }
    } finally {
      await reader.close();
    }
  }

  return { settle, follow: followOthers };
}

/** The entries of others that claim a host. A service that did not change is not looked at again. */
function rememberClaims(owner: string): (snapshot: Snapshot) => readonly Entry[] {
  const known = new WeakMap<Service, readonly Entry[]>();
  return (snapshot) =>
    [...snapshot.services.values()].flatMap((service) => {
      const found = known.get(service) ?? service.instances.filter((entry) => entry.owner !== owner && pairsOf(entry).length > 0);
      known.set(service, found);
      return found;
    });
}

/** Snapshots share what did not change. */
function sameItems(a: readonly Entry[], b: readonly Entry[]): boolean {
  return a.length === b.length && a.every((entry, i) => entry === b[i]);
}
