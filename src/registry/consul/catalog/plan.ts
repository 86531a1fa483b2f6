/** What to tell the agent, from what it has. Pure. */
import { FairleadError } from "../../../model/errors.ts";
import type { Change, Owned, Put, WriteResult } from "../../../ports.ts";
import { type CheckStatus, foldCase, type Registration } from "../api/shapes.ts";
import type { AgentService, AgentView } from "./agent-view.ts";
import { type Drops, planDrops } from "./checks.ts";
import { agentIds, aliveCheckId, encodeInstance, healthCheckId, healthCheckOf, type Lease, statusOf, versionOf } from "./form.ts";

interface Place {
  readonly service: string;
  readonly id: string;
}

/** One for each change, in their order. */
export type Step =
  | { readonly kind: "result"; readonly result: WriteResult }
  | {
      readonly kind: "register";
      readonly place: Place;
      readonly registration: Registration;
      readonly status: CheckStatus;
      /** The status that its health check has now; undefined: there is none yet. */
      readonly before: CheckStatus | undefined;
      /** What the check says now that Consul was asked to run; undefined: there is none. */
      readonly asked: CheckStatus | undefined;
      readonly drops: Drops;
    }
  | { readonly kind: "deregister"; readonly place: Place; readonly agentId: string };

/**
 * | there now                     | put that replaces nothing | put that replaces      | remove     |
 * |-------------------------------|---------------------------|------------------------|------------|
 * | nothing                       | register                  | failed: it is gone     | removed    |
 * | an orphan that was handed out | conflict                  | as if it were ours     | the same   |
 * | another's, alive or foreign   | conflict                  | conflict               | conflict   |
 * | another owner's, dead         | register                  | register               | conflict   |
 * | ours, another version         | failed: it is there       | failed: it has changed | failed     |
 * | ours, as it was read          | failed: it is there       | register               | deregister |
 *
 * An equal, living entry with its checks needs nothing.
 */
export function planSteps(lease: Lease, change: Change, view: AgentView): readonly Step[] {
  const claimed = new Set<string>();
  return [
    ...change.put.map((put): Step => {
      try {
        return planPut(lease, put, view, claimed);
      } catch (error) {
        if (error instanceof FairleadError) {
          return failed(put.instance, error); // a name that cannot be stored
        }
        throw error;
      }
    }),
    ...change.remove.map((owned) => planRemove(lease.owner, owned, view)),
  ];
}

function planPut(lease: Lease, { instance, replaces }: Put, view: AgentView, claimed: Set<string>): Step {
  const [plain, qualified] = agentIds(instance);
  const current = view.at(instance);
  const isOurs = current === undefined || current.lease?.owner === lease.owner || isOrphan(current, replaces);
  if (!isOurs && (current.lease === undefined || current.isAlive)) {
    return conflict(instance, current);
  }
  if (isOurs && replaces?.revision !== current?.version) {
    return failed(instance, changed(instance, current));
  }
  const isFree = (id: string): boolean => view.byAgentId(id) === undefined && !claimed.has(foldCase(id));
  const agentId = current?.agentId ?? (isFree(plain) ? plain : qualified);
  const holder = view.byAgentId(agentId);
  if (current === undefined && holder !== undefined) {
    return conflict(instance, holder);
  }
  claimed.add(foldCase(agentId));
  const registration = encodeInstance(lease, instance, agentId);
  const status = statusOf(instance.health);
  const isEqual = current?.version === versionOf(registration) && current.health === status;
  return isEqual && current.isAlive && current.isWhole && replaces?.unleased !== true
    ? { kind: "result", result: { ...placeOf(instance), outcome: "written" } }
    : registerStep(instance, registration, status, current);
}

function registerStep(instance: Place, registration: Registration, status: CheckStatus, current: AgentService | undefined): Step {
  const { id } = registration;
  const drops = planDrops(healthCheckOf(registration), {
    agentId: id,
    checks: current?.checks ?? [],
    own: [aliveCheckId(id), healthCheckId(id)],
    isOurs: current?.lease !== undefined,
  });
  return {
    kind: "register",
    place: placeOf(instance),
    registration,
    status,
    before: current?.health,
    asked: current?.asked,
    drops,
  };
}

function planRemove(owner: string, removed: Owned, view: AgentView): Step {
  const { entry, revision } = removed;
  const current = view.at(entry);
  if (current === undefined) {
    return { kind: "result", result: { ...placeOf(entry), outcome: "removed" } };
  }
  if (current.lease?.owner !== owner && !isOrphan(current, removed)) {
    return conflict(entry, current);
  }
  return current.version === revision
    ? { kind: "deregister", place: placeOf(entry), agentId: current.agentId }
    : failed(entry, changed(entry, current));
}

/** What stands there is another program's, and was handed out as what nobody accounts for. */
function isOrphan(current: AgentService, given: Owned | undefined): boolean {
  return current.lease === undefined && given?.entry.owner === "";
}

function conflict(place: Place, holder: AgentService): Step {
  return { kind: "result", result: { ...placeOf(place), outcome: "conflict", holder: holder.lease?.owner ?? "" } };
}

function failed(place: Place, error: FairleadError): Step {
  return { kind: "result", result: { ...placeOf(place), outcome: "failed", error } };
}

function changed({ service, id }: Place, current: AgentService | undefined): FairleadError {
  const why = current === undefined ? "it is gone since it was read" : "it has changed since it was read";
  const message = `cannot write ${JSON.stringify(`${service}/${id}`)} to Consul's agent: ${why}`;
  return new FairleadError("REGISTRY_UNAVAILABLE", message, { retryable: true });
}

function placeOf({ service, id }: Place): Place {
  return { service, id };
}
