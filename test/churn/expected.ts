/**
 * What a registry has to hold for what `docker inspect` says. Written against the promises alone, in the plainest way: it shares nothing
 * with the source that it judges, and knows only the words that the churn run uses.
 */
import { isIPv6 } from "node:net";

/** What is read of `docker inspect`. */
export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly State: {
    readonly Status: string;
    readonly StartedAt: string;
    readonly Pid: number;
    readonly Health?: { readonly Status: string } | null;
  };
  readonly Config: {
    readonly Image: string;
    readonly Labels: Readonly<Record<string, string>> | null;
    readonly Env: readonly string[] | null;
    readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  };
  readonly HostConfig: { readonly RestartPolicy: { readonly Name: string } };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>> | null;
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
}

export type Mode = "published" | "any";

export interface Setting {
  readonly node: string;
  /** Set by a person, so that it stands for every published port. */
  readonly address: string;
  readonly mode: Mode;
}

/** An entry without its owner. */
export interface Line {
  readonly service: string;
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
  readonly health: string;
  readonly weight: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

export interface Expected extends Line {
  /** Whose it is. */
  readonly container: string;
}

/** Equal lines: equal texts. */
export function textOf({ service, id, address, port, protocol, health, weight, tags, meta }: Line): string {
  const pairs = Object.entries(meta).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ service, id, address, port, protocol, health, weight, tags, meta: pairs });
}

export function placeOf({ service, id }: Pick<Line, "service" | "id">): string {
  return `${service}/${id}`;
}

export function expectEntries(containers: readonly Inspected[], setting: Setting): readonly Expected[] {
  const all = containers.flatMap((container) => expectOf(container, setting));
  // Of two that claim an id the older container has it; the engine's list knows ages in seconds.
  const age = new Map(containers.map(({ Id, Created }) => [Id, Math.floor(Date.parse(Created) / 1000)]));
  const rank = ({ container }: Expected): string => `${String(age.get(container)).padStart(12, "0")} ${container}`;
  return all.filter((line) => !all.some((other) => other !== line && other.id === line.id && rank(other) < rank(line)));
}

function expectOf(container: Inspected, { node, address, mode }: Setting): readonly Expected[] {
  const { State: state, Config: config, NetworkSettings: settings } = container;
  if (state.Status !== "running" && state.Status !== "paused") {
    return [];
  }
  const words = new Map([
    ...(config.Env ?? []).map((pair): [string, string] => [pair.split("=")[0] ?? "", pair.slice(pair.indexOf("=") + 1)]),
    ...Object.entries(config.Labels ?? {}),
  ]);
  if (words.get("fairlead.enable") === "false" || words.has("SERVICE_IGNORE")) {
    return [];
  }
  const addresses = Object.values(settings.Networks).flatMap(({ IPAddress: ip }) => (ip === "" ? [] : [ip]));
  const own = mode === "any" && addresses.length === 1 ? addresses[0] : undefined;
  const names = new Set([...Object.keys(config.ExposedPorts ?? {}), ...Object.keys(settings.Ports ?? {})]);
  const ports = [...names].sort().flatMap((name) => {
    const [number = "", protocol = ""] = name.split("/");
    const bindings = [...(settings.Ports?.[name] ?? [])].sort(
      (a, b) => Number(isIPv6(a.HostIp)) - Number(isIPv6(b.HostIp)) || Number(a.HostPort) - Number(b.HostPort),
    );
    const [first] = bindings;
    return own === undefined && first === undefined ? [] : [{ number, protocol, hostPort: first?.HostPort ?? "" }];
  });
  const name = words.get("fairlead.service") ?? words.get("SERVICE_NAME") ?? imageName(config.Image);
  const health = state.Health?.Status ?? "none";
  const isUsable = state.Status === "running" && (health === "none" || health === "healthy");
  const tags = words.get("SERVICE_TAGS")?.split(",") ?? [];
  const host = words.get("fairlead.host");
  return ports.map(({ number, protocol, hostPort }) => ({
    container: container.Id,
    service: words.get(`SERVICE_${number}_NAME`) ?? (ports.length > 1 ? `${name}-${number}` : name),
    id: words.get("fairlead.id") ?? `${node}:${container.Name.slice(1)}:${number}${protocol === "udp" ? ":udp" : ""}`,
    address: own ?? address,
    port: Number(own === undefined ? hostPort : number),
    protocol,
    health: isUsable ? "passing" : "critical",
    weight: Number(words.get("fairlead.weight") ?? 1),
    tags: protocol === "udp" ? [...tags, "udp"] : tags,
    meta: host === undefined ? {} : { host },
  }));
}

/** `host:5000/team/web:1.2` → `web` */
function imageName(image: string): string {
  return image.split("/").at(-1)?.split(":")[0] ?? "";
}
