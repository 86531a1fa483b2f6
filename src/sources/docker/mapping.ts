import { compareText, type Instance } from "../../model/instance.ts";
import { nameProblem } from "../names.ts";
import type { Judge } from "../policy.ts";
import type { Container, ContainerPort } from "./container.ts";
import { eligiblePorts, type Skipped, skipPort } from "./eligible.ts";
import { imageName, orchestratedName } from "./names.ts";
import { originOf } from "./origin.ts";
import { type PlacementOptions, placePort, reachOf } from "./placement.ts";
import { NO_WISHES, readWishes, type Wishes } from "./wishes.ts";
import { readWords } from "./words.ts";

export interface MappingOptions extends PlacementOptions {
  /** The owner; the first part of every id. */
  readonly node: string;
  /** `labelled`: only what asks for it by a name, a host or `fairlead.enable=true`. */
  readonly register: "all" | "labelled";
  /** `ignore`: health checks and pauses do not make an instance critical. */
  readonly health: "honour" | "ignore";
  /** Present: what it refuses is left out. */
  readonly judge?: Judge;
}

export interface Mapped {
  readonly instances: readonly Instance[];
  readonly skipped: readonly Skipped[];
}

/**
 * One container → its instances, and what was left out with the reason: every row of DESIGN §5 is a row of its test. Instances come in the
 * order of ports; reasons too, after those that concern the whole container. Reasons name words, never their values.
 */
export function mapContainer(container: Container, options: MappingOptions): Mapped {
  if (container.state !== "running" && container.state !== "paused") {
    return skipAll("wish", `it is not running but ${container.state}`);
  }
  const words = readWords(container.labels, container.env);
  const general = readWishes(words.general);
  const byPort = new Map([...words.byPort].map(([port, scope]) => [port, readWishes(scope)] as const));
  const refusal = refuse(general, [...byPort.values()], options.register);
  if (refusal !== undefined) {
    return skipAll("wish", refusal);
  }
  if (general.port !== undefined && general.port.number === undefined) {
    return skipAll("problem", `${general.port.key} is no port`);
  }
  const reach = reachOf(container, options);
  if (reach.kind === "none") {
    return skipAll("problem", reach.reason);
  }
  const only = general.port?.number === undefined ? undefined : { number: general.port.number, key: general.port.key };
  const { eligible, skipped } = eligiblePorts(container, reach, only);
  if (eligible.length === 0 && skipped.length === 0) {
    return skipAll("wish", "it exposes and publishes no port");
  }
  const base = baseName(container, general);
  const needsBase = eligible.some((port) => byPort.get(port.port)?.service === undefined);
  if (needsBase && "problem" in base) {
    return skipAll("problem", base.problem);
  }
  const known = new Set([...eligible, ...skipped].map((port) => port.port));
  const reports: Skipped[] = [
    ...general.problems.map((reason) => ({ reason, kind: "problem" as const })),
    ...skipped,
    ...[...byPort.keys()].filter((port) => !known.has(port)).map(unknownPort),
  ];
  const instances: Instance[] = [];
  for (const port of eligible) {
    const own = byPort.get(port.port) ?? NO_WISHES;
    const suffix = eligible.length > 1 ? `-${port.port}` : "";
    const service = own.service ?? ("name" in base ? `${base.name}${suffix}` : "");
    const id = own.id ?? general.id ?? defaultId(options.node, container, port);
    const refused = refusePort({ general, own, service, id, register: options.register });
    if (refused !== undefined) {
      reports.push(skipPort(port, refused.kind, refused.reason));
      continue;
    }
    const placed = placePort(port, reach, options);
    reports.push(...[...own.problems, ...placed.skipped].map((reason) => skipPort(port, "problem", reason)));
    if (placed.at !== undefined) {
      const health = isUsable(container) || options.health === "ignore" ? "passing" : "critical";
      const instance: Instance = { id, service, ...placed.at, ...describe(port, general, own), health };
      const refusal = options.judge?.(originOf(container), instance);
      if (refusal === undefined) {
        instances.push(instance);
      } else {
        reports.push(skipPort(port, "problem", refusal));
      }
    }
  }
  return { instances, skipped: reports.sort((a, b) => (a.port ?? 0) - (b.port ?? 0)) };
}

function skipAll(kind: Skipped["kind"], reason: string): Mapped {
  return { instances: [], skipped: [{ reason, kind }] };
}

/** Why none of the ports is wanted. A port that asks for itself opens the container's door. */
function refuse(general: Wishes, own: readonly Wishes[], register: MappingOptions["register"]): string | undefined {
  if (general.enable?.wanted === false && !own.some((wishes) => wishes.enable?.wanted === true)) {
    return `${general.enable.key} says so`;
  }
  return register === "labelled" && !general.admits && !own.some((wishes) => wishes.admits) ? NOT_LABELLED : undefined;
}
const NOT_LABELLED =
  "`register` is `labelled`, and it carries neither fairlead.enable=true nor fairlead.service, SERVICE_NAME or a host";

function refusePort(facts: {
  readonly general: Wishes;
  readonly own: Wishes;
  readonly service: string;
  readonly id: string;
  readonly register: MappingOptions["register"];
}): Pick<Skipped, "kind" | "reason"> | undefined {
  const { general, own, service, id, register } = facts;
  const enable = own.enable ?? general.enable;
  if (enable?.wanted === false) {
    return { kind: "wish", reason: `${enable.key} says so` };
  }
  if (register === "labelled" && !general.admits && !own.admits) {
    return { kind: "wish", reason: "`register` is `labelled`, and only other ports carry a name or a host" };
  }
  const serviceProblem = nameProblem(service);
  if (serviceProblem !== undefined) {
    return { kind: "problem", reason: `its service name ${serviceProblem}` };
  }
  const idProblem = nameProblem(id);
  return idProblem === undefined ? undefined : { kind: "problem", reason: `its instance id ${idProblem}` };
}

function baseName(container: Container, general: Wishes): { readonly name: string } | { readonly problem: string } {
  const name = general.service ?? orchestratedName(container.labels) ?? imageName(container.image);
  if (name === undefined) {
    return { problem: "it has no service name, and its image has none either; set fairlead.service" };
  }
  const problem = nameProblem(name);
  return problem === undefined ? { name } : { problem: `its service name ${problem}` };
}

function defaultId(node: string, container: Container, port: ContainerPort): string {
  return `${node}:${container.name}:${port.port}${port.protocol === "udp" ? ":udp" : ""}`;
}

function isUsable(container: Container): boolean {
  return container.state !== "paused" && (container.health === "none" || container.health === "healthy");
}

function describe(port: ContainerPort, general: Wishes, own: Wishes): Pick<Instance, "protocol" | "tags" | "meta" | "weight"> {
  const protocol = port.protocol === "udp" ? "udp" : "tcp";
  const tags = own.tags ?? general.tags ?? [];
  const weight = own.weight ?? general.weight;
  const meta = [...new Map([...general.meta, ...own.meta])].flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return {
    protocol,
    tags: protocol === "udp" && !tags.includes("udp") ? [...tags, "udp"] : tags,
    // From entries, since that makes a name such as `__proto__` a key like any other.
    meta: Object.fromEntries(meta.sort(([a], [b]) => compareText(a, b))),
    ...(weight !== undefined && { weight }),
  };
}

function unknownPort(port: number): Skipped {
  return { port, reason: "it is named by labels or environment variables, but the container has no such port", kind: "problem" };
}
