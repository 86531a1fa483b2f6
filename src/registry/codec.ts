import { isIPv6 } from "node:net";
import { isRecord } from "../core/json.ts";
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
    return segment === "" ? undefined : segment.includes("%") ? decodeURIComponent(segment) : segment;
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

interface Place {
  readonly service: string;
  readonly id: string;
}

/** What entries have in common when one program wrote them: all but where they stand and what they point to. */
type Rest = Omit<Entry, "id" | "service" | "address" | "port">;

/**
 * Reads what `encodeEntry` or a person wrote. `address` and `port` are needed, everything else has a default; service and id are those of
 * the place where it stands, whatever the text says. The reason never holds a value.
 */
export function decodeEntry(text: string, place: Place): Decoded<Entry> {
  const parsed = parseRecord(text);
  if (!parsed.ok) {
    return parsed;
  }
  const { v = 1, address, port } = parsed.value;
  if (v !== 1) {
    return { ok: false, reason: "its version is not 1" };
  }
  const target = decodeTarget(address, port);
  if (!target.ok) {
    return target;
  }
  const rest = decodeRest(parsed.value);
  return rest.ok ? { ok: true, value: makeEntry(place, target.value, rest.value) } : rest;
}

/** How many different rests are remembered; among very many there is nothing to share. */
const MAX_RESTS = 4096;
/** What comes before the rest in a canonical text. The id and the service are those of the place, so that only their end matters. */
const CANONICAL_HEAD =
  /^\{"v":1,"id":"[^"\\\p{Cc}]*","service":"[^"\\\p{Cc}]*","address":"([^"\\\p{Cc}]+)","port":([1-9]\d{0,4})$/u;
const REST_KEYS: ReadonlySet<string> = new Set(["protocol", "tags", "meta", "health", "weight", "owner"]);

/**
 * `decodeEntry` for very many entries, with the same answers. Of canonical texts only the address and the port are read anew: the rest is
 * the same text in thousands of them, so it is parsed once, and the entries share its tags and meta. Other texts take the long way.
 */
export function createEntryDecoder(): typeof decodeEntry {
  const rests = new Map<string, Rest | undefined>();

  function restOf(text: string): Rest | undefined {
    if (rests.has(text)) {
      return rests.get(text);
    }
    const parsed = parseRecord(`{${text}`);
    const isWhole = parsed.ok && Object.keys(parsed.value).every((key) => REST_KEYS.has(key));
    const rest = isWhole ? decodeRest(parsed.value) : undefined;
    if (rests.size === MAX_RESTS) {
      rests.clear();
    }
    const found = rest?.ok === true ? rest.value : undefined;
    rests.set(text, found);
    return found;
  }

  return (text, place) => {
    const at = text.indexOf(',"protocol":');
    const head = at === -1 ? null : CANONICAL_HEAD.exec(text.slice(0, at));
    const rest = head === null ? undefined : restOf(text.slice(at + 1));
    const target = decodeTarget(ownText(head?.[1]), Number(head?.[2]));
    return rest === undefined || !target.ok
      ? decodeEntry(text, place)
      : { ok: true, value: makeEntry(place, target.value, rest) };
  };
}

/** A part of a text keeps the whole text in memory; a copy does not. */
function ownText(part: string | undefined): string | undefined {
  return part === undefined ? undefined : Buffer.from(part).toString();
}

function parseRecord(text: string): Decoded<Readonly<Record<string, unknown>>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? { ok: true, value: parsed } : { ok: false, reason: "it is not a JSON object" };
  } catch {
    return { ok: false, reason: "it is not JSON" };
  }
}

function decodeTarget(address: unknown, port: unknown): Decoded<Pick<Entry, "address" | "port">> {
  if (!isAddress(address)) {
    return { ok: false, reason: "its address is no IP address or host name" };
  }
  return isPort(port) ? { ok: true, value: { address, port } } : { ok: false, reason: "its port is not between 1 and 65535" };
}

function decodeRest(parsed: Readonly<Record<string, unknown>>): Decoded<Rest> {
  const { protocol = "tcp", tags = [], meta = {}, health = "unknown", weight, owner = "" } = parsed;
  const problem =
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
      protocol: protocol as Protocol,
      tags: tags as string[],
      meta: meta as Record<string, string>,
      health: health as Health,
      ...(weight === undefined ? {} : { weight: weight as number }),
      owner: owner as string,
    },
  };
}

/** Field by field: with spreads it takes five times as long, which is seconds for very many. */
function makeEntry({ service, id }: Place, { address, port }: Pick<Entry, "address" | "port">, rest: Rest): Entry {
  const { protocol, tags, meta, health, weight, owner } = rest;
  return weight === undefined
    ? { service, id, address, port, protocol, tags, meta, health, owner }
    : { service, id, address, port, protocol, tags, meta, health, weight, owner };
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
