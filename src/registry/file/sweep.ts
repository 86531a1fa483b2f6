import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { removeFile, type TouchedFolders } from "./atomic.ts";
import { isAbsent } from "./errors.ts";
import { decodeLease } from "./lease.ts";
import { loadFile } from "./load.ts";
import { roleOf } from "./paths.ts";

/** So long over that no clock is that wrong, and nobody comes back to it. */
const OLD_MS = 24 * 60 * 60 * 1000;

/** Removes leases that ended long ago and that no entry hangs on any more: of owners that have gone for good. */
export async function removeOldLeases(
  dir: string,
  ownersWithEntries: ReadonlySet<string>,
  { touched, signal }: { readonly touched: TouchedFolders; readonly signal: AbortSignal },
): Promise<void> {
  for (const name of await namesIn(join(dir, "owners"))) {
    const path = `owners/${name}`;
    const role = roleOf(path);
    if (role?.kind === "lease" && !ownersWithEntries.has(role.owner)) {
      const loaded = await loadFile(join(dir, path), { known: undefined, signal });
      const lease = loaded.kind === "bytes" ? decodeLease(loaded.bytes) : undefined;
      if (lease?.ok === true && lease.value.expiresAtMs < Date.now() - OLD_MS) {
        await removeFile(join(dir, path), touched);
      }
    }
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) {
      return [];
    }
    throw error;
  }
}
