import { isRecord } from "../../core/json.ts";

/** Why an engine cannot answer for a swarm, from its answer to `/info`, and what to do; undefined: it is a manager as far as it says. */
export function noManager(info: unknown): { readonly reason: string; readonly hint: string } | undefined {
  const swarm = isRecord(info) && isRecord(info.Swarm) ? info.Swarm : {};
  const { LocalNodeState: state, ControlAvailable: isManager, RemoteManagers: managers } = swarm;
  switch (state) {
    case "active":
      return isManager === true ? undefined : worker(managers);
    case "locked":
      return {
        reason: "its swarm is locked",
        hint: "unlock it with docker swarm unlock, or point `swarm.host` at another manager",
      };
    case "pending":
      return { reason: "it is joining a swarm and not yet a part of it", hint: "it is asked again" };
    case "error":
      return { reason: "its part of the swarm has failed", hint: "docker info on that machine says why" };
    case "inactive":
    case undefined:
      return {
        reason: "this engine is not part of a swarm",
        hint: "make one with docker swarm init, or point `swarm.host` at a manager; `sources.docker` registers containers without a swarm",
      };
    default:
      return undefined;
  }
}

function worker(managers: unknown): { readonly reason: string; readonly hint: string } {
  const addresses = (Array.isArray(managers) ? managers : []).flatMap((manager) => {
    const address: unknown = isRecord(manager) ? manager.Addr : undefined;
    return typeof address === "string" && /^[0-9A-Za-z.:[\]-]{1,100}$/.test(address) ? [address.replace(/:\d+$/, "")] : [];
  });
  const known = addresses.length === 0 ? "" : `: ${addresses.sort().join(", ")}`;
  return {
    reason: "this engine is a worker of its swarm, and only managers can answer",
    hint: `point \`swarm.host\` at a manager${known}`,
  };
}
