import type { ICompare, IKeyValue, IRangeResponse, IRequestOp, ITxnResponse } from "etcd3";
import { FairleadError, hasCode } from "../../model/errors.ts";
import type { EtcdClient } from "./client.ts";
import { storeKey } from "./ranges.ts";

/** etcd's own limit, `--max-txn-ops`; comparisons count apart. */
const MAX_OPS = 128;
/** etcd takes 1.5 MiB (`--max-request-bytes`), the rest of the request included. */
const MAX_BYTES = 2 ** 20;
const WRITE_MS = 10_000;
const READ_MS = 10_000;

/** One change of some keys that belong together. */
export interface Step {
  readonly keys: readonly string[];
  /** The revision that the first key must have for the change to happen; "0": it must not be there. */
  readonly guard: string;
  /** What each key gets; undefined: it is deleted. */
  readonly values: readonly (string | undefined)[];
}

export type StepOutcome =
  | { readonly kind: "done" }
  /** The guard did not hold; this is what the keys held at that moment. */
  | { readonly kind: "refused"; readonly kvs: readonly (IKeyValue | undefined)[] }
  | { readonly kind: "failed"; readonly error: FairleadError };

export interface Outcomes {
  get(step: Step): StepOutcome;
}

export interface CommitOptions {
  readonly signal: AbortSignal;
  /** What puts hang on. */
  readonly lease: string;
}

/**
 * Makes each step or leaves it, in as few transactions as etcd allows. A step whose guard does not hold, or which etcd refuses, hurts
 * only itself. When etcd cannot be reached, the steps that were not made have failed.
 */
export async function commit(client: EtcdClient, steps: readonly Step[], options: CommitOptions): Promise<Outcomes> {
  const outcomes = new Map<Step, StepOutcome>();
  let outage: FairleadError | undefined;

  async function run(batch: readonly Step[]): Promise<void> {
    if (batch.length === 0) {
      return;
    }
    if (outage !== undefined) {
      settle(batch, { kind: "failed", error: outage });
      return;
    }
    try {
      const { succeeded, responses } = await sendTxn(client, batch, options);
      if (succeeded) {
        settle(batch, { kind: "done" });
      } else {
        await runWithout(batch, responses);
      }
    } catch (error) {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      if (hasCode(error, "REGISTRY_UNAVAILABLE")) {
        outage = error;
      }
      if (batch.length === 1 || outage !== undefined) {
        settle(batch, { kind: "failed", error });
      } else {
        await run(batch.slice(0, batch.length / 2));
        await run(batch.slice(batch.length / 2));
      }
    }
  }

  /** Takes out the steps whose guard does not hold; the others have another try. */
  async function runWithout(batch: readonly Step[], responses: ITxnResponse["responses"]): Promise<void> {
    const kvs = responses.map(({ response_range: range }) => range.kvs[0]);
    const rest: Step[] = [];
    let at = 0;
    for (const step of batch) {
      const held = kvs.slice(at, at + step.keys.length);
      at += step.keys.length;
      if (step.guard === (held[0]?.mod_revision ?? "0")) {
        rest.push(step);
      } else {
        outcomes.set(step, { kind: "refused", kvs: held });
      }
    }
    await run(rest);
  }

  function settle(batch: readonly Step[], outcome: StepOutcome): void {
    for (const step of batch) {
      outcomes.set(step, outcome);
    }
  }

  for (const batch of batches(steps)) {
    await run(batch);
  }
  return {
    get(step) {
      const outcome = outcomes.get(step);
      if (outcome === undefined) {
        throw new Error("this step was not committed");
      }
      return outcome;
    },
  };
}

/** Reads some places at a time, each with all its keys. Not at one revision in all, but each place is. */
export async function getKeys(
  client: EtcdClient,
  places: readonly (readonly string[])[],
  signal: AbortSignal,
): Promise<readonly (readonly (IKeyValue | undefined)[])[]> {
  const found: (readonly (IKeyValue | undefined)[])[] = [];
  const size = Math.max(1, Math.floor(MAX_OPS / (places[0]?.length ?? 1)));
  for (let from = 0; from < places.length; from += size) {
    const part = places.slice(from, from + size);
    const request = { success: part.flat().map(rangeOp) };
    const what = `cannot read ${request.success.length} etcd keys`;
    const { responses } = await client.call({ what, signal, ms: READ_MS, isRepeatable: true }, ({ kv }, call) =>
      kv.txn(request, call),
    );
    const ranges: readonly IRangeResponse[] = responses.map((response) => response.response_range);
    let at = 0;
    for (const keys of part) {
      found.push(ranges.slice(at, at + keys.length).map((range) => range.kvs[0]));
      at += keys.length;
    }
  }
  return found;
}

/** Not repeated on another endpoint once it was sent: the next look at the store tells what became of it. */
async function sendTxn(client: EtcdClient, batch: readonly Step[], { signal, lease }: CommitOptions): Promise<ITxnResponse> {
  const [first = ""] = batch[0]?.keys ?? [];
  const what = `cannot write etcd key "/${first}"${batch.length === 1 ? "" : ` and ${batch.length - 1} more`}`;
  const request = {
    compare: batch.map(({ keys: [key = ""], guard }) => compareOp(key, guard)),
    success: batch.flatMap(({ keys, values }) => keys.map((key, i) => changeOp(key, values[i], lease))),
    failure: batch.flatMap(({ keys }) => keys.map(rangeOp)),
  };
  return await client.call({ what, signal, ms: WRITE_MS, isRepeatable: false }, ({ kv }, call) => kv.txn(request, call));
}

function compareOp(key: string, revision: string): ICompare {
  return { key: storeKey(key), target: "Mod", result: "Equal", mod_revision: revision };
}

function changeOp(key: string, value: string | undefined, lease: string): IRequestOp {
  return value === undefined
    ? { request_delete_range: { key: storeKey(key) } }
    : { request_put: { key: storeKey(key), value: Buffer.from(value), lease } };
}

function rangeOp(key: string): IRequestOp {
  return { request_range: { key: storeKey(key) } };
}

/** In order. No key twice in one transaction, which etcd refuses. */
function* batches(steps: readonly Step[]): Generator<readonly Step[]> {
  let batch: Step[] = [];
  let bytes = 0;
  let keys = new Set<string>();
  for (const step of steps) {
    const size = step.values.reduce((sum, value) => sum + Buffer.byteLength(value ?? ""), 0);
    const isFull = keys.size + step.keys.length > MAX_OPS || bytes + size > MAX_BYTES || step.keys.some((key) => keys.has(key));
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      bytes = 0;
      keys = new Set();
    }
    batch.push(step);
    bytes += size;
    for (const key of step.keys) {
      keys.add(key);
    }
  }
  if (batch.length > 0) {
    yield batch;
  }
}
