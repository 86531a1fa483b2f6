import { FairleadError } from "../model/errors.ts";
import type { FileProvenance, Provenance } from "../model/provenance.ts";
import { joinSelectors, NOTHING, type Selector } from "../model/selector.ts";
import type { Service, Snapshot } from "../model/snapshot.ts";
import type { RenderedFile, Target } from "../ports.ts";
import type { Template } from "./engine.ts";
import type { GuardRules } from "./guard.ts";
import type { Library, TemplateRef } from "./library.ts";
import type { Facts } from "./reads.ts";
import { createView, isStale, type KeyView, type Read } from "./view.ts";

/** A target, and how its files are made. */
export interface TargetPlan {
  readonly target: Target;
  readonly files: readonly FilePlan[];
  /** Absent: what vanishes is gone. */
  readonly guard?: GuardRules;
  /** The least time between two reloads. */
  readonly minReloadIntervalMs?: number;
}

export interface FilePlan extends Omit<RenderedFile, "text"> {
  readonly template: TemplateRef;
}

export type TargetRender =
  | { readonly kind: "ready"; readonly files: readonly RenderedFile[]; readonly provenance: () => Provenance }
  /** Something was read that the snapshot does not hold; nothing is rendered from a part of the data. */
  | { readonly kind: "needs"; readonly selector: Selector }
  | { readonly kind: "failed"; readonly error: FairleadError };

export interface TargetRenderer {
  /** What is known to be read before anything is rendered. A template that cannot be loaded reads nothing. */
  literalReads(): Promise<Selector>;
  /** Renders what is stale, and takes the rest from the last time. */
  render(snapshot: Snapshot, selector: Selector): Promise<TargetRender>;
  /** Whether this snapshot could change a file: always, until all of them were rendered. */
  isStale(snapshot: Snapshot): boolean;
}

interface Rendered {
  readonly template: Template;
  readonly reads: readonly Read[];
  readonly text: string;
}

export function createTargetRenderer(plan: TargetPlan, library: Library, facts: Facts): TargetRenderer {
  const last = new Map<FilePlan, Rendered>();

  async function literalReads(): Promise<Selector> {
    let selector: Selector = NOTHING;
    for (const file of plan.files) {
      const template = await library.load(file.template).catch(() => undefined); // told when it is rendered
      selector = template === undefined ? selector : joinSelectors(selector, template.literalReads);
    }
    return selector;
  }

  async function render(snapshot: Snapshot, selector: Selector): Promise<TargetRender> {
    const files: RenderedFile[] = [];
    let outside: Selector = NOTHING;
    let failure: FairleadError | undefined;
    for (const file of plan.files) {
      const result = await renderFile(file, snapshot, selector);
      if (result instanceof FairleadError) {
        failure ??= result;
      } else if ("outside" in result) {
        outside = joinSelectors(outside, result.outside);
      } else {
        const { template: _, ...place } = file;
        files.push({ ...place, text: result.text });
      }
    }
    if (outside !== NOTHING) {
      return { kind: "needs", selector: outside };
    }
    return failure === undefined
      ? { kind: "ready", files, provenance: () => provenanceOf(plan.files, last, snapshot) }
      : { kind: "failed", error: failure };
  }

  async function renderFile(
    file: FilePlan,
    snapshot: Snapshot,
    selector: Selector,
  ): Promise<Rendered | { readonly outside: Selector } | FairleadError> {
    try {
      const template = await library.load(file.template);
      const known = last.get(file);
      if (known?.template === template && !isStale(known.reads, snapshot)) {
        return known;
      }
      last.delete(file);
      const view = createView(snapshot, selector);
      const text = renderOrOutside(template, view, facts);
      if (text === undefined) {
        return { outside: view.outside };
      }
      const rendered = { template, reads: view.reads, text };
      last.set(file, rendered);
      return rendered;
    } catch (error) {
      if (error instanceof FairleadError) {
        return error;
      }
      throw error;
    }
  }

  return {
    literalReads,
    render,
    isStale: (snapshot) => plan.files.some((file) => isStale(last.get(file)?.reads ?? [], snapshot) || !last.has(file)),
  };
}

/** Undefined: it read outside of the snapshot. What it then made of empty answers, an error included, means nothing. */
function renderOrOutside(template: Template, view: ReturnType<typeof createView>, facts: Facts): string | undefined {
  try {
    const text = template.render(view, facts);
    return view.outside === NOTHING ? text : undefined;
  } catch (error) {
    if (view.outside !== NOTHING) {
      return undefined;
    }
    throw error;
  }
}

function provenanceOf(plans: readonly FilePlan[], rendered: ReadonlyMap<FilePlan, Rendered>, snapshot: Snapshot): Provenance {
  const services = new Map<string, Service>();
  const keys = new Map<string, string>();
  const files = plans.map((plan): FileProvenance => {
    const names = { services: new Set<string>(), keys: new Set<string>() };
    for (const read of rendered.get(plan)?.reads ?? []) {
      for (const name of servicesOf(read, snapshot)) {
        names.services.add(name);
      }
      for (const key of keysOf(read)) {
        names.keys.add(key);
      }
    }
    for (const name of names.services) {
      const service = snapshot.services.get(name);
      if (service !== undefined) {
        services.set(name, service);
      }
    }
    for (const key of names.keys) {
      const value = snapshot.keys.get(key);
      if (value !== undefined) {
        keys.set(key, value);
      }
    }
    return { dest: plan.dest, template: plan.template.path, services: [...names.services].sort(), keys: [...names.keys].sort() };
  });
  return { files, services, keys, holds: [], setAside: [] };
}

function servicesOf(read: Read, snapshot: Snapshot): Iterable<string> {
  return read.kind === "services" ? snapshot.services.keys() : read.kind === "service" ? [read.name] : [];
}

function keysOf(read: Read): readonly string[] {
  return read.kind === "key" ? [read.name] : read.kind === "keys" ? (read.found as readonly KeyView[]).map(({ key }) => key) : [];
}
