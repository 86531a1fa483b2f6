import { FairleadError } from "../model/errors.ts";
import { joinSelectors, NOTHING, type Selector } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { RenderedFile, Target } from "../ports.ts";
import type { Template } from "./engine.ts";
import type { Library, TemplateRef } from "./library.ts";
import type { Facts } from "./reads.ts";
import { createView, isStale, type Read } from "./view.ts";

/** A target, and how its files are made. */
export interface TargetPlan {
  readonly target: Target;
  readonly files: readonly FilePlan[];
}

export interface FilePlan extends Omit<RenderedFile, "text"> {
  readonly template: TemplateRef;
}

export type TargetRender =
  | { readonly kind: "ready"; readonly files: readonly RenderedFile[] }
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
    return failure === undefined ? { kind: "ready", files } : { kind: "failed", error: failure };
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
