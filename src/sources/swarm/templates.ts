import type { Instance } from "../../model/instance.ts";
import type { Skipped } from "../docker/mapping/eligible.ts";
import { type MappingOptions, mapContainer } from "../docker/mapping/mapping.ts";
import { isOurs } from "../docker/mapping/words.ts";
import { type ContainerSpec, type PublishedPort, portKey, type SwarmService } from "./state.ts";
import { joinLabels, portsOf, type ServicePort } from "./words.ts";

/** What words, names and ports make of a service, before it is known where and how often it is. */
export interface Template {
  /** Its address and id are yet to be set; `critical` when words say so. */
  readonly instance: Instance;
  readonly port: ServicePort;
  /** The service's name, or what `fairlead.id` says in its place: all tasks share their words, so a word can be no whole id. */
  readonly idPrefix: string;
}

export interface Templates {
  readonly templates: readonly Template[];
  readonly skipped: readonly Skipped[];
}

/** The mapping of containers is given one that has every port of the service, and the service's name. */
const OWNER = "swarm";
const NETWORK = "swarm";

/** A service as its tasks are to be made, or as one task was. */
export interface TemplateSource {
  readonly container: ContainerSpec;
  readonly ports: readonly PublishedPort[];
  /** The networks that it is on, by name: a policy may ask for them. */
  readonly networks: readonly string[];
}

export function readTemplates(
  service: SwarmService,
  { container, ports: published, networks }: TemplateSource,
  { register, judge }: Pick<MappingOptions, "register" | "judge">,
): Templates {
  const { "com.docker.compose.service": _, ...own } = joinLabels(service, container);
  const labels = { ...own, "com.docker.swarm.service.name": service.name };
  const ports = portsOf(published, own, container.env);
  // Without any port, whether one would be wanted: only then it is the port that is missing.
  const offered = ports.length === 0 ? [{ port: 1, protocol: "tcp" }] : ports;
  const { instances, skipped } = mapContainer(
    {
      id: service.id,
      name: service.name,
      image: container.image,
      createdAt: 0,
      state: "running",
      health: "none",
      labels,
      env: container.env,
      network: { kind: "own", attached: [{ network: NETWORK, address: "0.0.0.0" }] },
      ports: offered.map(({ port, protocol }) => ({ port, protocol, bindings: [] })),
    },
    {
      node: OWNER,
      address: undefined,
      isAddressSet: false,
      mode: "internal",
      networks: [],
      register,
      health: "honour",
      loopback: true,
      ...(judge !== undefined && { judge: (origin, instance) => judge({ ...origin, networks }, instance) }),
    },
  );
  if (ports.length === 0) {
    const isMeant = [...Object.keys(own), ...Object.keys(container.env)].some(isOurs);
    const missing: Skipped = { reason: NO_PORT, kind: isMeant ? "problem" : "wish" };
    return { templates: [], skipped: instances.length > 0 ? [missing] : skipped };
  }
  const byKey = new Map(ports.map((port) => [portKey(port), port] as const));
  return {
    templates: instances.flatMap((instance) => {
      const port = byKey.get(portKey(instance));
      return port === undefined ? [] : [{ instance, port, idPrefix: prefixOf(instance, service, port) }];
    }),
    skipped,
  };
}

const NO_PORT =
  "it publishes no port and its labels name none, and what its image exposes cannot be seen from a manager; " +
  "set the label fairlead.port, or publish the port";

function prefixOf(instance: Instance, service: SwarmService, { port, protocol }: ServicePort): string {
  const usual = `${OWNER}:${service.name}:${port}${protocol === "udp" ? ":udp" : ""}`;
  return instance.id === usual ? service.name : instance.id;
}
