/** Sets instances aside whose values cannot stand, so that they hold back nobody else. Pure. */
import type { Entry } from "../model/instance.ts";
import type { SetAside } from "../model/provenance.ts";
import { buildService, type Service, type Snapshot } from "../model/snapshot.ts";
import type { Blame } from "./template/insertions.ts";
import { holds } from "./template/trail.ts";
import { instanceView, type Read } from "./template/view.ts";

export interface Aside {
  readonly entries: ReadonlyMap<Entry, Blame>;
  /** Services whose very name cannot stand: they are gone as a whole. */
  readonly services: ReadonlySet<string>;
}

export const NOBODY: Aside = { entries: new Map(), services: new Set() };

/** With those who are to blame for these refusals too; undefined: nobody else is. */
export function blameInstances(
  aside: Aside,
  blames: readonly Blame[],
  found: { readonly snapshot: Snapshot; readonly reads: readonly Read[] },
): Aside | undefined {
  const entries = new Map(aside.entries);
  const services = new Set(aside.services);
  let isMore = false;

  function add(entry: Entry, blame: Blame): void {
    if (!entries.has(entry)) {
      entries.set(entry, blame);
      isMore = true;
    }
  }

  for (const blame of blames) {
    const { instance, isForeign, value } = blame;
    if (instance !== undefined) {
      const entry = found.snapshot.services.get(instance.service)?.instances.find(({ id }) => id === instance.id);
      if (entry !== undefined) {
        add(entry, blame);
      }
    } else if (!isForeign) {
      for (const service of readServices(found)) {
        if (service.name === value && !services.has(value)) {
          services.add(value);
          isMore = true;
        }
        service.instances.filter((entry) => holds(instanceView(entry), value)).forEach((entry) => add(entry, blame));
      }
    }
  }
  return isMore ? { entries, services } : undefined;
}

/** The snapshot as a template sees it without them. */
export function withoutAside(snapshot: Snapshot, aside: Aside): Snapshot {
  if (aside.entries.size === 0 && aside.services.size === 0) {
    return snapshot;
  }
  const services = new Map(snapshot.services);
  for (const name of new Set([...aside.entries.keys()].map((entry) => entry.service))) {
    const service = services.get(name);
    if (service !== undefined) {
      services.set(name, withoutEntries(service, aside.entries));
    }
  }
  for (const name of aside.services) {
    services.delete(name);
  }
  return { ...snapshot, services };
}

export function describeAside(aside: Aside, dest: string): readonly SetAside[] {
  return [...aside.entries]
    .map(([{ service, id }, { reason, location }]) => ({ service, id, dest, reason, location }))
    .sort((a, b) => (a.service === b.service ? (a.id < b.id ? -1 : 1) : a.service < b.service ? -1 : 1));
}

const rests = new WeakMap<Service, { readonly ids: string; readonly rest: Service }>();

/** The same object for as long as neither the service nor who is left out changes. */
export function withoutEntries(service: Service, left: { readonly has: (entry: Entry) => boolean }): Service {
  const instances = service.instances.filter((entry) => !left.has(entry));
  const ids = JSON.stringify(instances.map(({ id }) => id));
  const known = rests.get(service);
  if (known?.ids === ids) {
    return known.rest;
  }
  const rest = buildService(service.name, instances);
  rests.set(service, { ids, rest });
  return rest;
}

function* readServices({ snapshot, reads }: { readonly snapshot: Snapshot; readonly reads: readonly Read[] }): Iterable<Service> {
  if (reads.some(({ kind }) => kind === "services")) {
    yield* snapshot.services.values();
    return;
  }
  for (const { kind, name } of reads) {
    const service = kind === "service" ? snapshot.services.get(name) : undefined;
    if (service !== undefined) {
      yield service;
    }
  }
}
