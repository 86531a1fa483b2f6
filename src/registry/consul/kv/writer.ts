import { FairleadError } from "../../../model/errors.ts";
import { compareText, type Instance } from "../../../model/instance.ts";
import type { Change, Owned, Put, RegistryWriter, WriteResult } from "../../../ports.ts";
import { encodeEntryPath } from "../../codec.ts";
import { isIdOfHost } from "../../left-behind.ts";
import type { KeyLayout } from "../../store.ts";
import type { Client } from "../api/client.ts";
import { askablePart, listPairs } from "../api/read-requests.ts";
import type { KvPair, TxnRefusal } from "../api/shapes.ts";
import { runTransaction, type TxnOutcome } from "../api/write-requests.ts";
import { createForm, type KvForm } from "./form.ts";
import { KvLiving } from "./living.ts";
import { judgeRefusal } from "./refusals.ts";
import { KvSessions } from "./sessions.ts";
import { batchesOf, putStep, removeStep, type Step } from "./steps.ts";

/** Writes entries into Consul's key-value store, each with its guards in one transaction, all hanging on the owner's session. */
export class KvWriter implements RegistryWriter {
  readonly #client: Client;
  readonly #form: KvForm;
  readonly #sessions: KvSessions;
  readonly #living: KvLiving;
  /** The session of each owner's last beat. */
  readonly #beaten = new Map<string, string | undefined>();

  constructor(client: Client, layout: KeyLayout) {
    this.#client = client;
    this.#form = createForm(layout);
    this.#sessions = new KvSessions(client, layout.entriesPrefix);
    this.#living = new KvLiving(client, layout);
  }

  asStored(instance: Instance): Instance | undefined {
    return this.#form.asStored(instance);
  }

  async owned(owner: string, signal: AbortSignal): Promise<readonly Owned[]> {
    const standing = await this.#standing(await this.#sessions.find(owner, signal), signal);
    return standing
      .map(({ owned }) => owned)
      .filter(({ entry }) => entry.owner === owner)
      .toSorted(byPlace);
  }

  /** All entries that stand where they belong, whoever wrote them. */
  async #standing(
    session: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly { readonly pair: KvPair; readonly owned: Owned }[]> {
    const { prefixes, keysOf, standingAt } = this.#form;
    const byKey = new Map<string, KvPair>();
    for (const prefix of prefixes) {
      for (const pair of await this.#list(prefix, signal)) {
        byKey.set(pair.key, pair);
      }
    }
    const [first] = prefixes;
    return [...byKey.values()].flatMap((pair) => {
      const path = pair.key.startsWith(first) ? pair.key.slice(first.length) : "";
      const place = standingAt(path, [pair])?.entry;
      const pairs = place === undefined ? [] : keysOf(place).map((key) => byKey.get(key));
      const entry = pairs[0] === pair ? standingAt(path, pairs)?.entry : undefined;
      const unleased = pairs.some((each) => each?.session === undefined || each.session !== session);
      return entry === undefined ? [] : [{ pair, owned: { entry, revision: String(pair.modifyIndex), unleased } }];
    });
  }

  async write(owner: string, change: Change, signal: AbortSignal): Promise<readonly WriteResult[]> {
    const results: WriteResult[] = [];
    const steps: Step[] = [];
    const session = await this.#sessions.find(owner, signal);
    for (const [index, put] of change.put.entries()) {
      try {
        steps.push({ index, ...putStep(this.#form, owner, put, session ?? refuseWithoutSession(put)) });
      } catch (error) {
        results[index] = failed(put.instance, asFailure(error)); // a name that cannot be stored
      }
    }
    for (const [offset, owned] of change.remove.entries()) {
      steps.push({ index: change.put.length + offset, ...removeStep(this.#form, owned) });
    }
    for (const batch of batchesOf(steps)) {
      signal.throwIfAborted();
      for (const [step, result] of await this.#runBatch(owner, session ?? "", batch, signal)) {
        results[step.index] = result;
      }
    }
    if (session !== undefined && !results.some(({ outcome }) => outcome === "failed")) {
      await this.#living.show(owner, session, "written", signal);
    }
    return results;
  }

  /** Shown is a session under which something was written, or beaten twice: what the one before took away is back then. */
  async keepAlive(owner: string, ttlMs: number, signal: AbortSignal): Promise<"kept" | "lost"> {
    const beat = await this.#sessions.keepAlive(owner, ttlMs, signal);
    const session = await this.#sessions.find(owner, signal);
    if (session !== undefined && this.#beaten.get(owner) === session) {
      await this.#living.show(owner, session, "beaten", signal);
    } else if (session !== undefined && beat === "lost") {
      await this.#living.claim(owner, session, signal);
    }
    this.#beaten.set(owner, session);
    return beat;
  }

  async holder(owner: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    return (await this.#living.find(owner, signal))?.holder;
  }

  async showHolder(owner: string, holder: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const isAlive = (session: string): Promise<boolean> => this.#sessions.isAlive(session, signal);
    await this.#living.showHolder(owner, holder, { session: this.#beaten.get(owner), isAlive }, signal);
  }

  /** What hangs on a session is held by a living program. Registrator makes none. */
  async orphans(hosts: readonly string[], signal: AbortSignal): Promise<readonly Owned[]> {
    signal.throwIfAborted();
    if (!this.#form.isRegistrators) {
      return [];
    }
    const standing = await this.#standing(undefined, signal);
    return standing
      .filter(({ pair, owned: { entry } }) => entry.owner === "" && pair.session === undefined && isIdOfHost(entry.id, hosts))
      .map(({ owned }) => owned)
      .toSorted(byPlace);
  }

  async release(owner: string, signal: AbortSignal): Promise<void> {
    const remove = await this.owned(owner, signal);
    for (const result of await this.write(owner, { put: [], remove }, signal)) {
      if (result.outcome === "failed") {
        throw result.error;
      }
    }
    this.#beaten.delete(owner); // the session runs out by itself, so that everyone sees a living owner's removal
  }

  async #list(prefix: string, signal: AbortSignal): Promise<readonly KvPair[]> {
    const { data } = await listPairs(this.#client, askablePart(prefix), "consistent", signal);
    return data.filter(({ key }) => key.startsWith(prefix));
  }

  /** Leaves out what is refused, and tries the rest again: one refusal hurts only itself. */
  async #runBatch(
    owner: string,
    session: string,
    batch: readonly Step[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<Step, WriteResult>> {
    const results = new Map<Step, WriteResult>();
    let left = batch;
    while (left.length > 0) {
      const outcome = await this.#try(left, signal);
      const refused = refusedSteps(left, outcome);
      for (const step of left) {
        const why = refused.get(step);
        if (why !== undefined) {
          results.set(
            step,
            why instanceof FairleadError ? failed(step.place, why) : await this.#judge(owner, session, step, why, signal),
          );
        } else if (outcome === "done") {
          results.set(step, {
            service: step.place.service,
            id: step.place.id,
            outcome: step.kind === "put" ? "written" : "removed",
          });
        }
      }
      left = left.filter((step) => !results.has(step));
    }
    return results;
  }

  async #try(steps: readonly Step[], signal: AbortSignal): Promise<TxnOutcome | FairleadError> {
    const operations = steps.flatMap((step) => step.operations);
    try {
      return await runTransaction(this.#client, "write entries in Consul", operations, signal);
    } catch (error) {
      signal.throwIfAborted();
      return asFailure(error);
    }
  }

  async #judge(owner: string, session: string, step: Step, refusal: TxnRefusal, signal: AbortSignal): Promise<WriteResult> {
    try {
      const keys = this.#form.keysOf(step.place);
      const pairs = await Promise.all(keys.map(async (key) => (await this.#list(key, signal)).find((pair) => pair.key === key)));
      const standing = this.#form.standingAt(encodeEntryPath(step.place), pairs);
      const version = pairs[0] && String(pairs[0].modifyIndex);
      const isSessionAlive = (): Promise<boolean> => this.#sessions.isAlive(session, signal);
      return await judgeRefusal({ owner, step, refusal, standing, version, isSessionAlive });
    } catch (error) {
      signal.throwIfAborted();
      return failed(step.place, asFailure(error));
    }
  }
}

function byPlace(a: Owned, b: Owned): number {
  return compareText(a.entry.service, b.entry.service) || compareText(a.entry.id, b.entry.id);
}

/** Which steps did not go through, and why; when Consul names none of them, none did. */
function refusedSteps(
  steps: readonly Step[],
  outcome: TxnOutcome | FairleadError,
): ReadonlyMap<Step, TxnRefusal | FairleadError> {
  if (outcome === "done") {
    return new Map();
  }
  if (outcome instanceof FairleadError || outcome === "too-large") {
    const error = outcome === "too-large" ? new FairleadError("USAGE", "the entry is too large for Consul") : outcome;
    return new Map(steps.map((step) => [step, error]));
  }
  const stepOf = steps.flatMap((step) => step.operations.map(() => step));
  const refused = new Map<Step, TxnRefusal>();
  for (const refusal of outcome) {
    const step = stepOf[refusal.opIndex];
    if (step !== undefined && !refused.has(step)) {
      refused.set(step, refusal);
    }
  }
  const [any = { opIndex: 0, what: "Consul does not say why" }] = outcome;
  return refused.size > 0 ? refused : new Map(steps.map((step) => [step, any]));
}

/** @throws FairleadError always, retryable */
function refuseWithoutSession({ instance: { service, id } }: Put): never {
  const text = `cannot write ${JSON.stringify(`${service}/${id}`)} in Consul: there is no session yet that it could hang on`;
  throw new FairleadError("REGISTRY_UNAVAILABLE", text, { retryable: true, hint: "keepAlive() makes it" });
}

function failed({ service, id }: Step["place"], error: FairleadError): WriteResult {
  return { service, id, outcome: "failed", error };
}

function asFailure(error: unknown): FairleadError {
  if (error instanceof FairleadError) {
    return error;
  }
  throw error; // a bug
}
