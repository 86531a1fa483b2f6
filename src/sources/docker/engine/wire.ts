import { isIP } from "node:net";
import { isRecord } from "../../../core/json.ts";
import { isPort } from "../../../registry/codec.ts";
import {
  type Attachment,
  type Container,
  type ContainerDetails,
  type ContainerHealth,
  type ContainerNetwork,
  type ContainerPort,
  mergePorts,
} from "../container.ts";
import { isOurs } from "../mapping/words.ts";

/** Something in the engine's answer that makes no sense; it was left out, the rest lives on. */
export interface InvalidContainer {
  readonly id?: string;
  readonly name?: string;
  readonly reason: string;
}

export interface ContainerList {
  readonly containers: readonly Container[];
  readonly invalid: readonly InvalidContainer[];
}

/** Reads the answer of `/containers/json`, of any API version; undefined when it is no list at all. */
export function readContainerList(answer: unknown): ContainerList | undefined {
  if (!Array.isArray(answer)) {
    return undefined;
  }
  const containers: Container[] = [];
  const invalid: InvalidContainer[] = [];
  for (const item of answer) {
    const result = readListed(item);
    if (typeof result === "string") {
      invalid.push({ ...(isRecord(item) && typeof item.Id === "string" && { id: item.Id }), reason: result });
    } else {
      containers.push(result);
    }
  }
  return { containers, invalid };
}

/** One container of the list, or why it is none. */
function readListed(item: unknown): Container | string {
  if (!isRecord(item)) {
    return "it is no object";
  }
  const { Id: id, Names: names, Image: image, Created: createdAt, State: state, Status: status } = item;
  if (typeof id !== "string" || id === "") {
    return "it has no id";
  }
  const name = Array.isArray(names) ? ownName(names) : undefined;
  if (name === undefined) {
    return "it has no name";
  }
  const labels = readTexts(item.Labels);
  const ports = readPorts(item.Ports);
  const problem =
    (typeof image !== "string" && "its image is no text") ||
    (typeof createdAt !== "number" && "its time of creation is no number") ||
    (typeof state !== "string" && "its state is no text") ||
    (labels === undefined && "its labels are no texts") ||
    (ports === undefined && "its ports make no sense");
  if (problem !== false) {
    return problem;
  }
  return {
    id,
    name,
    image: image as string,
    createdAt: createdAt as number,
    state: state as string,
    health: readHealth(item.Health, textOf(status)),
    labels: labels ?? {},
    env: {},
    network: readNetwork(item),
    ports: ports ?? [],
  };
}

/** Links give a container further names, each with the linking container in front. */
function ownName(names: readonly unknown[]): string | undefined {
  const texts = names.filter((name) => typeof name === "string").map((name) => name.replace(/^\//, ""));
  return texts.find((name) => name !== "" && !name.includes("/"));
}

/** API 1.52 has a field for it; before, it stood only in the text for people: `Up 3 minutes (health: starting)`. */
function readHealth(health: unknown, status: string): ContainerHealth {
  const word = isRecord(health) ? health.Status : /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(status)?.[1];
  return word === "starting" || word === "healthy" || word === "unhealthy" ? word : "none";
}

function readNetwork(item: Readonly<Record<string, unknown>>): ContainerNetwork {
  const mode = isRecord(item.HostConfig) ? textOf(item.HostConfig.NetworkMode) : "";
  const settings = isRecord(item.NetworkSettings) ? item.NetworkSettings.Networks : undefined;
  const networks = isRecord(settings) ? settings : {};
  if (mode === "host" || Object.hasOwn(networks, "host")) {
    return { kind: "host" };
  }
  if (mode.startsWith("container:")) {
    return { kind: "shared", with: mode.slice("container:".length) };
  }
  const attached = Object.keys(networks)
    .sort()
    .flatMap((network): Attachment[] => {
      const ends = networks[network];
      const address = isRecord(ends) ? [ends.IPAddress, ends.GlobalIPv6Address].find(isIPText) : undefined;
      return address === undefined ? [] : [{ network, address }];
    });
  return { kind: "own", attached };
}

function readPorts(ports: unknown): readonly ContainerPort[] | undefined {
  if (ports === undefined || ports === null) {
    return [];
  }
  if (!Array.isArray(ports)) {
    return undefined;
  }
  const read: ContainerPort[] = [];
  for (const item of ports) {
    if (!isRecord(item) || !isPort(item.PrivatePort)) {
      return undefined;
    }
    const { PrivatePort: port, PublicPort: hostPort, IP: ip = "0.0.0.0", Type: protocol = "tcp" } = item;
    if (typeof protocol !== "string") {
      return undefined;
    }
    // Some engines write 0, or an empty address, where others leave the field out.
    const address = ip === "" ? "0.0.0.0" : ip;
    read.push({ port, protocol, bindings: isPort(hostPort) && isIPText(address) ? [{ address, port: hostPort }] : [] });
  }
  return mergePorts(read);
}

/** Reads the answer of `/containers/{id}/json`; undefined when it makes no sense. */
export function readDetails(answer: unknown): ContainerDetails | undefined {
  const config = isRecord(answer) ? answer.Config : undefined;
  if (!isRecord(config)) {
    return undefined;
  }
  const { Image: image, Env: env, ExposedPorts: exposed } = config;
  const entries = env ?? [];
  const ports = exposed ?? {};
  if (typeof image !== "string" || !Array.isArray(entries) || !isRecord(ports)) {
    return undefined;
  }
  return { image, env: readEnv(entries), exposed: Object.keys(ports).flatMap(readExposed) };
}

/** Only what is for us. Of a doubled variable the last one counts, as it does in the container. One without `=` is not set. */
function readEnv(entries: readonly unknown[]): Readonly<Record<string, string>> {
  const texts = entries.filter((entry) => typeof entry === "string").filter((entry) => isOurs(entry) && entry.includes("="));
  return Object.fromEntries(
    texts.map((entry) => {
      const cut = entry.indexOf("=");
      return [entry.slice(0, cut), entry.slice(cut + 1)] as const;
    }),
  );
}

/** `80/tcp`, also without protocol. */
function readExposed(text: string): ContainerDetails["exposed"] {
  const [number, protocol = "tcp"] = text.split("/");
  const port = Number(number);
  return isPort(port) ? [{ port, protocol }] : [];
}

/** Undefined: it is no object of texts. None at all is an empty one. */
export function readTexts(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) {
    return {};
  }
  return isRecord(value) && Object.values(value).every((text) => typeof text === "string")
    ? (value as Record<string, string>)
    : undefined;
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isIPText(value: unknown): value is string {
  return typeof value === "string" && isIP(value) !== 0;
}
