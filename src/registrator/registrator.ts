import { createLoop, type Settle } from "../core/loop.ts";
import { createAlarm, monotonicMs, withDeadline } from "../core/time.ts";
import { FairleadError, messageOf } from "../model/errors.ts";
import type { Change, Log, RegistryWriter, Source, WriteResult } from "../ports.ts";
import { createAdoption } from "./adoption.ts";
import type { ExclusiveHosts } from "./exclusive-hosts.ts";
import { createJoin } from "./join.ts";
import { createKeeper } from "./keeper.ts";
import { createLeaving } from "./leaving.ts";
import { createLister } from "./listing.ts";
import { plan } from "./plan.ts";
import { commonFailure, createReport, describe } from "./report.ts";
import { createRetries } from "./retries.ts";

/** How long after the signal something may still be taken back. */
const LEAVE_MS = 2000;

export interface RegistratorOptions {
  readonly writer: RegistryWriter;
  readonly sources: readonly Source[];
  readonly owner: string;
  /** Tells this process from another one that registers for the same node; the same after a restart. */
  readonly mark: string;
  readonly ttlMs: number;
  readonly resyncMs: number;
  readonly onStop: "keep" | "deregister";
  readonly settle: Settle;
  /** Present: a host and path belong to one service only. */
  readonly hosts?: ExclusiveHosts | undefined;
  /** Names of this node under which Registrator wrote: what it left behind is taken over or removed. Absent: it is left alone. */
  readonly adopt?: readonly string[];
  readonly log: Log;
}

export interface Registrator {
  /** Registers until the signal aborts. Never ends because a source or the registry failed. */
  run(signal: AbortSignal): Promise<void>;
  /** After `run` has ended for good: another process may take the name at once, with `onStop: deregister` the entries are taken back. */
  leave(): Promise<void>;
}

/**
 * Keeps the registry true about this node: all sources → desired → difference to what we own → write. A source that cannot be read keeps
 * its last good answer; until every source has answered once, nothing is removed but what one of them has listed before. An entry that
 * cannot be written is tried again alone.
 */
export function createRegistrator(options: RegistratorOptions): Registrator {
  const { writer, sources, owner, ttlMs, hosts, log } = options;
  const adoption = createAdoption(options);
  const join = createJoin(log);
  const findLeaving = createLeaving();
  const retries = createRetries();
  const report = createReport(log, adoption.hintFor);
  let failedWith: string | undefined;
  const loop = createLoop({
    work: pass,
    settle: options.settle,
    resyncMs: options.resyncMs,
    backoff: { minMs: 200, maxMs: 10_000 },
    onError: (error, retryInMs) => {
      const facts = describe(error);
      // A source that stays away for a day is news once.
      log[facts.error === failedWith ? "debug" : "warn"]("registration pass failed", {
        ...facts,
        retryInMs: Math.round(retryInMs),
      });
      failedWith = facts.error;
    },
  });
  const keeper = createKeeper({ writer, owner, mark: options.mark, ttlMs, log, onReady: loop.trigger });
  const lister = createLister({ sources, onLate: loop.trigger });
  const retryAlarm = createAlarm(loop.trigger);

  async function pass(signal: AbortSignal): Promise<void> {
    if (!(await keeper.mayWrite(signal))) {
      return; // as soon as it may, there is a pass
    }
    const { lists, isComplete, failures } = await lister.list(signal);
    const desired = join(lists);
    const owned = [...(await writer.owned(owner, signal)), ...(await adoption.leftBehind(signal))];
    const leaving = findLeaving({ desired, owned, isComplete });
    const wanted = hosts?.settle({ desired, owned, leaving }) ?? desired;
    const { put, remove } = plan(wanted, owned, (instance) => writer.asStored(instance));
    const change = { put, remove: remove.filter((item) => isComplete || leaving.has(item)) };
    retries.retain(change);
    report.retain(desired);
    const due = retries.due(change, monotonicMs());
    const isIdle = due.put.length + due.remove.length === 0;
    const mayWrite = isIdle || (await keeper.mayWrite(signal));
    if (!isIdle && mayWrite) {
      take(due, await writer.write(owner, due, signal));
    }
    retryAlarm.set(retries.nextDueMs() - monotonicMs());
    if (isComplete && mayWrite && retries.nextDueMs() === Number.POSITIVE_INFINITY) {
      adoption.end(); // everything was compared, and nothing has failed
    }
    const failure = failures.find((error) => !(error instanceof FairleadError)) ?? failures[0]; // a bug must not hide behind another's failure
    if (failure !== undefined) {
      throw failure;
    }
    failedWith = undefined;
  }

  /** @throws FairleadError when the store as a whole has to be tried again */
  function take(change: Change, results: readonly WriteResult[]): void {
    const outage = commonFailure(results);
    if (outage !== undefined) {
      throw outage;
    }
    for (const [index, result] of results.entries()) {
      if (result.outcome === "failed") {
        report.tell(result, { retryInMs: retries.failed(change, result, monotonicMs()) });
      } else {
        retries.succeeded(result);
        report.tell(result, { instance: change.put[index]?.instance });
      }
    }
  }

  async function follow(source: Source, signal: AbortSignal): Promise<void> {
    for await (const _ of source.changes(signal)) {
      loop.trigger();
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    const following = sources.map((source) => follow(source, signal));
    try {
      await Promise.all([loop.run(signal), keeper.run(signal), hosts?.follow(loop.trigger, signal), ...following]);
    } finally {
      retryAlarm.clear();
    }
    await lister.ended();
  }

  /** With `keep` the lease runs out, or the next process takes it over: a restart does not flap. */
  async function leave(): Promise<void> {
    if (options.onStop === "deregister") {
      await attempt("own entries could not be removed; they go with their lease", async (signal) => {
        // Whoever was away for long may be told to stop when another process has taken its entries over.
        if (await keeper.mayWrite(signal)) {
          await writer.release(owner, signal);
          log.info("own entries removed", { owner });
        }
      });
    }
    await attempt("another process has to wait until it takes over", (signal) => keeper.letGo(signal));
  }

  async function attempt(otherwise: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const never = new AbortController().signal;
    const onTimeout = (): Error => new FairleadError("REGISTRY_UNAVAILABLE", `no answer within ${LEAVE_MS} ms`);
    try {
      await withDeadline({ ms: LEAVE_MS, signal: never, onTimeout }, work);
    } catch (error) {
      log.warn(otherwise, { error: messageOf(error) });
    }
  }

  return { run, leave };
}
