import type { BigIntStats } from "node:fs";
import { chmod, type FileHandle, mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { FairleadError, messageOf, systemCode } from "../../model/errors.ts";

/**
 * Replaces a file of the state as a whole; only this user can read it. `durable`: it outlives a power cut, which costs. Returns the new
 * file's stamp.
 * @throws FairleadError `DEST_REFUSED`
 */
export async function writeStateFile(path: string, bytes: Buffer, { durable }: { readonly durable: boolean }): Promise<string> {
  const temp = `${path}.new`;
  let stamp: string;
  try {
    const handle = await openAnew(temp);
    try {
      await handle.writeFile(bytes);
      if (durable) {
        await handle.sync();
      }
      const stat = await handle.stat({ bigint: true });
      if (stat.size !== BigInt(bytes.length)) {
        throw new Error(`only ${stat.size} of ${bytes.length} bytes could be written`);
      }
      stamp = stampOf(stat);
    } finally {
      await handle.close();
    }
    await rename(temp, path);
    if (durable) {
      await syncFolder(dirname(path));
    }
    return stamp;
  } catch (error) {
    throw stateError(path, error);
  }
}

/** Two files with the same stamp are one file that nobody has written meanwhile. */
export function stampOf({ ino, mtimeNs, size }: Pick<BigIntStats, "ino" | "mtimeNs" | "size">): string {
  return `${ino}:${mtimeNs}:${size}`;
}

/** The folder may have gone since it was prepared. */
async function openAnew(path: string): Promise<FileHandle> {
  try {
    return await open(path, "w", 0o600);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") {
      throw error;
    }
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return await open(path, "w", 0o600);
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Folders that this process has looked at. */
const prepared = new Set<string>();

/** Makes a folder of the state, for this user alone: kept files may hold secrets. @throws FairleadError `DEST_REFUSED` */
export async function prepareStateFolder(dir: string, below: string): Promise<void> {
  if (prepared.has(below)) {
    return;
  }
  try {
    if (await mkdir(below, { recursive: true, mode: 0o700 })) {
      await chmod(dir, 0o700);
    } else if (((await stat(dir)).mode & 0o077) !== 0) {
      await chmod(dir, 0o700);
    }
    prepared.add(below);
  } catch (error) {
    throw stateError(dir, error);
  }
}

export function stateError(path: string, error: unknown): FairleadError {
  return new FairleadError("DEST_REFUSED", `cannot use the state "${path}": ${messageOf(error)}`, {
    cause: error,
    retryable: true,
    hint: "give `stateDir` (or --state) a folder on a local disk that this user can write to",
  });
}
