import { FairleadError } from "../../model/errors.ts";
import { compareText, type Entry, isUsable } from "../../model/instance.ts";
import { joinSelectors, NOTHING, type Selector, selectsKeys, selectsService } from "../../model/selector.ts";
import type { Service, Snapshot } from "../../model/snapshot.ts";
import { SortedMap } from "../../model/sorted-map.ts";
import { InstanceView, withKnownFields } from "./fields.ts";

export interface ServiceView {
  readonly name: string;
  readonly tags: readonly string[];
  readonly instances: readonly InstanceView[];
}

export interface KeyView {
  readonly key: string;
  /** The path below the prefix that was asked for. */
  readonly name: string;
  readonly value: string;
}

export interface Filter {
  readonly tag?: string | undefined;
  /** `passing`, `critical`, `any`; else the usable ones. */
  readonly health?: string | undefined;
}

/** A read that a render made: two renders with equal reads have equal text. */
export interface Read {
  readonly kind: "service" | "services" | "key" | "keys";
  /** The service's name, the key or the prefix; empty for `services`. */
  readonly name: string;
  /** What was found; unchanged data is the same object or an equal text. */
  readonly found: unknown;
}

export interface View {
  services(filter: Filter): readonly ServiceView[];
  service(name: string, filter: Filter): readonly InstanceView[];
  /** One service by its name, as `services` gives it. */
  oneService(name: string): ServiceView | undefined;
  /** Undefined: the registry has no such key. */
  key(path: string): string | undefined;
  keys(prefix: string): readonly KeyView[];
  readonly reads: readonly Read[];
  /** What was read although the snapshot does not hold it; not `NOTHING`: the render is void. */
  readonly outside: Selector;
}

/**
 * A template's window on a snapshot: it records what is read, and what is read outside of what the snapshot holds. Reads
 * outside give empty answers, so that one try finds all of them. `seen` is what it shows instead, made from the snapshot (without some
 * instances, or with masked values): what is recorded is always the snapshot's, so that the next one can be compared with it.
 */
export function createView(snapshot: Snapshot, selector: Selector, seen: Snapshot = snapshot): View {
  const reads = new Map<string, Read>();
  let outside: Selector = NOTHING;

  function record(kind: Read["kind"], name: string): void {
    const id = `${kind} ${name}`;
    if (!reads.has(id)) {
      reads.set(id, { kind, name, found: lookUp(snapshot, kind, name) });
    }
  }

  return {
    get reads() {
      return [...reads.values()];
    },
    get outside() {
      return outside;
    },
    services(filter) {
      if (selector.services !== "all") {
        outside = joinSelectors(outside, { services: "all", keys: [] });
        return [];
      }
      record("services", "");
      const viewOf = serviceViews(filter);
      const all = Array.from(seen.services.values(), viewOf);
      return filter.tag === undefined ? all : all.filter((service) => service.instances.length > 0);
    },
    service(name, filter) {
      if (!selectsService(selector, name)) {
        outside = joinSelectors(outside, { services: [name], keys: [] });
        return [];
      }
      record("service", name);
      const service = seen.services.get(name);
      return service === undefined ? [] : serviceViews(filter)(service).instances;
    },
    oneService(name) {
      record("service", name);
      const service = seen.services.get(name);
      return service === undefined ? undefined : serviceViews({})(service);
    },
    key(path) {
      const key = canonicalKey(path);
      if (!selectsKeys(selector, key)) {
        outside = joinSelectors(outside, { services: [], keys: [key] });
        return "";
      }
      record("key", key);
      return seen.keys.get(key);
    },
    keys(prefix) {
      const start = canonicalKey(prefix);
      if (!selectsKeys(selector, start)) {
        outside = joinSelectors(outside, { services: [], keys: [start] });
        return [];
      }
      record("keys", start);
      return keysBelow(seen.keys, start);
    },
  };
}

/** Whether one of the reads would find something else in this snapshot. */
export function isStale(reads: readonly Read[], snapshot: Snapshot): boolean {
  return reads.some((read) =>
    read.kind === "keys" && snapshot.keys instanceof SortedMap
      ? !snapshot.keys.hasBelow(read.name, read.found as readonly KeyView[])
      : !sameFound(read.found, lookUp(snapshot, read.kind, read.name)),
  );
}

/** Without the leading slash that etcd users write. */
export function canonicalKey(path: string): string {
  return path.replace(/^\/+/, "");
}

function lookUp(snapshot: Snapshot, kind: Read["kind"], name: string): unknown {
  switch (kind) {
    case "services":
      return snapshot.services;
    case "service":
      return snapshot.services.get(name);
    case "key":
      return snapshot.keys.get(name);
    case "keys":
      return keysBelow(snapshot.keys, name);
  }
}

function sameFound(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) {
    return a === b;
  }
  return a === b || (a.length === b.length && a.every((item: KeyView, i) => item.key === b[i].key && item.value === b[i].value));
}

/** Answers for one `keys` map are kept: a map that did not change gives the same list, which is then known to be equal by `===`. */
const keyLists = new WeakMap<ReadonlyMap<string, string>, Map<string, readonly KeyView[]>>();

function keysBelow(keys: ReadonlyMap<string, string>, prefix: string): readonly KeyView[] {
  const lists = keyLists.get(keys) ?? new Map<string, readonly KeyView[]>();
  keyLists.set(keys, lists);
  const known = lists.get(prefix);
  if (known !== undefined) {
    return known;
  }
  const list: KeyView[] = [];
  for (const [key, value] of keys instanceof SortedMap ? keys.below(prefix) : keys) {
    if (key.startsWith(prefix)) {
      list.push(withKnownFields({ key, name: canonicalKey(key.slice(prefix.length)), value }));
    }
  }
  lists.set(prefix, Object.freeze(list));
  return list;
}

const instanceViews = new WeakMap<Entry, InstanceView>();

export function instanceView(entry: Entry): InstanceView {
  const known = instanceViews.get(entry);
  if (known !== undefined) {
    return known;
  }
  const view: InstanceView = Object.freeze(new InstanceView(entry));
  instanceViews.set(entry, view);
  return view;
}

/** By filter, so that a service has one view for each. */
const viewsByFilter = new Map<string, WeakMap<Service, ServiceView>>();

function serviceViews(filter: Filter): (service: Service) => ServiceView {
  const id = JSON.stringify([filter.tag, filter.health]);
  const views = viewsByFilter.get(id) ?? new WeakMap<Service, ServiceView>();
  viewsByFilter.set(id, views);
  return (service) => {
    const known = views.get(service);
    if (known !== undefined) {
      return known;
    }
    const view = serviceView(service, filter);
    views.set(service, view);
    return view;
  };
}

function serviceView({ name, tags, instances }: Service, { tag, health }: Filter): ServiceView {
  const wanted = tag === undefined ? [] : tag.split(",").map((text) => text.trim());
  const chosen = instances.filter((entry) => hasHealth(entry, health) && wanted.every((text) => entry.tags.includes(text)));
  return withKnownFields({ name, tags, instances: Object.freeze(chosen.map(instanceView)) });
}

function hasHealth(entry: Entry, health: string | undefined): boolean {
  switch (health) {
    case undefined:
      return isUsable(entry);
    case "any":
      return true;
    case "passing":
    case "critical":
      return entry.health === health;
    default:
      throw new FairleadError("TEMPLATE_FAILED", `health is "passing", "critical" or "any", not ${JSON.stringify(health)}`);
  }
}

/** Child names directly below a prefix, sorted; folders end in `/`. */
export function childNames(keys: readonly KeyView[]): readonly string[] {
  const names = keys.map(({ name }) => (name.includes("/") ? name.slice(0, name.indexOf("/") + 1) : name));
  return [...new Set(names)].filter((name) => name !== "").sort(compareText);
}

export type Tree = { [name: string]: string | Tree };

/** Keys as nested objects without prototype. A key that is also a folder stands as `""` inside the folder. */
export function keyTree(keys: readonly KeyView[]): Tree {
  const root: Tree = Object.create(null);
  for (const { name, value } of keys) {
    const parts = name.split("/");
    const last = parts.pop() ?? "";
    let folder = root;
    for (const part of parts) {
      const child = folder[part];
      if (typeof child === "object") {
        folder = child;
      } else {
        const made: Tree = Object.create(null);
        if (child !== undefined) {
          made[""] = child;
        }
        folder[part] = made;
        folder = made;
      }
    }
    const there = folder[last];
    if (typeof there === "object") {
      there[""] = value;
    } else {
      folder[last] = value;
    }
  }
  return root;
}
