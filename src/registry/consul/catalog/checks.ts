/** The check that Consul is asked to run for an instance: how it is stored, and what the agent is told. Pure. */
import { type HealthCheck, hostPort, type Instance } from "../../../model/instance.ts";
import type { MethodOptions } from "../api/library.ts";
import type { Check, CheckStatus } from "../api/shapes.ts";

/** What one pair of a service's metadata holds. */
const MAX_TEXT_BYTES = 512;
/** Consul takes times of at most about 290 years; nobody means more than this. */
const MAX_MS = 87_600 * 3_600_000;
/** A person has taken the service out of use. */
const MAINTENANCE = "_service_maintenance:";

/**
 * The id that Consul itself gives to a service's only check, and so Registrator: an application that beats its own check knows it by that
 * name.
 */
export function askedCheckId(agentId: string): string {
  return `service:${agentId}`;
}

/** Undefined: it cannot be stored, or is none that an agent could run. */
export function encodeHealthCheck(check: HealthCheck): string | undefined {
  const fields = Object.entries(check).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify(Object.fromEntries(fields));
  const back = decodeHealthCheck(text);
  const isWhole = back !== undefined && Object.keys(back).length === fields.length;
  return isWhole && Buffer.byteLength(text) <= MAX_TEXT_BYTES ? text : undefined;
}

/** Undefined: it is none. A field that cannot be used is left out. */
export function decodeHealthCheck(text: string): HealthCheck | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? readHealthCheck(new Map(Object.entries(parsed))) : undefined;
  } catch {
    return undefined; // not JSON
  }
}

function readHealthCheck(fields: ReadonlyMap<string, unknown>): HealthCheck | undefined {
  const time = (name: "intervalMs" | "timeoutMs" | "ttlMs" | "deregisterAfterMs"): number | undefined => {
    const ms = fields.get(name);
    return typeof ms === "number" && Number.isInteger(ms) && ms > 0 && ms <= MAX_MS ? ms : undefined;
  };
  const text = (name: "path" | "method" | "service", pattern: RegExp): string | undefined => {
    const value = fields.get(name);
    return typeof value === "string" && pattern.test(value) ? value : undefined;
  };
  const flag = (name: "skipVerify" | "tls"): boolean | undefined => {
    const value = fields.get(name);
    return typeof value === "boolean" ? value : undefined;
  };
  const initialStatus = STATUSES.find((status) => status === fields.get("initialStatus"));
  const common = {
    ...(initialStatus !== undefined && { initialStatus }),
    ...present("deregisterAfterMs", time("deregisterAfterMs")),
  };
  const kind = fields.get("kind");
  const [ttlMs, intervalMs] = [time("ttlMs"), time("intervalMs")];
  if (kind === "ttl") {
    return ttlMs === undefined ? undefined : { kind, ttlMs, ...common };
  }
  if (intervalMs === undefined) {
    return undefined;
  }
  const pace = { intervalMs, ...present("timeoutMs", time("timeoutMs")), ...common };
  const skipVerify = present("skipVerify", flag("skipVerify"));
  if (kind === "http" || kind === "https") {
    const path = text("path", /^\/[\x21-\x7e]*$/);
    const method = present("method", text("method", /^[A-Z]{1,20}$/));
    return path === undefined ? undefined : { kind, path, ...method, ...skipVerify, ...pace };
  }
  if (kind === "tcp") {
    return { kind, ...pace };
  }
  const service = present("service", text("service", /^[A-Za-z0-9._/-]+$/));
  return kind === "grpc" ? { kind, ...service, ...present("tls", flag("tls")), ...skipVerify, ...pace } : undefined;
}

const STATUSES = ["passing", "warning", "critical"] as const;

function present<K extends string, V>(name: K, value: V | undefined): { readonly [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in K]?: V });
}

/** What the agent calls a check of this kind; it stops what runs under an id only when that is of the same kind. */
function typeOf({ kind }: HealthCheck): string {
  return kind === "https" ? "http" : kind;
}

/** Whether what the agent runs is of this kind. An agent that does not say (before Consul 1.7) is believed. */
export function runsAs(check: HealthCheck, { type }: Pick<Check, "type">): boolean {
  return type === "" || type === typeOf(check);
}

/** As the client's method takes it. The address and the port are the instance's; no program is ever run. */
export function checkRequest(
  check: HealthCheck,
  instance: Pick<Instance, "address" | "port">,
  status: CheckStatus,
): MethodOptions {
  const target = hostPort(instance.address, instance.port);
  const common = {
    name: `fairlead: ${check.kind === "ttl" ? "the application is well" : `${check.kind} check`}`,
    status,
    ...(check.deregisterAfterMs !== undefined && { deregistercriticalserviceafter: `${check.deregisterAfterMs}ms` }),
  };
  if (check.kind === "ttl") {
    return { ...common, ttl: `${check.ttlMs}ms` };
  }
  const pace = {
    ...common,
    interval: `${check.intervalMs}ms`,
    ...(check.timeoutMs !== undefined && { timeout: `${check.timeoutMs}ms` }),
  };
  switch (check.kind) {
    case "tcp":
      return { ...pace, tcp: target };
    case "grpc": {
      const { service, tls = false, skipVerify = false } = check;
      return {
        ...pace,
        grpc: service === undefined ? target : `${target}/${service}`,
        grpcusetls: tls,
        tlsskipverify: skipVerify,
      };
    }
    case "http":
    case "https": {
      const { kind, path, method = "GET", skipVerify = false } = check;
      return { ...pace, http: `${kind}://${target}${path}`, method, tlsskipverify: skipVerify };
    }
  }
}

/** Which checks of a service are in the way, and when they have to go. */
export interface Drops {
  /** It would run on beside the new one under its id. */
  readonly before: readonly string[];
  /** Nobody wants them any more. They go last: meanwhile they may only make things worse. */
  readonly after: readonly string[];
}

/** `isOurs`: other checks of the service were added by somebody on purpose, and stay; those of another program's service go with it. */
export function planDrops(wanted: HealthCheck | undefined, { agentId, checks, own, isOurs }: Standing): Drops {
  const asked = checks.find(({ id }) => id === askedCheckId(agentId));
  const before = wanted !== undefined && asked !== undefined && !(isSure(asked) && runsAs(wanted, asked)) ? [asked.id] : [];
  const after = checks
    .map(({ id }) => id)
    .filter((id) => (id === asked?.id ? wanted === undefined : !isOurs && !own.includes(id) && !id.startsWith(MAINTENANCE)));
  return { before, after };
}

interface Standing {
  readonly agentId: string;
  readonly checks: readonly Check[];
  /** The ids of fairlead's own two. */
  readonly own: readonly string[];
  readonly isOurs: boolean;
}

function isSure({ type }: Check): boolean {
  return type !== "";
}
