import { type Pointer, readPointer } from "../../core/pointer.ts";
import { compareText, type Instance, sameInstance } from "../../model/instance.ts";
import { nameProblem } from "../names.ts";
import type { ItemMapper, Reason } from "./mapping.ts";

export interface SkippedItem extends Reason {
  /** JSON pointer into the document. */
  readonly place: string;
  readonly id?: string;
}

/** What a document says. */
export interface Listing {
  /** How many items the list holds. */
  readonly items: number;
  /** Sorted by service and id. */
  readonly instances: readonly Instance[];
  readonly skipped: readonly SkippedItem[];
}

export type Read = { readonly ok: true; readonly listing: Listing } | { readonly ok: false; readonly reason: string };

/** Takes a document for its list at `path`, or for nothing at all; what is wrong with single items hurts only them. */
export function readDocument(
  text: string,
  { path, pointer, mapItem }: { readonly path: string; readonly pointer: Pointer; readonly mapItem: ItemMapper },
): Read {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { ok: false, reason: "it is not JSON" };
  }
  const list = readPointer(document, pointer);
  if (list === undefined) {
    return { ok: false, reason: `there is nothing at path "${path}"` };
  }
  if (!Array.isArray(list)) {
    return { ok: false, reason: path === "" ? "it is no list" : `what stands at path "${path}" is no list` };
  }
  const instances: Instance[] = [];
  const skipped: SkippedItem[] = [];
  for (const [i, item] of list.entries()) {
    const mapped = mapItem(item);
    // An id that no registry takes is not shown either: it may hold anything.
    const isShown = mapped.id !== undefined && nameProblem(mapped.id) === undefined;
    const at = { place: `${path}/${i}`, ...(isShown && { id: mapped.id }) };
    instances.push(...mapped.instances);
    skipped.push(...mapped.skipped.map((reason) => ({ ...at, ...reason })));
  }
  const unique = withUniqueIds(instances);
  return { ok: true, listing: { items: list.length, instances: unique.kept, skipped: [...skipped, ...unique.doubles] } };
}

/**
 * Ids are unique within a service. Of several with one id the same one is kept whatever the order of the list: that with the least address
 * and port.
 */
function withUniqueIds(instances: readonly Instance[]): {
  readonly kept: readonly Instance[];
  readonly doubles: readonly SkippedItem[];
} {
  const sorted = [...instances].sort(
    (a, b) =>
      compareText(a.service, b.service) ||
      compareText(a.id, b.id) ||
      compareText(a.address, b.address) ||
      a.port - b.port ||
      compareText(JSON.stringify(a), JSON.stringify(b)),
  );
  const kept: Instance[] = [];
  const doubles: SkippedItem[] = [];
  for (const instance of sorted) {
    const last = kept.at(-1);
    if (last === undefined || last.service !== instance.service || last.id !== instance.id) {
      kept.push(instance);
    } else if (!sameInstance(last, instance)) {
      const reason = `the instance id ${JSON.stringify(instance.id)} is taken by another item of service ${JSON.stringify(instance.service)}`;
      doubles.push({ place: "", id: instance.id, kind: "problem", reason });
    }
  }
  return { kept, doubles };
}

export function sameListing(a: Listing, b: Listing): boolean {
  return (
    a.instances.length === b.instances.length &&
    a.instances.every((instance, i) => {
      const other = b.instances[i];
      return other !== undefined && sameInstance(instance, other);
    })
  );
}
