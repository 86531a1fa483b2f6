/** What the catalogue's answer for one service means. Pure. */
import { compareText, type Entry } from "../../../model/instance.ts";
import { isAddress, isPort } from "../../codec.ts";
import { type CatalogItem, type CheckStatus, worstOf } from "../api/shapes.ts";
import { aliveCheckId, decodeRegistration, leaseOf } from "./form.ts";
import { NODE_CHECK } from "./owners.ts";

/** `ref` names the place: node, service and id. */
export type CatalogEntry = { readonly ref: string } & ({ readonly entry: Entry } | { readonly invalid: string });

/**
 * All entries of one answer, whoever wrote them; it may hold several spellings of one name. Left out silently are entries of ours whose owner is dead (their `alive` check is
 * critical), and services of others without a port: they are no place to send anything, and quite usual.
 */
export function readEntries(items: readonly CatalogItem[]): readonly CatalogEntry[] {
  const read = items.flatMap((item): readonly Read[] => {
    const { registration, node } = item;
    const isOurs = leaseOf(registration) !== undefined;
    if (isOurs ? isDead(item) : registration.port === 0) {
      return [];
    }
    const { healthCheck: _, ...decoded } = decodeRegistration(registration, worstStatus(item)); // what it found counts, not what it is
    const entry = { ...decoded, address: decoded.address === "" ? item.nodeAddress : decoded.address };
    return [{ item, entry, ref: `${node}/${registration.name}/${registration.id}` }];
  });
  return tellApart(read).map(({ ref, entry }) => {
    const problem =
      (!isAddress(entry.address) && "its address is no IP address or host name") ||
      (!isPort(entry.port) && "its port is not between 1 and 65535");
    return problem === false ? { ref, entry } : { ref, invalid: problem };
  });
}

interface Read {
  readonly item: CatalogItem;
  readonly entry: Entry;
  readonly ref: string;
}

function isDead({ registration, checks }: CatalogItem): boolean {
  const alive = aliveCheckId(registration.id);
  return checks.some(({ id, status }) => id === alive && status === "critical");
}

/** Of all checks that concern it: its own, the node's, maintenance. No checks: passing. Being alive is not being healthy. */
function worstStatus({ registration, checks }: CatalogItem): CheckStatus {
  const alive = aliveCheckId(registration.id);
  return worstOf(checks.filter(({ id }) => id !== alive).map(({ status }) => status));
}

/**
 * Ids are unique on an agent, not in a service. Of one owner's entry that two agents hold (it has moved) one counts: that of a node that
 * lives, and of those the newer; entries of several nodes that share an id carry the node's name before it.
 */
function tellApart(all: readonly Read[]): readonly Read[] {
  const byPlace = new Map<string, Read[]>();
  for (const read of all) {
    const place = JSON.stringify([read.entry.service, read.entry.id]);
    const same = byPlace.get(place);
    if (same === undefined) {
      byPlace.set(place, [read]);
    } else {
      same.push(read);
    }
  }
  return [...byPlace.values()].flatMap((same) => {
    const [first] = same;
    if (same.length === 1 || first === undefined) {
      return same;
    }
    const { owner } = first.entry;
    if (owner !== "" && same.every(({ entry }) => entry.owner === owner)) {
      return same.toSorted(byPreference).slice(0, 1);
    }
    return same.map((read) => ({ ...read, entry: { ...read.entry, id: `${read.item.node}:${read.entry.id}` } }));
  });
}

function byPreference(a: Read, b: Read): number {
  const onDeadNode = ({ item }: Read): number =>
    item.checks.some(({ id, status }) => id === NODE_CHECK && status === "critical") ? 1 : 0;
  return onDeadNode(a) - onDeadNode(b) || b.item.modifyIndex - a.item.modifyIndex || compareText(a.ref, b.ref);
}
