import type { IEvent } from "etcd3";
import { FairleadError } from "../../model/errors.ts";
import { type Selector, selectorText } from "../../model/selector.ts";
import { type Snapshot, SnapshotBuilder } from "../../model/snapshot.ts";
import type { Log, ReadOptions, RegistryReader } from "../../ports.ts";
import type { KeyLayout } from "../store.ts";
import type { EtcdClient } from "./client.ts";
import { createDecoder, type Decoder, type Item } from "./items.ts";
import { listRanges } from "./list.ts";
import { Mirror } from "./mirror.ts";
import { type KeyRange, selectedRanges } from "./ranges.ts";
import { Watch } from "./watch.ts";

const NOBODY: ReadonlySet<string> = new Set();

/** What is followed since the last full read. */
interface Following {
  readonly selector: string;
  readonly decoder: Decoder;
  readonly clusterId: string;
  watch: Watch | undefined;
  /** The newest revision that was seen. */
  revision: string;
  error?: FairleadError;
}

export interface ReaderOptions {
  readonly client: EtcdClient;
  readonly layout: KeyLayout;
  readonly log?: Log | undefined;
  /** For tests: the most keys in a page. */
  readonly maxPage?: number | undefined;
}

/**
 * A full list at one revision, then a watch from the next one on, so that nothing can fall between. The watch is followed also while
 * nobody waits. It is never resumed: after its end, everything is read again, and the builder finds what is different.
 */
export class EtcdReader implements RegistryReader {
  readonly #options: ReaderOptions;
  readonly #builder = new SnapshotBuilder();
  readonly #mirror: Mirror;
  readonly #waiting = new Set<() => void>();
  #following: Following | undefined;
  #last: Snapshot | undefined;
  #serial = 0;
  /** The snapshot that was the first of another store: what it lacks, no owner took away. */
  #unowned: string | undefined;
  #isOtherStore = false;
  #seen: { readonly clusterId: string; readonly revision: number } | undefined;
  #started = 0;
  #finished = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#mirror = new Mirror(this.#builder, (path) => `/${options.layout.entriesPrefix}${path}`);
  }

  async read(selector: Selector, { signal, after }: ReadOptions): Promise<Snapshot> {
    signal.throwIfAborted();
    const text = selectorText(selector);
    if (after === undefined || this.#following?.selector !== text) {
      const snapshot = await this.#readAfresh(selector, signal);
      if (snapshot.revision !== after) {
        return snapshot;
      }
    }
    return await this.#readNewer(text, after, signal);
  }

  close(): void {
    this.#endFollowing();
    this.#wake();
  }

  async #readAfresh(selector: Selector, signal: AbortSignal): Promise<Snapshot> {
    const { client, layout, maxPage } = this.#options;
    const text = selectorText(selector);
    const decoder = createDecoder(layout, selector);
    const ranges = selectedRanges(layout, selector);
    const read = ++this.#started;
    this.#endFollowing();
    try {
      const { clusterId, revision, items } = await listRanges<Item>(client, {
        ranges,
        signal,
        decode: decoder.present,
        ...(maxPage !== undefined && { maxPage }),
      });
      signal.throwIfAborted();
      if (read > this.#finished) {
        this.#finished = read;
        this.#warnOfAnotherStore(clusterId, revision);
        this.#mirror.replace(items);
        this.#follow({ selector: text, decoder, clusterId, watch: undefined, revision: String(revision) }, ranges, revision);
      }
      // Else a read that began later is done already, and what it found is newer.
      return this.#current(text);
    } finally {
      this.#wake();
    }
  }

  #warnOfAnotherStore(clusterId: string, revision: number): void {
    const seen = this.#seen;
    if (clusterId !== "") {
      this.#seen = { clusterId, revision };
    }
    if (seen !== undefined && clusterId !== "" && (clusterId !== seen.clusterId || revision < seen.revision)) {
      this.#isOtherStore = true;
      this.#options.log?.warn("etcd is another store than before, or an older state of it", { revision, before: seen.revision });
    }
  }

  #follow(following: Following, ranges: readonly KeyRange[], revision: number): void {
    this.#endFollowing();
    this.#following = following;
    if (ranges.length > 0) {
      following.watch = new Watch(this.#options.client, {
        ranges,
        clusterId: following.clusterId,
        after: revision,
        onEvents: (events) => this.#receive(following, events),
        onEnd: (error) => {
          following.error = error;
          this.#wake();
        },
      });
    }
  }

  async #readNewer(selector: string, after: string | undefined, signal: AbortSignal): Promise<Snapshot> {
    for (;;) {
      const snapshot = this.#current(selector);
      if (snapshot.revision !== after) {
        return snapshot;
      }
      await this.#change(signal);
      signal.throwIfAborted();
    }
  }

  #receive(following: Following, events: readonly IEvent[]): void {
    for (const { type, kv } of events) {
      for (const item of type === "Put" ? following.decoder.present(kv) : following.decoder.absent(kv.key)) {
        this.#mirror.apply(item);
      }
      following.revision = kv.mod_revision;
    }
    this.#wake();
  }

  #current(selector: string): Snapshot {
    const following = this.#following;
    if (following?.selector !== selector) {
      throw new FairleadError("REGISTRY_UNAVAILABLE", "what was waited for is not followed any more", { retryable: true });
    }
    if (following.error !== undefined) {
      this.#endFollowing();
      throw following.error;
    }
    let revision = this.#last?.revision;
    if (revision === undefined || this.#builder.isDirty) {
      // The number makes revisions differ when a restored store counts through the same ones again.
      this.#serial += 1;
      revision = `${following.clusterId}:${following.revision}:${this.#serial}`;
      this.#unowned = this.#isOtherStore ? revision : undefined;
      this.#isOtherStore = false;
    }
    // Without order, an entry's end may be known before that of the lease which it went with.
    const isTrusted = revision !== this.#unowned && following.watch?.isOrdered !== false;
    this.#builder.setOwners(isTrusted ? this.#mirror.owners : NOBODY);
    this.#last = this.#builder.snapshot(revision);
    return this.#last;
  }

  /** Resolves when something happened that a waiting read has to look at. */
  async #change(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  #wake(): void {
    for (const done of this.#waiting) {
      done();
    }
  }

  #endFollowing(): void {
    this.#following?.watch?.close();
    this.#following = undefined;
  }
}
