import { createLoop, type Loop, type Settle } from "../core/loop.ts";
import { childAbort, graceAfter, monotonicMs } from "../core/time.ts";
import { FairleadError } from "../model/errors.ts";
import { joinSelectors, NOTHING, type Selector, selectorText } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { ApplyReport, Log, Outcome, RegistryReader } from "../ports.ts";
import { follow, type Stale } from "../registry/follow.ts";
import type { Library } from "./library.ts";
import type { Facts } from "./reads.ts";
import { createSetAsideReport } from "./set-aside-report.ts";
import { createTargetRenderer, type TargetPlan, type TargetRenderer } from "./target-render.ts";

/** A destination that somebody changed by hand is put right within this, ± 20 %. */
const DRIFT_MS = 60_000;
/** An installation that runs when the process is told to stop may take this long to end by itself. */
const GRACE_MS = 1500;
const LOCK_TIMEOUT_MS = 10_000;

export interface RendererOptions {
  readonly reader: RegistryReader;
  readonly targets: readonly TargetPlan[];
  readonly library: Library;
  readonly facts: Facts;
  readonly settle: Settle;
  /** A full read of the registry at least this often. */
  readonly resyncMs: number;
  /** Hints that a template changed on the disk. */
  readonly templateChanges: (signal: AbortSignal) => AsyncIterable<void>;
  readonly log: Log;
}

export interface Renderer {
  /** Renders until the signal aborts. Never ends because the registry, a template, a check or a hook failed. */
  run(signal: AbortSignal): Promise<void>;
}

interface Current {
  readonly snapshot: Snapshot;
  readonly selector: Selector;
}

/** Follows the registry once for all targets; each target has a loop of its own, so that one that hangs or fails delays no other. */
export function createRenderer(options: RendererOptions): Renderer {
  const { log } = options;
  let current: Current | undefined;
  let selector: Selector = NOTHING;
  let restartFollowing: (() => void) | undefined;

  function widen(wider: Selector): void {
    const next = joinSelectors(selector, wider);
    if (selectorText(next) !== selectorText(selector)) {
      selector = next;
      restartFollowing?.();
    }
  }

  const targets = options.targets.map((plan) => createTargetLoop(plan, { ...options, current: () => current, widen }));

  async function followRegistry(signal: AbortSignal): Promise<void> {
    const invalid = createInvalidReport(log);
    while (!signal.aborted) {
      const following = childAbort(signal);
      restartFollowing = () => following.abort();
      const covered = selector;
      const snapshots = follow(options.reader, covered, {
        signal: following.signal,
        backoff: { minMs: 200, maxMs: 10_000 },
        minIntervalMs: 5,
        resyncMs: options.resyncMs,
        onStale: (stale) => reportStale(log, stale),
      });
      for await (const snapshot of snapshots) {
        current = { snapshot, selector: covered };
        invalid(snapshot);
        for (const target of targets) {
          target.notify(snapshot);
        }
      }
      following.dispose();
    }
  }

  async function followTemplates(signal: AbortSignal): Promise<void> {
    for await (const _ of options.templateChanges(signal)) {
      for (const target of targets) {
        target.loop.trigger();
      }
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    for (const target of targets) {
      selector = joinSelectors(selector, await target.renderer.literalReads());
    }
    await Promise.all([followRegistry(signal), followTemplates(signal), ...targets.map((target) => target.loop.run(signal))]);
  }

  return { run };
}

interface TargetLoop {
  readonly renderer: TargetRenderer;
  readonly loop: Loop;
  notify(snapshot: Snapshot): void;
}

function createTargetLoop(
  plan: TargetPlan,
  options: RendererOptions & { readonly current: () => Current | undefined; readonly widen: (selector: Selector) => void },
): TargetLoop {
  const { log } = options;
  const { target } = plan;
  const renderer = createTargetRenderer(plan, options.library, options.facts);
  const reportSetAside = createSetAsideReport(log, target.name);
  let hasRecovered = false;
  let isHeldBack = true;
  let lastFailure = "";

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
    const grace = graceAfter(signal, GRACE_MS);
    try {
      await recoverOnce(grace.signal);
      const current = options.current();
      if (current === undefined || signal.aborted) {
        return;
      }
      const result = await renderer.render(current.snapshot, current.selector);
      isHeldBack = result.kind !== "ready";
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
          provenance: result.provenance,
        });
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
    throwFailure(outcome);
    hasRecovered = true;
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
      if (isHeldBack || renderer.isStale(snapshot)) {
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

function reportStale(log: Log, stale: Stale | undefined): void {
  if (stale === undefined) {
    log.info("registry answers again");
    return;
  }
  const { error, forMs, retryInMs } = stale;
  log.warn("registry cannot be read; files stay as they are", {
    code: error.code,
    error: error.message,
    staleForMs: Math.round(forMs),
    retryInMs: Math.round(retryInMs),
  });
}

/** Names each entry that was left out once, and again only when its fault changes. */
function createInvalidReport(log: Log): (snapshot: Snapshot) => void {
  let known = new Map<string, string>();
  return (snapshot) => {
    const found = new Map(snapshot.invalid.map(({ key, reason }) => [key, reason]));
    for (const [key, reason] of found) {
      if (known.get(key) !== reason) {
        log.warn("registry entry is left out", { key, reason, leftOut: found.size });
      }
    }
    known = found;
  };
}
