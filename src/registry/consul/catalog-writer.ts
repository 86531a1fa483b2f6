import { FairleadError } from "../../model/errors.ts";
import { compareText, type Instance } from "../../model/instance.ts";
import type { Change, Log, Owned, RegistryWriter, WriteResult } from "../../ports.ts";
import { type AgentView, readAgent } from "./agent-view.ts";
import { confirm, type Wanted } from "./catalog-confirm.ts";
import { aliveCheckId, healthCheckId, storable } from "./catalog-form.ts";
import { planSteps, type Step } from "./catalog-plan.ts";
import type { Client } from "./client.ts";
import { mapLimited } from "./concurrency.ts";
import type { CheckStatus } from "./shapes.ts";
import { deregisterService, registerService, setCheck } from "./write-requests.ts";

/** Until the first beat has said how long entries live; none is registered before it. */
const DEFAULT_TTL_MS = 30_000;
const MAX_WRITES = 3;
const SEVERITY: Readonly<Record<CheckStatus, number>> = { passing: 0, warning: 1, critical: 2 };

/** What this process keeps alive for one owner. */
interface Holding {
  ttlMs: number;
  /** Ids of the agent's services, each with the serial of the token that it was registered with. */
  readonly leased: Map<string, number>;
  /** Ids that were removed since the last beat began. */
  readonly removed: Set<string>;
  hasBeaten: boolean;
}

/**
 * Writes entries as services of the local agent, which brings them into the catalogue. Consul cannot compare and set there: an entry is
 * read, compared and written, and between the two another program on the same agent may come. Each has two checks: `alive` runs out when
 * nobody beats, and only it reaps; `health` says how the instance is.
 */
export class CatalogWriter implements RegistryWriter {
  readonly #client: Client;
  readonly #log: Log | undefined;
  readonly #holdings = new Map<string, Holding>();
  #hasWarned = false;

  constructor(client: Client, log: Log | undefined) {
    this.#client = client;
    this.#log = log;
  }

  asStored(instance: Instance): Instance {
    return storable(instance);
  }

  async owned(owner: string, signal: AbortSignal): Promise<readonly Owned[]> {
    const holding = this.#holdings.get(owner);
    const view = await readAgent(this.#client, signal);
    const { serial } = this.#client.credentials;
    // The agent speaks for a service with the token that registered it: with another one, it has to be registered again.
    const isOld = (agentId: string): boolean => (holding?.leased.get(agentId) ?? serial) !== serial;
    return view
      .ownedBy(owner)
      .map(({ agentId, entry, version, isAlive, lease }) => ({
        entry,
        revision: version,
        unleased: !isAlive || isOld(agentId) || (holding !== undefined && lease?.ttlMs !== holding.ttlMs),
      }))
      .toSorted((a, b) => compareText(a.entry.service, b.entry.service) || compareText(a.entry.id, b.entry.id));
  }

  async write(owner: string, change: Change, signal: AbortSignal): Promise<readonly WriteResult[]> {
    if (change.put.length + change.remove.length === 0) {
      return [];
    }
    const holding = this.#holdingOf(owner);
    change.put.forEach(({ instance }) => this.#warnIfCut(instance));
    const steps = planSteps({ owner, ttlMs: holding.ttlMs }, change, await readAgent(this.#client, signal));
    const wanted: Wanted[] = [];
    const results = await mapLimited(steps, MAX_WRITES, (step) =>
      step.kind === "register" && !holding.hasBeaten
        ? Promise.resolve(failedWithoutLease(step.place))
        : this.#run(holding, step, wanted, signal),
    );
    await confirm(this.#client, wanted, signal);
    return results;
  }

  async keepAlive(owner: string, ttlMs: number, signal: AbortSignal): Promise<"kept" | "lost"> {
    const holding = this.#holdingOf(owner);
    holding.ttlMs = ttlMs;
    holding.removed.clear();
    const before = [...holding.leased.keys()];
    const view = await readAgent(this.#client, signal);
    const { serial } = this.#client.credentials;
    const alive = view.ownedBy(owner).flatMap(({ agentId, isAlive }) => (isAlive ? [agentId] : []));
    const unknown = await this.#beat(alive, view, signal);
    const kept = new Set(alive.filter((id) => !unknown.has(id)));
    const lost = before.filter((id) => !kept.has(id) && holding.leased.delete(id)); // what we have removed meanwhile is not lost
    for (const id of kept) {
      if (!holding.leased.has(id) && !holding.removed.has(id)) {
        holding.leased.set(id, serial);
      }
    }
    const isNew = !holding.hasBeaten && holding.leased.size === 0;
    holding.hasBeaten = true;
    return lost.length > 0 || isNew ? "lost" : "kept";
  }

  async holder(_owner: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    return undefined;
  }

  async showHolder(_owner: string, _holder: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
  }

  async orphans(_hosts: readonly string[], signal: AbortSignal): Promise<readonly Owned[]> {
    signal.throwIfAborted();
    return [];
  }

  async release(owner: string, signal: AbortSignal): Promise<void> {
    this.#holdings.delete(owner);
    const own = (await readAgent(this.#client, signal)).ownedBy(owner);
    await mapLimited(own, MAX_WRITES, ({ agentId }) => deregisterService(this.#client, agentId, signal));
    await confirm(
      this.#client,
      own.map(({ agentId }): Wanted => ({ agentId, registered: undefined })),
      signal,
    );
  }

  /** Passes the alive checks. Returns the ids that the agent does not know any more. */
  async #beat(ids: readonly string[], view: AgentView, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const passed = await mapLimited(ids, MAX_WRITES, async (id) => ({
      id,
      ok: await setCheck(this.#client, aliveCheckId(id), "passing", signal),
    }));
    const refused = passed.filter(({ ok }) => !ok).map(({ id }) => id);
    if (refused.length === 0) {
      return new Set();
    }
    const now = await readAgent(this.#client, signal);
    const strange = refused.find((id) => now.byAgentId(id)?.isAlive === true && view.byAgentId(id) !== undefined);
    if (strange !== undefined) {
      throw refusedBeat(strange);
    }
    return new Set(refused);
  }

  async #run(holding: Holding, step: Step, wanted: Wanted[], signal: AbortSignal): Promise<WriteResult> {
    if (step.kind === "result") {
      return step.result;
    }
    try {
      if (step.kind === "deregister") {
        holding.leased.delete(step.agentId);
        holding.removed.add(step.agentId);
        await deregisterService(this.#client, step.agentId, signal);
        wanted.push({ agentId: step.agentId, registered: undefined });
        return { ...step.place, outcome: "removed" };
      }
      await this.#register(holding, step, signal);
      wanted.push({ agentId: step.registration.id, registered: step });
      return { ...step.place, outcome: "written" };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FairleadError) {
        return { ...step.place, outcome: "failed", error };
      }
      throw error;
    }
  }

  /** Health that gets worse is told before the rest, health that gets better after it. A check that was set once survives the agent's restart. */
  async #register(holding: Holding, step: Extract<Step, { kind: "register" }>, signal: AbortSignal): Promise<void> {
    const { registration, status, before } = step;
    const { id } = registration;
    const isWorse = before !== undefined && SEVERITY[status] > SEVERITY[before];
    if (isWorse) {
      await setCheck(this.#client, healthCheckId(id), status, signal);
    }
    await registerService(this.#client, registration, { status, ttlMs: holding.ttlMs }, signal);
    const checks = [[aliveCheckId(id), "passing"] as const, ...(isWorse ? [] : [[healthCheckId(id), status] as const])];
    for (const [check, wanted] of checks) {
      if (!(await setCheck(this.#client, check, wanted, signal))) {
        throw refusedBeat(id);
      }
    }
    holding.removed.delete(id);
    holding.leased.set(id, this.#client.credentials.serial);
  }

  #holdingOf(owner: string): Holding {
    const known = this.#holdings.get(owner);
    if (known !== undefined) {
      return known;
    }
    const holding = { ttlMs: DEFAULT_TTL_MS, leased: new Map<string, number>(), removed: new Set<string>(), hasBeaten: false };
    this.#holdings.set(owner, holding);
    return holding;
  }

  #warnIfCut(instance: Instance): void {
    if (!this.#hasWarned && storable(instance) !== instance) {
      this.#hasWarned = true;
      const { service, id } = instance;
      this.#log?.warn("some metadata is too large for the Consul catalogue and is left out", { service, id });
    }
  }
}

function failedWithoutLease({ service, id }: Pick<Instance, "service" | "id">): WriteResult {
  const text = `cannot write ${JSON.stringify(`${service}/${id}`)} to Consul's agent: nobody has said yet how long it is to live`;
  const error = new FairleadError("REGISTRY_UNAVAILABLE", text, { retryable: true, hint: "keepAlive() says it" });
  return { service, id, outcome: "failed", error };
}

function refusedBeat(agentId: string): FairleadError {
  const message = `cannot set the checks of ${JSON.stringify(agentId)}: Consul's agent refuses it`;
  return new FairleadError("REGISTRY_UNAVAILABLE", message, { retryable: true });
}
