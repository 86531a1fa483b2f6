/** A registrator in this process with a registry in memory, and everything that the registry ever held. */
import { createAbort } from "../../../src/core/time.ts";
import type { Instance } from "../../../src/model/instance.ts";
import { EVERYTHING } from "../../../src/model/selector.ts";
import type { Snapshot } from "../../../src/model/snapshot.ts";
import type { Log, Registry, Source } from "../../../src/ports.ts";
import { createRegistrator } from "../../../src/registrator/registrator.ts";
import { createMemoryRegistry } from "../../../src/registry/memory.ts";

export interface Moment {
  readonly at: number;
  /** Made when it is asked for: with many entries that takes longer than what is measured. */
  texts(): readonly string[];
}

export interface Registration {
  readonly registry: Registry;
  /** The newest state, one line for each instance. */
  texts(): readonly string[];
  /** Every state that there was, with the time at which it was seen; only the newest one when `isBrief`. */
  readonly history: readonly Moment[];
  /** What everything in it hangs on. */
  readonly signal: AbortSignal;
  stop(): Promise<void>;
}

export interface RegistrationOptions {
  readonly sources: readonly Source[];
  readonly log: Log;
  readonly resyncMs: number;
  readonly ttlMs?: number;
  /** The default is the program's. */
  readonly settle?: { readonly quietMs: number; readonly maxMs: number };
  readonly isBrief?: boolean;
}

export function register(options: RegistrationOptions): Registration {
  const { sources, log, resyncMs, ttlMs = 10_000, settle = { quietMs: 20, maxMs: 200 }, isBrief = false } = options;
  const registry = createMemoryRegistry();
  const controller = createAbort();
  const history: Moment[] = [];
  const registrator = createRegistrator({
    writer: registry,
    sources,
    owner: "n1",
    ttlMs,
    resyncMs,
    mark: "a process",
    onStop: "keep",
    settle,
    log,
  });
  async function follow(): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const snapshot = await registry.read(EVERYTHING, { signal: controller.signal, ...(after !== undefined && { after }) });
      after = snapshot.revision;
      history.length = isBrief ? 0 : history.length;
      history.push({ at: performance.now(), texts: () => textsOf(snapshot) });
    }
  }
  const running = registrator.run(controller.signal);
  const following = follow().catch(() => undefined); // it ends with the signal
  return {
    registry,
    history,
    signal: controller.signal,
    texts: () => history.at(-1)?.texts() ?? [],
    async stop() {
      controller.abort();
      await Promise.all([running, following]);
      await registry.close();
    },
  };
}

function textsOf(snapshot: Snapshot): readonly string[] {
  return [...snapshot.services.values()].flatMap(({ instances }) => instances.map(textOf)).sort();
}

function textOf({ id, address, port, health }: Instance): string {
  return `${id} ${address}:${port} ${health}`;
}
