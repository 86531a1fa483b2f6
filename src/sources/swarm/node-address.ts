import { isIP } from "node:net";
import { isHostName } from "../docker/mapping/values.ts";
import type { SwarmNode } from "./state.ts";

const LABEL = "fairlead.address";

export interface NodeAddressOptions {
  /** One for all nodes, such as a load balancer's in front of them; undefined: each node's own. */
  readonly address: string | undefined;
  /** All readers of the registry are on this machine, so that loopback is of use to them. */
  readonly loopback: boolean;
}

/**
 * Under which address others reach what a node publishes: the one that is set for all, else the node's label `fairlead.address`, else what
 * the swarm knows of it. A manager often knows itself as 0.0.0.0; what it advertises to the others is right then.
 */
export function nodeAddress(
  node: SwarmNode | undefined,
  options: NodeAddressOptions,
): { readonly address: string } | { readonly reason: string } {
  if (options.address !== undefined) {
    return { address: options.address };
  }
  if (node === undefined) {
    return { reason: "its node is not in the swarm's list" };
  }
  const label = node.labels[LABEL]?.trim() ?? "";
  if (label !== "") {
    return isIP(label) !== 0 || isHostName(label)
      ? { address: label }
      : { reason: `the label ${LABEL} of node ${node.hostname} is no address` };
  }
  const address = [node.address, node.managerAddress].find((candidate) => isOfUse(candidate, options.loopback));
  return address === undefined
    ? {
        reason:
          `the swarm knows no address of node ${node.hostname} that others can reach; ` +
          `set \`address\`, or label the node: docker node update --label-add ${LABEL}=…`,
      }
    : { address };
}

function isOfUse(address: string, loopback: boolean): boolean {
  const isLoopback = address.startsWith("127.") || address === "::1";
  return address !== "" && address !== "0.0.0.0" && address !== "::" && (loopback || !isLoopback);
}

/** Whether a node is gone as far as the swarm knows. `unknown` is what every node is for a moment when there is a new leader. */
export function isDown(node: Pick<SwarmNode, "state"> | undefined): boolean {
  return node === undefined || node.state === "down" || node.state === "disconnected";
}
