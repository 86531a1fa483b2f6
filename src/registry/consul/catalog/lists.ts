import type { Indexed } from "../api/read-requests.ts";
import { type Check, foldCase } from "../api/shapes.ts";
import { sinceIn } from "./owners.ts";

/** What came in of the two lists that say what there is in the catalogue. */
export interface Lists {
  readonly services: Indexed<ReadonlyMap<string, string>> | undefined;
  readonly checks: Indexed<readonly Check[]> | undefined;
}

/** What newer lists tell; names are folded. */
export interface Moves {
  /** Services whose tags or checks changed, those that came and went, and those on nodes whose own checks changed. */
  readonly told: ReadonlySet<string>;
  /** The list of services has another index: something in the catalogue was written. */
  readonly hasMoved: boolean;
}

/** What the lists said last, reduced to what tells one moment from another. */
export class CatalogLists {
  /** All services by folded name, each with its tags as one text. */
  services: ReadonlyMap<string, string> = new Map();
  servicesIndex = 1;
  checksIndex = 1;
  #serviceChecks: ReadonlyMap<string, string> = new Map();
  #nodeChecks: ReadonlyMap<string, string> = new Map();
  #nodeSince: ReadonlyMap<string, number | undefined> = new Map();
  #told = new Set<string>();
  #hasMoved = false;

  /** Nothing that is at most that old is newer than the lists. */
  get index(): number {
    return Math.max(this.servicesIndex, this.checksIndex);
  }

  /** No service and no check at all: every node has at least one check, so nobody sees that who may see anything. */
  get isBlank(): boolean {
    return this.services.size === 0 && this.hasNoChecks;
  }

  /** When a node came into the catalogue; undefined: it is not there, or not alive. */
  nodeSince(node: string): number | undefined {
    return this.#nodeSince.get(node);
  }

  get hasNoChecks(): boolean {
    return this.#serviceChecks.size === 0 && this.#nodeChecks.size === 0;
  }

  /** Takes in newer lists. `onNode` names the services that are known to be on a node. */
  accept({ services, checks }: Lists, onNode: (node: string) => Iterable<string>): void {
    if (services !== undefined) {
      addChanged(this.#told, this.services, services.data);
      this.#hasMoved ||= services.index !== this.servicesIndex;
      this.services = services.data;
      this.servicesIndex = services.index;
    }
    if (checks !== undefined) {
      const { byService, byNode } = digest(checks.data);
      addChanged(this.#told, this.#serviceChecks, byService);
      const nodes = new Set<string>();
      addChanged(nodes, this.#nodeChecks, byNode);
      for (const node of nodes) {
        for (const name of onNode(node)) {
          this.#told.add(name);
        }
      }
      this.#serviceChecks = byService;
      this.#nodeChecks = byNode;
      this.#nodeSince = new Map(checks.data.filter(isOfNode).map((check) => [check.node, sinceIn([check])]));
      this.checksIndex = checks.index;
    }
  }

  get hasMoves(): boolean {
    return this.#hasMoved || this.#told.size > 0;
  }

  /** What was told since it was taken last. */
  takeMoves(): Moves {
    const moves = { told: this.#told, hasMoved: this.#hasMoved };
    this.#told = new Set();
    this.#hasMoved = false;
    return moves;
  }
}

function isOfNode(check: Check): boolean {
  return sinceIn([check]) !== undefined;
}

/** One text for each service's checks, and for each node's own. */
function digest(checks: readonly Check[]): { readonly byService: Map<string, string>; readonly byNode: Map<string, string> } {
  const byService = new Map<string, string>();
  const byNode = new Map<string, string>();
  for (const { node, id, serviceName, status, modifyIndex } of checks) {
    const [digests, name] = serviceName === "" ? ([byNode, node] as const) : ([byService, foldCase(serviceName)] as const);
    digests.set(name, `${digests.get(name) ?? ""}${node}/${id}=${status}@${modifyIndex};`);
  }
  return { byService, byNode };
}

/** Adds the names whose text is another one, those that came and those that went. */
function addChanged(names: Set<string>, before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): void {
  for (const [name, text] of after) {
    if (before.get(name) !== text) {
      names.add(name);
    }
  }
  for (const name of before.keys()) {
    if (!after.has(name)) {
      names.add(name);
    }
  }
}
