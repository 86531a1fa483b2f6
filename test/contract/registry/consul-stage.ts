import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { Instance } from "../../../src/model/instance.ts";
import type { Change, Log, Owned, Registry, Source, WriteResult } from "../../../src/ports.ts";
import { createRegistrator } from "../../../src/registrator/registrator.ts";
import { type ConsulDeps, createConsulKvRegistry, createConsulRegistry } from "../../../src/registry/consul/registry.ts";
import type { StoreOptions } from "../../../src/registry/store.ts";
import { type Consul, type ConsulOptions, startConsul } from "../../helpers/servers/index.ts";
import { catalogItems, emptyConsul, storeOptions } from "./consul-world.ts";

/** One Consul for a file's cases, emptied before each, and what a case needs to work with its catalogue. */
export interface Stage {
  readonly consul: Consul;
  /** Aborts when the case is over. */
  readonly signal: AbortSignal;
  open(options?: Partial<StoreOptions>, deps?: ConsulDeps): Registry;
  openKv(): Registry;
  /** A registrator that looks at `list` every second, until it is stopped as if it were killed, at the latest when the case is over. */
  register(writer: Registry, ttlMs: number, list: () => readonly Instance[]): RunningRegistrator;
  /** Puts in the place of what the owner has there; the first one beats first. */
  put(registry: Registry, ...instances: readonly Parameters<Registry["asStored"]>[0][]): Promise<readonly WriteResult[]>;
  /** The catalogue's checks of a service by their ids, as `status`. */
  statuses(service: string): Promise<Readonly<Record<string, string>>>;
}

export interface RunningRegistrator {
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

export const OWNER = "n1";

export function consulStage(options: ConsulOptions = {}): Stage {
  let consul: Consul | undefined;
  let opened: Registry[] = [];
  let registrators: RunningRegistrator[] = [];
  let controller = new AbortController();
  beforeAll(async () => {
    consul = await startConsul(options);
  });
  afterAll(async () => {
    await consul?.stop();
  });
  beforeEach(async () => {
    await emptyConsul(server());
    controller = new AbortController();
  });
  afterEach(async () => {
    controller.abort();
    await Promise.all(registrators.map((registrator) => registrator.stop()));
    registrators = [];
    await Promise.all(opened.map((registry) => registry.close()));
    opened = [];
  });

  function server(): Consul {
    if (consul === undefined) {
      throw new Error("Consul is not up yet");
    }
    return consul;
  }
  return {
    get consul() {
      return server();
    },
    get signal() {
      return controller.signal;
    },
    open(more = {}, deps = {}) {
      const registry = createConsulRegistry({ ...storeOptions(server()), ...more }, deps);
      opened.push(registry);
      return registry;
    },
    openKv() {
      const registry = createConsulKvRegistry(storeOptions(server()));
      opened.push(registry);
      return registry;
    },
    register(writer, ttlMs, list) {
      const registrator = startRegistrator(writer, ttlMs, list);
      registrators.push(registrator);
      return registrator;
    },
    async put(registry, ...instances) {
      const owned = await registry.owned(OWNER, controller.signal);
      return await registry.write(OWNER, replacing(owned, instances), controller.signal);
    },
    async statuses(service) {
      const checks = (await catalogItems(server(), service)).flatMap(({ Checks }) => Checks);
      return Object.fromEntries(checks.map(({ CheckID, Status }) => [CheckID, Status]));
    },
  };
}

/** Puts, each with what stands at its place. */
function replacing(owned: readonly Owned[], instances: readonly Parameters<Registry["asStored"]>[0][]): Change {
  const put = instances.map((instance) => {
    const replaces = owned.find(({ entry }) => entry.service === instance.service && entry.id === instance.id);
    return { instance, ...(replaces !== undefined && { replaces }) };
  });
  return { put, remove: [] };
}

/** Remembers what was said, as `level message {fields}`. */
export function recordingLog(): { readonly log: Log; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const at = (level: string) => (message: string, fields?: object) => {
    lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  };
  return { log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }, lines };
}

function startRegistrator(writer: Registry, ttlMs: number, list: () => readonly Instance[]): RunningRegistrator {
  const controller = new AbortController();
  const source: Source = {
    name: "test",
    list: async () => list(),
    async *changes() {
      // nothing is told: all is found by the resync
    },
  };
  const { log, lines } = recordingLog();
  const registrator = createRegistrator({
    writer,
    sources: [source],
    owner: OWNER,
    mark: `test/${Math.random().toString(36).slice(2)}`,
    ttlMs,
    resyncMs: 1000,
    onStop: "keep",
    settle: { quietMs: 10, maxMs: 100 },
    log,
  });
  const running = registrator.run(controller.signal);
  return {
    lines,
    async stop() {
      controller.abort(new Error("the case is over"));
      await running;
    },
  };
}
