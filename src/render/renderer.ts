import type { Settle } from "../core/loop.ts";
import { childAbort, createAlarm } from "../core/time.ts";
import { joinAll, joinSelectors, NOTHING, type Selector, selectorText } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { Log, RegistryReader } from "../ports.ts";
import { follow, type Stale } from "../registry/follow.ts";
import { type Current, createTargetLoop } from "./target-loop.ts";
import type { TargetPlan } from "./target-render.ts";
import type { Library } from "./template/library.ts";
import type { Facts } from "./template/reads.ts";

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

/** Follows the registry once for all targets; each target has a loop of its own, so that one that hangs or fails delays no other. */
export function createRenderer(options: RendererOptions): Renderer {
  const { log } = options;
  let current: Current | undefined;
  let selector: Selector = NOTHING;
  let restartFollowing: (() => void) | undefined;
  const confirmation = createConfirmation(() => restartFollowing?.());

  function widen(wider: Selector): void {
    const next = joinSelectors(selector, wider);
    if (selectorText(next) !== selectorText(selector)) {
      selector = next;
      restartFollowing?.();
    }
  }

  const targets = options.targets.map((plan) =>
    createTargetLoop(plan, { ...options, current: () => current, widen, confirmAt: confirmation.at }),
  );

  async function followRegistry(signal: AbortSignal): Promise<void> {
    const invalid = createInvalidReport(log);
    while (!signal.aborted) {
      const following = childAbort(signal);
      restartFollowing = () => following.abort();
      const covered = selector;
      const freshAtMs = Date.now(); // the first read of a following is a full one
      const snapshots = follow(options.reader, covered, {
        signal: following.signal,
        backoff: { minMs: 200, maxMs: 10_000 },
        minIntervalMs: 5,
        resyncMs: options.resyncMs,
        onStale: (stale) => reportStale(log, stale),
      });
      for await (const snapshot of snapshots) {
        current = { snapshot, selector: covered, freshAtMs };
        confirmation.done(freshAtMs);
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
    const selectors: Selector[] = [];
    for (const target of targets) {
      selectors.push(await target.renderer.literalReads());
    }
    selector = joinAll(selectors);
    try {
      await Promise.all([followRegistry(signal), followTemplates(signal), ...targets.map((target) => target.loop.run(signal))]);
    } finally {
      confirmation.stop();
    }
  }

  return { run };
}

/** Makes one full read at the earliest time that a guard asked for. */
function createConfirmation(readAfresh: () => void) {
  let wantedMs = Number.POSITIVE_INFINITY;
  const alarm = createAlarm(readAfresh);
  return {
    at(timeMs: number): void {
      if (timeMs < wantedMs) {
        wantedMs = timeMs;
        alarm.set(Math.max(0, timeMs - Date.now()) + 1);
      }
    },
    /** A full read that began then has come. */
    done(freshAtMs: number): void {
      if (freshAtMs >= wantedMs) {
        wantedMs = Number.POSITIVE_INFINITY;
      }
    },
    stop: alarm.clear,
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
