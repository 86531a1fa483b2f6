import { isIP, isIPv6 } from "node:net";
import { isRecord } from "../../core/json.ts";
import { isPort } from "../../registry/codec.ts";
import { readTexts, textOf } from "../docker/engine/wire.ts";
import { isOurs } from "../docker/mapping/words.ts";
import type {
  ContainerSpec,
  InvalidObject,
  PublishedPort,
  SwarmNetwork,
  SwarmNode,
  SwarmService,
  SwarmTask,
  TaskNetwork,
} from "./state.ts";

/** What one answer holds: the objects that make sense, and the others by name. */
export interface Read<T> {
  readonly items: readonly T[];
  readonly invalid: readonly InvalidObject[];
}

type Json = Readonly<Record<string, unknown>>;

/** Each reads the answer to a list call, of any API version; undefined when it is no list at all. */
export function readServices(answer: unknown): Read<SwarmService> | undefined {
  return readAll(answer, "service", readService);
}
export function readTasks(answer: unknown): Read<SwarmTask> | undefined {
  return readAll(answer, "task", readTask);
}
export function readNodes(answer: unknown): Read<SwarmNode> | undefined {
  return readAll(answer, "node", readNode);
}
export function readNetworks(answer: unknown): Read<SwarmNetwork> | undefined {
  return readAll(answer, "network", readNetwork);
}

/** `read` gives the object, or why it is none. */
function readAll<T>(
  answer: unknown,
  kind: InvalidObject["kind"],
  read: (item: Json, id: string) => T | string,
): Read<T> | undefined {
  // A swarm without services answers `null` or an empty list, depending on its version.
  const list = answer === null ? [] : answer;
  if (!Array.isArray(list)) {
    return undefined;
  }
  const items: T[] = [];
  const invalid: InvalidObject[] = [];
  for (const item of list) {
    const id = isRecord(item) ? textOf(item.ID ?? item.Id) : "";
    const result = !isRecord(item) ? "it is no object" : id === "" ? "it has no id" : read(item, id);
    if (typeof result === "string") {
      invalid.push({ kind, id, reason: result });
    } else {
      items.push(result);
    }
  }
  return { items, invalid };
}

function readService(item: Json, id: string): SwarmService | string {
  const spec = recordOf(item.Spec);
  const endpoint = recordOf(item.Endpoint);
  const endpointSpec = recordOf(spec.EndpointSpec);
  const name = textOf(spec.Name);
  const labels = readTexts(spec.Labels);
  const container = readContainer(recordOf(spec.TaskTemplate).ContainerSpec);
  // What the endpoint says is what is true; it lacks ports that have just been asked for, and those without a number yet.
  const ports = readPorts(endpoint.Ports ?? endpointSpec.Ports);
  const problem =
    (name === "" && "it has no name") ||
    (labels === undefined && "its labels are no texts") ||
    (container === undefined && "its container makes no sense") ||
    (ports === undefined && "its ports make no sense");
  if (problem !== false || labels === undefined || container === undefined || ports === undefined) {
    return problem || "it makes no sense";
  }
  const mode = textOf(recordOf(endpoint.Spec).Mode) || textOf(endpointSpec.Mode);
  const updating = textOf(recordOf(item.UpdateStatus).State);
  return {
    id,
    name,
    createdAt: textOf(item.CreatedAt),
    labels,
    container,
    endpointMode: mode === "dnsrr" ? "dnsrr" : "vip",
    ports,
    virtualAddresses: listOf(endpoint.VirtualIPs).flatMap((item) => {
      const { NetworkID: networkId, Addr: text } = recordOf(item);
      const address = withoutPrefix(text);
      return typeof networkId === "string" && address !== "" ? [{ networkId, address }] : [];
    }),
    isUpdating: updating === "updating" || updating === "rollback_started",
  };
}

function readTask(item: Json, id: string): SwarmTask | string {
  const status = recordOf(item.Status);
  const { ServiceID: serviceId = "", Slot: slot = 0, NodeID: nodeId = "" } = item;
  const container = readContainer(recordOf(item.Spec).ContainerSpec);
  const ports = readPorts(recordOf(status.PortStatus).Ports);
  const state = textOf(status.State);
  const desired = textOf(item.DesiredState);
  if (typeof serviceId !== "string" || typeof nodeId !== "string" || typeof slot !== "number" || state === "" || desired === "") {
    return "its service, node, slot or state makes no sense";
  }
  if (container === undefined) {
    return "its container makes no sense";
  }
  if (ports === undefined) {
    return "its ports make no sense";
  }
  return {
    id,
    serviceId,
    slot,
    nodeId,
    state,
    desired,
    container,
    ports,
    attached: listOf(item.NetworksAttachments).map(readAttached),
  };
}

function readAttached(item: unknown): TaskNetwork {
  const { Network: network, Addresses: addresses } = recordOf(item);
  const spec = recordOf(recordOf(network).Spec);
  const driver = textOf(recordOf(spec.DriverConfiguration).Name) || textOf(recordOf(recordOf(network).DriverState).Name);
  const found = listOf(addresses)
    .map(withoutPrefix)
    .filter((address) => address !== "");
  return {
    name: textOf(spec.Name),
    kind: spec.Ingress === true ? "ingress" : driver === "host" ? "host" : "own",
    address: found.find((address) => !isIPv6(address)) ?? found[0] ?? "",
  };
}

function readNode(item: Json, id: string): SwarmNode | string {
  const spec = recordOf(item.Spec);
  const status = recordOf(item.Status);
  const labels = readTexts(spec.Labels);
  const state = textOf(status.State);
  if (labels === undefined || state === "") {
    return "its labels or its state makes no sense";
  }
  return {
    id,
    hostname: textOf(recordOf(item.Description).Hostname),
    state,
    availability: textOf(spec.Availability) || "active",
    labels,
    address: withoutPrefix(status.Addr),
    managerAddress: hostOf(textOf(recordOf(item.ManagerStatus).Addr)),
  };
}

function readNetwork(item: Json, id: string): SwarmNetwork | string {
  const { Name: name, Ingress: ingress } = item;
  return typeof name === "string" && name !== "" ? { id, name, isIngress: ingress === true } : "it has no name";
}

/** A service may run something other than containers; it then has no words. */
function readContainer(value: unknown): ContainerSpec | undefined {
  const spec = recordOf(value);
  const labels = readTexts(spec.Labels);
  const env = spec.Env ?? [];
  return labels === undefined || !Array.isArray(env) ? undefined : { image: textOf(spec.Image), labels, env: readEnv(env) };
}

/** Only what is for us. Of a doubled variable the last one counts, as it does in the container. One without `=` is not set. */
function readEnv(entries: readonly unknown[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entries.flatMap((entry) => {
      const cut = typeof entry === "string" && isOurs(entry) ? entry.indexOf("=") : -1;
      return typeof entry === "string" && cut > 0 ? [[entry.slice(0, cut), entry.slice(cut + 1)] as const] : [];
    }),
  );
}

function readPorts(value: unknown): readonly PublishedPort[] | undefined {
  const ports: PublishedPort[] = [];
  for (const item of listOf(value)) {
    const {
      TargetPort: port,
      PublishedPort: published = 0,
      Protocol: protocol = "tcp",
      PublishMode: mode = "ingress",
    } = recordOf(item);
    if (!isPort(port) || (published !== 0 && !isPort(published)) || typeof protocol !== "string") {
      return undefined;
    }
    ports.push({ port, protocol, published, mode: mode === "host" ? "host" : "ingress" });
  }
  return ports;
}

/** `10.0.0.4` of `10.0.0.4/24`; empty when it is no address. */
function withoutPrefix(value: unknown): string {
  const address = textOf(value).split("/")[0] ?? "";
  return isIP(address) === 0 ? "" : address;
}

/** `10.0.0.1` of `10.0.0.1:2377`, `::1` of `[::1]:2377`. */
function hostOf(text: string): string {
  const host = text.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return isIP(host) === 0 ? "" : host;
}

function recordOf(value: unknown): Json {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
