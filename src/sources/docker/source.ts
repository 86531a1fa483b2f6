import { followHints } from "../../core/hints.ts";
import type { Random } from "../../core/time.ts";
import { compareText, type Instance } from "../../model/instance.ts";
import type { Log, Source } from "../../ports.ts";
import { type Container, joinShared, withDetails } from "./container.ts";
import { createDrainMarks } from "./drain.ts";
import type { DockerClient } from "./engine/client.ts";
import type { EngineEvent } from "./engine/event-lines.ts";
import type { InvalidContainer } from "./engine/wire.ts";
import { followEvents } from "./follow-events.ts";
import { createInspector } from "./inspector.ts";
import { defaultAddress } from "./mapping/address.ts";
import { createMapOnce } from "./mapping/map-once.ts";
import type { MappingOptions } from "./mapping/mapping.ts";
import { needsInspection } from "./mapping/needs.ts";
import { type MappedContainer, withUniqueIds } from "./mapping/unique.ts";
import { createReporter } from "./report.ts";

export interface DockerSourceOptions extends Omit<MappingOptions, "address" | "isAddressSet"> {
  readonly client: DockerClient;
  /** The node's address; `auto`: that of the default route's interface, looked up in each pass. */
  readonly address: string;
  /** Whether environment variables count like labels: that costs an inspect call for each new container. */
  readonly env: boolean;
  readonly log: Log;
  readonly random?: Random;
  /** For tests; how long an event stream may be silent before it is opened anew. */
  readonly silenceMs?: number;
  /** For tests; what `auto` means. */
  readonly findAddress?: () => Promise<string | undefined>;
}

/** What `fairlead inspect docker` prints, sorted by name. */
export interface DockerInspection {
  readonly containers: readonly {
    readonly id: string;
    readonly name: string;
    readonly instances: readonly Instance[];
    readonly skipped: readonly { readonly port?: number; readonly reason: string }[];
  }[];
}

/** All containers, each with what became of it, and what the mapping was told. */
export interface DockerExamination {
  readonly containers: readonly MappedContainer[];
  readonly mapping: MappingOptions;
}

export interface DockerSource extends Source {
  /** What `inspect` is made of, and more of it: also what the engine says. Sorted by name. */
  examine(signal: AbortSignal): Promise<DockerExamination>;
  /** All containers, the stopped ones too, each with its instances and with the reasons for what is not registered. */
  inspect(signal: AbortSignal): Promise<DockerInspection>;
}

export function createDockerSource(options: DockerSourceOptions): DockerSource {
  const { client, log, findAddress = defaultAddress } = options;
  const inspector = createInspector(client, options.random);
  const drain = createDrainMarks();
  const mapAll = createMapOnce();
  const report = createReporter(log);

  async function look(all: boolean, signal: AbortSignal): Promise<DockerExamination> {
    const isAddressSet = options.address !== "auto";
    const address = isAddressSet ? options.address : await findAddress();
    const { containers, invalid } = await client.containers({ all }, signal);
    drain.retain(new Set(containers.filter(isRunning).map((container) => container.id)));
    drain.due().forEach(inspector.invalidate);
    const wanted = containers.filter((container) => needsInspection(container, options));
    const details = await inspector.inspect(wanted, containers, signal);
    const complete: Container[] = [];
    const broken: InvalidContainer[] = [...invalid];
    for (const container of containers) {
      const detail = details.get(container.id);
      if (detail === undefined) {
        complete.push({ ...container, isDraining: drain.isDraining(container.id, undefined) });
      } else if (detail !== "gone" && "reason" in detail) {
        broken.push({ id: container.id, name: container.name, reason: detail.reason });
      } else if (detail !== "gone") {
        complete.push({ ...withDetails(container, detail), isDraining: drain.isDraining(container.id, detail.life) });
      }
    }
    const mapping = { ...options, address, isAddressSet };
    const mapped = mapAll(joinShared(complete), mapping);
    return { containers: [...withUniqueIds(mapped), ...broken.map(asMapped)], mapping };
  }

  async function list(signal: AbortSignal): Promise<readonly Instance[]> {
    const { containers } = await look(false, signal);
    report(containers);
    return containers
      .flatMap((entry) => entry.instances)
      .sort((a, b) => compareText(a.service, b.service) || compareText(a.id, b.id));
  }

  function onEvent(event: EngineEvent): void {
    drain.note(event);
    if (event.container !== undefined && !isOnlyOfState(event.action)) {
      inspector.invalidate(event.container);
    }
  }

  function changes(signal: AbortSignal): AsyncGenerator<void> {
    const { random, silenceMs } = options;
    const more = { ...(random !== undefined && { random }), ...(silenceMs !== undefined && { silenceMs }) };
    return followHints(signal, (onHint, inner) =>
      followEvents({ client, log, onHint, onOpen: drain.doubt, onEvent, ...more }, inner),
    );
  }

  async function examine(signal: AbortSignal): Promise<DockerExamination> {
    const { containers, mapping } = await look(true, signal);
    const sorted = [...containers].sort(
      ({ container: a }, { container: b }) => compareText(a.name, b.name) || compareText(a.id, b.id),
    );
    return { containers: sorted, mapping };
  }

  async function inspect(signal: AbortSignal): Promise<DockerInspection> {
    return asInspection((await examine(signal)).containers);
  }

  return { name: "docker", list, changes, examine, inspect };
}

export function asInspection(containers: readonly MappedContainer[]): DockerInspection {
  return {
    containers: containers.map(({ container, instances, skipped }) => ({
      id: container.id,
      name: container.name,
      instances,
      skipped: skipped.map(({ port, reason }) => ({ ...(port !== undefined && { port }), reason })),
    })),
  };
}

function asMapped({ id = "", name = "", reason }: InvalidContainer): MappedContainer {
  return { container: { id, name, createdAt: 0 }, instances: [], skipped: [{ reason, kind: "problem" }] };
}

function isRunning({ state }: Container): boolean {
  return state === "running" || state === "paused";
}

/** The list tells all of it: what inspecting says is as it was. */
function isOnlyOfState(action: string): boolean {
  return ["die", "stop", "pause", "unpause", "destroy"].includes(action) || action.startsWith("health_status");
}
