/** A swarm as the mapping sees it: plain data, whichever engine and API version it came from. */
export interface SwarmState {
  readonly services: readonly SwarmService[];
  readonly tasks: readonly SwarmTask[];
  readonly nodes: readonly SwarmNode[];
  /** Only where they are asked for: tasks know their networks' names by themselves. */
  readonly networks: readonly SwarmNetwork[];
  /** What made no sense in the answers; it was left out, the rest lives on. */
  readonly invalid: readonly InvalidObject[];
}

export interface InvalidObject {
  readonly kind: "service" | "task" | "node" | "network";
  readonly id: string;
  readonly reason: string;
}

/** What a person wrote on a container that is to be made. */
export interface ContainerSpec {
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Only variables that are words. */
  readonly env: Readonly<Record<string, string>>;
}

export interface SwarmService {
  readonly id: string;
  readonly name: string;
  /** ISO 8601, by the manager's clock. */
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the newest tasks; others may still be made by an older one. */
  readonly container: ContainerSpec;
  readonly endpointMode: "vip" | "dnsrr";
  readonly ports: readonly PublishedPort[];
  readonly virtualAddresses: readonly { readonly networkId: string; readonly address: string }[];
  /** A rolling update, or the way back from one, is under way. */
  readonly isUpdating: boolean;
}

export interface PublishedPort {
  /** Inside the container. */
  readonly port: number;
  /** The engine's word: `tcp`, `udp`, `sctp`. */
  readonly protocol: string;
  /** 0: not known yet, the engine picks one. */
  readonly published: number;
  readonly mode: "ingress" | "host";
}

export interface SwarmTask {
  readonly id: string;
  readonly serviceId: string;
  /** 0: a task of a global service, which has one on each node. */
  readonly slot: number;
  /** Empty: it has no node yet. */
  readonly nodeId: string;
  /** The engine's words: `running`, `starting`, `shutdown`, … */
  readonly state: string;
  readonly desired: string;
  readonly container: ContainerSpec;
  readonly attached: readonly TaskNetwork[];
  /** Ports in host mode, as the node has published them. */
  readonly ports: readonly PublishedPort[];
}

export interface TaskNetwork {
  readonly name: string;
  readonly kind: "ingress" | "host" | "own";
  /** IPv4 if it has one, else IPv6; empty: none that managers know of. */
  readonly address: string;
}

export interface SwarmNode {
  readonly id: string;
  readonly hostname: string;
  /** `ready`, `down`, `disconnected`, or `unknown`, as all are for a moment when there is a new leader. */
  readonly state: string;
  /** `active`, `pause`, `drain`. */
  readonly availability: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As the swarm sees it; empty: it does not. */
  readonly address: string;
  /** Of a manager, what it advertises; empty: it is none. */
  readonly managerAddress: string;
}

export interface SwarmNetwork {
  readonly id: string;
  readonly name: string;
  readonly isIngress: boolean;
}

/** States after which a task does nothing any more. */
const ENDED = new Set(["complete", "shutdown", "failed", "rejected", "remove", "orphaned"]);

/** Whether the swarm wants it to run; a job is wanted until it is complete. */
export function isWanted(task: Pick<SwarmTask, "desired">): boolean {
  return task.desired === "running" || task.desired === "complete";
}

export function hasEnded(task: Pick<SwarmTask, "state">): boolean {
  return ENDED.has(task.state);
}

/** `53/udp`; tcp goes without saying. A service may publish both of one number. */
export function portKey({ port, protocol }: Pick<PublishedPort, "port" | "protocol">): string {
  return protocol === "tcp" ? String(port) : `${port}/${protocol}`;
}
