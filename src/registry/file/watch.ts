import { basename, join } from "node:path";
import type { FSWatcher } from "chokidar";
import { messageOf } from "../../model/errors.ts";
import { childOf, isForeignName } from "./paths.ts";
import type { FolderWatcher } from "./tree.ts";

export interface WatchOptions {
  readonly dir: string;
  /** Look again at this path; undefined: something happened that means nothing. */
  readonly onHint: (path: string | undefined) => void;
  /** The system refuses to watch (no inotify watches left): hints may be missing from now on. */
  readonly onError: (message: string) => void;
}

/**
 * Watches folders, never single files: 10,000 of those would be 117 MB and as many inotify watches. Chokidar is loaded by this call, so
 * that a one-shot read does without.
 *
 * One chokidar watcher for each folder, since `ready` is the only word that says from when on nothing is missed. Only its `raw` events
 * are used: they name the file. Chokidar would also list the folder again at each of them, 155 ms of CPU among 10,000 files, so that is
 * throttled away.
 */
export async function createFolderWatch({
  dir,
  onHint,
  onError,
}: WatchOptions): Promise<FolderWatcher & { close(): Promise<void> }> {
  const chokidar = await import("chokidar");
  class Watcher extends chokidar.FSWatcher {
    override _throttle(...args: Parameters<FSWatcher["_throttle"]>): ReturnType<FSWatcher["_throttle"]> {
      return args[0] === "readdir" ? false : super._throttle(...args);
    }
  }
  const watchers = new Map<string, { readonly identity: string; readonly watcher: FSWatcher; readonly settle: () => void }>();
  const closing = new Set<Promise<void>>();

  function remove(path: string): void {
    const watched = watchers.get(path);
    watchers.delete(path);
    if (watched !== undefined) {
      const closed: Promise<void> = watched.watcher.close().finally(() => closing.delete(closed));
      closing.add(closed);
      watched.settle();
    }
  }

  function onRaw(path: string, name: string): void {
    if (name === "" || name === basename(join(dir, path))) {
      remove(path); // it may be the folder itself that went: the next visit watches what stands there then
      onHint(path);
    }
    if (name.startsWith("..")) {
      onHint(path); // links into `..data` are how Kubernetes swaps all files of a folder at once
    } else {
      onHint(isForeignName(name) ? undefined : childOf(path, name));
    }
  }

  async function add(path: string, identity: string): Promise<boolean> {
    if (watchers.get(path)?.identity === identity) {
      return false;
    }
    remove(path);
    const folder = join(dir, path);
    // No options but these: `persistent: false` would leave the watcher without an error listener.
    const watcher = new Watcher({ depth: 0, atomic: false, ignored: (found) => found !== folder });
    watcher.on("raw", (_event, name) => onRaw(path, typeof name === "string" ? name : ""));
    watcher.on("error", (error) => onError(messageOf(error)));
    await new Promise<void>((resolve) => {
      watchers.set(path, { identity, watcher, settle: resolve }); // a closed watcher is never ready
      watcher.once("ready", resolve);
      watcher.add(folder);
    });
    return true;
  }

  return {
    add,
    remove,
    async close() {
      [...watchers.keys()].forEach(remove);
      await Promise.all(closing);
    },
  };
}
