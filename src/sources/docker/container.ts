/** A container as the mapping sees it: plain data, whichever engine and API version it came from. */
export interface Container {
  readonly id: string;
  /** Without a leading slash. */
  readonly name: string;
  /** The reference it was made from, or the image's id. */
  readonly image: string;
  /** Seconds since 1970, by the engine's clock. */
  readonly createdAt: number;
  /** The engine's word: `running`, `paused`, `restarting`, `exited`, … */
  readonly state: string;
  readonly health: ContainerHealth;
  /** It was told to stop, and is still there. */
  readonly isDraining?: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Only variables that are words; empty unless the container was inspected. */
  readonly env: Readonly<Record<string, string>>;
  readonly network: ContainerNetwork;
  /** Exposed and published ones, sorted by port and protocol, each once. */
  readonly ports: readonly ContainerPort[];
}

export type ContainerHealth = "none" | "starting" | "healthy" | "unhealthy";

export type ContainerNetwork =
  | PlainNetwork
  /** It lives in the network of another container (its id or name); `of` is that network once `joinShared` has found it. */
  | { readonly kind: "shared"; readonly with: string; readonly of?: PlainNetwork };

type PlainNetwork =
  | { readonly kind: "host" }
  /** Networks on which it has an address, sorted by name. */
  | { readonly kind: "own"; readonly attached: readonly Attachment[] };

export interface Attachment {
  readonly network: string;
  /** IPv4 if it has one, else IPv6. */
  readonly address: string;
}

export interface ContainerPort {
  readonly port: number;
  /** The engine's word: `tcp`, `udp`, `sctp`. */
  readonly protocol: string;
  /** Where the host publishes it; empty: only exposed. */
  readonly bindings: readonly Binding[];
}

export interface Binding {
  /** `0.0.0.0` and `::` are wildcards. */
  readonly address: string;
  readonly port: number;
}

/** What only the inspect call tells. None of it changes while the container lives. */
export interface ContainerDetails {
  /** The reference as it was given at creation. */
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly exposed: readonly { readonly port: number; readonly protocol: string }[];
}

export function withDetails(container: Container, details: ContainerDetails): Container {
  const ports = details.exposed.map((exposed) => ({ ...exposed, bindings: [] }));
  return { ...container, image: details.image, env: details.env, ports: mergePorts([...container.ports, ...ports]) };
}

/** Gives containers in the network of another one that network, also along a chain. */
export function joinShared(containers: readonly Container[]): readonly Container[] {
  const known = new Map(
    containers.flatMap((container) => [container.name, container.id].map((key) => [key, container] as const)),
  );
  return containers.map((container) => {
    const { network } = container;
    let found: ContainerNetwork | undefined = network;
    let name = "";
    // No chain is longer than there are containers: this ends also if an answer should hold a circle.
    for (let hops = 0; found?.kind === "shared" && hops <= containers.length; hops += 1) {
      const other = known.get(found.with);
      name ||= other?.name ?? "";
      found = other?.network;
    }
    return network.kind === "shared" && found !== undefined && found.kind !== "shared"
      ? { ...container, network: { kind: "shared", with: name, of: found } }
      : container;
  });
}

/** Each port and protocol once, with all its bindings, in order. */
export function mergePorts(ports: readonly ContainerPort[]): readonly ContainerPort[] {
  const merged = new Map<string, ContainerPort>();
  for (const port of ports) {
    const key = `${String(port.port).padStart(5, "0")}/${port.protocol}`;
    merged.set(key, { ...port, bindings: [...(merged.get(key)?.bindings ?? []), ...port.bindings] });
  }
  return [...merged.keys()].sort().flatMap((key) => merged.get(key) ?? []);
}

/** `53/udp`; tcp goes without saying. */
export function portText(port: Pick<ContainerPort, "port" | "protocol">): string {
  return port.protocol === "tcp" ? String(port.port) : `${port.port}/${port.protocol}`;
}
