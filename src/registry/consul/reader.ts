import { monotonicMs } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import { type Selector, selectorText } from "../../model/selector.ts";
import { type Snapshot, SnapshotBuilder } from "../../model/snapshot.ts";
import type { ReadOptions, RegistryReader } from "../../ports.ts";
import { createExclusive, type Exclusive, firstOrDue, raceAbort } from "./api/concurrency.ts";
import { MAX_ROUNDS, type Part } from "./part.ts";

export type CreateParts = (selector: Selector, builder: SnapshotBuilder) => readonly Part[];

/** What is followed since the last change of selector. */
interface Following {
  readonly selector: string;
  readonly parts: readonly Part[];
  readonly queries: readonly Part["queries"][number][];
  /** Aborts when something else is followed. */
  readonly ended: AbortController;
  /** Something failed: what the parts and the builder know is not whole. */
  isBroken: boolean;
}

/**
 * Reads snapshots from parts, and waits for their blocking queries; the promises are those of `RegistryReader`. All work on parts is
 * done one after the other, and a snapshot is taken only at the end of work that succeeded.
 */
export class ConsulReader implements RegistryReader {
  readonly #createParts: CreateParts;
  readonly #builder = new SnapshotBuilder();
  readonly #exclusive: Exclusive = createExclusive();
  /** Revisions of two readers are never equal. */
  readonly #name = Math.random().toString(36).slice(2);
  readonly #wakers = new Set<() => void>();
  #following: Following | undefined;
  #snapshot: Snapshot | undefined;
  #count = 0;

  constructor(createParts: CreateParts) {
    this.#createParts = createParts;
  }

  async read(selector: Selector, { signal, after }: ReadOptions): Promise<Snapshot> {
    signal.throwIfAborted();
    const text = selectorText(selector);
    const readAfresh = (): Promise<Snapshot> => this.#exclusive(() => this.#readAfresh(selector, text, signal), signal);
    let snapshot = after === undefined ? await readAfresh() : undefined;
    while (snapshot === undefined || snapshot.revision === after) {
      const following = this.#following;
      if (following?.selector === text && !following.isBroken && this.#snapshot?.revision === after) {
        await this.#news(following, signal);
        snapshot = await this.#exclusive(() => this.#update(following, signal), signal);
      } else {
        snapshot = await readAfresh();
      }
    }
    return snapshot;
  }

  async close(): Promise<void> {
    await this.#stopFollowing(new FairleadError("REGISTRY_UNAVAILABLE", "the registry was closed"));
  }

  async #readAfresh(selector: Selector, text: string, signal: AbortSignal): Promise<Snapshot> {
    const following = this.#following?.selector === text ? this.#following : await this.#startFollowing(selector, text);
    const { parts, queries } = following;
    return await this.#work(following, async () => {
      // A query that began before a failure may hang on a connection that is dead.
      await Promise.all(queries.map(async (query) => (following.isBroken ? await query.cancel() : query.forget())));
      await Promise.all(parts.map((part) => part.load(signal)));
      for (let round = 0, moved = parts.length > 1; moved && round < MAX_ROUNDS; round += 1) {
        moved = (await Promise.all(parts.map((part) => part.refresh(signal)))).includes(true);
      }
      following.isBroken = false;
    });
  }

  async #update(following: Following, signal: AbortSignal): Promise<Snapshot> {
    following.ended.signal.throwIfAborted();
    return await this.#work(following, async () => {
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        if (round > 0 && !following.queries.some((query) => query.hasLanded)) {
          break;
        }
        for (const part of following.parts) {
          await part.update(signal);
        }
      }
    });
  }

  /** After a failure in the middle, an abort too, only a full read makes things whole again. */
  async #work(following: Following, work: () => Promise<void>): Promise<Snapshot> {
    try {
      await work();
    } catch (error) {
      following.isBroken = true;
      throw error;
    }
    if (following.isBroken) {
      throw new FairleadError("REGISTRY_UNAVAILABLE", "another read of this registry failed", { retryable: true });
    }
    if (this.#snapshot === undefined || this.#builder.isDirty) {
      this.#count += 1;
      this.#snapshot = this.#builder.snapshot(`${this.#name}-${this.#count}`);
      this.#wakers.forEach((wake) => wake());
    } else {
      this.#snapshot = this.#builder.snapshot(this.#snapshot.revision); // with the owners of now
    }
    return this.#snapshot;
  }

  /** Resolves when a blocking query has brought something, work is due, or another read has made a newer snapshot. */
  async #news(following: Following, signal: AbortSignal): Promise<void> {
    const dueMs = Math.min(...following.parts.map((part) => part.dueMs), Number.POSITIVE_INFINITY) - monotonicMs();
    let wake: (() => void) | undefined;
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
      this.#wakers.add(resolve);
    });
    try {
      const news = firstOrDue([woken, ...following.queries.map((query) => query.arm())], dueMs);
      await raceAbort([signal, following.ended.signal], news);
    } finally {
      if (wake !== undefined) {
        this.#wakers.delete(wake);
      }
    }
  }

  async #startFollowing(selector: Selector, text: string): Promise<Following> {
    await this.#stopFollowing(
      new FairleadError("REGISTRY_UNAVAILABLE", "what was waited for is not followed any more", { retryable: true }),
    );
    // Equal services are found again by the builder, and stay the same objects.
    this.#builder.retainEntries(new Set());
    this.#builder.retainKeys(new Set());
    const parts = this.#createParts(selector, this.#builder);
    const queries = parts.flatMap((part) => part.queries);
    this.#following = { selector: text, parts, queries, ended: new AbortController(), isBroken: false };
    return this.#following;
  }

  async #stopFollowing(reason: FairleadError): Promise<void> {
    const following = this.#following;
    this.#following = undefined;
    following?.ended.abort(reason);
    await Promise.all((following?.queries ?? []).map((query) => query.cancel()));
  }
}
