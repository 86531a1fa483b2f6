import type { Stats } from "node:fs";
import { lstat, readdir, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FairleadError, systemCode } from "../../model/errors.ts";
import type { KeyWriter } from "../../ports.ts";
import { removeEmptyFolders, removeFile, syncFolders, type TouchedFolders, writeAtomic } from "./atomic.ts";
import { fileError } from "./errors.ts";
import { isForeignName, keyPath } from "./paths.ts";

/** One file a key, its bytes are the value. */
export class FolderKeys implements KeyWriter {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async putKey(key: string, value: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const path = join(this.#dir, keyPath(key));
    const touched: TouchedFolders = new Set();
    try {
      await this.#makeRoom(key, path);
      await writeAtomic(path, Buffer.from(value, "utf8"), { place: "replace", touched });
      await syncFolders(touched);
    } catch (error) {
      throw fileError(error, `write the key ${JSON.stringify(key)}`);
    }
  }

  async removeKey(key: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    let path: string;
    try {
      path = join(this.#dir, keyPath(key));
    } catch {
      await this.#assertFolder();
      return false; // a key that cannot be stored is not there
    }
    const touched: TouchedFolders = new Set();
    try {
      const stats = await lstat(path);
      if (stats.isDirectory()) {
        return false;
      }
      const removed = await removeFile(path, touched);
      await removeEmptyFolders(dirname(path), join(this.#dir, "kv"), touched);
      await syncFolders(touched);
      return removed;
    } catch (error) {
      if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") {
        await this.#assertFolder();
        return false;
      }
      throw fileError(error, `remove the key ${JSON.stringify(key)}`);
    }
  }

  /** Refuses a key below a key, and a key where others have their folder: a file system holds one of the two. */
  async #makeRoom(key: string, path: string): Promise<void> {
    const segments = key.split("/");
    for (let length = 1; length < segments.length; length += 1) {
      const above = segments.slice(0, length).join("/");
      const stats = await lstatIfThere(join(this.#dir, keyPath(above)));
      if (stats !== undefined && !stats.isDirectory()) {
        throw beside(key, `${JSON.stringify(above)} is a key already, and a file cannot be a folder too`);
      }
    }
    if ((await lstatIfThere(path))?.isDirectory() === true) {
      const below = (await readdir(path)).filter((name) => !isForeignName(name)).sort()[0];
      if (below !== undefined) {
        throw beside(key, `it is the folder of other keys, such as ${JSON.stringify(`${key}/${below}`)}`);
      }
      await rmdir(path); // an empty folder means nothing
    }
  }

  /** "Not there" holds only where there is a registry, or none yet. */
  async #assertFolder(): Promise<void> {
    try {
      await readdir(this.#dir);
    } catch (error) {
      if (systemCode(error) !== "ENOENT") {
        throw fileError(error, `read ${this.#dir}`);
      }
    }
  }
}

async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

function beside(key: string, why: string): FairleadError {
  return new FairleadError("USAGE", `a file registry cannot hold the key ${JSON.stringify(key)}: ${why}`);
}
