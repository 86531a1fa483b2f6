export type Protocol = "tcp" | "udp";
export type Health = "passing" | "warning" | "critical" | "unknown";

export const PROTOCOLS: readonly Protocol[] = ["tcp", "udp"];
export const HEALTHS: readonly Health[] = ["passing", "warning", "critical", "unknown"];

/** One reachable address and port of a service. */
export interface Instance {
  /** Unique within its service; `<node>:<container name>:<container port>[:udp]` when a container made it. */
  readonly id: string;
  readonly service: string;
  /** An IP address or host name; IPv6 without brackets. */
  readonly address: string;
  /** 1–65535. */
  readonly port: number;
  readonly protocol: Protocol;
  /** In the order their author gave. */
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly health: Health;
  /** Share of the load against other instances; absent: 1. */
  readonly weight?: number;
  /** A check that the registry itself is asked to run. Only the Consul catalogue can; every other registry leaves it away. */
  readonly healthCheck?: HealthCheck;
}

/**
 * How Consul is to find out by itself whether an instance is healthy: what `SERVICE_CHECK_*` asks for. Never a script or a command.
 * Times are in milliseconds.
 */
export type HealthCheck = {
  /** What the check says until it has run once; absent: Consul's own default, critical. */
  readonly initialStatus?: "passing" | "warning" | "critical";
  /** Consul takes the instance away once it has been critical for so long; absent: never because of this check. */
  readonly deregisterAfterMs?: number;
} & (
  | ({
      readonly kind: "http" | "https";
      /** Begins with `/`. */
      readonly path: string;
      /** Absent: GET. */
      readonly method?: string;
      /** The certificate is not verified. */
      readonly skipVerify?: boolean;
    } & Pace)
  | ({ readonly kind: "tcp" } & Pace)
  | ({
      readonly kind: "grpc";
      /** The gRPC service to ask for; absent: the server as a whole. */
      readonly service?: string;
      readonly tls?: boolean;
      readonly skipVerify?: boolean;
    } & Pace)
  /** The application itself tells Consul that it is well, at least so often. */
  | { readonly kind: "ttl"; readonly ttlMs: number }
);

interface Pace {
  readonly intervalMs: number;
  readonly timeoutMs?: number;
}

/** An instance as it lives in a registry. */
export interface Entry extends Instance {
  /** The node id that wrote it; empty when another program did. */
  readonly owner: string;
}

/** `host:port`, IPv6 in brackets. */
export function hostPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Usable: not `critical`. Templates see only these unless they ask for others. */
export function isUsable(instance: Pick<Instance, "health">): boolean {
  return instance.health !== "critical";
}

/** The order used everywhere: by code unit, never by locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function sameInstance(a: Instance, b: Instance): boolean {
  return (
    a.id === b.id &&
    a.service === b.service &&
    a.address === b.address &&
    a.port === b.port &&
    a.protocol === b.protocol &&
    a.health === b.health &&
    a.weight === b.weight &&
    sameHealthCheck(a.healthCheck, b.healthCheck) &&
    sameTexts(a.tags, b.tags) &&
    sameRecord(a.meta, b.meta)
  );
}

export function sameEntry(a: Entry, b: Entry): boolean {
  return a.owner === b.owner && sameInstance(a, b);
}

/** The instance as a registry holds it that runs no checks. */
export function withoutHealthCheck(instance: Instance): Instance {
  if (instance.healthCheck === undefined) {
    return instance;
  }
  const { healthCheck: _, ...rest } = instance;
  return rest;
}

function sameHealthCheck(a: HealthCheck | undefined, b: HealthCheck | undefined): boolean {
  if (a === undefined || b === undefined) {
    return a === b;
  }
  const fields = new Map<string, unknown>(Object.entries(a)); // none of them is an object
  return fields.size === Object.keys(b).length && Object.entries(b).every(([name, value]) => fields.get(name) === value);
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}

function sameRecord(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}
