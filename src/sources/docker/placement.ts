import { isIPv6 } from "node:net";
import type { Binding, Container, ContainerPort } from "./container.ts";

export type Mode = "published" | "internal" | "any";

export interface PlacementOptions {
  /** The node's own address; undefined: not known. */
  readonly address: string | undefined;
  /** The address was set by a person: it stands for every published port, whatever its binding says. */
  readonly isAddressSet: boolean;
  readonly mode: Mode;
  /** Networks whose addresses may be used, the first match wins; empty: a container's only one. */
  readonly networks: readonly string[];
  /** All readers of the registry are on this machine, so that ports on loopback are of use to them. */
  readonly loopback: boolean;
}

/** How a container is reached, decided once for all its ports. */
export type Reach =
  | { readonly kind: "node" }
  | { readonly kind: "internal"; readonly address: string }
  | { readonly kind: "published" }
  | { readonly kind: "none"; readonly reason: string };

export function reachOf(container: Pick<Container, "network">, options: Pick<PlacementOptions, "mode" | "networks">): Reach {
  const { network } = container;
  const { mode } = options;
  if (network.kind === "host" || (network.kind === "shared" && network.of?.kind === "host" && mode !== "published")) {
    return { kind: "node" };
  }
  if (mode === "published") {
    return network.kind === "shared" ? sharedPorts(network.with) : { kind: "published" };
  }
  const internal = internalReach(container, options.networks);
  if (internal.kind !== "none" || mode === "internal") {
    return internal;
  }
  return network.kind === "shared" ? internal : { kind: "published" };
}

function sharedPorts(other: string): Reach {
  return { kind: "none", reason: `it lives in the network of container ${other}, to which its published ports belong` };
}

function internalReach({ network }: Pick<Container, "network">, networks: readonly string[]): Reach {
  const plain = network.kind === "shared" ? network.of : network;
  if (plain?.kind !== "own") {
    const other = network.kind === "shared" ? network.with : "";
    return { kind: "none", reason: `it lives in the network of container ${other}, which is not running` };
  }
  const names = plain.attached.map((attachment) => attachment.network).join(", ");
  for (const name of networks) {
    const named = plain.attached.find((attachment) => attachment.network === name);
    if (named !== undefined) {
      return { kind: "internal", address: named.address };
    }
  }
  const [only, ...others] = plain.attached;
  if (only === undefined) {
    return { kind: "none", reason: "it has no address on any network" };
  }
  if (networks.length > 0) {
    return { kind: "none", reason: `it is on none of the networks ${networks.join(", ")}, but on ${names}` };
  }
  if (others.length > 0) {
    return { kind: "none", reason: `it is on several networks, and \`networks\` names none of them: ${names}` };
  }
  return { kind: "internal", address: only.address };
}

export interface Placed {
  readonly at?: { readonly address: string; readonly port: number };
  /** Why it is at no place, or what else was left out. */
  readonly skipped: readonly string[];
}

/** Where one port of a container is reached from outside it. */
export function placePort(port: ContainerPort, reach: Exclude<Reach, { kind: "none" }>, options: PlacementOptions): Placed {
  switch (reach.kind) {
    case "internal":
      return { at: { address: reach.address, port: port.port }, skipped: [] };
    case "node":
      return atNode(port.port, options);
    case "published":
      return placePublished(port, options);
  }
}

function atNode(port: number, options: PlacementOptions): Placed {
  const address = options.address ?? (options.loopback ? "127.0.0.1" : undefined);
  return address === undefined
    ? { skipped: ["the node's address is not known; set `address` of the docker source"] }
    : { at: { address, port }, skipped: [] };
}

function placePublished(port: ContainerPort, options: PlacementOptions): Placed {
  if (port.bindings.length === 0) {
    return { skipped: ["it is not published"] };
  }
  const hasWildcard4 = port.bindings.some((binding) => binding.address === "0.0.0.0");
  const bindings = port.bindings.filter((binding) => !(hasWildcard4 && binding.address === "::")).sort(compareBindings);
  const unreachable = (binding: Binding): boolean =>
    isLoopback(binding.address) && !options.loopback && !(options.isAddressSet && options.address !== undefined);
  const chosen = bindings.find((binding) => !unreachable(binding));
  const skipped = bindings
    .filter((binding) => binding !== chosen)
    .map((binding) =>
      unreachable(binding)
        ? `it is published on ${bindingText(binding)}, which only this machine can reach`
        : `it is also published on ${bindingText(binding)}; ${bindingText(chosen ?? binding)} is used`,
    );
  if (chosen === undefined) {
    return { skipped };
  }
  const keepsAddress = !isWildcard(chosen.address) && !(options.isAddressSet && options.address !== undefined);
  if (keepsAddress) {
    return { at: { address: chosen.address, port: chosen.port }, skipped };
  }
  const placed = atNode(chosen.port, options);
  return { ...placed, skipped: [...placed.skipped, ...skipped] };
}

/** IPv4 before IPv6, then the lowest host port. */
function compareBindings(a: Binding, b: Binding): number {
  return (
    Number(isIPv6(a.address)) - Number(isIPv6(b.address)) ||
    a.port - b.port ||
    (a.address < b.address ? -1 : Number(a.address > b.address))
  );
}

function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");
}

function bindingText(binding: Binding): string {
  return isIPv6(binding.address) ? `[${binding.address}]:${binding.port}` : `${binding.address}:${binding.port}`;
}
