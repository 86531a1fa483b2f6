import { withLanes } from "../core/lanes.ts";
import { childAbort } from "../core/time.ts";
import { FairleadError, hasCode } from "../model/errors.ts";
import type { Hold, SetAside } from "../model/provenance.ts";
import { joinAll, joinSelectors, type Selector } from "../model/selector.ts";
import type { ApplyOptions, ApplyReport, RegistryReader } from "../ports.ts";
import { follow, type Stale } from "../registry/follow.ts";
import { endOf } from "./guard/guard.ts";
import { createTargetGuard, type Seen, type TargetGuard } from "./guard/target-guard.ts";
import { createTargetRenderer, type TargetPlan, type TargetRender, type TargetRenderer } from "./target-render.ts";
import type { Library } from "./template/library.ts";
import type { Facts } from "./template/reads.ts";

export interface OnceOptions {
  /** Absent: nothing may be read. */
  readonly reader: RegistryReader;
  readonly targets: readonly TargetPlan[];
  readonly library: Library;
  readonly facts: Facts;
  /** How long to wait for the registry, for missing keys, and for a target that another process holds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly apply: Pick<ApplyOptions, "dryRun" | "noReload">;
  /** A person says so: what vanished is gone, whatever the guards hold. */
  readonly acceptShrink: boolean;
  readonly onStale: (stale: Stale | undefined) => void;
}

/** So many targets that run nothing are applied together: their time goes to waiting for the disk. */
const AT_ONCE = 16;

export interface TargetReport extends ApplyReport {
  readonly name: string;
  /** Instances that were left out of a file. */
  readonly setAside: readonly SetAside[];
}

export interface OnceReport {
  /** Of the newest snapshot; empty when there was none. */
  readonly revision: string;
  readonly targets: readonly TargetReport[];
}

interface Open {
  readonly plan: TargetPlan;
  readonly renderer: TargetRenderer;
  readonly guard: TargetGuard;
  /** Something vanished, and a second full read is asked before it counts as held. */
  isDoubted?: boolean;
  /** Why it is not done yet: a key that may still come. */
  pending?: FairleadError;
}

/**
 * Renders and applies every target once: waits for a complete snapshot, and for keys that are missing, until the time is over. A target
 * that waits delays no other.
 */
export async function renderOnce(options: OnceOptions): Promise<OnceReport> {
  const reports = new Map<string, TargetReport>();
  const open = new Set<Open>();
  const selectors: Selector[] = [];
  for (const plan of options.targets) {
    const renderer = createTargetRenderer(plan, options.library, options.facts);
    selectors.push(await renderer.literalReads());
    open.add({ plan, renderer, guard: createTargetGuard(plan.target, options.acceptShrink ? undefined : plan.guard) });
  }
  let selector = joinAll(selectors);
  const waiting = childAbort(options.signal);
  const timer = setTimeout(() => waiting.abort(), options.timeoutMs);
  let revision = "";
  let lastStale: FairleadError | undefined;

  /** Whether another full read is wanted at once. */
  async function tryAll(seen: Seen, covered: Selector): Promise<boolean> {
    let isReadWanted = false;
    await withLanes(AT_ONCE, async (lane) => {
      for (const item of open) {
        const { snapshot, holds } = await item.guard.look(seen);
        if (holds.length > 0 && item.isDoubted !== true) {
          item.isDoubted = true;
          isReadWanted = true;
          continue;
        }
        const result = await item.renderer.render(snapshot, covered);
        if (result.kind === "needs") {
          selector = joinSelectors(selector, result.selector);
          isReadWanted = true;
        } else if (result.kind === "failed" && hasCode(result.error, "KEY_MISSING")) {
          item.pending = result.error;
        } else {
          open.delete(item);
          await lane(item.plan.target.runsNothing, async () => {
            const report = result.kind === "failed" ? failure(result.error) : await applyHeld(item.plan, result, holds);
            const setAside = result.kind === "failed" ? [] : result.setAside;
            reports.set(item.plan.target.name, { name: item.plan.target.name, ...report, setAside });
          });
        }
      }
    });
    return isReadWanted;
  }

  /** What is held delays nothing else, but it is not live: the outcome says so. */
  async function applyHeld(
    { target }: TargetPlan,
    { files, provenance }: Extract<TargetRender, { kind: "ready" }>,
    holds: readonly Hold[],
  ): Promise<ApplyReport> {
    const report = await target.apply(files, {
      ...options.apply,
      signal: options.signal,
      lockTimeoutMs: options.timeoutMs,
      provenance: () => ({ ...provenance(), holds }),
    });
    const [first] = holds;
    return first === undefined || "error" in report.outcome
      ? report
      : { ...report, outcome: { kind: "rejected", error: heldError(first, holds.length - 1) } };
  }

  try {
    while (open.size > 0 && !waiting.signal.aborted) {
      const covered = selector;
      const freshAtMs = Date.now();
      const snapshots = follow(options.reader, covered, {
        signal: waiting.signal,
        backoff: { minMs: 100, maxMs: 2000 },
        minIntervalMs: 0,
        resyncMs: Number.POSITIVE_INFINITY,
        onStale: (stale) => {
          lastStale = stale?.error;
          options.onStale(stale);
        },
      });
      for await (const snapshot of snapshots) {
        revision = snapshot.revision;
        if ((await tryAll({ snapshot, freshAtMs }, covered)) || open.size === 0) {
          break;
        }
      }
    }
  } finally {
    clearTimeout(timer);
    waiting.dispose();
  }
  options.signal.throwIfAborted();
  for (const { plan, pending } of open) {
    const report = failure(overdue(options.timeoutMs, pending, lastStale));
    reports.set(plan.target.name, { name: plan.target.name, ...report, setAside: [] });
  }
  return { revision, targets: options.targets.flatMap(({ target }) => reports.get(target.name) ?? []) };
}

function failure(error: FairleadError): ApplyReport {
  return { outcome: { kind: "failed", error }, generation: "", files: [] };
}

function heldError(hold: Hold, others: number): FairleadError {
  const { service, instances, reason } = hold;
  const what = instances.length === 1 ? "1 instance" : `${instances.length} instances`;
  const more = others === 0 ? "" : ` (and ${others} more service${others === 1 ? "" : "s"})`;
  return new FairleadError(
    "GUARD_HELD",
    `${what} of service "${service}" vanished, kept in force ${endOf(hold)}: ${reason}${more}`,
    {
      hint: "if that is true: `fairlead render --accept-shrink`",
      retryable: true,
    },
  );
}

/** A key that is not in a registry that answers is missing; otherwise the registry is to blame. */
function overdue(timeoutMs: number, pending: FairleadError | undefined, stale: FairleadError | undefined): FairleadError {
  if (stale !== undefined) {
    return stale;
  }
  return (
    pending ??
    new FairleadError("REGISTRY_UNAVAILABLE", `the registry gave no answer within ${timeoutMs} ms`, { retryable: true })
  );
}
