/** Keeps instances in force that vanished in a suspicious way, until it is known that they are really gone (DESIGN §10 "Guard"). */
import { type Entry, isUsable } from "../../model/instance.ts";
import type { Hold } from "../../model/provenance.ts";
import { buildService, compareEntries, type Service, type Snapshot } from "../../model/snapshot.ts";

export interface GuardRules {
  /** The part of a service that may vanish at once, 0–1. */
  readonly maxShrink: number;
  /** How long instances have to be missing. */
  readonly holdMs: number;
  /** When the last usable instance vanishes: `hold` as anything else, `keep` until a person says otherwise, `write` at once. */
  readonly onEmpty: "hold" | "keep" | "write";
  /** Fewer than this are never left without a hold. */
  readonly minInstances: number;
}

export interface GuardInput {
  readonly rules: GuardRules;
  /** The services as the applied files saw them, and what was held then. */
  readonly before: { readonly services: ReadonlyMap<string, Service>; readonly holds: readonly Hold[] };
  /**
   * By service, what vanished in a suspicious way within the last `hold` and was let go because it was little: a node's entries may go one
   * after the other. It counts with what vanishes now, and is kept with it.
   */
  readonly letGo: ReadonlyMap<string, readonly Entry[]>;
  readonly snapshot: Snapshot;
  /** Milliseconds since the epoch: holds survive the process. */
  readonly nowMs: number;
  /** When the full read began that this snapshot came from, or the one it follows; milliseconds since the epoch. */
  readonly freshAtMs: number;
}

export interface Guarded {
  /** What templates may see: the snapshot's own map when nothing is held. */
  readonly services: ReadonlyMap<string, Service>;
  readonly holds: readonly Hold[];
  /** By service, what vanished in a suspicious way now and was let go. */
  readonly letGo: ReadonlyMap<string, readonly Entry[]>;
  /** When a fresh read could end the first of them; in the past: now. Undefined: time ends none. */
  readonly confirmAtMs: number | undefined;
}

/**
 * | an instance is missing, and                                   | then                                                   |
 * |---------------------------------------------------------------|--------------------------------------------------------|
 * | its owner lives                                               | it was taken away: gone at once                        |
 * | its owner lives again, but the instance is held already       | kept for the rest of its time: the owner may not have written all of it yet |
 * | its owner is gone, or it has none (another program wrote it); few of the service are missing | gone at once                                       |
 * | … more than `maxShrink`, the last one, or below `minInstances` | kept, until a read after `hold` lacks it still         |
 * | … the last one, and `onEmpty` is `keep` or `write`            | kept until a person accepts it, or gone at once        |
 * | … and the registry holds none of anybody's entries any more   | kept until something is there again, or a person accepts |
 */
export function guardServices(input: GuardInput): Guarded {
  const { before, snapshot } = input;
  const holds: Hold[] = [];
  const kept = new Map<string, Service>();
  const letGo = new Map<string, readonly Entry[]>();
  for (const [name, service] of before.services) {
    const current = snapshot.services.get(name);
    if (current === service) {
      continue;
    }
    const missing = missingOf(service, current, input);
    const hold = missing.length === 0 ? undefined : judge({ name, service, current, missing }, input);
    if (hold !== undefined) {
      holds.push(hold);
      kept.set(name, withInstances(service, current, missing));
    } else if (missing.length > 0) {
      letGo.set(name, missing);
    }
  }
  const times = holds.flatMap(({ until }) => (until === undefined ? [] : [Date.parse(until)]));
  return {
    services: kept.size === 0 ? snapshot.services : mergeServices(snapshot.services, kept),
    holds,
    letGo,
    confirmAtMs: times.length === 0 ? undefined : Math.min(...times),
  };
}

/** What is missing of a service, and not because its owner took it away. */
function missingOf(service: Service, current: Service | undefined, { before, snapshot, letGo }: GuardInput): readonly Entry[] {
  const present = new Set(current?.instances.map((entry) => entry.id));
  const held = before.holds.find((hold) => hold.service === service.name)?.instances ?? [];
  const missing = service.instances.filter(
    ({ id, owner }) => !present.has(id) && (!snapshot.owners.has(owner) || held.includes(id)),
  );
  if (missing.length === 0) {
    return missing;
  }
  const known = new Set(service.instances.map((entry) => entry.id));
  const earlier = (letGo.get(service.name) ?? []).filter(
    ({ id, owner }) => !present.has(id) && !known.has(id) && !snapshot.owners.has(owner),
  );
  return [...missing, ...earlier].sort(compareEntries);
}

interface Loss {
  readonly name: string;
  readonly service: Service;
  readonly current: Service | undefined;
  readonly missing: readonly Entry[];
}

/** Undefined: it may go. */
function judge(
  { name, service, current, missing }: Loss,
  { rules, before, snapshot, nowMs, freshAtMs }: GuardInput,
): Hold | undefined {
  const known = new Set(service.instances.map((entry) => entry.id));
  const total = service.instances.length + missing.filter((entry) => !known.has(entry.id)).length;
  const left = current?.instances.filter(isUsable).length ?? 0;
  const empties = left === 0 && missing.some(isUsable);
  const reason = reasonToHold({ rules, total, missing: missing.length, left, empties });
  if (reason === undefined) {
    return undefined;
  }
  const instances = missing.map((entry) => entry.id);
  const earlier = before.holds.find((hold) => hold.service === name);
  const isKnown = earlier !== undefined && instances.every((id) => earlier.instances.includes(id));
  const sinceMs = isKnown ? Math.min(Date.parse(earlier.since), nowMs) : nowMs;
  const untilMs = sinceMs + rules.holdMs;
  const isAllGone = isEverythingGone(before.services, snapshot);
  const isForPeople = isAllGone || (empties && rules.onEmpty === "keep");
  if (!isForPeople && nowMs >= untilMs && freshAtMs >= untilMs) {
    return undefined;
  }
  return {
    service: name,
    instances,
    since: new Date(sinceMs).toISOString(),
    ...(!isForPeople && { until: new Date(untilMs).toISOString() }),
    reason: isAllGone ? "the registry holds no entry any more" : reason,
  };
}

/** When a hold ends, for people: the end of "stays in force". */
export function endOf({ until }: Pick<Hold, "until">): string {
  return until === undefined ? "until something comes back, or a person accepts it" : `until ${until}`;
}

/** A store that lost its data. Entries without owner do not count beside others: Consul itself always is in its catalogue. */
function isEverythingGone(before: ReadonlyMap<string, Service>, snapshot: Snapshot): boolean {
  return !hasEntry(snapshot.services, hasEntry(before, isOwned) ? isOwned : () => true);
}

function isOwned(entry: Entry): boolean {
  return entry.owner !== "";
}

function hasEntry(services: ReadonlyMap<string, Service>, wanted: (entry: Entry) => boolean): boolean {
  for (const { instances } of services.values()) {
    if (instances.some(wanted)) {
      return true;
    }
  }
  return false;
}

function reasonToHold(counts: {
  readonly rules: GuardRules;
  readonly total: number;
  readonly missing: number;
  readonly left: number;
  readonly empties: boolean;
}): string | undefined {
  const { rules, total, missing, left, empties } = counts;
  if (empties) {
    return rules.onEmpty === "write" ? undefined : "no usable instance would be left";
  }
  if (missing > rules.maxShrink * total) {
    return `${missing} of ${total} instances vanished, more than ${Math.round(rules.maxShrink * 100)}%`;
  }
  return left < rules.minInstances ? `fewer than ${rules.minInstances} instances would be left` : undefined;
}

/** The very service of before when nothing else about it changed: what was rendered of it stays good. */
function withInstances(before: Service, current: Service | undefined, missing: readonly Entry[]): Service {
  const instances = [...(current?.instances ?? []), ...missing].sort(compareEntries);
  const isSame = instances.length === before.instances.length && instances.every((entry, i) => entry === before.instances[i]);
  return isSame ? before : buildService(before.name, instances);
}

function mergeServices(services: ReadonlyMap<string, Service>, kept: ReadonlyMap<string, Service>): ReadonlyMap<string, Service> {
  const names = [...new Set([...services.keys(), ...kept.keys()])].sort();
  return new Map(
    names.flatMap((name): [string, Service][] => {
      const service = kept.get(name) ?? services.get(name);
      return service === undefined ? [] : [[name, service]];
    }),
  );
}
