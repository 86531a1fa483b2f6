/** Which service a host and path belong to, where only one may have them. Pure: every node that sees the same comes to the same. */
import { hostsOf } from "../model/hosts.ts";
import { compareText, type Entry, type Instance } from "../model/instance.ts";
import { placeOf } from "./plan.ts";

/** An instance that is not registered, since another service holds a host and path that it asks for. */
export interface Refused {
  readonly instance: Instance;
  readonly host: string;
  readonly path: string;
  readonly holder: string;
}

export interface Settled {
  readonly kept: readonly Instance[];
  readonly refused: readonly Refused[];
}

/** What an instance asks for; only one that asks for a host claims anything. */
interface Claimant {
  readonly service: string;
  readonly id: string;
  readonly pairs: readonly Pair[];
  readonly rank: Rank;
  /** Absent: an entry of another owner, over which nothing is decided here. */
  readonly own?: Instance;
}

/** What only one service may have. */
export interface Pair {
  readonly host: string;
  readonly path: string;
}

/**
 * The order in which claims are honoured. First come: entries of programs that know nothing of this and give way to nobody; then what is
 * registered; then what wants to be.
 */
type Rank = 0 | 1 | 2;
const FOREIGN = 0;
const STANDING = 1;
const NEW = 2;

/**
 * Gives each host and path to one service; all instances of that service share them, on every node.
 *
 * | the claims                                   | who has the pair                                     |
 * |----------------------------------------------|------------------------------------------------------|
 * | of a registered service and of new ones      | the registered one                                   |
 * | of several registered services (a race)      | the one whose name comes first by code unit          |
 * | of new services only                         | the same                                             |
 *
 * An instance that does not get all its pairs gets none, and is no bar to others. Own entries count as registered only where they are still
 * wanted with the same claims: what this pass takes away holds nothing.
 */
export function settleClaims(world: {
  readonly desired: readonly Instance[];
  readonly owned: readonly Entry[];
  /** Living entries of all other owners. */
  readonly others: readonly Entry[];
}): Settled {
  const standing = new Map(world.owned.map((entry) => [placeOf(entry), pairsText(entry)]));
  const claimants: Claimant[] = [
    ...world.others.map((entry): Claimant => ({ ...claimOf(entry), rank: entry.owner === "" ? FOREIGN : STANDING })),
    ...world.desired.map((own): Claimant => {
      const isStanding = standing.get(placeOf(own)) === pairsText(own);
      return { ...claimOf(own), rank: isStanding ? STANDING : NEW, own };
    }),
  ];
  const holders = new Map<string, string>();
  const lost = new Map<Instance, Refused>();
  for (const claimant of claimants.filter(({ pairs }) => pairs.length > 0).sort(byRight)) {
    const { service, pairs, own } = claimant;
    const taken = pairs.find((pair) => (holders.get(keyOf(pair)) ?? service) !== service);
    if (taken === undefined) {
      pairs.forEach((pair) => holders.set(keyOf(pair), service));
    } else if (own !== undefined) {
      lost.set(own, { instance: own, ...taken, holder: holders.get(keyOf(taken)) ?? "" });
    }
  }
  return {
    kept: world.desired.filter((instance) => !lost.has(instance)),
    refused: world.desired.flatMap((instance) => lost.get(instance) ?? []),
  };
}

function byRight(a: Claimant, b: Claimant): number {
  return a.rank - b.rank || compareText(a.service, b.service) || compareText(a.id, b.id);
}

function claimOf(instance: Instance): Pick<Claimant, "service" | "id" | "pairs"> {
  return { service: instance.service, id: instance.id, pairs: pairsOf(instance) };
}

/** What an instance claims. `/api/` is the same claim as `/api`. */
export function pairsOf(instance: Pick<Instance, "meta">): readonly Pair[] {
  const { meta } = instance;
  const path = `/${(Object.hasOwn(meta, "path") ? (meta["path"] ?? "") : "").replace(/^\/+|\/+$/g, "")}`;
  return hostsOf(instance).map((host) => ({ host, path }));
}

function pairsText(instance: Pick<Instance, "meta">): string {
  return pairsOf(instance).map(keyOf).sort().join(" ");
}

function keyOf({ host, path }: Pair): string {
  return JSON.stringify([host, path]);
}
