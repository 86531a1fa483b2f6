/** Consul's JSON, checked and reduced to what we use. A field that is not as expected makes the whole answer unusable. */
import { incomplete } from "./failures.ts";

export type CheckStatus = "passing" | "warning" | "critical";

export const SEVERITY: Readonly<Record<CheckStatus, number>> = { passing: 0, warning: 1, critical: 2 };

/** No checks: passing. */
export function worstOf(statuses: readonly CheckStatus[]): CheckStatus {
  return statuses.reduce<CheckStatus>((worst, status) => (SEVERITY[status] > SEVERITY[worst] ? status : worst), "passing");
}

export interface Check {
  readonly node: string;
  readonly id: string;
  readonly status: CheckStatus;
  readonly notes: string;
  /** How an agent runs it: `ttl`, `http`, …; empty where that is not told. */
  readonly type: string;
  /** Empty: it is the node's own. */
  readonly serviceId: string;
  readonly serviceName: string;
  readonly createIndex: number;
  readonly modifyIndex: number;
}

/** A service as it is registered, by whomever. */
export interface Registration {
  readonly id: string;
  readonly name: string;
  /** Empty: the node's. */
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly weight: number;
}

/** One instance in the catalogue, with the checks that concern it. */
export interface CatalogItem {
  readonly node: string;
  readonly nodeAddress: string;
  readonly registration: Registration;
  readonly modifyIndex: number;
  readonly checks: readonly Check[];
}

export interface KvPair {
  readonly key: string;
  readonly value: Uint8Array;
  readonly modifyIndex: number;
  readonly session: string | undefined;
}

export interface Session {
  readonly id: string;
  readonly name: string;
  readonly ttl: string;
  /** `delete` or `release`: what its end does to the keys that it holds. */
  readonly behavior: string;
  /** For so long after its end nobody can lock them; in nanoseconds. */
  readonly lockDelay: number;
  readonly createIndex: number;
}

export interface TxnRefusal {
  readonly opIndex: number;
  readonly what: string;
}

interface Source {
  readonly what: string;
  readonly url: string;
}

/** Runs a reader of an answer's body; what it finds wrong becomes an error that says where the answer came from. */
export function checked<T>(source: Source, body: unknown, read: (body: unknown) => T): T {
  try {
    return read(body);
  } catch (error) {
    if (error instanceof ShapeError) {
      throw incomplete(source, `the answer is not one of Consul's: ${error.message}`);
    }
    throw error;
  }
}

class ShapeError extends Error {}

/** Equal names and ids to Consul's catalogue: to it, `a` and `A` are the same. */
export function foldCase(name: string): string {
  return name.toLowerCase();
}

/** By folded name: all spellings and tags, as one text. */
export function readServiceNames(body: unknown): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [name, tags] of Object.entries(asRecord(body))) {
    names.set(foldCase(name), `${names.get(foldCase(name)) ?? ""}${JSON.stringify([name, asTexts(tags)])}`);
  }
  return names;
}

export function readChecks(body: unknown): readonly Check[] {
  return asList(body).map(readCheck);
}

/** From an object by check id, as the agent gives it. */
export function readAgentChecks(body: unknown): readonly Check[] {
  return Object.values(asRecord(body)).map(readCheck);
}

export function readCatalogItems(body: unknown): readonly CatalogItem[] {
  return asList(body).map((item) => {
    const { Node, Service, Checks } = asRecord(item);
    const node = asRecord(Node);
    return {
      node: asText(node.Node),
      nodeAddress: asText(node.Address),
      registration: readRegistration(Service),
      modifyIndex: asNumber(asRecord(Service).ModifyIndex),
      checks: asList(Checks ?? []).map(readCheck),
    };
  });
}

export function readAgentServices(body: unknown): readonly Registration[] {
  return Object.values(asRecord(body)).map(readRegistration);
}

export function readKvPairs(body: unknown): readonly KvPair[] {
  return asList(body ?? []).map((item) => {
    const { Key, Value, ModifyIndex, Session } = asRecord(item);
    return {
      key: asText(Key),
      value: Value instanceof Uint8Array ? Value : Buffer.from(asText(Value ?? ""), "base64"),
      modifyIndex: asNumber(ModifyIndex),
      session: Session === undefined ? undefined : asText(Session),
    };
  });
}

export function readTexts(body: unknown): readonly string[] {
  return asTexts(body ?? []);
}

export function readSessions(body: unknown): readonly Session[] {
  return asList(body).map((item) => {
    const { ID, Name, TTL, Behavior, LockDelay, CreateIndex } = asRecord(item);
    return {
      id: asText(ID),
      name: asText(Name ?? ""),
      ttl: asText(TTL ?? ""),
      behavior: asText(Behavior ?? ""),
      lockDelay: asNumber(LockDelay ?? 0),
      createIndex: asNumber(CreateIndex),
    };
  });
}

export function readSessionId(body: unknown): string {
  return asText(asRecord(body).ID);
}

export function readTxnPairs(body: unknown): readonly KvPair[] {
  return readKvPairs(asList(asRecord(body).Results ?? []).map((result) => asRecord(result).KV));
}

export function readTxnRefusals(body: unknown): readonly TxnRefusal[] {
  return asList(asRecord(body).Errors).map((item) => {
    const { OpIndex, What } = asRecord(item);
    return { opIndex: asNumber(OpIndex), what: asText(What) };
  });
}

function readCheck(value: unknown): Check {
  const { Node, CheckID, Status, Notes, Type, ServiceID, ServiceName, CreateIndex, ModifyIndex } = asRecord(value);
  return {
    node: asText(Node),
    id: asText(CheckID),
    status: asStatus(Status),
    notes: asText(Notes ?? ""),
    type: asText(Type ?? ""),
    serviceId: asText(ServiceID ?? ""),
    serviceName: asText(ServiceName ?? ""),
    createIndex: asNumber(CreateIndex ?? 0),
    modifyIndex: asNumber(ModifyIndex ?? 0),
  };
}

function readRegistration(value: unknown): Registration {
  const { ID, Service, Address, Port, Tags, Meta, Weights } = asRecord(value);
  return {
    id: asText(ID),
    name: asText(Service),
    address: asText(Address ?? ""),
    port: asNumber(Port ?? 0),
    tags: asTexts(Tags),
    meta: asTextRecord(Meta ?? {}),
    weight: asNumber(asRecord(Weights ?? {}).Passing ?? 1),
  };
}

/** Whatever is neither passing nor warning is not to be used. */
function asStatus(value: unknown): CheckStatus {
  const text = asText(value);
  return text === "passing" || text === "warning" ? text : "critical";
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ShapeError("an object was expected");
  }
  return value as Readonly<Record<string, unknown>>;
}

function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw new ShapeError("a list was expected");
  }
  return value;
}

function asText(value: unknown): string {
  if (typeof value !== "string") {
    throw new ShapeError("a text was expected");
  }
  return value;
}

function asNumber(value: unknown): number {
  if (typeof value !== "number") {
    throw new ShapeError("a number was expected");
  }
  return value;
}

function asTexts(value: unknown): readonly string[] {
  return asList(value ?? []).map(asText);
}

function asTextRecord(value: unknown): Readonly<Record<string, string>> {
  const record = asRecord(value);
  Object.values(record).forEach(asText);
  return record as Readonly<Record<string, string>>;
}
