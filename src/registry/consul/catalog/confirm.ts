import { createBackoff, sleep, withDeadline } from "../../../core/time.ts";
import { FairleadError } from "../../../model/errors.ts";
import type { Client } from "../api/client.ts";
import type { Check } from "../api/shapes.ts";
import { listAgentChecks, listNodeChecks } from "../api/write-requests.ts";
import { askedCheckId } from "./checks.ts";
import { aliveCheckId, healthCheckId, healthCheckOf, versionOf } from "./form.ts";
import type { Step } from "./plan.ts";

/** What the catalogue should show of one service of the agent; undefined: nothing. */
export interface Wanted {
  readonly agentId: string;
  readonly registered: Extract<Step, { kind: "register" }> | undefined;
}

/**
 * Waits until the catalogue shows what the agent has taken in, usually some milliseconds: then a write is done for readers too. When it
 * takes longer (no leader, no right to read the node) the agent goes on by itself, and what was written is written.
 */
export async function confirm(client: Client, wanted: readonly Wanted[], signal: AbortSignal): Promise<void> {
  if (wanted.length === 0) {
    return;
  }
  const { confirmMs } = client.timing;
  const late = new FairleadError("REGISTRY_UNAVAILABLE", `the catalogue does not show it within ${confirmMs} ms`, {
    retryable: true,
  });
  try {
    await withDeadline({ ms: confirmMs, signal, onTimeout: () => late }, (inner) => waitUntilShown(client, wanted, inner));
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof FairleadError)) {
      throw error;
    }
  }
}

async function waitUntilShown(client: Client, wanted: readonly Wanted[], signal: AbortSignal): Promise<void> {
  const node = await nodeName(client, signal);
  const backoff = createBackoff({ minMs: 5, maxMs: 250 });
  while (node !== undefined) {
    const checks = new Map((await listNodeChecks(client, node, "default", signal)).map((check) => [check.id, check]));
    if (checks.size === 0 || wanted.every((item) => isShown(item, checks))) {
      return; // without any check the node cannot be seen by us: it has at least its own
    }
    await sleep(backoff.next(), signal);
  }
}

/** Every check of the agent carries it. Undefined: there is none left, and nothing to ask for. */
async function nodeName(client: Client, signal: AbortSignal): Promise<string | undefined> {
  return (await listAgentChecks(client, signal))[0]?.node;
}

function isShown({ agentId, registered }: Wanted, checks: ReadonlyMap<string, Check>): boolean {
  const alive = checks.get(aliveCheckId(agentId));
  if (registered === undefined) {
    return alive === undefined;
  }
  const version = versionOf(registered.registration);
  const asked = checks.get(askedCheckId(agentId))?.notes;
  return (
    alive?.notes === version &&
    alive.status !== "critical" &&
    checks.get(healthCheckId(agentId))?.status === registered.status &&
    asked === (healthCheckOf(registered.registration) === undefined ? undefined : version)
  );
}
