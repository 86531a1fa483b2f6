/** How an instance looks as a service of a Consul agent, and back. Pure. */
import { createHash } from "node:crypto";
import { FairleadError } from "../../../model/errors.ts";
import {
  type Entry,
  type Health,
  type HealthCheck,
  type Instance,
  PROTOCOLS,
  withoutHealthCheck,
} from "../../../model/instance.ts";
import { decodeSegment, encodeSegment } from "../../codec.ts";
import type { CheckStatus, Registration } from "../api/shapes.ts";
import { decodeHealthCheck, encodeHealthCheck } from "./checks.ts";

/** Consul's limits on metadata, the room for our own pairs taken off. */
const MAX_META_PAIRS = 58;
const MAX_META_KEY_BYTES = 128;
const MAX_META_VALUE_BYTES = 512;
const MAX_WEIGHT = 65_535;

const OWN = "fairlead-";
const OWNER_KEY = "fairlead-owner";
const PROTOCOL_KEY = "fairlead-protocol";
const WEIGHT_KEY = "fairlead-weight";
const HEALTH_KEY = "fairlead-health";
const TTL_KEY = "fairlead-ttl-ms";
/** The check that Consul is asked to run: an agent does not tell what it runs. */
const CHECK_KEY = "fairlead-check";
/** Before the name of a pair that Consul does not take, in base64url. */
const ENCODED_KEY = "fairlead-x-";

const ALIVE_CHECK = "fairlead-alive:";
const HEALTH_CHECK = "fairlead-health:";

/** What only entries that fairlead wrote have. */
export interface Lease {
  readonly owner: string;
  readonly ttlMs: number;
}

export function aliveCheckId(agentId: string): string {
  return ALIVE_CHECK + agentId;
}

export function healthCheckId(agentId: string): string {
  return HEALTH_CHECK + agentId;
}

/**
 * The ids under which an agent may hold an instance: its own, and one for when another instance has that already. Ids are unique on an
 * agent, not in a service, and to the catalogue `a` and `A` are the same.
 */
export function agentIds(instance: Pick<Instance, "service" | "id">): readonly [plain: string, qualified: string] {
  const plain = encodeSegment(instance.id);
  return [plain, `${withoutCapitals(plain)}@${withoutCapitals(encodeSegment(instance.service))}`]; // no segment holds an @
}

function withoutCapitals(segment: string): string {
  return segment.replace(/%..|[A-Z]/g, (part) => (part.startsWith("%") ? part : `%${part.charCodeAt(0).toString(16)}`));
}

/**
 * The service to register.
 * @throws FairleadError `USAGE` for names that Consul cannot hold
 */
export function encodeInstance(lease: Lease, instance: Instance, agentId: string): Registration {
  if (Buffer.byteLength(lease.owner) > MAX_META_VALUE_BYTES) {
    throw new FairleadError("USAGE", `an owner's name of more than ${MAX_META_VALUE_BYTES} bytes cannot be stored in Consul`);
  }
  const { protocol, weight, health } = instance;
  const check = instance.healthCheck && encodeHealthCheck(instance.healthCheck);
  const meta: [string, string][] = [
    [OWNER_KEY, lease.owner],
    [TTL_KEY, String(lease.ttlMs)],
    ...(protocol === "tcp" ? [] : [[PROTOCOL_KEY, protocol] satisfies [string, string]]),
    ...(weight === undefined ? [] : [[WEIGHT_KEY, String(weight)] satisfies [string, string]]),
    ...(health === "unknown" ? [[HEALTH_KEY, health] satisfies [string, string]] : []),
    ...(check === undefined ? [] : [[CHECK_KEY, check] satisfies [string, string]]),
    ...storablePairs(instance.meta),
  ];
  return {
    id: agentId,
    name: encodeSegment(instance.service),
    address: instance.address,
    port: instance.port,
    tags: instance.tags.map(asUnicode),
    meta: Object.fromEntries(meta),
    weight: Math.min(MAX_WEIGHT, Math.max(1, Math.round(weight ?? 1))), // the exact one stands in the metadata
  };
}

/**
 * What Consul would hold of an instance. Left out is a pair whose name or value is over Consul's length, since a part of a value is another
 * value; of more pairs than there is room for, those whose names come last in byte order; a check that cannot be stored whole.
 */
export function storable(instance: Instance): Instance {
  const { tags, meta, healthCheck } = instance;
  const pairs = storablePairs(meta).map(([key, value]) => [decodeMetaKey(key), value] as const);
  const isWhole = pairs.length === Object.keys(meta).length && pairs.every(([key, value]) => meta[key] === value);
  const hasCheck = healthCheck === undefined || encodeHealthCheck(healthCheck) !== undefined;
  return isWhole && hasCheck && tags.every((tag) => asUnicode(tag) === tag)
    ? instance
    : { ...(hasCheck ? instance : withoutHealthCheck(instance)), tags: tags.map(asUnicode), meta: Object.fromEntries(pairs) };
}

/** The names of what `storable` leaves out; empty: nothing. */
export function leftOut(instance: Instance): readonly string[] {
  const stored = storable(instance);
  const pairs = Object.keys(instance.meta).filter((key) => !Object.hasOwn(stored.meta, asUnicode(key)));
  return stored.healthCheck === instance.healthCheck ? pairs : ["the health check", ...pairs];
}

/** The check that Consul is asked to run for a service of ours. */
export function healthCheckOf({ meta }: Pick<Registration, "meta">): HealthCheck | undefined {
  const text = Object.hasOwn(meta, CHECK_KEY) ? meta[CHECK_KEY] : undefined;
  return text === undefined ? undefined : decodeHealthCheck(text);
}

/** Undefined: another program wrote it. */
export function leaseOf({ meta }: Pick<Registration, "meta">): Lease | undefined {
  const owner = Object.hasOwn(meta, OWNER_KEY) ? meta[OWNER_KEY] : undefined;
  return owner === undefined || owner === "" ? undefined : { owner, ttlMs: Number(meta[TTL_KEY]) };
}

/** Whose and what: what a registration says by itself, whether it is ours or not. `status` is what its checks say of its health. */
export function decodeRegistration(registration: Registration, status: CheckStatus): Entry {
  const { id, name, address, port, tags, meta, weight } = registration;
  const lease = leaseOf(registration);
  if (lease === undefined) {
    const protocol = id.endsWith(":udp") ? "udp" : "tcp"; // so does Registrator
    return { id, service: name, address, port, protocol, tags, meta, health: status, ...(weight !== 1 && { weight }), owner: "" };
  }
  const healthCheck = healthCheckOf(registration);
  const exactWeight = Object.hasOwn(meta, WEIGHT_KEY) ? Number(meta[WEIGHT_KEY]) : Number.NaN;
  return {
    id: decodeSegment(id.split("@")[0] ?? "") ?? id,
    service: decodeSegment(name) ?? name,
    address,
    port,
    protocol: PROTOCOLS.find((protocol) => protocol === meta[PROTOCOL_KEY]) ?? "tcp",
    tags,
    meta: Object.fromEntries(
      Object.entries(meta)
        .filter(([key]) => !key.startsWith(OWN) || key.startsWith(ENCODED_KEY))
        .map(([key, value]) => [decodeMetaKey(key), value]),
    ),
    health: status === "passing" && meta[HEALTH_KEY] === "unknown" ? "unknown" : status,
    ...(Number.isFinite(exactWeight) && exactWeight >= 0 && { weight: exactWeight }),
    ...(healthCheck !== undefined && { healthCheck }),
    owner: lease.owner,
  };
}

/** The status of the health check; that nobody knows how it is has no status of its own and stands in the metadata. */
export function statusOf(health: Health): CheckStatus {
  return health === "unknown" ? "passing" : health;
}

/** Equal versions: equal registrations, health and id aside. It stands in the checks' notes too, so that a list of checks tells of changes. */
export function versionOf({ name, address, port, tags, meta, weight }: Registration): string {
  const pairs = Object.entries(meta).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([name, address, port, tags, pairs, weight]))
    .digest("hex")
    .slice(0, 32);
}

function storablePairs(meta: Readonly<Record<string, string>>): readonly [string, string][] {
  return Object.entries(meta)
    .map(([key, value]): [string, string] => [encodeMetaKey(key), asUnicode(value)])
    .filter(([key, value]) => key.length <= MAX_META_KEY_BYTES && Buffer.byteLength(value) <= MAX_META_VALUE_BYTES)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MAX_META_PAIRS);
}

/** Half a character is none that JSON brings to Consul and back. */
function asUnicode(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

function encodeMetaKey(key: string): string {
  const isPlain = /^[A-Za-z0-9_-]+$/.test(key) && !/^(consul|fairlead)-/.test(key);
  return isPlain ? key : ENCODED_KEY + Buffer.from(key, "utf8").toString("base64url");
}

function decodeMetaKey(key: string): string {
  return key.startsWith(ENCODED_KEY) ? Buffer.from(key.slice(ENCODED_KEY.length), "base64url").toString("utf8") : key;
}
