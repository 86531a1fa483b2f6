import {
  type Attachment,
  type Binding,
  type Container,
  type ContainerPort,
  mergePorts,
} from "../../../../src/sources/docker/container.ts";
import type { MappingOptions } from "../../../../src/sources/docker/mapping/mapping.ts";

export interface ContainerSketch extends Partial<Omit<Container, "ports" | "network">> {
  /** As `docker ps` writes them: `80`, `53/udp`, `0.0.0.0:8080->80`, `[::]:8080->80`. */
  readonly ports?: readonly string[];
  /** Its own networks with its address on each; default: `bridge`. */
  readonly networks?: Readonly<Record<string, string>>;
  readonly network?: Container["network"];
}

/** A running container `web1` of image `nginx:1.25`, port 80 published on 8080. */
export function makeContainer(sketch: ContainerSketch = {}): Container {
  const { ports = ["0.0.0.0:8080->80"], networks = { bridge: "172.17.0.2" }, ...rest } = sketch;
  const attached = Object.entries(networks).map(([network, address]): Attachment => ({ network, address }));
  return {
    id: "c1",
    name: "web1",
    image: "nginx:1.25",
    createdAt: 1_700_000_000,
    state: "running",
    health: "none",
    labels: {},
    env: {},
    network: { kind: "own", attached },
    ...rest,
    ports: mergePorts(ports.map(parsePort)),
  };
}

export function makeOptions(changes: Partial<MappingOptions> = {}): MappingOptions {
  return {
    node: "n1",
    address: "10.0.0.1",
    isAddressSet: false,
    mode: "published",
    networks: [],
    register: "all",
    health: "honour",
    loopback: false,
    ...changes,
  };
}

function parsePort(text: string): ContainerPort {
  const match = /^(?:\[?([^\]]*?)\]?:(\d+)->)?(\d+)(?:\/(\w+))?$/.exec(text);
  const [, address, hostPort, port, protocol = "tcp"] = match ?? [];
  const bindings: Binding[] = address === undefined ? [] : [{ address, port: Number(hostPort) }];
  return { port: Number(port), protocol, bindings };
}
