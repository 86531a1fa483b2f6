import { onTestFailed } from "vitest";
import type { Instance } from "../../../src/model/instance.ts";
import { EVERYTHING, type Selector } from "../../../src/model/selector.ts";
import type { Service, Snapshot } from "../../../src/model/snapshot.ts";
import type { Owned, Registry, WriteResult } from "../../../src/ports.ts";
import { follow, type Stale } from "../../../src/registry/follow.ts";
import { waitFor } from "../../helpers/wait.ts";
import type { Capability, OpenOptions, RegistryFixture, World } from "./fixture.ts";

/** A follower that runs by itself and remembers what it saw. */
export interface Follower {
  readonly seen: readonly Snapshot[];
  /** What `onStale` was called with. */
  readonly stale: readonly (Stale | undefined)[];
  latest(): Snapshot;
  /** Waits until the newest snapshot is as wanted. */
  until(what: string, wanted: (snapshot: Snapshot) => boolean, timeoutMs?: number): Promise<Snapshot>;
  stop(): Promise<void>;
}

/** One owner with a lease that outlives the case. */
export interface Writer {
  readonly registry: Registry;
  readonly owner: string;
  beat(): Promise<"kept" | "lost">;
  owned(): Promise<readonly Owned[]>;
  /** Puts in the place of what this owner has there. */
  put(...instances: readonly Instance[]): Promise<readonly WriteResult[]>;
  /** Removes all of this owner's entries with one of these ids. */
  remove(...ids: readonly string[]): Promise<readonly WriteResult[]>;
}

/** What a case gets: a world of its own, with everything closed behind it. */
export interface Arena {
  readonly fixture: RegistryFixture;
  readonly world: World;
  /** Aborts when the case is over. */
  readonly signal: AbortSignal;
  open(options?: OpenOptions): Promise<Registry>;
  writer(owner: string, options?: OpenOptions): Promise<Writer>;
  follow(registry: Registry, selector?: Selector): Follower;
  read(registry: Registry, selector?: Selector): Promise<Snapshot>;
}

/** One row: a sentence, what it does, and what it needs. */
export interface Case {
  readonly title: string;
  readonly needs?: readonly Capability[];
  /** It stops, wipes or cuts off the store. */
  readonly breaks?: boolean;
  /** What the case may take beyond the usual, from the fixture's times. */
  readonly extraMs?: (fixture: RegistryFixture) => number;
  readonly run: (arena: Arena) => Promise<void>;
}

export const LONG_TTL_MS = 60_000;

export async function runInArena(
  fixture: RegistryFixture,
  breaks: boolean,
  body: (arena: Arena) => Promise<void>,
): Promise<void> {
  const world = await fixture.setup({ breaks });
  const controller = new AbortController();
  const { signal } = controller;
  const registries: Registry[] = [];
  const followers: Follower[] = [];
  onTestFailed(() => {
    for (const [index, follower] of followers.entries()) {
      const stale = follower.stale.map((item) => item?.error.message ?? "fresh");
      console.error(`follower ${index}: ${follower.seen.length} snapshots; ${JSON.stringify(stale.slice(-5))}`);
    }
  });

  async function open(options?: OpenOptions): Promise<Registry> {
    const registry = await world.open(options);
    registries.push(registry);
    return registry;
  }
  async function writer(owner: string, options?: OpenOptions): Promise<Writer> {
    const created = createWriter(await open(options), owner, signal);
    await created.beat();
    return created;
  }
  function startFollowing(registry: Registry, selector: Selector = EVERYTHING): Follower {
    const follower = createFollower(registry, selector, fixture.noticeMs);
    followers.push(follower);
    return follower;
  }

  try {
    await body({
      fixture,
      world,
      signal,
      open,
      writer,
      follow: startFollowing,
      read: (registry, selector = EVERYTHING) => registry.read(selector, { signal }),
    });
  } finally {
    await Promise.all(followers.map((follower) => follower.stop()));
    controller.abort(new Error("the case is over"));
    await Promise.all(registries.map((registry) => registry.close()));
    await world.teardown();
  }
}

function createWriter(registry: Registry, owner: string, signal: AbortSignal): Writer {
  const owned = (): Promise<readonly Owned[]> => registry.owned(owner, signal);
  return {
    registry,
    owner,
    beat: () => registry.keepAlive(owner, LONG_TTL_MS, signal),
    owned,
    async put(...instances) {
      const mine = new Map((await owned()).map((item) => [placeOf(item.entry), item]));
      const put = instances.map((instance) => {
        const replaces = mine.get(placeOf(instance));
        return { instance, ...(replaces !== undefined && { replaces }) };
      });
      return await registry.write(owner, { put, remove: [] }, signal);
    },
    async remove(...ids) {
      const remove = (await owned()).filter((item) => ids.includes(item.entry.id));
      return await registry.write(owner, { put: [], remove }, signal);
    },
  };
}

function placeOf(instance: Pick<Instance, "service" | "id">): string {
  return JSON.stringify([instance.service, instance.id]);
}

function createFollower(registry: Registry, selector: Selector, noticeMs: number): Follower {
  const controller = new AbortController();
  const seen: Snapshot[] = [];
  const stale: (Stale | undefined)[] = [];
  const options = {
    signal: controller.signal,
    backoff: { minMs: 50, maxMs: 500 },
    minIntervalMs: 5,
    resyncMs: Number.POSITIVE_INFINITY, // what only a resync repairs is a lost event: it has to fail here
    onStale: (item: Stale | undefined): void => void stale.push(item),
  };
  async function run(): Promise<void> {
    for await (const snapshot of follow(registry, selector, options)) {
      seen.push(snapshot);
    }
  }
  let failure: unknown;
  const running = run().catch((error: unknown) => {
    failure = error;
  });
  function latest(): Snapshot {
    if (failure !== undefined) {
      throw failure;
    }
    const snapshot = seen.at(-1);
    if (snapshot === undefined) {
      throw new Error("the follower has no snapshot yet");
    }
    return snapshot;
  }
  return {
    seen,
    stale,
    latest,
    async until(what, wanted, timeoutMs = noticeMs) {
      await waitFor(() => wanted(latest()), { timeoutMs, what, intervalMs: 10 });
      return latest();
    },
    async stop() {
      controller.abort(new Error("the follower was stopped"));
      await running;
      if (failure !== undefined) {
        throw failure;
      }
    },
  };
}

export function instance(service: string, id: string, more: Partial<Instance> = {}): Instance {
  return { id, service, address: "10.0.0.1", port: 8080, protocol: "tcp", tags: [], meta: {}, health: "passing", ...more };
}

export function instancesOf(snapshot: Snapshot, service: string): Service["instances"] {
  return snapshot.services.get(service)?.instances ?? [];
}

export function idsOf(snapshot: Snapshot, service: string): readonly string[] {
  return instancesOf(snapshot, service).map((entry) => entry.id);
}

export function outcomesOf(results: readonly WriteResult[]): readonly string[] {
  return results.map((result) => result.outcome);
}
