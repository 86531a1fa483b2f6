import { decodeSegment, decodeText } from "./codec.ts";

/**
 * The ownership record of the layout `registrator`: whose the address is that was written in the same transaction. When the revisions of
 * the two differ, another program has written the address since, and the record says nothing about it any more.
 */
export function encodeOwner(owner: string): string {
  return JSON.stringify({ v: 1, owner });
}

/**
 * The owner whose record of being alive this is: the same text, at a place of the owner's name. Only one that hangs on a lease proves
 * anything, and it is written when what the owner had to write again under that lease stands: before that, what is missing may have gone
 * with the lease before. Undefined: it is none.
 */
export function livingOwnerAt(path: string, value: Uint8Array, hangsOnLease: boolean): string | undefined {
  const owner = path.includes("/") ? undefined : decodeSegment(path);
  return hangsOnLease && owner !== undefined && ownerIn(value) === owner ? owner : undefined;
}

/** Undefined: it is no ownership record. */
export function ownerIn(value: Uint8Array): string | undefined {
  const text = decodeText(value);
  try {
    const record: unknown = text.ok ? JSON.parse(text.value) : undefined;
    const isRecord = typeof record === "object" && record !== null && "v" in record && record.v === 1 && "owner" in record;
    return isRecord && typeof record.owner === "string" ? record.owner : undefined;
  } catch {
    return undefined; // not JSON
  }
}
