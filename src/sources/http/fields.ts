/** Single fields of an item, each checked. What is wrong with one is put among the problems, by its place and never by its value. */
import { PROTOCOLS, type Protocol } from "../../model/instance.ts";
import { isPort } from "../../registry/codec.ts";
import { parseTags } from "../docker/mapping/values.ts";
import { nameProblem } from "../names.ts";
import { asNumber, asText, type Reader } from "./rule.ts";

interface Kind<T> {
  readonly is: (value: unknown) => value is T;
  readonly what: string;
}

export function check<T>(reader: Reader, field: string, item: unknown, kind: Kind<T>, problems: string[]): T | undefined {
  const value = reader.read(item);
  if (kind.is(value)) {
    return value;
  }
  problems.push(isNothing(value) ? missing(field, reader) : `${field}: what stands at ${reader.from} is not ${kind.what}`);
  return undefined;
}

export function readName(reader: Reader, field: string, item: unknown, problems: string[]): string | undefined {
  const value = reader.read(item);
  const name = asText(value);
  const problem = name === undefined ? "is no text" : nameProblem(name);
  if (isNothing(value)) {
    problems.push(missing(field, reader));
  } else if (problem !== undefined) {
    problems.push(`${field}: what stands at ${reader.from} ${problem}`);
  }
  return problem === undefined ? name : undefined;
}

interface FoundPort {
  readonly number: number;
  readonly suffix: string;
}

export function readPorts(reader: Reader, item: unknown, problems: string[]): readonly FoundPort[] {
  const value = reader.read(item);
  if (isNothing(value)) {
    problems.push(missing("port", reader));
    return [];
  }
  const isList = Array.isArray(value);
  const found: FoundPort[] = [];
  for (const [i, one] of (isList ? value : [value]).entries()) {
    const number = asNumber(one);
    if (isPort(number)) {
      found.push({ number, suffix: isList ? `:${i}` : "" });
    } else {
      problems.push(`port: what stands at ${reader.from}${isList ? `/${i}` : ""} is no number from 1 to 65535`);
    }
  }
  if (isList && value.length === 0) {
    problems.push(`port: the list at ${reader.from} is empty`);
  }
  return found;
}

export function readProtocol(reader: Reader, item: unknown, problems: string[]): Protocol {
  const value = reader.read(item) ?? "tcp";
  const found = PROTOCOLS.find((protocol) => typeof value === "string" && protocol === value.toLowerCase());
  if (found === undefined) {
    problems.push(`protocol: what stands at ${reader.from} is none of ${PROTOCOLS.join(", ")}; it is taken for tcp`);
  }
  return found ?? "tcp";
}

export function readTags(reader: Reader, item: unknown, problems: string[]): readonly string[] {
  const value = reader.read(item) ?? [];
  if (typeof value === "string" && asText(value) !== undefined) {
    return parseTags(value);
  }
  const texts = Array.isArray(value) ? value.map(asText) : [undefined];
  if (texts.includes(undefined)) {
    problems.push(`tags: what stands at ${reader.from} is no list of texts; what is none was left out`);
  }
  return texts.flatMap((text) => (text === undefined || text === "" ? [] : [text]));
}

export function readWeight(reader: Reader, item: unknown, problems: string[]): number | undefined {
  const value = reader.read(item);
  const number = asNumber(value);
  if (isNothing(value) || (number !== undefined && number >= 0)) {
    return number;
  }
  problems.push(`weight: what stands at ${reader.from} is no number of at least 0; it was left out`);
  return undefined;
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function missing(field: string, reader: Reader): string {
  return `${field}: there is nothing at ${reader.from}`;
}
