import { compareText, hostPort, type Instance, isUsable } from "../../model/instance.ts";
import type { Skipped } from "../docker/mapping/eligible.ts";
import type { MappingOptions } from "../docker/mapping/mapping.ts";
import { nameProblem } from "../names.ts";
import type { Judge } from "../policy.ts";
import { isDown } from "./node-address.ts";
import { type Placed, type PlaceOptions, placeService, placeTask } from "./place.ts";
import { hasEnded, isWanted, type SwarmNode, type SwarmService, type SwarmState, type SwarmTask } from "./state.ts";
import { readTemplates, type Template, type Templates } from "./templates.ts";
import type { ServicePort } from "./words.ts";

export interface SwarmMappingOptions extends PlaceOptions {
  /** Each task for itself, or each service as a whole. */
  readonly mode: "tasks" | "vip";
  /** `labelled`: only what asks for it by a name, a host or `fairlead.enable=true`. */
  readonly register: MappingOptions["register"];
  /** Present: what it refuses is left out. */
  readonly judge?: Judge;
}

export interface MappedService {
  readonly service: Pick<SwarmService, "id" | "name">;
  readonly instances: readonly Instance[];
  /** The reasons of its tasks, each once. */
  readonly skipped: readonly Skipped[];
}

/**
 * A swarm → the instances of each service, and what was left out with the reason, sorted by the services' names. Words and names follow
 * the rules for containers, because they are read by the same function; what is a swarm's own is the place, the health and the id.
 */
export function mapSwarm(state: SwarmState, options: SwarmMappingOptions): readonly MappedService[] {
  const nodes = new Map(state.nodes.map((node) => [node.id, node] as const));
  const tasks = new Map<string, SwarmTask[]>();
  for (const task of state.tasks) {
    const others = tasks.get(task.serviceId);
    if (others === undefined) {
      tasks.set(task.serviceId, [task]);
    } else {
      others.push(task);
    }
  }
  const mapped = state.services.map((service) => {
    const own = [...(tasks.get(service.id) ?? [])].sort(compareTasks);
    return options.mode === "tasks" ? mapTasks(service, own, nodes, options) : mapWhole(service, own, nodes, state, options);
  });
  const ages = new Map(state.services.map(({ id, createdAt }) => [id, createdAt] as const));
  const byAge = [...mapped].sort(
    (a, b) => compareText(ages.get(a.service.id) ?? "", ages.get(b.service.id) ?? "") || compareText(a.service.id, b.service.id),
  );
  return withUniqueIds(byAge).sort((a, b) => compareText(a.service.name, b.service.name));
}

function mapTasks(
  service: SwarmService,
  tasks: readonly SwarmTask[],
  nodes: ReadonlyMap<string, SwarmNode>,
  options: SwarmMappingOptions,
): MappedService {
  const live = tasks.filter(({ state }) => state === "running" || state === "starting");
  const known = new Map<string, Templates>();
  /** Most tasks of a service are alike, and their words have to be read once. */
  function templatesOf({ container, ports, attached }: SwarmTask): Templates {
    const source = { container, ports: [...service.ports, ...ports], networks: attached.map(({ name }) => name) };
    const key = JSON.stringify(source);
    const templates = known.get(key) ?? readTemplates(service, source, options);
    known.set(key, templates);
    return templates;
  }
  const results = live.map((task) => {
    const node = nodes.get(task.nodeId);
    const { templates, skipped } = templatesOf(task);
    return expand({
      templates,
      skipped,
      place: (port) => placeTask(task, port, node, options),
      id: (prefix, _, port) => `${prefix}.${task.slot === 0 ? task.nodeId : task.slot}.${task.id}:${port}`,
      isWell: isWell(task, node),
    });
  });
  return collect(service, live.length === 0 ? [{ instances: [], skipped: [noTask(tasks)] }] : results);
}

function mapWhole(
  service: SwarmService,
  tasks: readonly SwarmTask[],
  nodes: ReadonlyMap<string, SwarmNode>,
  swarm: SwarmState,
  options: SwarmMappingOptions,
): MappedService {
  const ids = new Set(service.virtualAddresses.map(({ networkId }) => networkId));
  const networks = swarm.networks.filter(({ id }) => ids.has(id)).map(({ name }) => name);
  const { templates, skipped } = readTemplates(service, { ...service, networks }, options);
  const result = expand({
    templates,
    skipped,
    place: (port) => placeService(service, port, swarm, options),
    id: (prefix, key, port) => `${prefix}:${key}:${port}`,
    isWell: tasks.some((task) => isWell(task, nodes.get(task.nodeId))),
  });
  return collect(service, [result]);
}

/** A task that is told to end, that is not healthy yet, or whose node is drained or gone is not to be used any more, or not yet. */
function isWell(task: SwarmTask, node: SwarmNode | undefined): boolean {
  return task.state === "running" && isWanted(task) && !isDown(node) && node?.availability !== "drain";
}

interface Expansion {
  readonly templates: readonly Template[];
  readonly skipped: readonly Skipped[];
  readonly place: (port: ServicePort) => Placed;
  /** Of the prefix, the place's key and the port as it stands in ids. */
  readonly id: (prefix: string, key: string, port: string) => string;
  readonly isWell: boolean;
}

type Result = Pick<MappedService, "instances" | "skipped">;

/** An instance for each place of each port. */
function expand({ templates, skipped, place, id, isWell }: Expansion): Result {
  const instances: Instance[] = [];
  const reports: Skipped[] = [...skipped];
  for (const { instance, port, idPrefix } of templates) {
    const placed = place(port);
    reports.push(...placed.skipped.map((item) => ({ port: port.port, ...item })));
    for (const { key, ...at } of placed.at) {
      const own = id(idPrefix, key, `${port.port}${port.protocol === "udp" ? ":udp" : ""}`);
      const problem = nameProblem(own);
      if (problem === undefined) {
        instances.push({ ...instance, ...at, id: own, health: isWell ? instance.health : "critical" });
      } else {
        reports.push({ port: port.port, reason: `its instance id ${problem}`, kind: "problem" });
      }
    }
  }
  return { instances, skipped: reports };
}

/** All tasks of a service mostly have the same reasons: each is said once. */
function collect({ id, name }: SwarmService, results: readonly Result[]): MappedService {
  const { instances, skipped } = withUniquePlaces(results.flatMap((result) => result.instances));
  const reasons = new Map(
    [...results.flatMap((result) => result.skipped), ...skipped].map((item) => [JSON.stringify(item), item]),
  );
  return { service: { id, name }, instances, skipped: [...reasons.values()].sort((a, b) => (a.port ?? 0) - (b.port ?? 0)) };
}

/**
 * While a task hands its port to the next one, both are there: the one counts that can be used. Two that can be used stand at one place
 * only where a person gave one address for all nodes.
 */
function withUniquePlaces(instances: readonly Instance[]): Result {
  const places = new Map<string, Instance>();
  const skipped: Skipped[] = [];
  for (const instance of instances) {
    const at = hostPort(instance.address, instance.port);
    const place = `${instance.service} ${instance.protocol} ${at}`;
    const before = places.get(place);
    if (before === undefined || !isUsable(before)) {
      places.set(place, instance);
    } else if (isUsable(instance)) {
      skipped.push({ reason: `another of its tasks stands at ${at} too; \`address\` is one for all nodes`, kind: "problem" });
    }
  }
  return { instances: [...places.values()], skipped };
}

function noTask(tasks: readonly SwarmTask[]): Skipped {
  const states = [...new Set(tasks.filter((task) => isWanted(task) && !hasEnded(task)).map(({ state }) => state))].sort();
  return { reason: `none of its tasks is running${states.length === 0 ? "" : `, but ${states.join(", ")}`}`, kind: "wish" };
}

/** Of two claimants the oldest service wins: a newcomer never takes the place of a running one. */
function withUniqueIds(byAge: readonly MappedService[]): MappedService[] {
  const claims = new Map<string, string>();
  return byAge.map((mapped) => {
    const taken = mapped.instances.filter(({ id }) => claims.has(id));
    mapped.instances.forEach(({ id }) => void (claims.has(id) || claims.set(id, mapped.service.name)));
    const reports = taken.map(({ id }) => ({
      reason: `the instance id ${JSON.stringify(id)} is taken by service ${claims.get(id)}`,
      kind: "problem" as const,
    }));
    return taken.length === 0
      ? mapped
      : {
          ...mapped,
          instances: mapped.instances.filter((instance) => !taken.includes(instance)),
          skipped: [...mapped.skipped, ...reports],
        };
  });
}

function compareTasks(a: SwarmTask, b: SwarmTask): number {
  return a.slot - b.slot || compareText(a.nodeId, b.nodeId) || compareText(a.id, b.id);
}
