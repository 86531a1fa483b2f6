import { decodeSegment, decodeText } from "./codec.ts";

/** An owner's record of being alive, as far as it says more than whose it is. */
export interface LivingRecord {
  readonly owner: string;
  /** The process that shows itself as the one that writes as this owner. */
  readonly holder: string | undefined;
  /** False: what the owner has to write again under its lease may not stand yet. In the record only when it is false. */
  readonly isSettled: boolean;
}

/**
 * The ownership record of the layout `registrator`: whose the address is that was written in the same transaction. When the revisions of
 * the two differ, another program has written the address since, and the record says nothing about it any more.
 */
export function encodeOwner(owner: string): string {
  return JSON.stringify({ v: 1, owner });
}

/** The record of being alive: the same text, and more where there is more to say. */
export function encodeLiving({ owner, holder, isSettled }: LivingRecord): string {
  return JSON.stringify({ v: 1, owner, ...((holder ?? "") !== "" && { holder }), ...(!isSettled && { settled: false }) });
}

/** Undefined: it is no record of an owner. An empty holder is nobody: one that has gone. */
export function decodeLiving(value: Uint8Array): LivingRecord | undefined {
  const record = recordIn(value);
  if (record === undefined) {
    return undefined;
  }
  const { owner, holder, settled } = record;
  return { owner, holder: typeof holder === "string" && holder !== "" ? holder : undefined, isSettled: settled !== false };
}

/**
 * The owner whose record of being alive this is, at a place of the owner's name. Only one that hangs on a lease proves anything, and only
 * once what the owner had to write again under that lease stands: before that, what is missing may have gone with the lease before.
 * Undefined: it is none.
 */
export function livingOwnerAt(path: string, value: Uint8Array, hangsOnLease: boolean): string | undefined {
  const owner = path.includes("/") ? undefined : decodeSegment(path);
  const record = hangsOnLease && owner !== undefined ? decodeLiving(value) : undefined;
  return record?.isSettled === true && record.owner === owner ? owner : undefined;
}

/** Undefined: it is no ownership record. */
export function ownerIn(value: Uint8Array): string | undefined {
  return recordIn(value)?.owner;
}

interface OwnerRecord {
  readonly owner: string;
  readonly holder?: unknown;
  readonly settled?: unknown;
}

function recordIn(value: Uint8Array): OwnerRecord | undefined {
  const text = decodeText(value);
  try {
    const record: unknown = text.ok ? JSON.parse(text.value) : undefined;
    const isRecord = typeof record === "object" && record !== null && "v" in record && record.v === 1 && "owner" in record;
    return isRecord && typeof record.owner === "string" ? { ...record, owner: record.owner } : undefined;
  } catch {
    return undefined; // not JSON
  }
}
