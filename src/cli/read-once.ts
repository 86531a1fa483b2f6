import { withDeadline } from "../core/time.ts";
import { FairleadError } from "../model/errors.ts";
import type { Selector } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { RegistryReader } from "../ports.ts";
import { follow } from "../registry/follow.ts";

/**
 * One complete snapshot; a registry that does not answer is asked again until the time is over.
 * @throws FairleadError the last failure, or `REGISTRY_UNAVAILABLE`
 */
export async function readOnce(
  reader: RegistryReader,
  selector: Selector,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Snapshot> {
  let last: FairleadError | undefined;
  const onTimeout = (): Error =>
    last ??
    new FairleadError("REGISTRY_UNAVAILABLE", `the registry gave no answer within ${options.timeoutMs} ms`, { retryable: true });
  return await withDeadline({ ms: options.timeoutMs, signal: options.signal, onTimeout }, async (signal) => {
    const snapshots = follow(reader, selector, {
      signal,
      backoff: { minMs: 100, maxMs: 2000 },
      minIntervalMs: 0,
      resyncMs: Number.POSITIVE_INFINITY,
      onStale: (stale) => {
        last = stale?.error;
      },
    });
    for await (const snapshot of snapshots) {
      return snapshot;
    }
    throw signal.reason;
  });
}
