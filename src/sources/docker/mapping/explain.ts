import { type HealthCheck, type Instance, sameInstance } from "../../../model/instance.ts";
import { type Container, type ContainerPort, portText } from "../container.ts";
import type { Skipped } from "./eligible.ts";
import { type Because, decide, type MappingOptions, type PortDecision } from "./mapping.ts";
import { orchestratedName } from "./names.ts";
import { bindingText } from "./placement.ts";
import type { MappedContainer } from "./unique.ts";
import { quoteKey } from "./values.ts";
import { type Reading, readWords } from "./words.ts";

/** What `fairlead inspect docker NAME` prints. */
export interface Explanation {
  readonly container: ExplainedContainer;
  /** The labels and variables that are for us, and no others. */
  readonly words: readonly ExplainedWord[];
  readonly ports: readonly ExplainedPort[];
  readonly instances: readonly Instance[];
  readonly skipped: readonly Pick<Skipped, "port" | "reason">[];
}

/** Of a container that could not be understood only `id` and `name` are known. */
interface ExplainedContainer {
  readonly id: string;
  readonly name: string;
  readonly image?: string;
  readonly state?: string;
  readonly health?: string;
  /** `host`, `container:NAME`, or its networks with its address on each. */
  readonly network?: string | readonly { readonly network: string; readonly address: string }[];
}

export interface ExplainedWord {
  readonly key: string;
  readonly from: "label" | "variable";
  /** Absent: it is about the whole container. */
  readonly port?: number;
  /** `service`, `meta.host`, `check.http`, … */
  readonly decides: string;
  readonly value: string;
  /** Words that count for nothing because of this one. */
  readonly beats: readonly string[];
  /** The word that counts instead. */
  readonly beatenBy?: string;
  /** Ports that have a word of their own for it. */
  readonly exceptPorts?: readonly number[];
  /** Why it, or a part of it, was left out. */
  readonly problem?: string;
}

export interface ExplainedPort {
  readonly port: number;
  readonly protocol: string;
  /** `0.0.0.0:8080`; empty: not published. */
  readonly bindings: readonly string[];
  /** Whether it could be registered, before anybody's wish to leave it out. */
  readonly eligible: boolean;
  readonly service?: Because;
  readonly id?: Because;
  readonly address?: Because;
  readonly health?: Because;
  /** What a Consul catalogue is asked to run. */
  readonly check?: HealthCheck;
  readonly registered: boolean;
  readonly reasons: readonly string[];
}

/** Why a container is registered as it is. Pure; `mapped` is what became of it among all the others. */
export function explainContainer(mapped: MappedContainer, options: MappingOptions): Explanation {
  const { container, instances } = mapped;
  const skipped = mapped.skipped.map(({ port, reason }) => ({ ...(port !== undefined && { port }), reason }));
  if (!("image" in container)) {
    return { container: { id: container.id, name: container.name }, words: [], ports: [], instances, skipped };
  }
  const decision = decide(container, options);
  return {
    container: {
      id: container.id,
      name: container.name,
      image: container.image,
      state: container.state,
      health: container.health,
      network: networkOf(container),
    },
    words: explainWords(container, { addressLabel: options.addressLabel, skipped }),
    ports: allPorts(container.ports, decision.ports).map((port) => explainPort(port, decision.ports, skipped, instances)),
    instances,
    skipped,
  };
}

function networkOf({ network }: Container): NonNullable<ExplainedContainer["network"]> {
  switch (network.kind) {
    case "host":
      return "host";
    case "shared":
      return `container:${network.with}`;
    case "own":
      return network.attached;
  }
}

function explainWords(
  container: Container,
  { addressLabel, skipped }: { readonly addressLabel: string | undefined; readonly skipped: Explanation["skipped"] },
): readonly ExplainedWord[] {
  const words = readWords(container.labels, container.env);
  const general = new Map(words.readings.filter(isGeneralWinner).map((reading) => [reading.subject, reading.word.key] as const));
  const rows = words.readings.map((reading): ExplainedWord => {
    const { word, port, subject, beatenBy } = reading;
    const beaten = words.readings.filter((other) => other.beatenBy === word).map((other) => other.word.key);
    const ofAll = port === undefined || beatenBy !== undefined ? undefined : general.get(subject);
    const exceptPorts = isGeneralWinner(reading) ? portsWith(subject, words.readings) : [];
    const problem = beatenBy === undefined ? skipped.find(({ reason }) => isAbout(reason, word.key)) : undefined;
    return {
      key: word.key,
      from: word.place,
      ...(port !== undefined && { port }),
      decides: subject,
      value: word.value,
      beats: ofAll === undefined ? beaten : [...beaten, ofAll],
      ...(beatenBy !== undefined && { beatenBy: beatenBy.key }),
      ...(exceptPorts.length > 0 && { exceptPorts }),
      ...(problem !== undefined && { problem: problem.reason }),
    };
  });
  return [...rows, ...foreignWords(container, general.get("service"), addressLabel)];
}

/** A reason about a word that makes no sense begins with its name. */
function isAbout(reason: string, key: string): boolean {
  const isProblem = /; it was left out$| is no port$/.test(reason);
  return isProblem && reason.replace(/^(\d+\/\w+: |the word )/, "").startsWith(`${quoteKey(key)} `);
}

function isGeneralWinner({ port, beatenBy }: Reading): boolean {
  return port === undefined && beatenBy === undefined;
}

function portsWith(subject: string, readings: readonly Reading[]): readonly number[] {
  const ports = readings.flatMap((reading) => (reading.subject === subject && reading.port !== undefined ? [reading.port] : []));
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** Labels that others set and that count all the same. */
function foreignWords(
  { labels }: Container,
  service: string | undefined,
  addressLabel: string | undefined,
): readonly ExplainedWord[] {
  const orchestrated = orchestratedName(labels);
  const address = addressLabel === undefined ? undefined : labels[addressLabel];
  return [
    ...(orchestrated === undefined
      ? []
      : [
          {
            key: orchestrated.label,
            from: "label" as const,
            decides: "service",
            value: orchestrated.name,
            beats: [],
            ...(service !== undefined && { beatenBy: service }),
          },
        ]),
    ...(addressLabel === undefined || address === undefined
      ? []
      : [{ key: addressLabel, from: "label" as const, decides: "address", value: address, beats: [] }]),
  ];
}

/** Those of the container, and a port that only a word names. */
function allPorts(ports: readonly ContainerPort[], decided: readonly PortDecision[]): readonly ContainerPort[] {
  const known = new Set(ports.map(portText));
  return [...ports, ...decided.map(({ port }) => port).filter((port) => !known.has(portText(port)))];
}

function explainPort(
  port: ContainerPort,
  decided: readonly PortDecision[],
  skipped: Explanation["skipped"],
  instances: readonly Instance[],
): ExplainedPort {
  const decision = decided.find((candidate) => portText(candidate.port) === portText(port));
  const { service, id, address, health, instance } = decision ?? {};
  const isTcp = port.protocol === "tcp";
  // A reason about a port that is no tcp one says so itself: see `skipPort`.
  const start = isTcp ? "" : `${portText(port)}: `;
  const reasons = skipped.filter(
    ({ port: of, reason }) => of === port.port && (isTcp ? !/^\d+\/\w+: /.test(reason) : reason.startsWith(start)),
  );
  const isRegistered = instance !== undefined && instances.some((registered) => sameInstance(registered, instance));
  return {
    port: port.port,
    protocol: port.protocol,
    bindings: port.bindings.map(bindingText),
    eligible: decision !== undefined,
    ...(service !== undefined && { service }),
    ...(id !== undefined && { id }),
    ...(address !== undefined && { address }),
    ...(health !== undefined && { health }),
    ...(instance?.healthCheck !== undefined && { check: instance.healthCheck }),
    registered: isRegistered,
    reasons: [
      ...reasons.map(({ reason }) => reason.slice(start.length)),
      ...(instance !== undefined && !isRegistered ? ["its instance id is taken by another container or port"] : []),
    ],
  };
}
