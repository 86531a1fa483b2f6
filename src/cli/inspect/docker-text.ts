/** Containers for people. What labels and variables say is shown here as nowhere else, so it is made harmless for a terminal first. */
import { type HealthCheck, hostPort, type Instance } from "../../model/instance.ts";
import type { Container, ContainerPort } from "../../sources/docker/container.ts";
import type { ExplainedPort, ExplainedWord, Explanation } from "../../sources/docker/mapping/explain.ts";
import { bindingText } from "../../sources/docker/mapping/placement.ts";
import type { MappedContainer } from "../../sources/docker/mapping/unique.ts";
import { table } from "../context.ts";

const MAX_VALUE_LENGTH = 80;

/** Each container in a block: what the engine says, what is registered, and what is not. */
export function containersText(containers: readonly MappedContainer[]): string {
  if (containers.length === 0) {
    return "no containers";
  }
  return containers.map(containerText).join("\n\n");
}

function containerText({ container, instances, skipped }: MappedContainer): string {
  const registered = instances.map((instance) => ["  registered", instance.service, ...instanceCells(instance)]);
  const rows = registered.length === 0 ? [] : [alignedText(registered)];
  const reasons = skipped.map(({ port, reason }) => `  skipped     ${port === undefined ? "" : `${port}: `}${harmless(reason)}`);
  const head = "image" in container ? rawText(container) : harmless(container.name || container.id.slice(0, 12));
  return [head, ...rows, ...reasons].join("\n");
}

function instanceCells(instance: Instance): readonly string[] {
  const tags = instance.tags.map(harmless).join(",");
  return [`${hostPort(instance.address, instance.port)}${instance.protocol === "udp" ? "/udp" : ""}`, instance.health, tags];
}

/** `web1: image web:1.0, running; bridge 172.17.0.2; 80 on 0.0.0.0:8080, 443` */
function rawText(container: Container): string {
  const health = container.health === "none" ? "" : ` (${container.health})`;
  const ports = container.ports.length === 0 ? "no ports" : container.ports.map(rawPort).join(", ");
  return `${container.name}: image ${harmless(container.image)}, ${harmless(container.state)}${health}; ${networkText(container.network)}; ${ports}`;
}

function networkText(network: Container["network"]): string {
  switch (network.kind) {
    case "host":
      return "the host's network";
    case "shared":
      return `the network of container ${/^[0-9a-f]{64}$/.test(network.with) ? network.with.slice(0, 12) : harmless(network.with)}`;
    case "own":
      return network.attached.length === 0
        ? "no network"
        : network.attached.map(({ network: name, address }) => `${harmless(name)} ${address}`).join(", ");
  }
}

function rawPort({ port, protocol, bindings }: ContainerPort): string {
  const on = bindings.length === 0 ? "" : ` on ${bindings.map(bindingText).join(" and ")}`;
  return `${port}${protocol === "tcp" ? "" : `/${harmless(protocol)}`}${on}`;
}

/** One container, row by row. */
export function explanationText({ container, words, ports, instances, skipped }: Explanation): string {
  const facts = [
    ["id", container.id.slice(0, 12)],
    ["image", container.image],
    ["state", container.health === "none" ? container.state : `${container.state}, ${container.health}`],
    ["network", explainedNetwork(container.network)],
  ].flatMap(([name = "", value]) => (value === undefined ? [] : [[`  ${name}`, harmless(value)]]));
  const general = skipped.filter(({ port }) => port === undefined || !ports.some((explained) => explained.port === port));
  const wordRows = words.map(wordCells);
  return [
    harmless(container.name || container.id.slice(0, 12)),
    alignedText(facts),
    ...(wordRows.length === 0 ? ["\nno label or variable of it is for fairlead"] : [`\n${table(WORD_HEAD, wordRows)}`]),
    ...ports.map((port) => `\n${portBlock(port)}`),
    ...(general.length === 0 ? [] : [`\nleft out\n${general.map(reasonLine).join("\n")}`]),
    `\n${instances.length === 0 ? "nothing of it is registered" : `registered: ${instances.map(({ id }) => harmless(id)).join(", ")}`}`,
  ].join("\n");
}

const WORD_HEAD = ["WORD", "FROM", "FOR", "DECIDES", "VALUE", "AND"];

function explainedNetwork(network: Explanation["container"]["network"]): string | undefined {
  if (network === undefined || typeof network === "string") {
    return network;
  }
  return network.length === 0 ? "none" : network.map(({ network: name, address }) => `${name} ${address}`).join(", ");
}

function wordCells(word: ExplainedWord): readonly string[] {
  const notes = [
    word.beatenBy === undefined ? "" : `counts for nothing: ${shortened(word.beatenBy)} beats it`,
    word.beats.length === 0 ? "" : `beats ${word.beats.map(shortened).join(", ")}`,
    word.problem === undefined ? "" : "left out, see below",
    word.exceptPorts === undefined ? "" : `not for ${word.exceptPorts.join(", ")}`,
  ];
  return [
    shortened(word.key),
    word.from,
    word.port === undefined ? "all" : String(word.port),
    shortened(word.decides),
    shortened(word.value),
    notes.filter((note) => note !== "").join("; "),
  ];
}

function portBlock(port: ExplainedPort): string {
  const published = port.bindings.length === 0 ? "not published" : `published on ${port.bindings.join(" and ")}`;
  const decided = (["service", "id", "address", "health"] as const).flatMap((name) => {
    const part = port[name];
    return part === undefined ? [] : [[`  ${name}`, harmless(part.text), `(${harmless(part.from)})`]];
  });
  const check = port.check === undefined ? [] : [`  check    ${checkText(port.check)} (only a Consul catalogue runs it)`];
  const end = port.registered ? "  registered" : "  not registered";
  return [
    `port ${port.port}/${harmless(port.protocol)}, ${published}`,
    ...(decided.length === 0 ? [] : [alignedText(decided)]),
    ...check,
    end,
    ...port.reasons.map((reason) => `    ${harmless(reason)}`),
  ].join("\n");
}

function checkText(check: HealthCheck): string {
  const every = check.kind === "ttl" ? `reported by itself every ${check.ttlMs} ms` : `every ${check.intervalMs} ms`;
  const what = check.kind === "http" || check.kind === "https" ? `${check.method ?? "GET"} ${check.path}` : "";
  return [check.kind, what, every].filter((part) => part !== "").join(" ");
}

function reasonLine({ port, reason }: Explanation["skipped"][number]): string {
  return `  ${port === undefined ? "" : `${port}: `}${harmless(reason)}`;
}

function alignedText(rows: readonly (readonly string[])[]): string {
  const [first = [], ...others] = rows;
  return table(first, others);
}

function shortened(text: string): string {
  const isLong = text.length > MAX_VALUE_LENGTH;
  return harmless(isLong ? `${text.slice(0, MAX_VALUE_LENGTH)}… (${text.length} characters)` : text);
}

/** One line, and nothing that a terminal would obey. */
function harmless(text: string): string {
  return text.replaceAll(UNPRINTABLE, (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`);
}
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}]/gu;
