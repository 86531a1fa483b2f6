import { type Selector, selectsService } from "../../../model/selector.ts";
import type { SnapshotBuilder } from "../../../model/snapshot.ts";
import type { Client } from "../api/client.ts";
import { mapLimited } from "../api/concurrency.ts";
import { denied } from "../api/failures.ts";
import { listInstances } from "../api/read-requests.ts";
import type { CatalogItem } from "../api/shapes.ts";
import { isSuspicious } from "../shrink.ts";
import { readEntries } from "./entries.ts";
import { type CatalogOwners, type Hold, holdsIn } from "./owners.ts";

/** Services that are read at once; while blocking queries are under way, there are connections for one. */
const MAX_FETCHES = 3;

/** What is known of one of Consul's services, all spellings of its name together. */
interface Member {
  readonly count: number;
  readonly nodes: ReadonlySet<string>;
  readonly refs: ReadonlySet<string>;
  readonly holds: readonly Hold[];
}

export interface FetchResult {
  /** The highest index of those that have instances; that of others is the whole catalogue's. */
  readonly reached: number;
  /** Services that lost their last instance, although they were listed a moment ago: gone since, or out of our sight. */
  readonly emptied: readonly string[];
}

interface Fetched {
  readonly name: string;
  /** Undefined: Consul cannot be asked for this name. */
  readonly items: readonly CatalogItem[] | undefined;
  readonly index: number;
}

/** The services that were read, service by service, into a snapshot builder. Names are folded. */
export class CatalogMembers {
  readonly #client: Client;
  readonly #selector: Selector;
  readonly #builder: SnapshotBuilder;
  readonly #owners: CatalogOwners;
  readonly #members = new Map<string, Member>();

  constructor(client: Client, selector: Selector, builder: SnapshotBuilder, owners: CatalogOwners) {
    this.#client = client;
    this.#selector = selector;
    this.#builder = builder;
    this.#owners = owners;
  }

  names(): Iterable<string> {
    return this.#members.keys();
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  *onNode(node: string): Generator<string> {
    for (const [name, { nodes }] of this.#members) {
      if (nodes.has(node)) {
        yield name;
      }
    }
  }

  /** Whether none of these has an instance. */
  areEmpty(names: readonly string[]): boolean {
    return names.every((name) => (this.#members.get(name)?.count ?? 0) === 0);
  }

  /**
   * Reads these services, and takes them in once all are read. `isListed` says whether the list of services names one: of one that is gone
   * Consul has to say so once more.
   */
  async fetch(names: readonly string[], isListed: (name: string) => boolean, signal: AbortSignal): Promise<FetchResult> {
    const fetched = await mapLimited(names, MAX_FETCHES, (name) => this.#fetchOne(name, isListed(name), signal));
    let reached = 0;
    const emptied: string[] = [];
    for (const { name, items, index } of fetched) {
      if (items !== undefined && items.length > 0) {
        reached = Math.max(reached, index);
      } else if (items !== undefined && isListed(name) && !this.areEmpty([name])) {
        emptied.push(name);
      }
      this.#apply(name, items);
    }
    return { reached, emptied };
  }

  async #fetchOne(name: string, isListed: boolean, signal: AbortSignal): Promise<Fetched> {
    let answer = await listInstances(this.#client, name, isListed ? "default" : "consistent", signal);
    if (isListed && isSuspicious(this.#members.get(name)?.count ?? 0, answer.data?.length ?? 0)) {
      answer = await listInstances(this.#client, name, "consistent", signal);
    }
    if (answer.isFiltered) {
      const place = { what: `read the service ${JSON.stringify(name)} from Consul`, url: answer.url };
      throw denied(place, "the token may not see all of it", "give its policies service_prefix read and node_prefix read");
    }
    return { name, items: answer.data, index: answer.index };
  }

  #apply(name: string, items: readonly CatalogItem[] | undefined): void {
    const before = this.#members.get(name);
    const refs = new Set<string>();
    if (items === undefined) {
      const ref = `${name}/`;
      refs.add(ref);
      this.#builder.setInvalidEntry(ref, "Consul's HTTP API cannot be asked for a service of this name");
    }
    for (const read of readEntries(items ?? [])) {
      if ("invalid" in read) {
        refs.add(read.ref);
        this.#builder.setInvalidEntry(read.ref, read.invalid);
      } else if (selectsService(this.#selector, read.entry.service)) {
        refs.add(read.ref);
        this.#builder.setEntry(read.ref, read.entry);
      }
    }
    for (const ref of before?.refs ?? []) {
      if (!refs.has(ref)) {
        this.#builder.deleteEntry(ref);
      }
    }
    const holds = holdsIn(items ?? []);
    this.#owners.replace(before?.holds ?? [], holds);
    if (refs.size === 0 && (items?.length ?? 0) === 0) {
      this.#members.delete(name);
    } else {
      this.#members.set(name, { count: items?.length ?? 0, nodes: new Set(items?.map(({ node }) => node)), refs, holds });
    }
  }
}
