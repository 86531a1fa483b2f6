import type { SwarmMappingOptions } from "../../../../src/sources/swarm/mapping.ts";
import type {
  PublishedPort,
  SwarmNode,
  SwarmService,
  SwarmState,
  SwarmTask,
  TaskNetwork,
} from "../../../../src/sources/swarm/state.ts";

type Texts = Readonly<Record<string, string>>;

export interface ServiceSketch extends Partial<Omit<SwarmService, "ports" | "container" | "virtualAddresses">> {
  /** `8080->80`, `8080->53/udp`, `8080->80 host`; `0` for a number that the engine is to pick. */
  readonly ports?: readonly string[];
  readonly containerLabels?: Texts;
  readonly env?: Texts;
  /** By network: `front` and `back` have the ids `id-front` and `id-back`. */
  readonly vips?: Texts;
}

/** Service `web` with the label `fairlead.port=80`. */
export function makeService(sketch: ServiceSketch = {}): SwarmService {
  const { ports = [], containerLabels = {}, env = {}, vips = { front: "10.1.0.2" }, ...rest } = sketch;
  return {
    id: "s1",
    name: "web",
    createdAt: "2026-01-01T00:00:00Z",
    labels: { "fairlead.port": "80" },
    endpointMode: "vip",
    isUpdating: false,
    ...rest,
    container: { image: "web:1", labels: containerLabels, env },
    ports: ports.map(parsePort),
    virtualAddresses: Object.entries(vips).map(([network, address]) => ({ networkId: `id-${network}`, address })),
  };
}

export interface TaskSketch extends Partial<Omit<SwarmTask, "ports" | "container" | "attached">> {
  readonly containerLabels?: Texts;
  readonly env?: Texts;
  /** Address by network; `ingress` and `host` are what they are. */
  readonly networks?: Texts;
  readonly ports?: readonly string[];
}

/** A running task of `web` on `n1`, at 10.1.0.3 on the network `front`. */
export function makeTask(sketch: TaskSketch = {}): SwarmTask {
  const { containerLabels = {}, env = {}, networks = { front: "10.1.0.3" }, ports = [], ...rest } = sketch;
  return {
    id: "t1",
    serviceId: "s1",
    slot: 1,
    nodeId: "n1",
    state: "running",
    desired: "running",
    ...rest,
    container: { image: "web:1", labels: containerLabels, env },
    attached: Object.entries(networks).map(
      ([name, address]): TaskNetwork => ({ name, address, kind: name === "ingress" || name === "host" ? name : "own" }),
    ),
    ports: ports.map(parsePort),
  };
}

export function makeNode(sketch: Partial<SwarmNode> = {}): SwarmNode {
  return {
    id: "n1",
    hostname: "one",
    state: "ready",
    availability: "active",
    labels: {},
    address: "192.168.0.1",
    managerAddress: "",
    ...sketch,
  };
}

export function makeState(changes: Partial<SwarmState> = {}): SwarmState {
  return {
    services: [makeService()],
    tasks: [makeTask()],
    nodes: [makeNode(), makeNode({ id: "n2", hostname: "two", address: "192.168.0.2" })],
    networks: ["front", "back", "ingress"].map((name) => ({ id: `id-${name}`, name, isIngress: name === "ingress" })),
    invalid: [],
    ...changes,
  };
}

export function makeOptions(changes: Partial<SwarmMappingOptions> = {}): SwarmMappingOptions {
  return { mode: "tasks", networks: [], address: undefined, register: "all", loopback: false, ...changes };
}

function parsePort(text: string): PublishedPort {
  const [, published, port, protocol = "tcp", mode] = /^(\d+)->(\d+)(?:\/(\w+))?( host)?$/.exec(text) ?? [];
  return { port: Number(port), published: Number(published), protocol, mode: mode === undefined ? "ingress" : "host" };
}
