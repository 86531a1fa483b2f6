import { childAbort } from "../core/time.ts";
import { FairleadError, hasCode } from "../model/errors.ts";
import { joinSelectors, NOTHING, type Selector } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { ApplyOptions, ApplyReport, RegistryReader } from "../ports.ts";
import { follow, type Stale } from "../registry/follow.ts";
import type { Library } from "./library.ts";
import type { Facts } from "./reads.ts";
import { createTargetRenderer, type TargetPlan, type TargetRenderer } from "./target-render.ts";

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
  readonly onStale: (stale: Stale | undefined) => void;
}

export interface TargetReport extends ApplyReport {
  readonly name: string;
}

export interface OnceReport {
  /** Of the newest snapshot; empty when there was none. */
  readonly revision: string;
  readonly targets: readonly TargetReport[];
}

interface Open {
  readonly plan: TargetPlan;
  readonly renderer: TargetRenderer;
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
  let selector: Selector = NOTHING;
  for (const plan of options.targets) {
    const renderer = createTargetRenderer(plan, options.library, options.facts);
    selector = joinSelectors(selector, await renderer.literalReads());
    open.add({ plan, renderer });
  }
  const waiting = childAbort(options.signal);
  const timer = setTimeout(() => waiting.abort(), options.timeoutMs);
  let revision = "";
  let lastStale: FairleadError | undefined;

  async function tryAll(snapshot: Snapshot, covered: Selector): Promise<Selector> {
    let wider = covered;
    for (const item of open) {
      const { target } = item.plan;
      const result = await item.renderer.render(snapshot, covered);
      if (result.kind === "needs") {
        wider = joinSelectors(wider, result.selector);
      } else if (result.kind === "failed" && hasCode(result.error, "KEY_MISSING")) {
        item.pending = result.error;
      } else {
        const report =
          result.kind === "failed"
            ? failure(result.error)
            : await target.apply(result.files, {
                ...options.apply,
                signal: options.signal,
                lockTimeoutMs: options.timeoutMs,
                provenance: result.provenance,
              });
        reports.set(target.name, { name: target.name, ...report });
        open.delete(item);
      }
    }
    return wider;
  }

  try {
    while (open.size > 0 && !waiting.signal.aborted) {
      const covered = selector;
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
        selector = await tryAll(snapshot, covered);
        if (open.size === 0 || selector !== covered) {
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
    reports.set(plan.target.name, { name: plan.target.name, ...failure(overdue(options.timeoutMs, pending, lastStale)) });
  }
  return { revision, targets: options.targets.flatMap(({ target }) => reports.get(target.name) ?? []) };
}

function failure(error: FairleadError): ApplyReport {
  return { outcome: { kind: "failed", error }, generation: "", files: [] };
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
