import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Entry, Instance } from "../../model/instance.ts";
import { decodeEntry, decodeText } from "../codec.ts";
import { decodeLease, type Lease } from "./lease.ts";
import { loadFile } from "./load.ts";
import { entryPath, leasePath } from "./paths.ts";

/** Who holds a place, right now. */
export type Held =
  | { readonly by: "nobody" }
  /** An owner whose lease is over: its entry is gone for everyone, and the file may be removed. */
  | { readonly by: "dead-owner"; readonly revision: string }
  | { readonly by: "owner"; readonly entry: Entry; readonly revision: string }
  /** An entry without owner, or something that is no entry. */
  | { readonly by: "stranger" };

export async function whoHolds(dir: string, place: Pick<Instance, "service" | "id">, signal: AbortSignal): Promise<Held> {
  const loaded = await loadFile(join(dir, entryPath(place)), { known: undefined, signal });
  if (loaded.kind === "absent") {
    return { by: "nobody" };
  }
  if (loaded.kind !== "bytes") {
    return { by: "stranger" };
  }
  const { bytes } = loaded;
  const text = decodeText(bytes);
  const decoded = text.ok ? decodeEntry(text.value, { service: place.service, id: place.id }) : text;
  if (!decoded.ok || decoded.value.owner === "") {
    return { by: "stranger" };
  }
  const revision = revisionOf(bytes);
  return (await isAlive(dir, decoded.value.owner, signal))
    ? { by: "owner", entry: decoded.value, revision }
    : { by: "dead-owner", revision };
}

/** Whether the owner's lease is there and not over. */
export async function isAlive(dir: string, owner: string, signal: AbortSignal): Promise<boolean> {
  return (await livingLease(dir, owner, signal)) !== undefined;
}

/** The owner's lease, if there is one that is not over. */
export async function livingLease(dir: string, owner: string, signal: AbortSignal): Promise<Lease | undefined> {
  const lease = await readLease(dir, owner, signal);
  return lease !== undefined && lease.expiresAtMs > Date.now() ? lease : undefined;
}

/** The owner's lease, if there is one, over or not. */
export async function readLease(dir: string, owner: string, signal: AbortSignal): Promise<Lease | undefined> {
  const loaded = await loadFile(join(dir, leasePath(owner)), { known: undefined, signal });
  const lease = loaded.kind === "bytes" ? decodeLease(loaded.bytes) : undefined;
  return lease?.ok === true ? lease.value : undefined;
}

export function revisionOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64url");
}
