import { createHints } from "../../core/hints.ts";
import { childAbort, sleep } from "../../core/time.ts";
import type { FairleadError } from "../../model/errors.ts";
import type { Selector } from "../../model/selector.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { Log } from "../../ports.ts";
import { Contents } from "./contents.ts";
import { FolderTree } from "./tree.ts";
import { createFolderWatch } from "./watch.ts";

/** How often to look where nothing tells: no folder yet, or no inotify watches left. */
const POLL_MS = 1000;
/** More events at once than this may mean that the system dropped some: its queue holds 16,384. */
const TRUSTED_EVENTS = 8000;

export interface ViewOptions {
  readonly dir: string;
  readonly selector: Selector;
  readonly log: Log | undefined;
  /** Shared by the views of one reader. */
  readonly root: { wasSeen: boolean };
}

/** What one selector sees of the folder, kept up to date at the price of what changed. */
export class FolderView {
  readonly #options: ViewOptions;
  readonly #contents: Contents;
  readonly #tree: FolderTree;
  /** Where something may have changed since the last refresh. */
  readonly #hinted = new Set<string>();
  readonly #hints = createHints();
  /** All that came since the last refresh, staged files included. */
  #events = 0;
  #mustSeeAll = true;
  #watch: Awaited<ReturnType<typeof createFolderWatch>> | undefined;
  #isWatchBroken = false;
  #isClosed = false;
  #busy: Promise<void> = Promise.resolve();

  constructor(options: ViewOptions) {
    const contents = new Contents(options.selector);
    this.#options = options;
    this.#contents = contents;
    this.#tree = new FolderTree({
      dir: options.dir,
      root: options.root,
      wants: (role) => contents.wants(role),
      onFile: (path, role, content) => contents.take(path, role, content),
      onGone: (path, role) => contents.drop(path, role),
    });
  }

  /** Looks again: at everything, or only where hints point. One after the other, whoever asks. */
  refresh({ everything, signal }: { readonly everything: boolean; readonly signal: AbortSignal }): Promise<Snapshot> {
    const refreshed = this.#busy.then(() => this.#refresh(everything, signal));
    this.#busy = refreshed.then(ignore, ignore); // whoever asked is told
    return refreshed;
  }

  /** Waits until a refresh may show something else. The first call subscribes and returns: from then on a refresh misses nothing. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#watch === undefined && !this.#isClosed) {
      await this.#subscribe();
      return;
    }
    const isBlind = this.#isWatchBroken || !this.#tree.hasRoot;
    const timer = childAbort(signal);
    try {
      const ms = Math.min(isBlind ? POLL_MS : Number.POSITIVE_INFINITY, this.#contents.nextExpiry() - Date.now());
      await Promise.race([this.#hints.read(timer.signal).next(), sleep(Math.max(0, ms), timer.signal)]);
    } finally {
      timer.abort();
      timer.dispose();
    }
    this.#mustSeeAll ||= isBlind;
  }

  /** Ends a waiting read, too. */
  async close(why: FairleadError): Promise<void> {
    this.#isClosed = true;
    this.#hints.fail(why);
    await this.#watch?.close();
  }

  async #refresh(everything: boolean, signal: AbortSignal): Promise<Snapshot> {
    signal.throwIfAborted();
    for (const path of this.#contents.overdue()) {
      this.#hinted.add(path);
    }
    const seeAll = everything || this.#mustSeeAll || this.#events > TRUSTED_EVENTS;
    const paths = new Set(seeAll ? [""] : this.#hinted);
    this.#hinted.clear();
    this.#events = 0;
    this.#mustSeeAll = true; // until this has gone well
    await this.#tree.visit(paths, signal);
    await this.#tree.visit(this.#contents.takeBereft(), signal);
    this.#mustSeeAll = false;
    return this.#contents.snapshot();
  }

  async #subscribe(): Promise<void> {
    const watch = await createFolderWatch({
      dir: this.#options.dir,
      onHint: (path) => this.#onHint(path),
      onError: (message) => this.#onError(message),
    });
    if (!this.#isClosed) {
      this.#watch = watch;
      this.#tree.watchWith(watch);
      this.#mustSeeAll = true;
    }
  }

  #onHint(path: string | undefined): void {
    this.#events += 1;
    if (path !== undefined) {
      this.#hinted.add(path);
      this.#hints.notify();
    }
  }

  #onError(message: string): void {
    if (!this.#isWatchBroken) {
      this.#isWatchBroken = true;
      const { dir, log } = this.#options;
      log?.warn("cannot watch the registry's folder, looking every second instead", { dir, error: message });
    }
    this.#hints.notify();
  }
}

function ignore(): void {
  // nothing to do
}
