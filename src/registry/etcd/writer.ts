import { FairleadError } from "../../model/errors.ts";
import { compareText, type Instance } from "../../model/instance.ts";
import type { Change, Log, Owned, RegistryWriter, WriteResult } from "../../ports.ts";
import { encodeEntryPath } from "../codec.ts";
import { isIdOfHost } from "../left-behind.ts";
import type { KeyLayout } from "../store.ts";
import type { EtcdClient } from "./client.ts";
import { createForm, type EntryForm } from "./form.ts";
import { Heart } from "./heart.ts";
import { MAX_ENTRY_BYTES } from "./items.ts";
import { grantLease, lookUpLease, ttlSeconds } from "./lease.ts";
import { LivingRecords } from "./living.ts";
import { allPlaces, type Place, placesOnLease } from "./places.ts";
import { commit, type Step, type StepOutcome } from "./txn.ts";

export interface WriterOptions {
  readonly client: EtcdClient;
  readonly layout: KeyLayout;
  readonly log?: Log | undefined;
}

interface Lease {
  readonly id: string;
  readonly ttlS: number;
  /** Its record stands: readers know that the owner lives. */
  isShown: boolean;
}

/** What is known of one owner. */
interface Holding {
  lease: Lease | undefined;
  /** The lease of the owner's record, else the one that most of its entries hang on, before it is decided whether it becomes ours. */
  candidate: string | undefined;
  /** Paths of entries that do not hang on the lease; undefined: everything has to be looked through. */
  strays: ReadonlySet<string> | undefined;
  /** The process that the owner's record shows; undefined: nobody asked for it. */
  holder: string | undefined;
}

/** One change and how it is to be made, or why it cannot be. */
interface Wish {
  readonly kind: "put" | "remove";
  readonly service: string;
  readonly id: string;
  readonly step: Step | FairleadError;
}

/**
 * Writes an owner's entries under one lease. An earlier process's lease is adopted when it has the same time to live, so that a restart
 * writes nothing. After one look through everything, the lease itself says which entries are ours.
 */
export class EtcdWriter implements RegistryWriter {
  readonly #client: EtcdClient;
  readonly #log: Log | undefined;
  readonly #form: EntryForm;
  readonly #heart: Heart;
  readonly #living: LivingRecords;
  readonly #holdings = new Map<string, Holding>();

  constructor({ client, layout, log }: WriterOptions) {
    this.#client = client;
    this.#log = log;
    this.#form = createForm(layout);
    this.#heart = new Heart(client);
    this.#living = new LivingRecords({ client, layout, log });
  }

  asStored(instance: Instance): Instance | undefined {
    return this.#form.asStored(instance);
  }

  async owned(owner: string, signal: AbortSignal): Promise<readonly Owned[]> {
    signal.throwIfAborted();
    const holding = this.#holdingOf(owner);
    const places = (await this.#placesOnLease(holding, signal)) ?? (await allPlaces(this.#client, this.#form, signal));
    const mine = places.filter(({ path, kvs }) => owner !== "" && this.#form.standingAt(path, kvs)?.owner === owner);
    if (holding.lease === undefined && holding.candidate === undefined && owner !== "") {
      const record = await this.#living.find(owner, signal);
      holding.candidate = record?.lease ?? mostFrequent(mine.flatMap(({ kvs }) => kvs.map((kv) => kv?.lease ?? "0")));
    }
    const lease = holding.lease?.id ?? holding.candidate;
    const owned = mine.flatMap((place) => this.#ownedAt(place, lease));
    holding.strays = new Set(owned.filter(({ unleased }) => unleased).map(({ entry }) => encodeEntryPath(entry)));
    return owned.sort(byPlace);
  }

  async write(owner: string, change: Change, signal: AbortSignal): Promise<readonly WriteResult[]> {
    signal.throwIfAborted();
    const holding = this.#holdingOf(owner);
    const wishes: readonly Wish[] = [
      ...change.put.map(({ instance, replaces }) => makeWish("put", instance, () => this.#putStep(owner, instance, replaces))),
      ...change.remove.map((owned) => makeWish("remove", owned.entry, () => this.#removeStep(owned))),
    ];
    const steps = wishes.flatMap(({ step }) => (step instanceof FairleadError ? [] : [step]));
    const { lease } = holding;
    const outcomes = await commit(this.#client, steps, { signal, lease: lease?.id ?? "0" });
    const results = wishes.map((wish) =>
      wish.step instanceof FairleadError ? failed(wish, wish.step) : this.#resultOf(owner, wish, outcomes.get(wish.step)),
    );
    if (results.some((result) => result.outcome === "failed")) {
      holding.strays = undefined; // what we think there is and what there is may differ
    } else {
      await this.#show(owner, lease, "written", signal);
    }
    return results;
  }

  async keepAlive(owner: string, ttlMs: number, signal: AbortSignal): Promise<"kept" | "lost"> {
    signal.throwIfAborted();
    const holding = this.#holdingOf(owner);
    const ttlS = ttlSeconds(ttlMs);
    const { lease } = holding;
    const isKept =
      lease === undefined
        ? await this.#adopt(owner, ttlMs, signal)
        : lease.ttlS === ttlS && (await this.#heart.beat(lease.id, { ms: beatMs(ttlMs), signal }));
    if (isKept) {
      await this.#show(owner, lease, "beaten", signal);
      return "kept";
    }
    holding.lease = undefined;
    holding.strays = undefined;
    const id = await grantLease(this.#client, ttlS, signal);
    await this.#heart.beat(id, { ms: beatMs(ttlMs), signal }); // from now on its stream tells when the server goes away
    holding.lease = { id, ttlS, isShown: false };
    await this.#living.claim(owner, holding.holder, { lease: id, signal });
    this.#log?.info("new etcd lease", { owner, ttlS });
    return "lost";
  }

  close(): void {
    this.#heart.close();
  }

  async holder(owner: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    return (await this.#living.find(owner, signal))?.holder;
  }

  async showHolder(owner: string, holder: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const holding = this.#holdingOf(owner);
    holding.holder = holder;
    await this.#living.showHolder(owner, holder, holding.lease, signal);
  }

  async orphans(hosts: readonly string[], signal: AbortSignal): Promise<readonly Owned[]> {
    signal.throwIfAborted();
    if (!this.#form.isRegistrators) {
      return [];
    }
    const places = await allPlaces(this.#client, this.#form, signal);
    const left = places.filter(({ path, kvs }) => this.#form.standingAt(path, kvs)?.owner === "");
    return left
      .flatMap((place) => this.#ownedAt(place, undefined))
      .filter(({ entry }) => isIdOfHost(entry.id, hosts))
      .sort(byPlace);
  }

  async release(owner: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const holding = this.#holdingOf(owner);
    holding.strays = undefined;
    const remove = await this.owned(owner, signal);
    for (const result of await this.write(owner, { put: [], remove }, signal)) {
      if (result.outcome === "failed") {
        throw result.error;
      }
    }
    this.#holdings.delete(owner); // the lease runs out by itself, so that everyone sees a living owner's removal
  }

  /** Once for each lease, when the first write under it has gone well, or a later beat: what the lease before took away is back then. */
  async #show(owner: string, lease: Lease | undefined, after: "written" | "beaten", signal: AbortSignal): Promise<void> {
    if (lease !== undefined && !lease.isShown) {
      lease.isShown = await this.#living.settle(owner, this.#holdingOf(owner).holder, { lease: lease.id, after, signal });
    }
  }

  #holdingOf(owner: string): Holding {
    const holding = this.#holdings.get(owner) ?? {
      lease: undefined,
      candidate: undefined,
      strays: undefined,
      holder: undefined,
    };
    this.#holdings.set(owner, holding);
    return holding;
  }

  /** Takes over the lease of an earlier process of this owner, if it is alive and as long as ours would be. */
  async #adopt(owner: string, ttlMs: number, signal: AbortSignal): Promise<boolean> {
    const ttlS = ttlSeconds(ttlMs);
    const holding = this.#holdingOf(owner);
    if (holding.candidate === undefined) {
      await this.owned(owner, signal);
    }
    const id = holding.candidate;
    holding.candidate = undefined;
    const state = id === undefined ? undefined : await lookUpLease(this.#client, id, signal);
    if (id === undefined || state?.grantedS !== ttlS || !(await this.#heart.beat(id, { ms: beatMs(ttlMs), signal }))) {
      return false;
    }
    const record = state.keys.includes(this.#living.keyOf(owner)) ? await this.#living.find(owner, signal) : undefined;
    holding.lease = { id, ttlS, isShown: record?.lease === id && record.isSettled };
    this.#log?.info("adopted the etcd lease of an earlier process", { owner, ttlS });
    return true;
  }

  /** Undefined when the lease and the known strays may not be all of ours. */
  async #placesOnLease({ lease, strays }: Holding, signal: AbortSignal): Promise<readonly Place[] | undefined> {
    return lease === undefined || strays === undefined
      ? undefined
      : await placesOnLease(this.#client, this.#form, { lease: lease.id, more: strays, signal });
  }

  #ownedAt({ path, kvs }: Place, lease: string | undefined): readonly Owned[] {
    const entry = this.#form.standingAt(path, kvs)?.entry;
    const revision = kvs[0]?.mod_revision;
    if (entry === undefined || revision === undefined) {
      return [];
    }
    return [{ entry, revision, unleased: kvs.some((kv) => kv !== undefined && kv.lease !== lease) }];
  }

  #putStep(owner: string, instance: Instance, replaces: Owned | undefined): Step {
    if (this.#holdingOf(owner).lease === undefined) {
      const text = `cannot write the entry "${instance.service}/${instance.id}": there is no lease yet that it could hang on`;
      throw new FairleadError("REGISTRY_UNAVAILABLE", text, { retryable: true, hint: "keepAlive() makes it" });
    }
    const keys = this.#form.keysOf(encodeEntryPath(instance));
    const values = this.#form.valuesOf({ ...instance, owner });
    if (values.some((value) => value !== undefined && Buffer.byteLength(value) > MAX_ENTRY_BYTES)) {
      throw new FairleadError("USAGE", `the entry is larger than ${MAX_ENTRY_BYTES / 1024} KiB`);
    }
    return { keys, values, guard: replaces?.revision ?? "0" };
  }

  #removeStep({ entry, revision }: Owned): Step {
    const keys = this.#form.keysOf(encodeEntryPath(entry));
    return { keys, values: keys.map(() => undefined), guard: revision };
  }

  #resultOf(owner: string, wish: Wish, outcome: StepOutcome): WriteResult {
    const { kind, service, id } = wish;
    switch (outcome.kind) {
      case "done":
        return { service, id, outcome: kind === "put" ? "written" : "removed" };
      case "failed":
        return failed(wish, outcome.error);
      case "refused": {
        const standing = this.#form.standingAt(encodeEntryPath(wish), outcome.kvs);
        if (standing === undefined && kind === "remove") {
          return { service, id, outcome: "removed" };
        }
        if (standing !== undefined && standing.owner !== owner) {
          return { service, id, outcome: "conflict", holder: standing.owner };
        }
        const why = `cannot write the entry "${service}/${id}": it changed since it was read`;
        return failed(wish, new FairleadError("REGISTRY_UNAVAILABLE", why, { retryable: true }));
      }
    }
  }
}

function byPlace(a: Owned, b: Owned): number {
  return compareText(a.entry.service, b.entry.service) || compareText(a.entry.id, b.entry.id);
}

/** Two tries fit between two beats, so that a dead endpoint costs no lease. */
function beatMs(ttlMs: number): number {
  return Math.min(5000, Math.max(500, ttlMs / 7));
}

function makeWish(kind: "put" | "remove", { service, id }: Pick<Instance, "service" | "id">, makeStep: () => Step): Wish {
  try {
    return { kind, service, id, step: makeStep() };
  } catch (error) {
    if (error instanceof FairleadError) {
      return { kind, service, id, step: error };
    }
    throw error;
  }
}

function failed({ service, id }: Pick<Wish, "service" | "id">, error: FairleadError): WriteResult {
  return { service, id, outcome: "failed", error };
}

/** Undefined: none of them hangs on a lease. */
function mostFrequent(leases: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const lease of leases) {
    if (lease !== "0") {
      counts.set(lease, (counts.get(lease) ?? 0) + 1);
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}
