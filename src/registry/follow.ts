import { createBackoff, jitter, monotonicMs, type Random, sleep, withDeadline } from "../core/time.ts";
import { FairleadError } from "../model/errors.ts";
import type { Selector } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { RegistryReader } from "../ports.ts";

/** Why the last good snapshot is still in force. */
export interface Stale {
  readonly error: FairleadError;
  /** How long the data has not been confirmed. */
  readonly forMs: number;
  readonly retryInMs: number;
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  readonly backoff: { readonly minMs: number; readonly maxMs: number };
  /** The floor between two reads, so that a registry that answers at once is not asked in a spin. */
  readonly minIntervalMs: number;
  /** A full read at least this often, ± 20 %, in case the registry lost an event; `Infinity` for never. */
  readonly resyncMs: number;
  /** Called once for each failed try, and with undefined when the registry answers again. */
  readonly onStale: (stale: Stale | undefined) => void;
  readonly random?: Random;
}

/**
 * Follows a registry. Every value is a complete snapshot; equal revisions are not repeated; a slow consumer gets the newest state and no
 * backlog, since nothing is read while it works. A broken registry neither throws nor yields: the last good snapshot stays in force and
 * `onStale` tells. Ends, without throwing, as soon as the signal aborts.
 */
export async function* follow(
  reader: RegistryReader,
  selector: Selector,
  options: FollowOptions,
): AsyncGenerator<Snapshot, void, void> {
  const { signal, random = Math.random } = options;
  const backoff = createBackoff({ ...options.backoff, random });
  let revision: string | undefined;
  let after: string | undefined;
  let freshAt = monotonicMs();
  let resyncAt = Number.POSITIVE_INFINITY;
  let isStale = false;
  while (!signal.aborted) {
    const startedAt = monotonicMs();
    try {
      let snapshot = after === undefined ? undefined : await readNewer(reader, selector, { signal, after, resyncAt });
      if (snapshot === undefined) {
        snapshot = await reader.read(selector, { signal });
        resyncAt = monotonicMs() + jitter(options.resyncMs, 0.2, random);
      }
      after = snapshot.revision;
      freshAt = monotonicMs();
      backoff.reset();
      if (isStale) {
        isStale = false;
        options.onStale(undefined);
      }
      if (snapshot.revision !== revision) {
        revision = snapshot.revision;
        yield snapshot;
      }
      await sleepUnlessAborted(options.minIntervalMs - (monotonicMs() - startedAt), signal);
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      after = undefined;
      isStale = true;
      const retryInMs = backoff.next();
      options.onStale({ error, forMs: monotonicMs() - freshAt, retryInMs });
      await sleepUnlessAborted(retryInMs, signal);
    }
  }
}

/** Waits for a newer snapshot; undefined: the time for a full read has come, so that what the registry did not tell is seen. */
async function readNewer(
  reader: RegistryReader,
  selector: Selector,
  options: { readonly signal: AbortSignal; readonly after: string; readonly resyncAt: number },
): Promise<Snapshot | undefined> {
  const { signal, after, resyncAt } = options;
  if (!Number.isFinite(resyncAt)) {
    return await reader.read(selector, { signal, after });
  }
  const overdue = new Error("time for a full read");
  const ms = resyncAt - monotonicMs();
  if (ms <= 0) {
    return undefined;
  }
  try {
    return await withDeadline({ ms, signal, onTimeout: () => overdue }, (waiting) =>
      reader.read(selector, { signal: waiting, after }),
    );
  } catch (error) {
    if (error === overdue) {
      return undefined;
    }
    throw error;
  }
}

async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) {
    await sleep(ms, signal).catch(() => undefined); // it rejects only on abort, and then the loop ends
  }
}
