import { isIPv6 } from "node:net";
import { isAddress } from "../../../registry/codec.ts";
import type { Binding, Container, ContainerPort } from "../container.ts";

export type Mode = "published" | "internal" | "any";

export interface PlacementOptions {
  /** The node's own address; undefined: not known. */
  readonly address: string | undefined;
  /** The address was set by a person: it stands for every published port, whatever its binding says. */
  readonly isAddressSet: boolean;
  readonly mode: Mode;
  /** Networks whose addresses may be used, the first match wins; empty: a container's only one. */
  readonly networks: readonly string[];
  /** Name of a container label that holds its address, perhaps with a mask behind it: it beats everything else. */
  readonly addressLabel?: string;
  /** What that label says: see `withLabelledAddress`. */
  readonly labelled?: string;
  /** All readers of the registry are on this machine, so that ports on loopback are of use to them. */
  readonly loopback: boolean;
}

/**
 * The options for a container that carries the label with its address: that address stands in for every other. `problem`: the label holds
 * none, and is as good as absent.
 */
export function withLabelledAddress(
  container: Pick<Container, "labels">,
  options: PlacementOptions,
): { readonly options: PlacementOptions; readonly problem?: string } {
  const name = options.addressLabel;
  const text = name === undefined ? "" : (container.labels[name] ?? "").trim();
  if (text === "") {
    return { options };
  }
  const address = text.replace(/\/\d{1,3}$/, "");
  return isAddress(address)
    ? { options: { ...options, labelled: address, address, isAddressSet: true } }
    : { options, problem: `the label ${name} holds no IP address or host name; the usual address is used` };
}

/** How a container is reached, decided once for all its ports. */
export type Reach =
  | { readonly kind: "node" }
  | { readonly kind: "internal"; readonly address: string; readonly because: string }
  | { readonly kind: "published" }
  | { readonly kind: "none"; readonly reason: string };

export function reachOf(
  container: Pick<Container, "network">,
  options: Pick<PlacementOptions, "mode" | "networks" | "labelled" | "addressLabel">,
): Reach {
  const { network } = container;
  const { mode, labelled } = options;
  if (network.kind === "host" || (network.kind === "shared" && network.of?.kind === "host" && mode !== "published")) {
    return { kind: "node" };
  }
  if (mode === "published") {
    return network.kind === "shared" ? sharedPorts(network.with) : { kind: "published" };
  }
  if (labelled !== undefined) {
    return { kind: "internal", address: labelled, because: `the label ${options.addressLabel} says so` };
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
      return { kind: "internal", address: named.address, because: `its address on network ${name}` };
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
  return { kind: "internal", address: only.address, because: `its address on its only network, ${only.network}` };
}

export interface Placed {
  readonly at?: { readonly address: string; readonly port: number };
  /** Why it is there, for people. */
  readonly because?: string;
  /** Why it is at no place, or what else was left out. */
  readonly skipped: readonly string[];
}

/** Where one port of a container is reached from outside it. */
export function placePort(port: ContainerPort, reach: Exclude<Reach, { kind: "none" }>, options: PlacementOptions): Placed {
  switch (reach.kind) {
    case "internal":
      return { at: { address: reach.address, port: port.port }, because: reach.because, skipped: [] };
    case "node":
      return atNode(port.port, "it is on the host's network", options);
    case "published":
      return placePublished(port, options);
  }
}

function atNode(port: number, where: string, options: PlacementOptions): Placed {
  const address = options.address ?? (options.loopback ? "127.0.0.1" : undefined);
  return address === undefined
    ? { skipped: ["the node's address is not known; set `address` of the docker source"] }
    : { at: { address, port }, because: `${where}: ${nodeAddress(options)}`, skipped: [] };
}

function nodeAddress({ labelled, addressLabel, address, isAddressSet }: PlacementOptions): string {
  if (labelled !== undefined) {
    return `the label ${addressLabel} says so`;
  }
  if (address === undefined) {
    return "the node's address is not known, and all readers are on this machine";
  }
  return isAddressSet ? "the address that is set" : "the node's address";
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
    return {
      at: { address: chosen.address, port: chosen.port },
      because: `it is published on ${bindingText(chosen)}`,
      skipped,
    };
  }
  const placed = atNode(chosen.port, `it is published on ${bindingText(chosen)}`, options);
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

export function bindingText(binding: Binding): string {
  return isIPv6(binding.address) ? `[${binding.address}]:${binding.port}` : `${binding.address}:${binding.port}`;
}
