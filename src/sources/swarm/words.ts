import { parsePort, readWords } from "../docker/mapping/words.ts";
import { type ContainerSpec, type PublishedPort, portKey, type SwarmService } from "./state.ts";

/**
 * The labels that count for a container of a service: its own and, before them, the service's, also where a key differs in case only. An
 * empty label of the service counts as not given, as it does everywhere.
 */
export function joinLabels(service: Pick<SwarmService, "labels">, container: ContainerSpec): Readonly<Record<string, string>> {
  const own = new Map(Object.entries(container.labels));
  const strong = Object.entries(service.labels).filter(([key, value]) => value.trim() !== "" || !own.has(key));
  const keys = new Set(strong.map(([key]) => key.toLowerCase()));
  return Object.fromEntries([...[...own].filter(([key]) => !keys.has(key.toLowerCase())), ...strong]);
}

export interface ServicePort {
  readonly port: number;
  readonly protocol: string;
  /** How it is published, the lowest number first; empty: it is only named. */
  readonly published: readonly PublishedPort[];
}

/**
 * The ports of a service: those that it publishes, and those that labels and variables name. What an image exposes is not to be had of a
 * manager, which never sees the image.
 */
export function portsOf(
  published: readonly PublishedPort[],
  labels: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): readonly ServicePort[] {
  const words = readWords(labels, env);
  const general = words.general.settings.get("port");
  const only = general === undefined ? undefined : parsePort(general.value);
  const ports = new Map<string, ServicePort>();
  for (const item of [...published].sort((a, b) => a.published - b.published)) {
    const before = ports.get(portKey(item))?.published ?? [];
    // An engine may tell of one port twice.
    const isKnown = before.some((other) => other.published === item.published && other.mode === item.mode);
    ports.set(portKey(item), { port: item.port, protocol: item.protocol, published: isKnown ? before : [...before, item] });
  }
  for (const port of [...(only === undefined ? [] : [only]), ...words.byPort.keys()]) {
    if (![...ports.values()].some((known) => known.port === port)) {
      ports.set(String(port), { port, protocol: "tcp", published: [] });
    }
  }
  return [...ports.values()].sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}
