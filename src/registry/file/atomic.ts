import { randomBytes } from "node:crypto";
import { link, mkdir, open, rename, rmdir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FairleadError, systemCode } from "../../model/errors.ts";

/** Staged files begin with it: readers, ours and others', skip names with a leading dot. */
const STAGED_PREFIX = ".fairlead-";
/** How often a folder that another process removes as empty is made again. */
const TRIES = 10;

/** Folders whose names changed, to be synced once for a batch of writes. */
export type TouchedFolders = Set<string>;

/**
 * Writes a file as a whole or not at all: staged beside it, synced, its size checked, then put in place.
 * `free`: only where nothing is; whether that was so. `replace`: whatever was there, whose mode and owner are kept.
 */
export async function writeAtomic(
  path: string,
  bytes: Uint8Array,
  { place, touched }: { readonly place: "free" | "replace"; readonly touched: TouchedFolders },
): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    await makeFolder(dirname(path), touched);
    try {
      return await writeInto(path, bytes, { place, touched });
    } catch (error) {
      if (systemCode(error) !== "ENOENT" || tries >= TRIES) {
        throw error;
      }
    }
  }
}

async function writeInto(
  path: string,
  bytes: Uint8Array,
  { place, touched }: { readonly place: "free" | "replace"; readonly touched: TouchedFolders },
): Promise<boolean> {
  const folder = dirname(path);
  const staged = join(folder, `${STAGED_PREFIX}${process.pid}-${randomBytes(6).toString("hex")}`);
  try {
    await stage(staged, bytes, place === "replace" ? path : undefined);
    if (place === "replace") {
      await rename(staged, path);
    } else {
      try {
        await link(staged, path);
      } catch (error) {
        if (systemCode(error) === "EEXIST") {
          return false;
        }
        throw error;
      }
    }
    touched.add(folder);
    return true;
  } finally {
    await unlink(staged).catch(ignoreAbsent); // renamed away, when all went well
  }
}

async function stage(staged: string, bytes: Uint8Array, replaced: string | undefined): Promise<void> {
  const old = replaced === undefined ? undefined : await stat(replaced).catch(ignoreAbsent);
  const file = await open(staged, "wx");
  try {
    await file.writeFile(bytes);
    if (old !== undefined) {
      await file.chmod(old.mode & 0o7777);
      const made = await file.stat();
      if (made.uid !== old.uid || made.gid !== old.gid) {
        await file.chown(old.uid, old.gid).catch(() => undefined); // only root may give files away, and nobody else needs to
      }
    }
    await file.sync();
    const { size } = await file.stat();
    if (size !== bytes.length) {
      const text = `cannot write ${staged}: ${size} of ${bytes.length} bytes arrived on the disk`;
      throw new FairleadError("REGISTRY_UNAVAILABLE", text, { retryable: true });
    }
  } finally {
    await file.close();
  }
}

/** Removes a file; whether it was there. */
export async function removeFile(path: string, touched: TouchedFolders): Promise<boolean> {
  try {
    await unlink(path);
    touched.add(dirname(path));
    return true;
  } catch (error) {
    ignoreAbsent(error);
    return false;
  }
}

/** Removes folders that have become empty, from `folder` up to `top`, which stays. */
export async function removeEmptyFolders(folder: string, top: string, touched: TouchedFolders): Promise<void> {
  for (let current = folder; current !== top; current = dirname(current)) {
    try {
      await rmdir(current);
      touched.add(dirname(current));
    } catch {
      return; // it is not empty, or gone, or not ours to remove: an empty folder means nothing
    }
  }
}

/** Makes the names in the folders survive a power cut. */
export async function syncFolders(touched: TouchedFolders): Promise<void> {
  for (const folder of touched) {
    try {
      const handle = await open(folder, "r");
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      ignoreAbsent(error); // removed as empty meanwhile
    }
  }
  touched.clear();
}

async function makeFolder(folder: string, touched: TouchedFolders): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first !== undefined) {
    touched.add(dirname(first));
  }
}

function ignoreAbsent(error: unknown): undefined {
  if (systemCode(error) !== "ENOENT") {
    throw error;
  }
  return undefined;
}
