import { readPointer } from "../../core/pointer.ts";
import type { Instance } from "../../model/instance.ts";
import { isAddress } from "../../registry/codec.ts";
import { nameProblem } from "../names.ts";
import { check, readName, readPorts, readProtocol, readTags, readWeight } from "./fields.ts";
import { createHealthReader, type HealthRule } from "./health.ts";
import { createMetaReader, type MetaRule } from "./meta.ts";
import { asText, createReader, pointerOf, type Rule, type Scalar } from "./rule.ts";

/** How an item of a list becomes an instance. */
export interface ItemMap {
  readonly service: Rule;
  readonly address: Rule;
  /** A list of ports makes an instance of each; their ids end in `:0`, `:1`, … */
  readonly port: Rule;
  /** Absent: made of node, service, address and port, as in a services file. */
  readonly id?: Rule | undefined;
  readonly protocol?: Rule | undefined;
  /** Each a list of texts, or a text with commas. */
  readonly tags?: Rule | readonly Rule[] | undefined;
  readonly meta?: MetaRule | undefined;
  readonly health?: Rule | HealthRule | undefined;
  readonly weight?: Rule | undefined;
  /** Only items with one of these values at each of these pointers are meant. */
  readonly where?: Readonly<Record<string, Scalar | readonly Scalar[]>> | undefined;
}

export interface Reason {
  readonly reason: string;
  /** `wish`: the configuration says so. `problem`: somebody will want to mend it. */
  readonly kind: "wish" | "problem";
}

export interface MappedItem {
  /** As far as it could be read: what messages call the item. */
  readonly id?: string;
  readonly instances: readonly Instance[];
  readonly skipped: readonly Reason[];
}

export type ItemMapper = (item: unknown) => MappedItem;

/**
 * Makes the function item → its instances, and what was left out with the reason. What an item must have and has not, or not of its kind,
 * leaves out that item; any other value that makes no sense is left out alone. Reasons name places, never the values.
 * @throws FairleadError `CONFIG_INVALID` for a pointer that is none
 */
export function createItemMapper(map: ItemMap, options: { readonly node: string }): ItemMapper {
  const service = createReader(map.service);
  const address = createReader(map.address);
  const port = createReader(map.port);
  const id = map.id === undefined ? undefined : createReader(map.id);
  const isMeant = createFilter(map.where ?? {});
  const describe = createDescriber(map);

  return (item) => {
    const named = asText(id?.read(item));
    const unwanted = isMeant(item);
    if (unwanted !== undefined) {
      return { ...(named !== undefined && { id: named }), instances: [], skipped: [{ kind: "wish", reason: unwanted }] };
    }
    const problems: string[] = [];
    const name = readName(service, "service", item, problems);
    const host = check(address, "address", item, { is: isAddress, what: "an IP address or host name" }, problems);
    const ports = readPorts(port, item, problems);
    const ownId = id === undefined ? undefined : readName(id, "id", item, problems);
    const rest = describe(item, problems);
    const instances: Instance[] = [];
    if (name !== undefined && host !== undefined && (id === undefined || ownId !== undefined)) {
      for (const { number, suffix } of ports) {
        const made = `${options.node}:${name}-${host}:${number}${rest.protocol === "udp" ? ":udp" : ""}`;
        const full = ownId === undefined ? made : `${ownId}${suffix}`;
        const problem = nameProblem(full);
        if (problem === undefined) {
          instances.push({ id: full, service: name, address: host, port: number, ...rest });
        } else {
          problems.push(`its instance id ${problem}`);
        }
      }
    }
    return {
      ...(named !== undefined && { id: named }),
      instances,
      skipped: problems.map((reason) => ({ kind: "problem", reason })),
    };
  };
}

/** Why an item is not meant. */
function createFilter(where: NonNullable<ItemMap["where"]>): (item: unknown) => string | undefined {
  const conditions = Object.entries(where).map(([text, wanted]) => ({
    text,
    pointer: pointerOf(text),
    values: new Set<unknown>(Array.isArray(wanted) ? wanted : [wanted]),
  }));
  return (item) => {
    const failed = conditions.find(({ pointer, values }) => !values.has(readPointer(item, pointer)));
    return failed === undefined ? undefined : `${failed.text} is not what \`where\` asks for`;
  };
}

type Described = Pick<Instance, "protocol" | "tags" | "meta" | "health" | "weight">;

/** What an instance may do without. */
function createDescriber(map: ItemMap): (item: unknown, problems: string[]) => Described {
  const protocol = createReader(map.protocol ?? "tcp");
  const tags = (isRules(map.tags) ? map.tags : [map.tags ?? ""]).map(createReader);
  const weight = map.weight === undefined ? undefined : createReader(map.weight);
  const readMeta = createMetaReader(map.meta ?? {});
  const readHealth = createHealthReader(map.health);

  return (item, problems) => {
    const { health, problem } = readHealth(item);
    if (problem !== undefined) {
      problems.push(`health: ${problem}; it is unknown`);
    }
    const share = weight === undefined ? undefined : readWeight(weight, item, problems);
    return {
      protocol: readProtocol(protocol, item, problems),
      tags: tags.flatMap((reader) => readTags(reader, item, problems)),
      meta: readMeta(item, problems),
      health,
      ...(share !== undefined && { weight: share }),
    };
  };
}

function isRules(tags: ItemMap["tags"]): tags is readonly Rule[] {
  return Array.isArray(tags);
}
