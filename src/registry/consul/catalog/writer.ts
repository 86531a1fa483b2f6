import { FairleadError } from "../../../model/errors.ts";
import { compareText, type Instance } from "../../../model/instance.ts";
import type { Change, Log, Owned, RegistryWriter, WriteResult } from "../../../ports.ts";
import type { Client } from "../api/client.ts";
import { mapLimited } from "../api/concurrency.ts";
import { SEVERITY } from "../api/shapes.ts";
import { deregisterCheck, deregisterService, registerService, setCheck } from "../api/write-requests.ts";
import { readAgent } from "./agent-view.ts";
import { confirm, type Wanted } from "./confirm.ts";
import { aliveCheckId, healthCheckId, healthCheckOf, leftOut, storable } from "./form.ts";
import type { CatalogHolder } from "./holder.ts";
import { CatalogLease, MAX_WRITES, refusedBeat } from "./lease.ts";
import { orphansOf } from "./orphans.ts";
import { planSteps, type Step } from "./plan.ts";

/**
 * Writes entries as services of the local agent, which brings them into the catalogue. Consul cannot compare and set there: an entry is
 * read, compared and written, and between the two another program on the same agent may come. Each has two checks: `alive` runs out when
 * nobody beats, and only it reaps; `health` says how the instance is. A third one, which Consul runs, is there when the instance asks for
 * it: whichever is worse counts.
 */
export class CatalogWriter implements RegistryWriter {
  readonly #client: Client;
  readonly #holder: CatalogHolder;
  readonly #log: Log | undefined;
  readonly #leases = new Map<string, CatalogLease>();
  /** Of which instance what was left out, so that it is told once. */
  readonly #cut = new Map<string, string>();

  constructor(client: Client, holder: CatalogHolder, log: Log | undefined) {
    this.#client = client;
    this.#holder = holder;
    this.#log = log;
  }

  asStored(instance: Instance): Instance {
    return storable(instance);
  }

  async owned(owner: string, signal: AbortSignal): Promise<readonly Owned[]> {
    const lease = this.#leaseOf(owner);
    const own = (await readAgent(this.#client, signal)).ownedBy(owner);
    return inOrder(
      own.map((service) => ({ entry: service.entry, revision: service.version, unleased: lease.isUnleased(service) })),
    );
  }

  async orphans(hosts: readonly string[], signal: AbortSignal): Promise<readonly Owned[]> {
    const view = await readAgent(this.#client, signal);
    return inOrder(orphansOf(view.foreign(), hosts).map(({ entry, version }) => ({ entry, revision: version, unleased: true })));
  }

  async write(owner: string, change: Change, signal: AbortSignal): Promise<readonly WriteResult[]> {
    if (change.put.length + change.remove.length === 0) {
      return [];
    }
    const lease = this.#leaseOf(owner);
    change.put.forEach(({ instance }) => this.#warnIfCut(instance));
    change.remove.forEach(({ entry }) => this.#cut.delete(placeText(entry)));
    const steps = planSteps({ owner, ttlMs: lease.ttlMs }, change, await readAgent(this.#client, signal));
    const wanted: Wanted[] = [];
    const results = await mapLimited(steps, MAX_WRITES, (step) =>
      step.kind === "register" && !lease.hasBeaten
        ? Promise.resolve(failedWithoutLease(step.place))
        : this.#run(lease, step, wanted, signal),
    );
    await confirm(this.#client, wanted, signal);
    return results;
  }

  async keepAlive(owner: string, ttlMs: number, signal: AbortSignal): Promise<"kept" | "lost"> {
    const [beat] = await Promise.all([this.#leaseOf(owner).keepAlive(ttlMs, signal), this.#holder.keep(owner, ttlMs, signal)]);
    return beat;
  }

  async holder(owner: string, signal: AbortSignal): Promise<string | undefined> {
    return await this.#holder.get(owner, signal);
  }

  async showHolder(owner: string, holder: string, signal: AbortSignal): Promise<void> {
    await this.#holder.show(owner, holder, this.#leaseOf(owner).ttlMs, signal);
  }

  async release(owner: string, signal: AbortSignal): Promise<void> {
    this.#leases.delete(owner);
    this.#holder.forget(owner);
    const own = (await readAgent(this.#client, signal)).ownedBy(owner);
    const gone: Wanted[] = [];
    const failures = await mapLimited(own, MAX_WRITES, async ({ agentId }) => {
      try {
        await deregisterService(this.#client, agentId, signal);
        gone.push({ agentId, registered: undefined });
        return [];
      } catch (error) {
        signal.throwIfAborted();
        return [error]; // the others go all the same
      }
    });
    await confirm(this.#client, gone, signal);
    for (const failure of failures.flat()) {
      throw failure;
    }
  }

  async #run(lease: CatalogLease, step: Step, wanted: Wanted[], signal: AbortSignal): Promise<WriteResult> {
    if (step.kind === "result") {
      return step.result;
    }
    try {
      if (step.kind === "deregister") {
        lease.remove(step.agentId);
        await deregisterService(this.#client, step.agentId, signal);
        wanted.push({ agentId: step.agentId, registered: undefined });
        return { ...step.place, outcome: "removed" };
      }
      await this.#register(lease, step, signal);
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
  async #register(lease: CatalogLease, step: Extract<Step, { kind: "register" }>, signal: AbortSignal): Promise<void> {
    const { registration, status, before, drops } = step;
    const { id } = registration;
    const { serial } = this.#client.credentials;
    const isWorse = before !== undefined && SEVERITY[status] > SEVERITY[before];
    if (isWorse) {
      await setCheck(this.#client, healthCheckId(id), status, signal);
    }
    await this.#drop(drops.before, signal);
    const asked = step.asked ?? lease.lastAsked(id) ?? healthCheckOf(registration)?.initialStatus ?? "critical";
    await registerService(this.#client, registration, { status, asked, ttlMs: lease.ttlMs }, signal);
    const checks = [[aliveCheckId(id), "passing"] as const, ...(isWorse ? [] : [[healthCheckId(id), status] as const])];
    for (const [check, wanted] of checks) {
      if (!(await setCheck(this.#client, check, wanted, signal))) {
        throw refusedBeat(id);
      }
    }
    await this.#drop(drops.after, signal);
    lease.add(id, serial);
  }

  async #drop(checks: readonly string[], signal: AbortSignal): Promise<void> {
    for (const check of checks) {
      await deregisterCheck(this.#client, check, signal);
    }
  }

  #leaseOf(owner: string): CatalogLease {
    const known = this.#leases.get(owner);
    if (known !== undefined) {
      return known;
    }
    const lease = new CatalogLease(this.#client, owner, this.#log);
    this.#leases.set(owner, lease);
    return lease;
  }

  /** Once for each instance, and again only when something else is left out of it. */
  #warnIfCut(instance: Instance): void {
    const names = leftOut(instance);
    const place = placeText(instance);
    const text = JSON.stringify(names);
    if (names.length === 0) {
      this.#cut.delete(place);
    } else if (this.#cut.get(place) !== text) {
      this.#cut.set(place, text);
      const { service, id } = instance;
      const some = names.slice(0, 5).map((name) => name.slice(0, 64));
      this.#log?.warn("some of it has no room in the Consul catalogue and is left out", {
        service,
        id,
        count: names.length,
        some,
      });
    }
  }
}

function inOrder(owned: readonly Owned[]): readonly Owned[] {
  return owned.toSorted((a, b) => compareText(a.entry.service, b.entry.service) || compareText(a.entry.id, b.entry.id));
}

function placeText({ service, id }: Pick<Instance, "service" | "id">): string {
  return JSON.stringify([service, id]);
}

function failedWithoutLease({ service, id }: Pick<Instance, "service" | "id">): WriteResult {
  const text = `cannot write ${JSON.stringify(`${service}/${id}`)} to Consul's agent: nobody has said yet how long it is to live`;
  const error = new FairleadError("REGISTRY_UNAVAILABLE", text, { retryable: true, hint: "keepAlive() says it" });
  return { service, id, outcome: "failed", error };
}
