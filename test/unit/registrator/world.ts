import { createHints } from "../../../src/core/hints.ts";
import type { Instance } from "../../../src/model/instance.ts";
import { EVERYTHING } from "../../../src/model/selector.ts";
import type { Registry, Source } from "../../../src/ports.ts";
import { createRegistrator } from "../../../src/registrator/registrator.ts";
import { createMemoryRegistry } from "../../../src/registry/memory.ts";
import type { MemoryWorld } from "../../../src/registry/memory-world.ts";
import { type RecordedLog, recordLog } from "../../helpers/quiet-log.ts";

export function instance(id: string, service = "web", more: Partial<Instance> = {}): Instance {
  return { id, service, address: "10.0.0.1", port: 80, protocol: "tcp", tags: [], meta: {}, health: "passing", ...more };
}

/** A source that says what it is told to say. */
export function puppet(name: string) {
  const hints = createHints();
  let answer: readonly Instance[] | Error = [];
  hints.notify();
  const source: Source = {
    name,
    list: async () => {
      if (answer instanceof Error) {
        throw answer;
      }
      return answer;
    },
    changes: (signal) => hints.read(signal),
  };
  return {
    source,
    say(next: readonly Instance[] | Error) {
      answer = next;
      hints.notify();
    },
  };
}

export interface ProcessOptions {
  readonly mark?: string;
  readonly sources: readonly Source[];
  readonly onStop?: "keep" | "deregister";
  readonly ttlMs?: number;
  readonly resyncMs?: number;
  /** Stands between the registrator and the registry. */
  readonly wrap?: (registry: Registry) => Registry;
}

export interface Process {
  readonly log: RecordedLog;
  readonly registry: Registry;
  /** Told to stop. */
  end(): Promise<void>;
  /** Killed: it says nothing any more. */
  kill(): Promise<void>;
}

/** A process that registers, on a store that it may share with others. */
export function start(world: MemoryWorld, options: ProcessOptions): Process {
  const plain = createMemoryRegistry({ world });
  const registry = options.wrap?.(plain) ?? plain;
  const log = recordLog();
  const stop = new AbortController();
  const registrator = createRegistrator({
    writer: registry,
    sources: options.sources,
    owner: "n1",
    mark: options.mark ?? "host/1",
    ttlMs: options.ttlMs ?? 3000,
    resyncMs: options.resyncMs ?? 60_000,
    onStop: options.onStop ?? "keep",
    settle: { quietMs: 0, maxMs: 0 },
    log,
  });
  const ended = registrator.run(stop.signal);
  async function kill(): Promise<void> {
    stop.abort();
    await ended;
  }
  return {
    log,
    registry,
    kill,
    async end() {
      await kill();
      await registrator.leave();
    },
  };
}

/** All entries as `service/id`. */
export async function idsIn(registry: Registry): Promise<readonly string[]> {
  const snapshot = await registry.read(EVERYTHING, { signal: new AbortController().signal });
  return [...snapshot.services.values()]
    .flatMap((service) => service.instances.map((entry) => `${service.name}/${entry.id}`))
    .sort();
}

/** A registry that does what another one does, to be changed in parts. */
export function delegate(registry: Registry): Registry {
  return {
    name: registry.name,
    read: (selector, options) => registry.read(selector, options),
    asStored: (item) => registry.asStored(item),
    owned: (owner, signal) => registry.owned(owner, signal),
    write: (owner, change, signal) => registry.write(owner, change, signal),
    keepAlive: (owner, ttlMs, signal) => registry.keepAlive(owner, ttlMs, signal),
    holder: (owner, signal) => registry.holder(owner, signal),
    showHolder: (owner, holder, signal) => registry.showHolder(owner, holder, signal),
    orphans: (hosts, signal) => registry.orphans(hosts, signal),
    release: (owner, signal) => registry.release(owner, signal),
    putKey: (key, value, signal) => registry.putKey(key, value, signal),
    removeKey: (key, signal) => registry.removeKey(key, signal),
    close: () => registry.close(),
  };
}
