/** Services and keys as a person writes them, made into a snapshot as a registry would give it. */
import { isRecord } from "../core/json.ts";
import type { Health, Protocol } from "../model/instance.ts";
import { type Snapshot, SnapshotBuilder } from "../model/snapshot.ts";
import { canonicalKey } from "../render/template/view.ts";
import { type Mistake, readServices } from "../sources/static-values.ts";

/** An instance of a service. What is left out has the value that a healthy instance has. */
export interface PlainInstance {
  /** An IP address or host name; IPv6 without brackets. */
  readonly address: string;
  /** 1–65535. */
  readonly port: number;
  /** Default: made of node, service, address and port. */
  readonly id?: string;
  /** Default: `tcp`. */
  readonly protocol?: Protocol;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  /** Default: `passing`. */
  readonly health?: Health;
  /** Default: 1. */
  readonly weight?: number;
  /** The node that registered it; default: the node that renders. */
  readonly node?: string;
}

/** What the registry holds. */
export interface PlainData {
  /** By name. */
  readonly services?: Readonly<Record<string, readonly PlainInstance[]>>;
  /** By path, without leading slash. */
  readonly keys?: Readonly<Record<string, string>>;
}

export interface PlainRead {
  readonly snapshot: Snapshot;
  /** All of them at once; with one, the snapshot means nothing. Paths begin with `services` or `keys`. */
  readonly mistakes: readonly Mistake[];
}

/** Nothing is believed about the data: it may come from a file, or from JavaScript. */
export function readPlainData(data: { readonly services?: unknown; readonly keys?: unknown }, node: string): PlainRead {
  const { services = {}, keys = {} } = data;
  const builder = new SnapshotBuilder();
  const mistakes: Mistake[] = [];
  if (isRecord(services)) {
    for (const [service, list] of Object.entries(services)) {
      addService(builder, { service, list, node }, mistakes);
    }
  } else {
    mistakes.push({ path: ["services"], message: "`services` is no map of names", hint: SERVICES_EXAMPLE });
  }
  if (isRecord(keys)) {
    addKeys(builder, keys, mistakes);
  } else {
    mistakes.push({ path: ["keys"], message: "`keys` is no map of texts", hint: KEYS_EXAMPLE });
  }
  return { snapshot: builder.snapshot("plain"), mistakes };
}

const SERVICES_EXAMPLE = "services: { web: [ { address: 10.0.0.5, port: 8080 } ] }";
const KEYS_EXAMPLE = 'keys: { app/db/host: db1, app/db/port: "5432" }';

function addService(
  builder: SnapshotBuilder,
  { service, list, node }: { readonly service: string; readonly list: unknown; readonly node: string },
  mistakes: Mistake[],
): void {
  const nodes: unknown[] = [];
  const withoutNodes = Array.isArray(list)
    ? list.map((item: unknown) => {
        if (!isRecord(item) || !Object.hasOwn(item, "node")) {
          nodes.push(node);
          return item;
        }
        const { node: own, ...rest } = item;
        nodes.push(own);
        return rest;
      })
    : list;
  // Each service by itself: ids are unique within a service, and two may share one.
  const read = readServices({ services: { [service]: withoutNodes } }, node);
  mistakes.push(...read.mistakes);
  for (const [i, own] of nodes.entries()) {
    if (typeof own !== "string") {
      mistakes.push({ path: ["services", service, i, "node"], message: "`node` is not a text" });
    }
  }
  if (mistakes.length > 0) {
    return; // the instances are fewer than the nodes then
  }
  for (const [i, instance] of read.instances.entries()) {
    // Frozen by the builder: what the caller holds stays as it is.
    const { tags, meta } = instance;
    builder.setEntry(JSON.stringify([service, instance.id]), {
      ...instance,
      tags: [...tags],
      meta: { ...meta },
      owner: String(nodes[i]),
    });
  }
}

function addKeys(builder: SnapshotBuilder, keys: Readonly<Record<string, unknown>>, mistakes: Mistake[]): void {
  const seen = new Set<string>();
  for (const [path, value] of Object.entries(keys)) {
    const key = canonicalKey(path);
    if (key === "" || seen.has(key)) {
      const message = key === "" ? "a key has no name" : `the key "${key}" is there twice`;
      mistakes.push({ path: ["keys", path], atKey: true, message });
    } else if (typeof value !== "string") {
      mistakes.push({
        path: ["keys", path],
        message: `the value of "${path}" is no text`,
        hint: "registries hold texts: write numbers and booleans in quotes, and a path for each key",
      });
    } else {
      builder.setKey(key, value);
    }
    seen.add(key);
  }
}
