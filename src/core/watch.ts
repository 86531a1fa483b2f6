import { createHints } from "./hints.ts";
import { sleep } from "./time.ts";

/** Where the system cannot watch (no inotify handles left, some network disks), folders are looked at this often. */
const POLL_MS = 1000;

export interface FolderWatch {
  /**
   * Hints that something in one of the folders may have changed: the first as soon as they are watched. Watches folders, not each file, so
   * editors' saves, atomic renames and link swaps are seen. Ends when the signal aborts; never throws.
   */
  changes(signal: AbortSignal): AsyncGenerator<void>;
}

export function createFolderWatch(options: {
  readonly folders: readonly string[];
  /** The system cannot watch; from now on a hint comes every second. */
  readonly onError: (message: string) => void;
}): FolderWatch {
  async function* changes(signal: AbortSignal): AsyncGenerator<void> {
    const hints = createHints();
    const { watch } = await import("chokidar");
    let isPolling = false;
    const watcher = watch([...new Set(options.folders)], {
      depth: 0,
      ignoreInitial: true,
      ignored: (_path, stats) => stats?.isFile() === true,
    });
    watcher.on("raw", hints.notify);
    watcher.on("all", hints.notify);
    watcher.on("ready", hints.notify);
    watcher.on("error", (error) => {
      if (!isPolling) {
        isPolling = true;
        options.onError(error instanceof Error ? error.message : String(error));
        void poll(hints.notify, signal);
      }
    });
    try {
      yield* hints.read(signal);
    } finally {
      await watcher.close();
    }
  }

  return { changes };
}

async function poll(notify: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(POLL_MS, signal).catch(() => undefined); // aborted: the loop ends
    notify();
  }
}
