/** Which owners live, as far as Consul's catalogue tells. Pure: who asks Consul is the part. */

import { type CatalogItem, type Check, foldCase } from "../api/shapes.ts";
import { aliveCheckId, leaseOf } from "./form.ts";

/** Consul's own check of every node with an agent. */
export const NODE_CHECK = "serfHealth";
/** A lapsed check stands for a minute before its entry is reaped: whoever looks this often has seen it. */
const MAX_GAP_MS = 50_000;

/** An entry of ours in the catalogue, whoever is its owner. */
export interface Hold {
  readonly owner: string;
  readonly node: string;
  readonly agentId: string;
  /** Its owner has not beaten in time, or the node is not alive. */
  readonly isLapsed: boolean;
}

/** What Consul says of a node, asked for after an entry on it had left. */
export interface NodeState {
  /** When the node came into the catalogue; undefined: it is not there, not alive, or out of our sight. */
  readonly since: number | undefined;
  /** Folded ids of entries whose owner has not beaten in time. */
  readonly lapsed: readonly string[];
}

interface Owner {
  standing: number;
  lapsed: number;
  /** Where it was seen alive, and since when that node was there. */
  readonly nodes: Map<string, number | undefined>;
  isLiving: boolean;
  /** It lost its lease, and counts again from this time on; `Infinity`: it has not come back. */
  countsAtMs: number;
}

/**
 * The catalogue has no record of owners, only checks on entries.
 *
 * | what is seen                                                        | the owner                                          |
 * |---------------------------------------------------------------------|----------------------------------------------------|
 * | an entry that beats, none that has lapsed                           | lives                                              |
 * | an entry that has lapsed, or stands on a node that is not alive     | does not, until none has, and one beats for a while |
 * | an entry has left, its node is the same and alive, nothing lapsed   | as before: it was deregistered on purpose          |
 * | an entry has left, and its node is gone, dead, new, or out of sight | does not, until one beats for a while              |
 * | Consul's index has gone back                                        | nobody does, until one of its entries beats for a while |
 * | nobody has looked for longer than a lapsed entry stands             | the same                                           |
 */
export class CatalogOwners {
  readonly #owners = new Map<string, Owner>();
  readonly #returnMs: number;
  /** The owner of each place. */
  readonly #holders = new Map<string, string>();
  #came = new Map<string, Hold>();
  #left: Hold[] = [];
  #lookedAtMs = Number.POSITIVE_INFINITY;

  constructor(returnMs: number) {
    this.#returnMs = returnMs;
  }

  /** What one service held, and what it holds now. */
  replace(before: readonly Hold[], after: readonly Hold[]): void {
    const stays = new Set(after.map(placeOf));
    for (const hold of before) {
      this.#count(hold, -1);
      if (!stays.has(placeOf(hold))) {
        this.#left.push(hold);
      }
    }
    for (const hold of after) {
      this.#count(hold, 1);
      this.#came.set(`${hold.owner}\n${hold.node}`, hold);
    }
  }

  /** The nodes that have to be asked about before anything is judged: entries have left them. */
  get nodesInDoubt(): ReadonlySet<string> {
    return new Set(this.#left.map(({ node }) => node));
  }

  /** Nothing that was seen before proves anything. */
  distrust(): void {
    for (const owner of this.#owners.values()) {
      lapse(owner);
    }
  }

  /** `sinceOf` tells since when a node has been there, `states` holds the nodes in doubt. */
  judge(
    states: ReadonlyMap<string, NodeState>,
    sinceOf: (node: string) => number | undefined,
    nowMs: number,
  ): ReadonlySet<string> {
    if (nowMs - this.#lookedAtMs > MAX_GAP_MS) {
      this.distrust();
    }
    this.#lookedAtMs = nowMs;
    const barred = new Set(this.#left.filter((hold) => !this.#wasDeliberate(hold, states)).map(({ owner }) => owner));
    this.#left = [];
    for (const { owner, node } of this.#came.values()) {
      this.#owners.get(owner)?.nodes.set(node, sinceOf(node));
    }
    this.#came = new Map();
    for (const [name, owner] of this.#owners) {
      learnNodes(owner, sinceOf);
      if (owner.lapsed > 0 || barred.has(name)) {
        lapse(owner);
      } else if (owner.standing > 0 && !owner.isLiving) {
        owner.countsAtMs = owner.countsAtMs === Number.POSITIVE_INFINITY ? nowMs + this.#returnMs : owner.countsAtMs;
        owner.isLiving = nowMs >= owner.countsAtMs;
      }
    }
    return new Set([...this.#owners].filter(([, { isLiving }]) => isLiving).map(([name]) => name));
  }

  #wasDeliberate({ owner, node }: Hold, states: ReadonlyMap<string, NodeState>): boolean {
    const state = states.get(node);
    const known = this.#owners.get(owner)?.nodes.get(node);
    // Of entries that nobody else is known to own, the one in question may be the owner.
    const hasLapsed = state?.lapsed.some((id) => this.#holder(node, id) === undefined || this.#holder(node, id) === owner);
    return state?.since !== undefined && state.since === known && hasLapsed === false;
  }

  #holder(node: string, agentId: string): string | undefined {
    return this.#holders.get(`${node}\n${agentId}`);
  }

  #count(hold: Hold, by: 1 | -1): void {
    const owner = this.#owners.get(hold.owner) ?? {
      standing: 0,
      lapsed: 0,
      nodes: new Map<string, number>(),
      isLiving: false,
      countsAtMs: Number.NEGATIVE_INFINITY,
    };
    this.#owners.set(hold.owner, owner);
    owner[hold.isLapsed ? "lapsed" : "standing"] += by;
    const place = placeOf(hold);
    if (by === 1) {
      this.#holders.set(place, hold.owner);
    } else {
      this.#holders.delete(place);
    }
  }
}

function lapse(owner: Owner): void {
  owner.isLiving = false;
  owner.countsAtMs = Number.POSITIVE_INFINITY;
}

/** A node may be seen later than what stands on it. */
function learnNodes({ nodes }: Owner, sinceOf: (node: string) => number | undefined): void {
  for (const [node, since] of nodes) {
    if (since === undefined) {
      nodes.set(node, sinceOf(node));
    }
  }
}

function placeOf({ node, agentId }: Hold): string {
  return `${node}\n${agentId}`;
}

/**
 * Of the catalogue's answer for one service, what fairlead wrote. What an owner left on one agent and keeps alive on another has moved: it
 * says nothing about the owner.
 */
export function holdsIn(items: readonly CatalogItem[]): readonly Hold[] {
  const holds = items.flatMap(({ node, registration, checks }): readonly Hold[] => {
    const lease = leaseOf(registration);
    const alive = aliveCheckId(registration.id);
    const isLapsed = checks.some(({ id, status }) => status === "critical" && (id === alive || id === NODE_CHECK));
    return lease === undefined ? [] : [{ owner: lease.owner, node, agentId: foldCase(registration.id), isLapsed }];
  });
  const standing = new Set(holds.filter(({ isLapsed }) => !isLapsed).map(claimOf));
  return holds.filter((hold) => !hold.isLapsed || !standing.has(claimOf(hold)));
}

function claimOf({ owner, agentId }: Hold): string {
  return JSON.stringify([owner, agentId]);
}

/** From all checks of one node. */
export function nodeStateOf(checks: readonly Check[]): NodeState {
  const alivePrefix = foldCase(aliveCheckId(""));
  const lapsed = checks
    .filter(({ status }) => status === "critical")
    .map(({ id }) => foldCase(id))
    .flatMap((id) => (id.startsWith(alivePrefix) ? [id.slice(alivePrefix.length)] : []));
  return { since: sinceIn(checks), lapsed };
}

/** When the node of these checks came into the catalogue; undefined: it is not alive. */
export function sinceIn(checks: readonly Check[]): number | undefined {
  const check = checks.find(({ id, serviceName }) => id === NODE_CHECK && serviceName === "");
  return check === undefined || check.status === "critical" ? undefined : check.createIndex;
}
