import type { Entry } from "../../../model/instance.ts";
import type { Client } from "../api/client.ts";
import { type Check, type CheckStatus, foldCase, type Registration, worstOf } from "../api/shapes.ts";
import { listAgentChecks, listAgentServices } from "../api/write-requests.ts";
import { askedCheckId, runsAs } from "./checks.ts";
import { aliveCheckId, decodeRegistration, healthCheckId, healthCheckOf, type Lease, leaseOf, versionOf } from "./form.ts";

/** A service as the agent has it, with what its checks say. */
export interface AgentService {
  readonly agentId: string;
  readonly registration: Registration;
  /** Of ours, its health is that of the health check alone: what was written, not what other checks found. */
  readonly entry: Entry;
  /** Undefined: another program's. */
  readonly lease: Lease | undefined;
  readonly version: string;
  /** Of an entry of ours: its lease has not run out. */
  readonly isAlive: boolean;
  /** Of an entry of ours: it has the checks that it was registered with, and none that it was not to have any more. */
  readonly isWhole: boolean;
  /** What fairlead's health check says. */
  readonly health: CheckStatus | undefined;
  /** What the check says that Consul was asked to run. */
  readonly asked: CheckStatus | undefined;
  /** All that the service has. */
  readonly checks: readonly Check[];
}

/** Everything that one agent has registered. */
export interface AgentView {
  byAgentId(agentId: string): AgentService | undefined;
  at(place: { readonly service: string; readonly id: string }): AgentService | undefined;
  ownedBy(owner: string): readonly AgentService[];
  /** What other programs registered. */
  foreign(): readonly AgentService[];
}

export async function readAgent(client: Client, signal: AbortSignal): Promise<AgentView> {
  const [services, checks] = await Promise.all([listAgentServices(client, signal), listAgentChecks(client, signal)]);
  return viewOf(services, checks);
}

export function viewOf(services: readonly Registration[], checks: readonly Check[]): AgentView {
  const checksOf = new Map<string, Check[]>();
  for (const check of checks) {
    const known = checksOf.get(check.serviceId);
    if (known === undefined) {
      checksOf.set(check.serviceId, [check]);
    } else {
      known.push(check);
    }
  }
  const all = services.map((registration) => serviceOf(registration, checksOf.get(registration.id) ?? []));
  const foreign = all.filter(({ lease }) => lease === undefined);
  const byId = new Map(all.map((service) => [foldCase(service.agentId), service]));
  const byPlace = new Map(
    [...foreign, ...all.filter(({ lease }) => lease !== undefined)].map((service) => [placeText(service.entry), service]),
  );
  return {
    byAgentId: (agentId) => byId.get(foldCase(agentId)),
    at: (place) => byPlace.get(placeText(place)),
    ownedBy: (owner) => all.filter(({ lease }) => lease?.owner === owner),
    foreign: () => foreign,
  };
}

function serviceOf(registration: Registration, checks: readonly Check[]): AgentService {
  const agentId = registration.id;
  const find = (id: string): Check | undefined => checks.find((check) => check.id === id);
  const [alive, health, asked] = [find(aliveCheckId(agentId)), find(healthCheckId(agentId)), find(askedCheckId(agentId))];
  const lease = leaseOf(registration);
  const wanted = healthCheckOf(registration);
  const isAsRegistered = wanted === undefined ? asked === undefined : asked !== undefined && runsAs(wanted, asked);
  const status = lease === undefined ? worstOf(checks.map((check) => check.status)) : (health?.status ?? "passing");
  return {
    agentId,
    registration,
    entry: decodeRegistration(registration, status),
    lease,
    version: versionOf(registration),
    isAlive: alive !== undefined && alive.status !== "critical",
    isWhole: health !== undefined && isAsRegistered,
    health: health?.status,
    asked: asked?.status,
    checks,
  };
}

function placeText({ service, id }: { readonly service: string; readonly id: string }): string {
  return JSON.stringify([service, id]);
}
