import { compareText, hostPort, type Instance } from "../../../model/instance.ts";
import { nameProblem } from "../../names.ts";
import type { Judge } from "../../policy.ts";
import type { Container, ContainerPort } from "../container.ts";
import { readCheck } from "./checks.ts";
import { eligiblePorts, type Skipped, skipPort } from "./eligible.ts";
import { imageName, orchestratedName } from "./names.ts";
import { originOf } from "./origin.ts";
import { type PlacementOptions, placePort, type Reach, reachOf, withLabelledAddress } from "./placement.ts";
import { type Register, refuseContainer, refusePort } from "./refusal.ts";
import { quoteKey } from "./values.ts";
import { NO_WISHES, readWishes, type Wishes } from "./wishes.ts";
import { readWords } from "./words.ts";

export interface MappingOptions extends PlacementOptions {
  /** The owner; the first part of every id. */
  readonly node: string;
  readonly register: Register;
  /** `ignore`: health checks and pauses do not make an instance critical. */
  readonly health: "honour" | "ignore";
  /** For every instance, after its own tags. */
  readonly tags?: readonly string[];
  /** Present: what it refuses is left out. */
  readonly judge?: Judge;
}

export interface Mapped {
  readonly instances: readonly Instance[];
  readonly skipped: readonly Skipped[];
}

/** A text with the word or the fact that it comes from. */
export interface Because<T extends string = string> {
  readonly text: T;
  readonly from: string;
}

/** What was decided for a port that could be registered. */
export interface PortDecision {
  readonly port: ContainerPort;
  readonly service: Because;
  readonly id: Because;
  /** Absent: it is at no place. */
  readonly address?: Because;
  readonly health?: Because<Instance["health"]>;
  readonly instance?: Instance;
}

export interface Decision extends Mapped {
  /** Absent: it did not come to that. */
  readonly reach?: Reach;
  readonly ports: readonly PortDecision[];
}

/**
 * One container → its instances, and what was left out with the reason: every row of DESIGN §5 is a row of its test. Instances come in the
 * order of ports; reasons too, after those that concern the whole container. Reasons name words, never their values.
 */
export function mapContainer(container: Container, options: MappingOptions): Mapped {
  const { instances, skipped } = decide(container, options);
  return { instances, skipped };
}

/** The same, with where each part comes from. */
export function decide(container: Container, options: MappingOptions): Decision {
  if (container.state !== "running" && container.state !== "paused") {
    return skipAll("wish", `it is not running but ${container.state}`);
  }
  const words = readWords(container.labels, container.env);
  const general = readWishes(words.general);
  const byPort = new Map([...words.byPort].map(([port, scope]) => [port, readWishes(scope)] as const));
  const refusal = refuseContainer(container, general, [...byPort.values()], options.register);
  if (refusal !== undefined) {
    return skipAll("wish", refusal);
  }
  if (general.port !== undefined && general.port.number === undefined) {
    return skipAll("problem", `${general.port.key} is no port`);
  }
  const placement = withLabelledAddress(container, options);
  const reach = reachOf(container, placement.options);
  if (reach.kind === "none") {
    return { ...skipAll("problem", reach.reason), reach };
  }
  const only = general.port?.number === undefined ? undefined : { number: general.port.number, key: general.port.key };
  const { eligible, skipped } = eligiblePorts(container, reach, only);
  if (eligible.length === 0 && skipped.length === 0) {
    return { ...skipAll("wish", "it exposes and publishes no port"), reach };
  }
  const base = baseName(container, general);
  const needsBase = eligible.some((port) => byPort.get(port.port)?.service === undefined);
  if (needsBase && "problem" in base) {
    return { ...skipAll("problem", base.problem), reach };
  }
  const known = new Set([...eligible, ...skipped].map((port) => port.port));
  const problems = [
    ...general.problems,
    ...words.strays.map(({ key }) => `${quoteKey(key)} names a port that is none; it was left out`),
    ...(placement.problem === undefined ? [] : [placement.problem]),
  ];
  const reports: Skipped[] = [...skipped, ...[...byPort.keys()].filter((port) => !known.has(port)).map(unknownPort)];
  const ports: PortDecision[] = [];
  for (const port of eligible) {
    const own = byPort.get(port.port) ?? NO_WISHES;
    const service = serviceOf(port, { own, base, isOne: eligible.length === 1 });
    const id = idOf(port, { own, general, node: options.node, container });
    const refused = refusePort({ general, own, service: service.text, id: id.text, register: options.register });
    if (refused !== undefined) {
      reports.push(skipPort(port, refused.kind, refused.reason));
      ports.push({ port, service, id });
      continue;
    }
    const placed = placePort(port, reach, placement.options);
    const check = checkOf(port, general, own);
    problems.push(...check.general);
    reports.push(...[...own.problems, ...check.own, ...placed.skipped].map((reason) => skipPort(port, "problem", reason)));
    if (placed.at === undefined) {
      ports.push({ port, service, id });
      continue;
    }
    const health = healthOf(container, own.drain ?? general.drain, options.health);
    const instance: Instance = {
      id: id.text,
      service: service.text,
      ...placed.at,
      ...describe(port, { general, own, tags: options.tags ?? [] }),
      health: health.text,
      ...check.healthCheck,
    };
    const judged = options.judge?.(originOf(container), instance);
    if (judged !== undefined) {
      reports.push(skipPort(port, "problem", judged));
      ports.push({ port, service, id });
      continue;
    }
    const address = { text: hostPort(placed.at.address, placed.at.port), from: placed.because ?? "" };
    ports.push({ port, service, id, address, health, instance });
  }
  const all = [...new Set(problems)].map((reason) => ({ reason, kind: "problem" as const }));
  return {
    instances: ports.flatMap(({ instance }) => (instance === undefined ? [] : [instance])),
    skipped: [...all, ...reports.sort((a, b) => (a.port ?? 0) - (b.port ?? 0))],
    reach,
    ports,
  };
}

function skipAll(kind: Skipped["kind"], reason: string): Decision {
  return { instances: [], skipped: [{ reason, kind }], ports: [] };
}

type Base = Because | { readonly problem: string };

function baseName({ labels, image }: Container, general: Wishes): Base {
  const orchestrated = orchestratedName(labels);
  const fromImage = imageName(image);
  const found =
    (general.service !== undefined && { text: general.service.name, from: general.service.key }) ||
    (orchestrated !== undefined && { text: orchestrated.name, from: orchestrated.from }) ||
    (fromImage !== undefined && { text: fromImage, from: "the image" });
  if (found === false) {
    return { problem: "it has no service name, and its image has none either; set fairlead.service" };
  }
  const problem = nameProblem(found.text);
  return problem === undefined ? found : { problem: `its service name ${problem}` };
}

function serviceOf(
  port: ContainerPort,
  { own, base, isOne }: { readonly own: Wishes; readonly base: Base; readonly isOne: boolean },
): Because {
  if (own.service !== undefined) {
    return { text: own.service.name, from: own.service.key };
  }
  if ("problem" in base) {
    return { text: "", from: base.problem };
  }
  return isOne
    ? base
    : { text: `${base.text}-${port.port}`, from: `${base.from}, with the port since more than one could be registered` };
}

function idOf(
  port: ContainerPort,
  facts: { readonly own: Wishes; readonly general: Wishes; readonly node: string; readonly container: Container },
): Because {
  const word = facts.own.id ?? facts.general.id;
  return word === undefined
    ? {
        text: `${facts.node}:${facts.container.name}:${port.port}${port.protocol === "udp" ? ":udp" : ""}`,
        from: "node, container and port",
      }
    : { text: word.text, from: word.key };
}

function healthOf(
  container: Container,
  drain: Wishes["drain"],
  wanted: MappingOptions["health"],
): Because<"passing" | "critical"> {
  if (drain?.wanted === true) {
    return { text: "critical", from: drain.key };
  }
  if (container.isDraining === true) {
    return { text: "critical", from: "it was told to stop" };
  }
  const isWell = container.state !== "paused" && (container.health === "none" || container.health === "healthy");
  const fact =
    container.state === "paused" ? "it is paused" : container.health === "none" ? "it has no health check" : container.health;
  if (isWell) {
    return { text: "passing", from: fact };
  }
  return wanted === "ignore"
    ? { text: "passing", from: `${fact}, and \`health\` is \`ignore\`` }
    : { text: "critical", from: fact };
}

/** Reports about general words are made once, not for each port. */
function checkOf(
  port: ContainerPort,
  general: Wishes,
  own: Wishes,
): { readonly healthCheck: Pick<Instance, "healthCheck">; readonly general: readonly string[]; readonly own: readonly string[] } {
  const protocol = port.protocol === "udp" ? "udp" : "tcp";
  const { check, problems } = readCheck(new Map([...general.checks, ...own.checks]), protocol);
  const ofPort = new Set(own.checks.values());
  const isOwn = (problem: (typeof problems)[number]): boolean => protocol === "udp" || ofPort.has(problem.word);
  return {
    healthCheck: check === undefined ? {} : { healthCheck: check },
    general: problems.filter((problem) => !isOwn(problem)).map(({ reason }) => reason),
    own: problems.filter(isOwn).map(({ reason }) => reason),
  };
}

function describe(
  port: ContainerPort,
  { general, own, tags: more }: { readonly general: Wishes; readonly own: Wishes; readonly tags: readonly string[] },
): Pick<Instance, "protocol" | "tags" | "meta" | "weight"> {
  const protocol = port.protocol === "udp" ? "udp" : "tcp";
  const tags = own.tags ?? general.tags ?? [];
  const weight = own.weight ?? general.weight;
  const meta = [...new Map([...general.meta, ...own.meta])].flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const added = [...new Set([...more, ...(protocol === "udp" ? ["udp"] : [])])].filter((tag) => !tags.includes(tag));
  return {
    protocol,
    tags: [...tags, ...added],
    // From entries, since that makes a name such as `__proto__` a key like any other.
    meta: Object.fromEntries(meta.sort(([a], [b]) => compareText(a, b))),
    ...(weight !== undefined && { weight }),
  };
}

function unknownPort(port: number): Skipped {
  return { port, reason: "it is named by labels or environment variables, but the container has no such port", kind: "problem" };
}
