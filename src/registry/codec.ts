import { isIPv6 } from "node:net";
import { FairleadError } from "../model/errors.ts";
import { type Entry, HEALTHS, type Health, hostPort, type Instance, PROTOCOLS, type Protocol } from "../model/instance.ts";

/** What a stored value turned out to be. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/**
 * Encodes one segment of a key: bytes outside `A-Z a-z 0-9 . _ : -` become `%XX`, and so do the names `.` and `..`, so that no name can
 * leave its segment.
 * @throws FairleadError `USAGE` for what no store can hold: an empty name, or one with half a surrogate pair, which has no UTF-8
 * @example encodeSegment("web/1") === "web%2F1"
 */
export function encodeSegment(name: string): string {
  if (name === "") {
    throw new FairleadError("USAGE", "an empty name cannot be stored");
  }
  if (/\p{Surrogate}/u.test(name)) {
    throw new FairleadError("USAGE", `a name that is no Unicode text cannot be stored: ${JSON.stringify(name)}`);
  }
  if (name === "." || name === "..") {
    return name.replaceAll(".", "%2E");
  }
  return name.replace(/[^A-Za-z0-9._:-]/gu, (char) =>
    [...Buffer.from(char, "utf8")].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}

/** The name in a segment; any percent-encoding is read, undefined when it is none. */
export function decodeSegment(segment: string): string | undefined {
  try {
    return segment === "" ? undefined : decodeURIComponent(segment);
  } catch {
    return undefined; // not percent-encoded UTF-8
  }
}

/** `service` and `id` from `<service>/<id>`, which is what stands below the services' prefix. */
export function decodeEntryPath(path: string): { readonly service: string; readonly id: string } | undefined {
  const [first, second, ...rest] = path.split("/");
  const service = decodeSegment(first ?? "");
  const id = decodeSegment(second ?? "");
  return service === undefined || id === undefined || rest.length > 0 ? undefined : { service, id };
}

export function encodeEntryPath(instance: Pick<Instance, "service" | "id">): string {
  return `${encodeSegment(instance.service)}/${encodeSegment(instance.id)}`;
}

/**
 * Text from bytes of the registry.
 * @example decodeText(Buffer.from([0xff])) // { ok: false, reason: "it is not UTF-8" }
 */
export function decodeText(bytes: Uint8Array): Decoded<string> {
  try {
    return { ok: true, value: strictUtf8.decode(bytes) };
  } catch {
    return { ok: false, reason: "it is not UTF-8" };
  }
}
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Canonical JSON of an entry, `"v":1`: the same entry is always the same text. */
export function encodeEntry(entry: Entry): string {
  return JSON.stringify({
    v: 1,
    id: entry.id,
    service: entry.service,
    address: entry.address,
    port: entry.port,
    protocol: entry.protocol,
    tags: entry.tags,
    meta: Object.fromEntries(Object.entries(entry.meta).sort(([a], [b]) => (a < b ? -1 : 1))),
    health: entry.health,
    ...(entry.weight === undefined ? {} : { weight: entry.weight }),
    ...(entry.owner === "" ? {} : { owner: entry.owner }),
  });
}

/**
 * Reads what `encodeEntry` or a person wrote. `address` and `port` are needed, everything else has a default; service and id are those of
 * the place where it stands, whatever the text says. The reason never holds a value.
 */
export function decodeEntry(text: string, place: { readonly service: string; readonly id: string }): Decoded<Entry> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { ok: false, reason: "it is not JSON" };
  }
  if (!isRecord(parsed)) {
    return { ok: false, reason: "it is not a JSON object" };
  }
  const { v = 1, address, port, protocol = "tcp", tags = [], meta = {}, health = "unknown", weight, owner = "" } = parsed;
  const problem =
    (v !== 1 && "its version is not 1") ||
    (!isAddress(address) && "its address is no IP address or host name") ||
    (!isPort(port) && "its port is not between 1 and 65535") ||
    (!PROTOCOLS.includes(protocol as Protocol) && "its protocol is neither tcp nor udp") ||
    (!isTextList(tags) && "its tags are no list of texts") ||
    (!isTextRecord(meta) && "its meta is no object of texts") ||
    (!HEALTHS.includes(health as Health) && "its health is none of passing, warning, critical, unknown") ||
    (weight !== undefined && !isWeight(weight) && "its weight is no number of at least 0") ||
    (typeof owner !== "string" && "its owner is no text");
  if (problem !== false) {
    return { ok: false, reason: problem };
  }
  return {
    ok: true,
    value: {
      ...place,
      address: address as string,
      port: port as number,
      protocol: protocol as Protocol,
      tags: tags as string[],
      meta: meta as Record<string, string>,
      health: health as Health,
      ...(weight === undefined ? {} : { weight: weight as number }),
      owner: owner as string,
    },
  };
}

/** The value of the `registrator` layout: `ip:port`, IPv6 in brackets. */
export function encodeAddress(instance: Pick<Instance, "address" | "port">): string {
  return hostPort(instance.address, instance.port);
}

/** Reads `ip:port` as Registrator writes it. What the value has no room for: tcp (udp when the id says so), no tags, health unknown. */
export function decodeAddress(text: string, place: { readonly service: string; readonly id: string }): Decoded<Entry> {
  const match = /^(?:\[([^[\]]*:[^[\]]*)\]|([^[\]:]+)):(\d{1,5})$/.exec(text.trim());
  const address = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (!isAddress(address) || !isPort(port)) {
    return { ok: false, reason: "it is not ip:port" };
  }
  return { ok: true, value: { ...bareInstance({ ...place, address, port }), owner: "" } };
}

/** What the `registrator` layout holds of an instance: `decodeAddress(encodeAddress(instance))`; nothing of a critical one. */
export function asAddressOnly(instance: Instance): Instance | undefined {
  return instance.health === "critical" ? undefined : bareInstance(instance);
}

function bareInstance({ service, id, address, port }: Pick<Instance, "service" | "id" | "address" | "port">): Instance {
  const protocol = id.endsWith(":udp") ? "udp" : "tcp";
  return { service, id, address, port, protocol, tags: protocol === "udp" ? ["udp"] : [], meta: {}, health: "unknown" };
}

export function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65535;
}

/** An IP address or a host name of letters, digits, `.`, `_` and `-`: nothing that could be syntax anywhere. */
export function isAddress(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value.length <= 253 &&
    (value.includes(":") ? isIPv6(value) : /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(value))
  );
}

function isWeight(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isTextRecord(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === "string");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
