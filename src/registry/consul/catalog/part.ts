import { monotonicMs } from "../../../core/time.ts";
import type { Selector } from "../../../model/selector.ts";
import type { SnapshotBuilder } from "../../../model/snapshot.ts";
import { BlockingQuery } from "../api/blocking.ts";
import type { Client } from "../api/client.ts";
import { firstOrDue, mapLimited, raceAbort } from "../api/concurrency.ts";
import { denied, incomplete } from "../api/failures.ts";
import { listChecks, listServices, type Mode } from "../api/read-requests.ts";
import type { Check } from "../api/shapes.ts";
import { listNodeChecks } from "../api/write-requests.ts";
import { MAX_ROUNDS, type Part } from "../part.ts";
import { isSuspicious } from "../shrink.ts";
import { CatalogLists, type Lists, type Moves } from "./lists.ts";
import { CatalogMembers } from "./members.ts";
import { CatalogOwners, nodeStateOf } from "./owners.ts";
import { checkFilter, namesInConsul } from "./selection.ts";

/** Between two sweeps lies at least this long for each service, so that many services are no storm of requests. */
const SWEEP_MS_PER_SERVICE = 50;
/** Between the answers of two blocking queries that one change has woken. */
const PATIENCE_MS = 30;
/** Nodes that are asked about at once. */
const MAX_NODES = 3;
/** Consul's servers register themselves under this name, always. */
const CONSUL = "consul";

/**
 * The services of Consul's catalogue. Two blocking queries, on the list of services and on that of all checks, say when to look. What
 * tags or checks tell to have changed is read again, service by service; fairlead's own changes always show in its checks. A change that
 * they do not explain means all services. One that they do explain may still hide another of the same moment: a sweep finds it soon.
 */
export class CatalogPart implements Part {
  readonly queries: readonly [BlockingQuery<ReadonlyMap<string, string>>, BlockingQuery<readonly Check[]>];
  readonly #client: Client;
  readonly #selector: Selector;
  readonly #lists = new CatalogLists();
  readonly #members: CatalogMembers;
  readonly #owners: CatalogOwners;
  readonly #builder: SnapshotBuilder;
  readonly #filter: string | undefined;
  #sweepAtMs = Number.POSITIVE_INFINITY;
  /** The highest index of a service that was read since the last sweep. */
  #reached = 0;
  #sawConsul = false;
  #url = "";

  constructor(client: Client, selector: Selector, builder: SnapshotBuilder) {
    this.#client = client;
    this.#selector = selector;
    this.#builder = builder;
    this.#owners = new CatalogOwners(client.timing.returnMs);
    this.#members = new CatalogMembers(client, selector, builder, this.#owners);
    this.#filter = checkFilter(selector);
    this.queries = [
      new BlockingQuery(client.timing, (after, signal) => listServices(client, { after }, signal)),
      new BlockingQuery(client.timing, (after, signal) => listChecks(client, { after }, this.#filter, signal)),
    ];
  }

  get dueMs(): number {
    return this.#sweepAtMs;
  }

  async load(signal: AbortSignal): Promise<void> {
    const before = this.#lists.index;
    this.#accept(await this.#ask("consistent", signal));
    if (this.#lists.index < before) {
      this.#owners.distrust();
    }
    await this.#sweep(signal);
    await this.#judgeOwners(signal);
  }

  async refresh(signal: AbortSignal): Promise<boolean> {
    this.#accept(await this.#ask("default", signal));
    const moved = await this.#follow(signal);
    await this.#judgeOwners(signal);
    return moved;
  }

  async update(signal: AbortSignal): Promise<void> {
    const [services, checks] = this.queries;
    const news = { services: services.take(), checks: checks.take() };
    if (news.services?.wentBack === true || news.checks?.wentBack === true) {
      this.#owners.distrust();
      await this.load(signal);
      return;
    }
    const came = { services: news.services?.answer, checks: news.checks?.answer };
    const withChecks = news.services?.moved === true ? await this.#withChecks(came, signal) : came;
    this.#accept(await this.#believe(withChecks, signal));
    if (came.services === undefined && this.#lists.hasMoves) {
      this.#accept(
        await this.#believe({ services: await listServices(this.#client, "default", signal), checks: undefined }, signal),
      );
    }
    await this.#follow(signal);
    if (monotonicMs() >= this.#sweepAtMs) {
      await this.#sweep(signal);
    }
    await this.#judgeOwners(signal);
  }

  /** The last step of all work: what an entry went with is asked after it was seen to be gone. */
  async #judgeOwners(signal: AbortSignal): Promise<void> {
    const nodes = [...this.#owners.nodesInDoubt];
    const states = await mapLimited(
      nodes,
      MAX_NODES,
      async (node) => [node, nodeStateOf(await listNodeChecks(this.#client, node, "consistent", signal))] as const,
    );
    this.#builder.setOwners(this.#owners.judge(new Map(states), (node) => this.#lists.nodeSince(node), monotonicMs()));
  }

  async #ask(mode: Mode, signal: AbortSignal): Promise<Lists> {
    const [services, checks] = await Promise.all([
      listServices(this.#client, mode, signal),
      listChecks(this.#client, mode, this.#filter, signal),
    ]);
    return mode === "consistent" ? { services, checks } : await this.#believe({ services, checks }, signal);
  }

  /** When services have changed, checks usually have too, and tell which. Their list comes at about the same time. */
  async #withChecks(lists: Lists, signal: AbortSignal): Promise<Lists> {
    if (lists.checks !== undefined) {
      return lists;
    }
    const [, query] = this.queries;
    await raceAbort([signal], firstOrDue([query.arm()], PATIENCE_MS));
    const checks = query.take()?.answer ?? (await listChecks(this.#client, "default", this.#filter, signal));
    return { ...lists, checks };
  }

  /** A list that is much shorter than the one before is asked for again. */
  async #believe({ services, checks }: Lists, signal: AbortSignal): Promise<Lists> {
    const isDoubtful = services !== undefined && isSuspicious(this.#lists.services.size, services.data.size);
    return isDoubtful ? { services: await listServices(this.#client, "consistent", signal), checks } : { services, checks };
  }

  #accept(lists: Lists): void {
    const { services, checks } = lists;
    this.#url = services?.url ?? checks?.url ?? this.#url;
    const isFiltered = services?.isFiltered === true || checks?.isFiltered === true;
    if (isFiltered && this.#selector.services === "all") {
      throw this.#deny("the token may not see all of them");
    }
    this.#lists.accept(lists, (node) => this.#members.onNode(node));
    this.queries[0].rebase(this.#lists.servicesIndex);
    this.queries[1].rebase(this.#lists.checksIndex);
    if (this.#lists.isBlank || this.#hasLostConsul()) {
      throw this.#blind();
    }
  }

  /** Reads what newer lists tell to have changed, and what moved while it was read. Returns whether there was anything. */
  async #follow(signal: AbortSignal): Promise<boolean> {
    const hadMoves = this.#lists.hasMoves;
    for (let round = 0; round < MAX_ROUNDS && this.#lists.hasMoves; round += 1) {
      const reached = await this.#readChanged(this.#lists.takeMoves(), signal);
      if (reached > this.#lists.index) {
        this.#accept(await this.#ask("default", signal)); // else nothing is newer than the lists: all of it was true at one moment
      }
    }
    this.#planSweep(this.#lists.hasMoves);
    this.#requireSight();
    return hadMoves;
  }

  /**
   * Returns the highest index that was seen. When what was told to have changed reaches as far as the list of services, it is taken to be
   * all that has, until the sweep.
   */
  async #readChanged({ told, hasMoved }: Moves, signal: AbortSignal): Promise<number> {
    const wanted = this.#wanted();
    const ours = [...told].filter((name) => wanted.has(name) || this.#members.has(name));
    const reached = await this.#fetch(ours, signal);
    const isElsewhere = told.size > 0 && ours.every((name) => !wanted.has(name));
    if (!hasMoved || isElsewhere || this.#reached >= this.#lists.servicesIndex) {
      this.#planSweep(hasMoved);
      return reached;
    }
    return Math.max(reached, await this.#fetch([...wanted], signal));
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    this.#sweepAtMs = Number.POSITIVE_INFINITY;
    this.#reached = 0;
    this.#lists.takeMoves();
    const reached = await this.#fetch([...new Set([...this.#wanted(), ...this.#members.names()])], signal);
    if (reached > this.#lists.index) {
      this.#accept(await this.#ask("default", signal));
    }
    await this.#follow(signal);
  }

  async #fetch(names: readonly string[], signal: AbortSignal): Promise<number> {
    const isListed = (name: string): boolean => this.#lists.services.has(name);
    const { reached, emptied } = await this.#members.fetch(names, isListed, signal);
    if (emptied.length > 0) {
      // A service that is listed has an instance: either the list is old, or our rights have become fewer.
      this.#accept(await this.#ask("consistent", signal));
      const listed = emptied.filter(isListed);
      await this.#members.fetch(listed, isListed, signal);
      if (listed.some((name) => this.#members.areEmpty([name]))) {
        throw this.#blind();
      }
    }
    this.#reached = Math.max(this.#reached, reached);
    return reached;
  }

  #planSweep(isNeeded: boolean): void {
    if (isNeeded) {
      const waitMs = Math.max(this.#client.timing.sweepMs, this.#wanted().size * SWEEP_MS_PER_SERVICE);
      this.#sweepAtMs = Math.min(this.#sweepAtMs, monotonicMs() + waitMs);
    }
  }

  #wanted(): ReadonlySet<string> {
    return new Set(namesInConsul(this.#selector, this.#lists.services));
  }

  /** Consul itself was listed and is not any more, and neither is something of ours: our rights have become fewer, not the services. */
  #hasLostConsul(): boolean {
    const { services } = this.#lists;
    this.#sawConsul ||= services.has(CONSUL);
    const isHidden = this.#sawConsul && !services.has(CONSUL);
    return isHidden && (this.#selector.services === "all" || [...this.#members.names()].some((name) => !services.has(name)));
  }

  /** A service that is listed has an instance. When none of them shows one, nor any node a check, we are not allowed to see nodes. */
  #requireSight(): void {
    const wanted = [...this.#wanted()];
    if (wanted.length > 0 && this.#lists.hasNoChecks && this.#members.areEmpty(wanted)) {
      throw this.#blind();
    }
  }

  /** Consul leaves out of its lists what a token may not see; only what is always there tells. */
  #blind(): Error {
    if (this.#client.credentials.any) {
      return this.#deny("nothing of the catalogue is visible");
    }
    return incomplete({ what: "read Consul's catalogue", url: this.#url }, "neither a node nor Consul itself is listed");
  }

  #deny(why: string): Error {
    const hint = "the token has expired, or its policies lack service_prefix read and node_prefix read";
    return denied({ what: "read Consul's catalogue", url: this.#url }, why, hint);
  }
}
