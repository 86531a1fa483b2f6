import { followHints } from "../../core/hints.ts";
import type { Random } from "../../core/time.ts";
import { compareText, type Instance } from "../../model/instance.ts";
import type { Log, Source } from "../../ports.ts";
import { followEvents } from "../docker/follow-events.ts";
import type { SwarmClient } from "./client.ts";
import { type MappedService, mapSwarm, type SwarmMappingOptions } from "./mapping.ts";
import { createReporter } from "./report.ts";
import type { SwarmState } from "./state.ts";
import { createTaskMemory, watchTasks } from "./watch-tasks.ts";

export interface SwarmSourceOptions extends SwarmMappingOptions {
  readonly client: SwarmClient;
  /** How often tasks are looked at while nothing moves. */
  readonly pollMs: number;
  readonly log: Log;
  readonly random?: Random;
}

/** What `fairlead inspect swarm` prints, sorted by name. */
export interface SwarmInspection {
  readonly services: readonly {
    readonly id: string;
    readonly name: string;
    readonly instances: readonly Instance[];
    readonly skipped: readonly { readonly port?: number; readonly reason: string }[];
  }[];
  /** What the manager said that makes no sense. */
  readonly invalid: SwarmState["invalid"];
}

export interface SwarmSource extends Source {
  /** All services, each with its instances and with the reasons for what is not registered. */
  inspect(signal: AbortSignal): Promise<SwarmInspection>;
}

/** The services of a whole swarm, as a manager tells them. Several of these on several managers give the same instances with the same ids. */
export function createSwarmSource(options: SwarmSourceOptions): SwarmSource {
  const { client, log } = options;
  const random = options.random === undefined ? {} : { random: options.random };
  const memory = createTaskMemory(options.pollMs);
  const report = createReporter(log);

  async function look(signal: AbortSignal): Promise<{ readonly state: SwarmState; readonly mapped: readonly MappedService[] }> {
    const state = await client.state({ networks: options.mode === "vip" }, signal);
    return { state, mapped: mapSwarm(state, options) };
  }

  async function list(signal: AbortSignal): Promise<readonly Instance[]> {
    const { state, mapped } = await look(signal);
    memory.learn(state);
    report(mapped, state.invalid);
    return mapped
      .flatMap(({ instances }) => instances)
      .sort((a, b) => compareText(a.service, b.service) || compareText(a.id, b.id));
  }

  function changes(signal: AbortSignal): AsyncGenerator<void> {
    return followHints(signal, (onHint, inner) =>
      Promise.all([
        followEvents({ client: client.events, log, onHint, onOpen: ignore, onEvent: ignore, ...random }, inner),
        watchTasks({ client, memory, log, onHint, ...random }, inner),
      ]),
    );
  }

  async function inspect(signal: AbortSignal): Promise<SwarmInspection> {
    const { state, mapped } = await look(signal);
    const services = mapped.map(({ service, instances, skipped }) => ({
      ...service,
      instances,
      skipped: skipped.map(({ port, reason }) => ({ ...(port !== undefined && { port }), reason })),
    }));
    return { services, invalid: state.invalid };
  }

  return { name: "swarm", list, changes, inspect };
}

/** The hint is all that counts. */
function ignore(): void {}
