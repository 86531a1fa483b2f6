import { destFor } from "../model/dest-pattern.ts";
import { FairleadError } from "../model/errors.ts";
import type { Provenance, SetAside } from "../model/provenance.ts";
import { joinAll, joinSelectors, NOTHING, type Selector } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { RenderedFile, Target } from "../ports.ts";
import { maskedText, type Order, type Rendered, renderFile, type Sight } from "./file-render.ts";
import type { GuardRules } from "./guard/guard.ts";
import { provenanceOf } from "./provenance-of.ts";
import type { Library, TemplateRef } from "./template/library.ts";
import type { Facts } from "./template/reads.ts";
import { isStale } from "./template/view.ts";

/** A target, and how its files are made. */
export interface TargetPlan {
  readonly target: Target;
  readonly files: readonly FilePlan[];
  /** Absent: what vanishes is gone. */
  readonly guard?: GuardRules;
  /** The least time between two reloads. */
  readonly minReloadIntervalMs?: number;
  /** Prefixes of keys whose values no person is shown. */
  readonly secrets?: readonly string[];
}

export interface FilePlan extends Pick<RenderedFile, "dest" | "mode" | "uid" | "gid"> {
  readonly template: TemplateRef;
  /** What happens when a value cannot stand where the template puts it; absent: `fail`. */
  readonly onUnsafe?: "fail" | "skip-instance";
  /** One file for each service, which the template begins in; `dest` holds `{{name}}`. */
  readonly forEach?: "services";
}

export type TargetRender =
  | {
      readonly kind: "ready";
      readonly files: readonly RenderedFile[];
      readonly provenance: () => Provenance;
      /** Instances that were left out of a file. */
      readonly setAside: readonly SetAside[];
    }
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

/** One file of a plan; with `forEach`, one of many. */
interface Output {
  readonly plan: FilePlan;
  readonly dest: string;
  readonly service?: string;
}

const ALL_SERVICES: Selector = { services: "all", keys: [] };

export function createTargetRenderer(plan: TargetPlan, library: Library, facts: Facts): TargetRenderer {
  const { secrets = [] } = plan;
  /** By destination. */
  const last = new Map<string, Rendered>();
  /** The services of the last time that everything could be rendered. */
  let complete: Snapshot["services"] | undefined;

  async function literalReads(): Promise<Selector> {
    const selectors: Selector[] = [];
    for (const file of plan.files) {
      const template = await library.load(file.template).catch(() => undefined); // told when it is rendered
      selectors.push(template?.literalReads ?? NOTHING, file.forEach === undefined ? NOTHING : ALL_SERVICES);
    }
    return joinAll(selectors);
  }

  async function render(snapshot: Snapshot, selector: Selector): Promise<TargetRender> {
    complete = undefined;
    const sight = { snapshot, selector };
    const files: RenderedFile[] = [];
    const rendered: Rendered[] = [];
    const listed = listOutputs(plan.files, sight);
    let { outside } = listed;
    let failure = listed.problem;
    for (const output of listed.outputs) {
      const result = await renderOutput(output, sight);
      if (result instanceof FairleadError) {
        failure ??= result;
      } else if ("outside" in result) {
        outside = joinSelectors(outside, result.outside);
      } else {
        rendered.push(result.rendered);
        files.push(...fileOf(output, result, sight));
      }
    }
    forgetOthers(listed.outputs);
    if (outside !== NOTHING) {
      return { kind: "needs", selector: outside };
    }
    if (failure !== undefined) {
      return { kind: "failed", error: failure };
    }
    complete = snapshot.services;
    return {
      kind: "ready",
      files,
      provenance: () => provenanceOf(rendered, snapshot),
      setAside: rendered.flatMap(({ setAside }) => setAside),
    };
  }

  async function renderOutput(
    output: Output,
    sight: Sight,
  ): Promise<{ readonly order: Order; readonly rendered: Rendered } | { readonly outside: Selector } | FairleadError> {
    try {
      const order = await orderOf(output);
      const known = last.get(output.dest);
      if (known?.template === order.template && !isStale(known.reads, sight.snapshot)) {
        return { order, rendered: known };
      }
      last.delete(output.dest);
      const rendered = renderFile(order, sight);
      if ("outside" in rendered) {
        return rendered;
      }
      last.set(output.dest, rendered);
      return { order, rendered };
    } catch (error) {
      if (error instanceof FairleadError) {
        return error;
      }
      throw error;
    }
  }

  async function orderOf({ plan: file, dest, service }: Output): Promise<Order> {
    const template = await library.load(file.template);
    return { dest, template, facts, onUnsafe: file.onUnsafe ?? "fail", ...(service !== undefined && { service }) };
  }

  function fileOf(
    { plan: file, dest, service }: Output,
    { order, rendered }: { readonly order: Order; readonly rendered: Rendered },
    sight: Sight,
  ): readonly RenderedFile[] {
    const { template: _, onUnsafe: _1, forEach: _2, ...place } = file;
    const { text } = rendered;
    const masked = maskedText(order, rendered, sight, secrets);
    const more = { ...(masked !== undefined && { masked }), ...(service !== undefined && { isFanOut: true }) };
    return text === undefined ? [] : [{ ...place, dest, text, ...more }];
  }

  function forgetOthers(outputs: readonly Output[]): void {
    const wanted = new Set(outputs.map(({ dest }) => dest));
    for (const dest of last.keys()) {
      if (!wanted.has(dest)) {
        last.delete(dest);
      }
    }
  }

  function isTargetStale(snapshot: Snapshot): boolean {
    if (complete === undefined || [...last.values()].some(({ reads }) => isStale(reads, snapshot))) {
      return true;
    }
    const isFanOut = plan.files.some(({ forEach }) => forEach !== undefined);
    return isFanOut && complete !== snapshot.services && !sameNames(complete, snapshot.services);
  }

  return { literalReads, render, isStale: isTargetStale };
}

/** What a plan makes of a snapshot: with `forEach`, one output for each service. */
function listOutputs(
  files: readonly FilePlan[],
  { snapshot, selector }: Sight,
): { readonly outputs: readonly Output[]; readonly outside: Selector; readonly problem: FairleadError | undefined } {
  const outputs = new Map<string, Output>();
  let outside: Selector = NOTHING;
  let problem: FairleadError | undefined;

  function add(output: Output): void {
    const other = outputs.get(output.dest);
    if (other !== undefined) {
      const names = [other, output].map(({ plan, service }) =>
        service === undefined ? plan.dest : `${plan.dest} for ${service}`,
      );
      problem ??= new FairleadError("TEMPLATE_FAILED", `two files would be "${output.dest}": ${names.join(" and ")}`, {
        hint: "give them different names or folders",
      });
    }
    outputs.set(output.dest, output);
  }

  for (const plan of files) {
    if (plan.forEach === undefined) {
      add({ plan, dest: plan.dest });
    } else if (selector.services !== "all") {
      outside = joinSelectors(outside, ALL_SERVICES);
    } else {
      for (const service of snapshot.services.keys()) {
        try {
          add({ plan, dest: destFor(plan.dest, service), service });
        } catch (error) {
          problem ??= asProblem(error);
        }
      }
    }
  }
  return { outputs: [...outputs.values()], outside, problem };
}

function asProblem(error: unknown): FairleadError {
  if (error instanceof FairleadError) {
    return error;
  }
  throw error;
}

function sameNames(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((name) => b.has(name));
}
