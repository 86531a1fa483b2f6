import type { Skipped } from "../docker/mapping/eligible.ts";
import { isDown, type NodeAddressOptions, nodeAddress } from "./node-address.ts";
import type { PublishedPort, SwarmNetwork, SwarmNode, SwarmService, SwarmTask } from "./state.ts";
import type { ServicePort } from "./words.ts";

export interface PlaceOptions extends NodeAddressOptions {
  /** Networks whose addresses may be used, the first match wins; empty: the only one, if no port is published for readers outside. */
  readonly networks: readonly string[];
}

export interface Place {
  /** What tells it apart from the other places of a service: a network or a node. Tasks have one place, and need none. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
}

export interface Placed {
  readonly at: readonly Place[];
  /** Why it is at no place, or what else was left out. */
  readonly skipped: readonly Pick<Skipped, "reason" | "kind">[];
}

/**
 * Where a port of one task is reached. A network of `networks` comes first, since it was named; then a port in host mode, which was
 * published so that others reach it; then the only network there is.
 */
export function placeTask(task: SwarmTask, port: ServicePort, node: SwarmNode | undefined, options: PlaceOptions): Placed {
  const own = task.attached.filter(({ kind, address }) => kind === "own" && address !== "");
  if (task.attached.some(({ kind }) => kind === "host")) {
    return atNode(port.port, node, options);
  }
  const named = options.networks.flatMap((name) => own.find((attached) => attached.name === name) ?? [])[0];
  if (named !== undefined) {
    return one(named.name, named.address, port.port);
  }
  const hosted = port.published.filter(({ mode }) => mode === "host");
  if (hosted.length > 0) {
    return placeHosted(hosted, task, node, options);
  }
  const [only, ...others] = own;
  if (options.networks.length === 0 && only !== undefined && others.length === 0) {
    return one(only.name, only.address, port.port);
  }
  const names = own.map(({ name }) => name);
  const hint =
    port.published.length > 0 ? "it is published in the routing mesh, which `mode: vip` registers" : "the port is not published";
  return none(`${notOn(names, options.networks)}, and ${hint}`);
}

function placeHosted(
  hosted: readonly PublishedPort[],
  task: SwarmTask,
  node: SwarmNode | undefined,
  options: PlaceOptions,
): Placed {
  const { port, protocol } = hosted[0] ?? { port: 0, protocol: "" };
  // Only the node's word counts: the service's is 0 where the node is to pick one, and may be newer than this task.
  const told = task.ports.filter((item) => item.port === port && item.protocol === protocol && item.mode === "host");
  const numbers = new Set(told.map(({ published }) => published).filter((number) => number !== 0));
  const [lowest, ...others] = [...numbers].sort((a, b) => a - b);
  if (lowest === undefined) {
    return none("its node has not published it yet", "wish");
  }
  return withOthers(atNode(lowest, node, options), lowest, others);
}

/**
 * Where a port of a service is reached as a whole: at its virtual address, or, published for readers outside, on every node that takes part
 * in the routing mesh. Of the two a network of `networks` comes first, since it was named.
 */
export function placeService(
  service: SwarmService,
  port: ServicePort,
  swarm: { readonly nodes: readonly SwarmNode[]; readonly networks: readonly SwarmNetwork[] },
  options: PlaceOptions,
): Placed {
  const networks = new Map(swarm.networks.map((network) => [network.id, network] as const));
  const virtual = service.virtualAddresses.flatMap(({ networkId, address }) => {
    const network = networks.get(networkId);
    return network === undefined || network.isIngress ? [] : [{ name: network.name, address }];
  });
  const named = options.networks.flatMap((name) => virtual.find((candidate) => candidate.name === name) ?? [])[0];
  if (named !== undefined) {
    return one(named.name, named.address, port.port);
  }
  const meshed = port.published.filter(({ mode, published }) => mode === "ingress" && published !== 0);
  const [first, ...others] = meshed.map(({ published }) => published);
  if (first !== undefined) {
    return withOthers(placeMesh(first, swarm.nodes, options), first, others);
  }
  if (service.endpointMode === "dnsrr") {
    return none("its endpoint mode is dnsrr, so that it has no virtual address; `mode: tasks` registers its tasks");
  }
  const [only, ...more] = virtual;
  if (options.networks.length === 0 && only !== undefined && more.length === 0) {
    return one(only.name, only.address, port.port);
  }
  const names = virtual.map(({ name }) => name);
  const hint = port.published.some(({ mode }) => mode === "host")
    ? "it is published with mode=host, which `mode: tasks` registers"
    : "the port is not published";
  return none(`${notOn(names, options.networks)}, and ${hint}`);
}

/** A node that is drained keeps nothing running for us; whoever drains it is about to take it away. */
function placeMesh(port: number, nodes: readonly SwarmNode[], options: PlaceOptions): Placed {
  if (options.address !== undefined) {
    return one("ingress", options.address, port);
  }
  const at: Place[] = [];
  const skipped: Placed["skipped"][number][] = [];
  for (const node of nodes.filter((candidate) => !isDown(candidate) && candidate.availability !== "drain")) {
    const found = nodeAddress(node, options);
    if ("reason" in found) {
      skipped.push({ reason: found.reason, kind: "problem" });
    } else {
      at.push({ key: node.id, address: found.address, port });
    }
  }
  return at.length === 0 && skipped.length === 0 ? none("no node of the swarm is ready and active") : { at, skipped };
}

function atNode(port: number, node: SwarmNode | undefined, options: PlaceOptions): Placed {
  const found = nodeAddress(node, options);
  return "reason" in found ? none(found.reason) : one(node?.id ?? "", found.address, port);
}

function notOn(names: readonly string[], networks: readonly string[]): string {
  if (names.length === 0) {
    return "it is on no network but those of Docker's own";
  }
  return networks.length > 0
    ? `it is on none of the networks ${networks.join(", ")}, but on ${names.join(", ")}`
    : `it is on several networks, and \`networks\` names none of them: ${names.join(", ")}`;
}

function withOthers(placed: Placed, used: number, others: readonly number[]): Placed {
  const more = others.map((other) => ({ reason: `it is also published on ${other}; ${used} is used`, kind: "problem" as const }));
  return { ...placed, skipped: [...placed.skipped, ...more] };
}

function one(key: string, address: string, port: number): Placed {
  return { at: [{ key, address, port }], skipped: [] };
}

function none(reason: string, kind: Skipped["kind"] = "problem"): Placed {
  return { at: [], skipped: [{ reason, kind }] };
}
