/** Folders that are opened once for the length of one install, so that nothing that happens to their path can redirect a write. */
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { FairleadError, systemCode } from "../../model/errors.ts";
import { refused } from "./refusal.ts";

/** A destination in a folder that is held open. */
export interface Place {
  readonly dest: string;
  readonly name: string;
  /** The path under which this process, and only this one, reaches a name in the folder. */
  at(name: string): string;
}

export interface Folders {
  /** @throws FairleadError `DEST_REFUSED` when the folder is not there, or a link of another user leads to it */
  place(dest: string): Promise<Place>;
  /** Makes what was renamed or removed in these files' folders survive a power cut. */
  sync(dests: readonly string[]): Promise<void>;
}

/** Links in a path that lead on and on: as many as Linux itself follows. */
const MAX_LINKS = 40;

/** Runs `work` with folders that are opened when they are first asked for, and closed at its end. */
export async function withFolders<T>(work: (folders: Folders) => Promise<T>): Promise<T> {
  const handles = new Map<string, FileHandle>();

  async function handleOf(path: string): Promise<FileHandle> {
    const known = handles.get(path);
    if (known !== undefined) {
      return known;
    }
    const handle = await openFolder(path);
    handles.set(path, handle);
    return handle;
  }

  async function place(dest: string): Promise<Place> {
    const folder = dirname(dest);
    const base = reachBy(await handleOf(folder), folder);
    return { dest, name: basename(dest), at: (name) => join(base, name) };
  }

  async function sync(dests: readonly string[]): Promise<void> {
    for (const folder of new Set(dests.map(dirname))) {
      await (await handleOf(folder)).sync();
    }
  }

  try {
    return await work({ place, sync });
  } finally {
    for (const handle of handles.values()) {
      await handle.close();
    }
  }
}

/** Elsewhere than on Linux there is no path to an open folder: there the path itself has to do. */
function reachBy(handle: FileHandle, path: string): string {
  return process.platform === "linux" ? `/proc/self/fd/${handle.fd}` : path;
}

/** Links in the path are followed when root or this user made them: one that another user put there must not choose where we write. */
async function openFolder(path: string): Promise<FileHandle> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    if (process.platform !== "linux" || (await readlink(`/proc/self/fd/${handle.fd}`)) === path) {
      return handle; // the usual case: no link on the way
    }
    await handle.close();
    return await walk(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      throw new FairleadError("DEST_REFUSED", `cannot write into "${path}": the folder "${path}" does not exist`, {
        cause: error,
        retryable: true,
        hint: `create it: mkdir -p ${path}`,
      });
    }
    throw refused(join(path, "…"), error);
  }
}

/** Opens one part of the path after the other, each below the one that is held. */
async function walk(path: string): Promise<FileHandle> {
  let parts = partsOf(path);
  let reached = "/";
  let links = 0;
  let handle = await open("/", constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const below = join(reachBy(handle, reached), part);
      const stat = await lstat(below);
      if (stat.isSymbolicLink()) {
        requireOwnLink(path, join(reached, part), stat.uid);
        if (++links > MAX_LINKS) {
          throw new FairleadError("DEST_REFUSED", `cannot write into "${path}": its links lead in a circle`);
        }
        parts = [...partsOf(resolve(reached, await readlink(below))), ...parts];
        await handle.close();
        handle = await open("/", constants.O_RDONLY | constants.O_DIRECTORY);
        reached = "/";
        continue;
      }
      const next = await open(below, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      await handle.close();
      handle = next;
      reached = join(reached, part);
    }
    return handle;
  } catch (error) {
    await handle.close().catch(() => undefined); // the first error is the one to tell
    throw error;
  }
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}

function requireOwnLink(path: string, link: string, uid: number): void {
  if (uid !== 0 && uid !== process.getuid?.()) {
    throw new FairleadError(
      "DEST_REFUSED",
      `cannot write into "${path}": "${link}" is a symbolic link of another user (uid ${uid})`,
      {
        retryable: true,
        hint: "name the folder that it points to, or give the link to root",
      },
    );
  }
}
