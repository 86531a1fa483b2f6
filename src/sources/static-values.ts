import { isRecord } from "../core/json.ts";
import { nearest } from "../core/nearest.ts";
import { HEALTHS, type Instance, PROTOCOLS } from "../model/instance.ts";
import { isAddress, isPort } from "../registry/codec.ts";
import { nameProblem } from "./names.ts";

type Path = readonly (string | number)[];

export interface Mistake {
  readonly path: Path;
  /** The key itself is wrong, not what stands at it. */
  readonly atKey?: boolean;
  readonly message: string;
  readonly hint?: string;
}

/** Checks what a services file holds; all mistakes are found at once. An instance that has one is not among the instances. */
export function readServices(
  value: unknown,
  node: string,
): { readonly instances: readonly Instance[]; readonly mistakes: readonly Mistake[] } {
  const mistakes: Mistake[] = [];
  const instances = new Map<string, Instance>();
  const root = readMap(value, [], ["services"], mistakes);
  const services = root?.services;
  if (root !== undefined && !isRecord(services)) {
    const message = services === undefined ? "there are no `services`" : "`services` is no map of names";
    mistakes.push({ path: ["services"], message, hint: EXAMPLE });
  }
  for (const [service, list] of Object.entries(isRecord(services) ? services : {})) {
    const path = ["services", service];
    const problem = nameProblem(service);
    if (problem !== undefined) {
      mistakes.push({ path, atKey: true, message: `the service's name ${problem}` });
    }
    if (!Array.isArray(list)) {
      mistakes.push({ path, message: `service "${service}" is no list of instances`, hint: EXAMPLE });
      continue;
    }
    for (const [i, item] of list.entries()) {
      const instance = readInstance(item, { service, node, path: [...path, i] }, mistakes);
      if (instance !== undefined && instances.has(instance.id)) {
        const message = `the instance id "${instance.id}" is taken already`;
        mistakes.push({ path: [...path, i], message, hint: "give one of them another `id`" });
      } else if (instance !== undefined) {
        instances.set(instance.id, instance);
      }
    }
  }
  return { instances: [...instances.values()], mistakes };
}

const EXAMPLE = "services: { web: [ { address: 10.0.0.5, port: 8080 } ] }";

/** One key of an instance: what it has to be, for messages, and the check of it. */
interface Field {
  readonly is: (value: unknown) => boolean;
  readonly what: string;
  readonly hint?: string;
}

const FIELDS = {
  address: {
    is: isAddress,
    what: "an IP address or host name",
    hint: "IPv6 is written without brackets; the port has a key of its own",
  },
  port: { is: isPort, what: "a number from 1 to 65535" },
  id: { is: (value) => typeof value === "string" && nameProblem(value) === undefined, what: "a text that can be stored" },
  tags: {
    is: (value) => Array.isArray(value) && value.every((tag) => typeof tag === "string"),
    what: "a list of texts",
    hint: 'write numbers in quotes: ["1"]',
  },
  meta: {
    is: (value) => isRecord(value) && Object.values(value).every((text) => typeof text === "string"),
    what: "a map of texts",
    hint: 'write numbers and booleans in quotes: { version: "2" }',
  },
  weight: { is: (value) => typeof value === "number" && Number.isFinite(value) && value >= 0, what: "a number of at least 0" },
  protocol: { is: (value) => PROTOCOLS.some((protocol) => protocol === value), what: `one of ${PROTOCOLS.join(", ")}` },
  health: { is: (value) => HEALTHS.some((health) => health === value), what: `one of ${HEALTHS.join(", ")}` },
} as const satisfies Record<string, Field>;

function readInstance(
  item: unknown,
  place: { readonly service: string; readonly node: string; readonly path: Path },
  mistakes: Mistake[],
): Instance | undefined {
  const { service, node, path } = place;
  const fields: ReadonlyMap<string, Field> = new Map(Object.entries(FIELDS));
  const value = readMap(item, path, [...fields.keys()], mistakes);
  if (value === undefined) {
    return undefined;
  }
  let isGood = true;
  for (const [key, field] of fields) {
    const isMissing = !Object.hasOwn(value, key);
    if (isMissing ? key === "address" || key === "port" : !field.is(value[key])) {
      const message = isMissing ? `the instance has no \`${key}\`` : `\`${key}\` is not ${field.what}`;
      mistakes.push({ path: isMissing ? path : [...path, key], message, ...(field.hint !== undefined && { hint: field.hint }) });
      isGood = false;
    }
  }
  if (!isGood) {
    return undefined;
  }
  // Every key was checked by its field above.
  const checked = value as Partial<Instance> & Pick<Instance, "address" | "port">;
  const { address, port, tags = [], meta = {}, weight, protocol = "tcp", health = "passing" } = checked;
  const id = checked.id ?? `${node}:${service}-${address}:${port}${protocol === "udp" ? ":udp" : ""}`;
  const problem = nameProblem(id);
  if (problem !== undefined) {
    mistakes.push({ path, message: `the instance id ${problem}`, hint: "give it an `id` of its own" });
    return undefined;
  }
  return { id, service, address, port, protocol, tags, meta, health, ...(weight !== undefined && { weight }) };
}

function readMap(
  value: unknown,
  path: Path,
  known: readonly string[],
  mistakes: Mistake[],
): Readonly<Record<string, unknown>> | undefined {
  if (!isRecord(value)) {
    mistakes.push({ path, message: "this is no map", hint: EXAMPLE });
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      const near = nearest(key, known);
      const hint = near === undefined ? `known are ${known.join(", ")}` : `did you mean "${near}"?`;
      mistakes.push({ path: [...path, key], atKey: true, message: `unknown key "${key}"`, hint });
    }
  }
  return value;
}
