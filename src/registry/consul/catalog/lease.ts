import { FairleadError, hasCode } from "../../../model/errors.ts";
import type { Log } from "../../../ports.ts";
import type { Client } from "../api/client.ts";
import { mapLimited } from "../api/concurrency.ts";
import type { CheckStatus } from "../api/shapes.ts";
import { setCheck } from "../api/write-requests.ts";
import { type AgentService, type AgentView, readAgent } from "./agent-view.ts";
import { aliveCheckId } from "./form.ts";

/** Until the first beat has said how long entries live; none is registered before it. */
const DEFAULT_TTL_MS = 30_000;
export const MAX_WRITES = 3;

type Beat = "passed" | "unknown" | "denied";

/**
 * What this process keeps alive for one owner: one check for each entry, since the catalogue has nothing that several could hang on. An
 * entry that our token has no right to is beaten in vain and hurts no other.
 */
export class CatalogLease {
  ttlMs = DEFAULT_TTL_MS;
  hasBeaten = false;
  readonly #client: Client;
  readonly #owner: string;
  readonly #log: Log | undefined;
  /** Ids of the agent's services, each with the serial of the token that it was registered with. */
  readonly #leased = new Map<string, number>();
  /** Ids that were removed since the last beat began. */
  readonly #removed = new Set<string>();
  /** Ids whose check we may not pass. */
  #denied: ReadonlySet<string> = new Set();
  /** What the checks said last that Consul runs itself: an agent that lost everything would begin at the worst. */
  readonly #asked = new Map<string, CheckStatus>();

  constructor(client: Client, owner: string, log: Log | undefined) {
    this.#client = client;
    this.#owner = owner;
    this.#log = log;
  }

  /** It has to be written again even if it is equal: it hangs on no check that we keep alive, or not on all that it should. */
  isUnleased({ agentId, isAlive, isWhole, lease }: AgentService): boolean {
    const { serial } = this.#client.credentials;
    // The agent speaks for a service with the token that registered it: with another one, it has to be registered again.
    const isOld = (this.#leased.get(agentId) ?? serial) !== serial;
    const isShorter = this.hasBeaten && lease?.ttlMs !== this.ttlMs;
    return !isAlive || !isWhole || isOld || isShorter || this.#denied.has(agentId);
  }

  lastAsked(agentId: string): CheckStatus | undefined {
    return this.#asked.get(agentId);
  }

  /** `serial`: the token of before it was registered; a newer one may have been used by then, and costs one more registration. */
  add(agentId: string, serial: number): void {
    this.#removed.delete(agentId);
    this.#leased.set(agentId, serial);
  }

  remove(agentId: string): void {
    this.#leased.delete(agentId);
    this.#asked.delete(agentId);
    this.#removed.add(agentId);
  }

  async keepAlive(ttlMs: number, signal: AbortSignal): Promise<"kept" | "lost"> {
    this.ttlMs = ttlMs;
    this.#removed.clear();
    const before = [...this.#leased.keys()];
    const view = await readAgent(this.#client, signal);
    const { serial } = this.#client.credentials;
    const own = view.ownedBy(this.#owner);
    this.#remember(own, before);
    const alive = own.flatMap(({ agentId, isAlive }) => (isAlive ? [agentId] : []));
    const kept = new Set(await this.#beat(alive, view, signal));
    const lost = before.filter((id) => !kept.has(id) && this.#leased.delete(id)); // what we have removed meanwhile is not lost
    for (const id of kept) {
      if (!this.#leased.has(id) && !this.#removed.has(id)) {
        this.#leased.set(id, serial);
      }
    }
    const isNew = !this.hasBeaten && this.#leased.size === 0;
    this.hasBeaten = true;
    return lost.length > 0 || isNew ? "lost" : "kept";
  }

  /** What is not there any more is kept for one beat: until it was written again. */
  #remember(own: readonly AgentService[], leased: readonly string[]): void {
    const there = new Map(own.map(({ agentId, asked }) => [agentId, asked]));
    for (const id of this.#asked.keys()) {
      if (there.has(id) || !leased.includes(id)) {
        this.#asked.delete(id);
      }
    }
    for (const [id, asked] of there) {
      if (asked !== undefined) {
        this.#asked.set(id, asked);
      }
    }
  }

  /** Passes the alive checks. Returns the ids that live on. */
  async #beat(ids: readonly string[], view: AgentView, signal: AbortSignal): Promise<readonly string[]> {
    const beats = await mapLimited(ids, MAX_WRITES, async (id) => [id, await this.#pass(id, signal)] as const);
    this.#noteDenied(beats.flatMap(([id, beat]) => (beat === "denied" ? [id] : [])));
    const unknown = beats.flatMap(([id, beat]) => (beat === "unknown" ? [id] : []));
    if (unknown.length > 0) {
      const now = await readAgent(this.#client, signal);
      const strange = unknown.find((id) => now.byAgentId(id)?.isAlive === true && view.byAgentId(id) !== undefined);
      if (strange !== undefined) {
        throw refusedBeat(strange);
      }
    }
    return beats.flatMap(([id, beat]) => (beat === "passed" ? [id] : []));
  }

  async #pass(id: string, signal: AbortSignal): Promise<Beat> {
    try {
      return (await setCheck(this.#client, aliveCheckId(id), "passing", signal)) ? "passed" : "unknown";
    } catch (error) {
      signal.throwIfAborted();
      if (hasCode(error, "REGISTRY_DENIED")) {
        return "denied";
      }
      throw error;
    }
  }

  /** Each is told once. It is written again with the next pass, which tells what the token lacks. */
  #noteDenied(denied: readonly string[]): void {
    for (const id of denied.filter((each) => !this.#denied.has(each))) {
      this.#log?.warn("the token has no right to keep an entry alive", { id });
    }
    this.#denied = new Set(denied);
  }
}

export function refusedBeat(agentId: string): FairleadError {
  const message = `cannot set the checks of ${JSON.stringify(agentId)}: Consul's agent refuses it`;
  return new FairleadError("REGISTRY_UNAVAILABLE", message, { retryable: true });
}
