import { createRest } from "../core/rest.ts";
import { createBackoff, withDeadline } from "../core/time.ts";
import { FairleadError, hasCode } from "../model/errors.ts";
import type { Log, RegistryWriter } from "../ports.ts";
import { createMoments } from "./moments.ts";
import { describe } from "./report.ts";
import { afterShowing, isLeaseSure, isSure, look, type Moment, processOf, restMs, type Tenure, termsFor } from "./tenure.ts";

type Writer = Pick<RegistryWriter, "keepAlive" | "holder" | "showHolder">;

export interface KeeperOptions {
  readonly writer: Writer;
  readonly owner: string;
  /** What this process shows itself as. */
  readonly mark: string;
  readonly ttlMs: number;
  readonly log: Log;
  /** Something may be written now that could not be before, or everything has to be written again. */
  readonly onReady: () => void;
}

/** Keeps the lease, and the name under which it is held. */
export interface Keeper {
  run(signal: AbortSignal): Promise<void>;
  /** Whether this process may write now: it holds the name and has a lease. Asks the registry when that is not certain. */
  mayWrite(signal: AbortSignal): Promise<boolean>;
  /**
   * After `run` has ended for good: another process may take the name at once. Who only asked for it leaves its question to be answered: the
   * holder may live, and a third process must not find nobody.
   */
  letGo(signal: AbortSignal): Promise<void>;
}

/**
 * One lease for the process, kept whatever the passes do: a hanging source must not let living entries die. Beats go on while it is asked
 * whether another process holds the name, so that the entries of one that died do not lapse; they end where another one lives.
 */
export function createKeeper({ writer, owner, mark, ttlMs, log, onReady }: KeeperOptions): Keeper {
  const terms = termsFor(mark, ttlMs);
  const now = createMoments();
  const beats = createRest();
  const looks = createRest();
  let tenure: Tenure = { kind: "new" };
  /** When the newest beat that went well began. */
  let beaten: Moment | undefined;
  /** How often the name became doubtful, and how often it had when the newest look began. */
  let doubts = 0;
  let settledDoubts = 0;
  let looking: Promise<void> | undefined;
  let toldOf: string | undefined;
  let hasWarned = false;

  /** Looks of several callers at once are one. */
  function lookAgain(signal: AbortSignal): Promise<void> {
    looking ??= lookOnce(signal).finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function lookOnce(signal: AbortSignal): Promise<void> {
    const [wasReady, wasBeating] = [isReady(), isBeating()];
    const doubtsBefore = doubts;
    const before = now();
    const seen = await ask(signal, (inner) => writer.holder(owner, inner));
    const step = look(tenure, seen, { before, now: now() }, terms);
    tenure = step.shows === undefined ? step.tenure : await show(step.tenure, step.shows, signal);
    settledDoubts = doubtsBefore;
    tell();
    if (!isBeating()) {
      beaten = undefined;
    } else if (!wasBeating) {
      beats.wake();
    }
    if (isReady() && !wasReady) {
      onReady();
    }
  }

  async function show(next: Tenure, text: string, signal: AbortSignal): Promise<Tenure> {
    const before = now();
    await ask(signal, (inner) => writer.showHolder(owner, text, inner));
    return afterShowing(next, { before, now: now() }, terms);
  }

  /** Where these records may not be read or written, a process goes on as if there were none. */
  async function ask<T>(signal: AbortSignal, question: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    try {
      const onTimeout = (): Error => noAnswer(ttlMs / 3);
      return await withDeadline({ ms: ttlMs / 3, signal, onTimeout }, question);
    } catch (error) {
      if (!hasCode(error, "REGISTRY_DENIED")) {
        throw error;
      }
      if (!hasWarned) {
        hasWarned = true;
        log.warn("it cannot be seen who registers for this node", { node: owner, ...describe(error) });
      }
      return undefined;
    }
  }

  function tell(): void {
    if (tenure.kind === "waiting" && toldOf !== processOf(tenure.holder)) {
      toldOf = processOf(tenure.holder);
      const hint = "this process waits until the other one ends; give each a `node:` of its own if both are to register";
      log.warn("another fairlead registers for this node", { node: owner, holder: toldOf, hint });
    } else if (tenure.kind === "holding" && toldOf !== undefined) {
      log.info("this process registers for the node from now on", { node: owner, before: toldOf });
      toldOf = undefined;
    }
  }

  function isBeating(): boolean {
    return tenure.kind === "asking" || tenure.kind === "holding";
  }

  function isReady(): boolean {
    return tenure.kind === "holding" && beaten !== undefined && doubts === settledDoubts;
  }

  async function mayWrite(signal: AbortSignal): Promise<boolean> {
    if (tenure.kind === "holding" && beaten !== undefined && !isSureNow()) {
      await lookAgain(signal);
    }
    return isSureNow();
  }

  function isSureNow(): boolean {
    return isReady() && isSure(tenure, now(), terms) && isLeaseSure(beaten, now(), terms);
  }

  async function keepLooking(signal: AbortSignal): Promise<void> {
    const backoff = createBackoff({ minMs: 100, maxMs: Math.max(100, terms.lookMs) });
    while (!signal.aborted) {
      let waitMs: number;
      try {
        await lookAgain(signal);
        backoff.reset();
        waitMs = restMs(tenure, now(), terms);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        waitMs = backoff.next();
        // Once there are beats, they tell of a registry that does not answer.
        log[tenure.kind === "new" ? "warn" : "debug"]("it cannot be seen yet who registers for this node", {
          ...describe(error),
          retryInMs: Math.round(waitMs),
        });
      }
      await looks.rest(waitMs, signal);
    }
  }

  async function keepBeating(signal: AbortSignal): Promise<void> {
    const backoff = createBackoff({ minMs: 100, maxMs: Math.max(100, ttlMs / 3) });
    while (!signal.aborted) {
      if (!isBeating()) {
        await beats.rest(Number.POSITIVE_INFINITY, signal);
        continue;
      }
      let waitMs = ttlMs / 3;
      try {
        await beat(signal);
        backoff.reset();
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        waitMs = Math.min(waitMs, backoff.next());
        log.warn("lease could not be kept", { ...describe(error), retryInMs: Math.round(waitMs) });
      }
      await beats.rest(waitMs, signal);
    }
  }

  /** After a first or a lost lease, or a long silence, another process may have come: the next look tells before anything is written. */
  async function beat(signal: AbortSignal): Promise<void> {
    const before = now();
    const onTimeout = (): Error => noAnswer(ttlMs / 3);
    const answer = await withDeadline({ ms: ttlMs / 3, signal, onTimeout }, (inner) => writer.keepAlive(owner, ttlMs, inner));
    if (answer === "lost" || !isLeaseSure(beaten, now(), terms)) {
      doubts += 1;
      looks.wake();
    }
    beaten = isBeating() ? before : undefined;
  }

  async function run(signal: AbortSignal): Promise<void> {
    await Promise.all([keepLooking(signal), keepBeating(signal)]);
  }

  async function letGo(signal: AbortSignal): Promise<void> {
    const wasHolding = tenure.kind === "holding";
    tenure = { kind: "new" };
    const shown = wasHolding ? await writer.holder(owner, signal) : undefined;
    if (shown !== undefined && processOf(shown) === mark) {
      await writer.showHolder(owner, "", signal);
    }
  }

  return { run, mayWrite, letGo };
}

function noAnswer(ms: number): FairleadError {
  return new FairleadError("REGISTRY_UNAVAILABLE", `no answer within ${Math.round(ms)} ms`, { retryable: true });
}
