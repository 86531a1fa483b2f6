/** The loop of one target: look, render, apply; and what the log is told about it. */
import { createLoop, type Loop, type Settle } from "../core/loop.ts";
import { graceAfter, monotonicMs, sleep } from "../core/time.ts";
import { FairleadError } from "../model/errors.ts";
import type { Hold } from "../model/provenance.ts";
import type { Selector } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { ApplyReport, Log, Outcome } from "../ports.ts";
import { endOf } from "./guard/guard.ts";
import { createTargetGuard, type Seen } from "./guard/target-guard.ts";
import { createSetAsideReport } from "./set-aside-report.ts";
import { createTargetRenderer, type TargetPlan, type TargetRenderer } from "./target-render.ts";
import type { Library } from "./template/library.ts";
import type { Facts } from "./template/reads.ts";

/** A destination that somebody changed by hand is put right within this, ± 20 %. */
const DRIFT_MS = 60_000;
/** An installation that runs when the process is told to stop may take this long to end by itself. */
const GRACE_MS = 1500;
const LOCK_TIMEOUT_MS = 10_000;

/** The newest snapshot, and what it covers. */
export interface Current extends Seen {
  readonly selector: Selector;
}

export interface TargetLoopOptions {
  readonly library: Library;
  readonly facts: Facts;
  readonly settle: Settle;
  readonly log: Log;
  readonly current: () => Current | undefined;
  /** Asks for a snapshot that holds more. */
  readonly widen: (selector: Selector) => void;
  /** Asks for a full read at this time, milliseconds since the epoch: what is missing then is really gone. */
  readonly confirmAt: (timeMs: number) => void;
}

export interface TargetLoop {
  readonly renderer: TargetRenderer;
  readonly loop: Loop;
  notify(snapshot: Snapshot): void;
}

export function createTargetLoop(plan: TargetPlan, options: TargetLoopOptions): TargetLoop {
  const { log } = options;
  const { target, minReloadIntervalMs = 0 } = plan;
  const renderer = createTargetRenderer(plan, options.library, options.facts);
  const guard = createTargetGuard(target, plan.guard);
  const reportHolds = createHoldReport(log, target.name);
  const reportSetAside = createSetAsideReport(log, target.name);
  let hasRecovered = false;
  /** Something is missing or held: any snapshot may change that. */
  let isWaiting = true;
  let lastFailure = "";
  let reloadNotBefore = 0;

  const loop = createLoop({
    work: pass,
    settle: options.settle,
    resyncMs: DRIFT_MS,
    backoff: { minMs: 1000, maxMs: 60_000 },
    onError: (error, retryInMs) => {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      log.error("target keeps its last good files", {
        target: target.name,
        ...fieldsOf(error),
        retryInMs: Math.round(retryInMs),
      });
    },
  });

  async function pass(signal: AbortSignal): Promise<void> {
    const waitMs = reloadNotBefore - monotonicMs();
    if (waitMs > 0) {
      await sleep(waitMs, signal); // before anything is looked at: what is applied then is the newest
    }
    const grace = graceAfter(signal, GRACE_MS);
    try {
      await recoverOnce(grace.signal);
      const current = options.current();
      if (current === undefined || signal.aborted) {
        return;
      }
      const { snapshot, holds, confirmAtMs } = await guard.look(current);
      reportHolds(holds);
      if (confirmAtMs !== undefined) {
        options.confirmAt(confirmAtMs);
      }
      const result = await renderer.render(snapshot, current.selector);
      isWaiting = result.kind !== "ready" || holds.length > 0;
      if (result.kind === "needs") {
        options.widen(result.selector);
      } else if (result.kind === "failed") {
        reportFailure(result.error);
      } else {
        lastFailure = "";
        reportSetAside(result.setAside);
        const startedAt = monotonicMs();
        const report = await target.apply(result.files, {
          signal: grace.signal,
          lockTimeoutMs: LOCK_TIMEOUT_MS,
          provenance: () => ({ ...result.provenance(), holds }),
        });
        noteReload(report.outcome);
        reportApplied(report, monotonicMs() - startedAt);
      }
    } finally {
      grace.dispose();
    }
  }

  async function recoverOnce(signal: AbortSignal): Promise<void> {
    if (hasRecovered) {
      return;
    }
    const outcome = await target.recover({ signal, lockTimeoutMs: LOCK_TIMEOUT_MS });
    if (outcome !== undefined) {
      noteReload(outcome);
    }
    throwFailure(outcome);
    hasRecovered = true;
  }

  function noteReload(outcome: Outcome): void {
    if (outcome.kind !== "unchanged" && outcome.kind !== "rejected") {
      reloadNotBefore = monotonicMs() + minReloadIntervalMs;
    }
  }

  /** A template's failure depends on nothing but template and data: it is told once, and tried again when one of them changes. */
  function reportFailure(error: FairleadError): void {
    const text = JSON.stringify([error.message, error.location]);
    if (text !== lastFailure) {
      lastFailure = text;
      log.error("target cannot be rendered and keeps its last good files", { target: target.name, ...fieldsOf(error) });
    }
  }

  function reportApplied(report: ApplyReport, durationMs: number): void {
    throwFailure(report.outcome);
    if (report.outcome.kind === "written") {
      const changed = report.files.filter((file) => file.changed).map((file) => file.dest);
      log.info("target is live", {
        target: target.name,
        generation: report.generation,
        files: changed,
        ms: Math.round(durationMs),
      });
    }
  }

  return {
    renderer,
    loop,
    notify: (snapshot) => {
      if (isWaiting || renderer.isStale(snapshot)) {
        loop.trigger();
      }
    },
  };
}

function throwFailure(outcome: Outcome | undefined): void {
  if (outcome !== undefined && "error" in outcome) {
    throw outcome.error;
  }
}

function fieldsOf(error: FairleadError): Record<string, unknown> {
  const { file, line, column } = error.location ?? {};
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  return {
    code: error.code,
    error: error.message,
    ...(place !== "" && { at: place }),
    ...(error.hint !== undefined && { hint: error.hint }),
  };
}

/** Tells of each hold once, when it begins or grows, and when it ends. */
function createHoldReport(log: Log, target: string): (holds: readonly Hold[]) => void {
  let known = new Map<string, Hold>();
  return (holds) => {
    for (const hold of holds) {
      const { service, instances, reason } = hold;
      if (known.get(service)?.since !== hold.since) {
        log.warn("guard holds instances that vanished", {
          code: "GUARD_HELD",
          target,
          service,
          instances,
          reason,
          held: endOf(hold),
        });
      }
    }
    const now = new Map(holds.map((hold) => [hold.service, hold]));
    for (const service of known.keys()) {
      if (!now.has(service)) {
        log.info("guard holds nothing of this service any more", { target, service });
      }
    }
    known = now;
  };
}
