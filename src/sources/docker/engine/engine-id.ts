import { createBackoff, sleep } from "../../../core/time.ts";
import { hasCode } from "../../../model/errors.ts";
import type { Log } from "../../../ports.ts";
import type { DockerClient } from "./client.ts";

/** The engine's own id: the default node id. Asked once. */
export function engineId(client: DockerClient, signal: AbortSignal): Promise<string> {
  return client.engineId(signal);
}

/** The same, for a process that may be started before its engine: it asks until it is told, and says so at each step. */
export async function awaitEngineId(client: DockerClient, log: Log, signal: AbortSignal): Promise<string> {
  const backoff = createBackoff({ minMs: 100, maxMs: 5000 });
  for (;;) {
    try {
      return await client.engineId(signal);
    } catch (error) {
      if (!hasCode(error) || !error.retryable) {
        throw error;
      }
      const retryInMs = Math.round(backoff.next());
      log.warn("docker engine is waited for", {
        reason: error.message,
        hint: error.hint,
        retryInMs,
      });
      await sleep(retryInMs, signal);
    }
  }
}
