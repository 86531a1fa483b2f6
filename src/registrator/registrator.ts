import { createLoop, type Settle } from "../core/loop.ts";
import { createBackoff, sleep, withDeadline } from "../core/time.ts";
import { FairleadError, messageOf } from "../model/errors.ts";
import type { Instance } from "../model/instance.ts";
import type { Log, RegistryWriter, Source, WriteResult } from "../ports.ts";
import type { ExclusiveHosts } from "./exclusive-hosts.ts";
import { createJoin } from "./join.ts";
import { plan } from "./plan.ts";

/** How long after the signal own entries may still be taken back. */
const RELEASE_MS = 3000;

export interface RegistratorOptions {
  readonly writer: RegistryWriter;
  readonly sources: readonly Source[];
  readonly owner: string;
  readonly ttlMs: number;
  readonly resyncMs: number;
  readonly onStop: "keep" | "deregister";
  readonly settle: Settle;
  /** Present: a host and path belong to one service only. */
  readonly hosts?: ExclusiveHosts | undefined;
  readonly log: Log;
}

export interface Registrator {
  /** Registers until the signal aborts. Never ends because a source or the registry failed. */
  run(signal: AbortSignal): Promise<void>;
  /** After `run` has ended for good: with `onStop: deregister` the entries are taken back. */
  leave(): Promise<void>;
}

/**
 * Keeps the registry true about this node: all sources → desired → difference to what we own → write. A source that cannot be read keeps
 * its last good answer; until every source has answered once, nothing is removed.
 */
export function createRegistrator(options: RegistratorOptions): Registrator {
  const { writer, sources, owner, ttlMs, hosts, log } = options;
  const lastGood = new Map<Source, readonly Instance[]>();
  const conflicts = new Set<string>();
  const join = createJoin(log);
  let hasLease = false;
  const loop = createLoop({
    work: pass,
    settle: options.settle,
    resyncMs: options.resyncMs,
    backoff: { minMs: 200, maxMs: 10_000 },
    onError: (error, retryInMs) => {
      const { code, message } = describe(error);
      log.warn("registration pass failed", { code, error: message, retryInMs: Math.round(retryInMs) });
    },
  });

  async function pass(signal: AbortSignal): Promise<void> {
    if (!hasLease) {
      return; // the first beat triggers a pass
    }
    const failures = await listSources(signal);
    const desired = join(sources.map((source) => ({ source: source.name, instances: lastGood.get(source) ?? [] })));
    const owned = await writer.owned(owner, signal);
    const isComplete = lastGood.size === sources.length;
    const wanted = hosts?.settle({ desired, owned, isComplete }) ?? desired;
    const change = plan(wanted, owned, (instance) => writer.asStored(instance));
    if (change.put.length > 0 || (isComplete && change.remove.length > 0)) {
      report(await writer.write(owner, isComplete ? change : { put: change.put, remove: [] }, signal));
    }
    const [failure] = failures;
    if (failure !== undefined) {
      throw failure;
    }
  }

  async function listSources(signal: AbortSignal): Promise<readonly unknown[]> {
    const failures: unknown[] = [];
    await Promise.all(
      sources.map(async (source) => {
        try {
          lastGood.set(source, await source.list(signal));
        } catch (error) {
          signal.throwIfAborted();
          failures.push(error);
        }
      }),
    );
    return failures;
  }

  /** @throws FairleadError when something has to be tried again */
  function report(results: readonly WriteResult[]): void {
    let failed: FairleadError | undefined;
    for (const result of results) {
      const { service, id } = result;
      const place = `${service}/${id}`;
      if (result.outcome === "conflict") {
        if (!conflicts.has(place)) {
          conflicts.add(place);
          log.warn("entry is held by another owner and left alone", { service, id, holder: result.holder });
        }
        continue;
      }
      conflicts.delete(place);
      if (result.outcome === "failed") {
        failed ??= result.error;
        log.warn("entry could not be written", { service, id, code: result.error.code, error: result.error.message });
      } else {
        log.info(result.outcome === "written" ? "registered" : "deregistered", { service, id });
      }
    }
    if (failed !== undefined) {
      throw failed;
    }
  }

  async function follow(source: Source, signal: AbortSignal): Promise<void> {
    for await (const _ of source.changes(signal)) {
      loop.trigger();
    }
  }

  /** One lease for the process, kept whatever the passes do: a hanging source must not let living entries die. */
  async function keepAlive(signal: AbortSignal): Promise<void> {
    const backoff = createBackoff({ minMs: 100, maxMs: Math.max(100, ttlMs / 3) });
    while (!signal.aborted) {
      let waitMs = ttlMs / 3;
      try {
        const onTimeout = (): Error =>
          new FairleadError("REGISTRY_UNAVAILABLE", `no answer within ${ttlMs / 3} ms`, { retryable: true });
        const beat = await withDeadline({ ms: ttlMs / 3, signal, onTimeout }, (inner) => writer.keepAlive(owner, ttlMs, inner));
        backoff.reset();
        if (beat === "lost" || !hasLease) {
          hasLease = true;
          loop.trigger();
        }
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        waitMs = Math.min(waitMs, backoff.next());
        const { code, message } = describe(error);
        log.warn("lease could not be kept", { code, error: message, retryInMs: Math.round(waitMs) });
      }
      await sleep(waitMs, signal).catch(() => undefined); // aborted: the loop ends
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    const following = sources.map((source) => follow(source, signal));
    await Promise.all([loop.run(signal), keepAlive(signal), hosts?.follow(loop.trigger, signal), ...following]);
  }

  async function leave(): Promise<void> {
    if (options.onStop === "keep") {
      return; // the lease runs out, or the next process takes it over: a restart does not flap
    }
    const never = new AbortController().signal;
    const onTimeout = (): Error => new FairleadError("REGISTRY_UNAVAILABLE", `no answer within ${RELEASE_MS} ms`);
    try {
      await withDeadline({ ms: RELEASE_MS, signal: never, onTimeout }, (signal) => writer.release(owner, signal));
      log.info("own entries removed", { owner });
    } catch (error) {
      log.warn("own entries could not be removed; they go with their lease", { error: messageOf(error) });
    }
  }

  return { run, leave };
}

function describe(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof FairleadError) {
    return { code: error.code, message: error.message };
  }
  throw error; // a bug: it ends the process with its stack
}
