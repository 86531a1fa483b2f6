import { resolve } from "node:path";
import { untilAborted } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import type { Instance } from "../../model/instance.ts";
import { type Selector, selectorText } from "../../model/selector.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { Change, Log, Owned, ReadOptions, Registry, WriteResult } from "../../ports.ts";
import { FolderKeys } from "./keys.ts";
import { FolderView } from "./view.ts";
import { FolderWriter } from "./writer.ts";

export interface FileRegistryOptions {
  /** Made on the first write. */
  readonly dir: string;
  /** For messages; default `file://<dir>`. */
  readonly name?: string;
  readonly log?: Log;
}

/**
 * A registry in a folder that people may edit by hand (DESIGN §5). Everything in it is seen as soon as the system tells, also what an
 * editor does. A folder that does not exist yet is an empty registry, complete as it is; one that vanished, is no folder or may not be
 * read is an outage: what was read before stays in force.
 *
 * Of two processes that change one file at the same moment the later one wins; two owners that claim one free place never both get it.
 */
export function createFileRegistry(options: FileRegistryOptions): Registry {
  return new FileRegistry(options);
}

class FileRegistry implements Registry {
  readonly name: string;
  readonly #dir: string;
  readonly #log: Log | undefined;
  readonly #writer: FolderWriter;
  readonly #keys: FolderKeys;
  readonly #root = { wasSeen: false };
  #followed: { readonly text: string; readonly view: FolderView } | undefined;

  constructor({ dir, name, log }: FileRegistryOptions) {
    this.#dir = resolve(dir);
    this.name = name ?? `file://${this.#dir}`;
    this.#log = log;
    this.#writer = new FolderWriter(this.#dir);
    this.#keys = new FolderKeys(this.#dir);
  }

  async read(selector: Selector, { signal, after }: ReadOptions): Promise<Snapshot> {
    return await untilAborted(signal, () => this.#read(selector, after, signal));
  }

  asStored(instance: Instance): Instance {
    return this.#writer.asStored(instance);
  }

  owned(owner: string, signal: AbortSignal): Promise<readonly Owned[]> {
    return this.#writer.owned(owner, signal);
  }

  write(owner: string, change: Change, signal: AbortSignal): Promise<readonly WriteResult[]> {
    return this.#writer.write(owner, change, signal);
  }

  keepAlive(owner: string, ttlMs: number, signal: AbortSignal): Promise<"kept" | "lost"> {
    return this.#writer.keepAlive(owner, ttlMs, signal);
  }

  async holder(owner: string, signal: AbortSignal): Promise<string | undefined> {
    return await this.#writer.holder(owner, signal);
  }

  async showHolder(owner: string, holder: string, signal: AbortSignal): Promise<void> {
    await this.#writer.showHolder(owner, holder, signal);
  }

  async orphans(hosts: readonly string[], signal: AbortSignal): Promise<readonly Owned[]> {
    return await this.#writer.orphans(hosts, signal);
  }

  release(owner: string, signal: AbortSignal): Promise<void> {
    return this.#writer.release(owner, signal);
  }

  putKey(key: string, value: string, signal: AbortSignal): Promise<void> {
    return this.#keys.putKey(key, value, signal);
  }

  removeKey(key: string, signal: AbortSignal): Promise<boolean> {
    return this.#keys.removeKey(key, signal);
  }

  async close(): Promise<void> {
    await this.#leave("it was closed");
  }

  async #read(selector: Selector, after: string | undefined, signal: AbortSignal): Promise<Snapshot> {
    const view = await this.#viewOf(selector);
    let snapshot = await view.refresh({ everything: after === undefined, signal });
    while (snapshot.revision === after) {
      await view.wait(signal);
      snapshot = await view.refresh({ everything: false, signal });
    }
    return snapshot;
  }

  async #viewOf(selector: Selector): Promise<FolderView> {
    const text = selectorText(selector);
    if (this.#followed?.text !== text) {
      await this.#leave("another selector is followed now");
      this.#followed = { text, view: new FolderView({ dir: this.#dir, selector, log: this.#log, root: this.#root }) };
    }
    return this.#followed.view;
  }

  async #leave(why: string): Promise<void> {
    const followed = this.#followed;
    this.#followed = undefined;
    await followed?.view.close(
      new FairleadError("REGISTRY_UNAVAILABLE", `reading ${this.name} has ended: ${why}`, { retryable: true }),
    );
  }
}
