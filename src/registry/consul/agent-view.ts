import type { Entry } from "../../model/instance.ts";
import { aliveCheckId, decodeRegistration, healthCheckId, type Lease, leaseOf, versionOf } from "./catalog-form.ts";
import type { Client } from "./client.ts";
import { type CheckStatus, foldCase, type Registration } from "./shapes.ts";
import { listAgentChecks, listAgentServices } from "./write-requests.ts";

/** A service as the agent has it, with what fairlead's own two checks say. */
export interface AgentService {
  readonly agentId: string;
  readonly registration: Registration;
  /** Its health is that of the health check alone: what was written, not what other checks found. */
  readonly entry: Entry;
  /** Undefined: another program's. */
  readonly lease: Lease | undefined;
  readonly version: string;
  /** Of an entry of ours: its lease has not run out. */
  readonly isAlive: boolean;
  readonly health: CheckStatus | undefined;
}

/** Everything that one agent has registered. */
export interface AgentView {
  byAgentId(agentId: string): AgentService | undefined;
  at(place: { readonly service: string; readonly id: string }): AgentService | undefined;
  ownedBy(owner: string): readonly AgentService[];
}

export async function readAgent(client: Client, signal: AbortSignal): Promise<AgentView> {
  const [services, checks] = await Promise.all([listAgentServices(client, signal), listAgentChecks(client, signal)]);
  const statuses = new Map(checks.map((check) => [check.id, check.status]));
  return viewOf(services, statuses);
}

export function viewOf(services: readonly Registration[], statuses: ReadonlyMap<string, CheckStatus>): AgentView {
  const all = services.map((registration): AgentService => {
    const agentId = registration.id;
    const health = statuses.get(healthCheckId(agentId));
    const alive = statuses.get(aliveCheckId(agentId));
    return {
      agentId,
      registration,
      entry: decodeRegistration(registration, health ?? "passing"),
      lease: leaseOf(registration),
      version: versionOf(registration),
      isAlive: alive !== undefined && alive !== "critical",
      health,
    };
  });
  const byId = new Map(all.map((service) => [foldCase(service.agentId), service]));
  const byPlace = new Map(all.map((service) => [placeText(service.entry), service]));
  return {
    byAgentId: (agentId) => byId.get(foldCase(agentId)),
    at: (place) => byPlace.get(placeText(place)),
    ownedBy: (owner) => all.filter(({ lease }) => lease?.owner === owner),
  };
}

function placeText({ service, id }: { readonly service: string; readonly id: string }): string {
  return JSON.stringify([service, id]);
}
