import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { sleep } from "../core/time.ts";
import { messageOf } from "../model/errors.ts";
import type { Log } from "../ports.ts";

const POLL_MS = 1000;

export interface WatchOptions {
  /** Absolute path; neither the file nor its folder need be there. */
  readonly file: string;
  readonly log: Log;
  /** The file is, or may be, another one than before. Also called once as soon as the watch stands. */
  readonly onChange: () => void;
}

/**
 * Watches a file until the signal aborts. The system's watch is for speed; that the file is looked at every second is for truth: watches
 * are limited in number, do not reach over network file systems, and are lost with the folder.
 */
export async function watchFile(options: WatchOptions, signal: AbortSignal): Promise<void> {
  const before = await fingerprint(options.file);
  await Promise.all([watchFolder(options, signal), poll(options, before, signal)]);
}

/** The folder, since the file itself is replaced: by editors that save by renaming, by Kubernetes, which moves a link in front of it. */
async function watchFolder({ file, log, onChange }: WatchOptions, signal: AbortSignal): Promise<void> {
  const folder = dirname(file);
  try {
    // Only here: a process that watches nothing loads nothing.
    const { watch } = await import("chokidar");
    const watcher = watch(folder, {
      depth: 0,
      ignoreInitial: true,
      // Kubernetes keeps a volume's files in folders whose names begin with two dots; nothing else in this folder is of interest.
      ignored: (path) => path !== folder && path !== file && !basename(path).startsWith(".."),
    });
    try {
      await new Promise<void>((resolve, reject) => {
        watcher.on("error", reject);
        watcher.on("ready", onChange);
        watcher.on("all", onChange);
        signal.addEventListener("abort", () => resolve(), { once: true });
        if (signal.aborted) {
          resolve();
        }
      });
    } finally {
      await watcher.close();
    }
  } catch (error) {
    log.warn("file cannot be watched, it is polled", { file, reason: messageOf(error), everyMs: POLL_MS });
    onChange();
  }
}

async function poll({ file, onChange }: WatchOptions, before: string, signal: AbortSignal): Promise<void> {
  let last = before;
  while (!signal.aborted) {
    await sleep(POLL_MS, signal).catch(() => undefined); // it rejects only on abort, and then the loop ends
    const next = await fingerprint(file);
    if (next !== last) {
      last = next;
      onChange();
    }
  }
}

async function fingerprint(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [dev, ino, size, mtimeMs, ctimeMs].join(" ");
  } catch {
    return ""; // not there, or not readable: whoever reads it says why
  }
}
