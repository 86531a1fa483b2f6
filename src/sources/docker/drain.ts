/** Which containers have been told to stop, and still live. */
import { monotonicMs } from "../../core/time.ts";
import type { EngineEvent } from "./engine/event-lines.ts";
import type { ContainerLife } from "./engine/life.ts";
import { SIGKILL, SIGTERM, signalNumber } from "./engine/signal-number.ts";

/** A container that lives on so long after its stop signal has not been stopped by it, and serves again. */
export const DRAIN_MS = 5 * 60_000;
/** Asked for again at least so often whether it is still the same run of the container: the event of its next start may be lost. */
const PROVE_MS = 15_000;
/** More than any machine stops at once; a stream that tells of more is no engine's. */
const MOST = 10_000;

interface Mark {
  /** Signals by number, each with the time that its event names. */
  readonly signals: Map<number, number | undefined>;
  readonly until: number;
  proveAt: number;
  /** Not believed until it was inspected afresh. */
  isDoubted: boolean;
}

/**
 * Remembers `kill` events: they come before a container dies, for as long as it takes to stop. An event only marks, and what is marked is
 * still judged by the list and by what inspecting it says; one that is lost costs the drain and nothing else. A `die` does not end a mark:
 * the engine tells of it before its own list shows it, and the container would be usable once more in between. The list ends it.
 */
export interface DrainMarks {
  note(event: EngineEvent): void;
  /** Events may have been lost: nothing that is marked is believed before it was looked at again. */
  doubt(): void;
  /** Marked containers that have to be inspected afresh now. */
  due(): readonly string[];
  /** Forgets all containers that do not run. */
  retain(running: ReadonlySet<string>): void;
  /** `life`: what inspecting it said; undefined when it is not inspected, and then the stop signal is taken for the usual one. */
  isDraining(id: string, life: ContainerLife | undefined): boolean;
}

export function createDrainMarks(): DrainMarks {
  const marks = new Map<string, Mark>();

  function note({ container: id, action, signal, at }: EngineEvent): void {
    if (id === undefined) {
      return;
    }
    if (action === "start" || action === "destroy") {
      marks.delete(id);
    }
    const number = action === "kill" && signal !== undefined ? signalNumber(signal) : undefined;
    if (number === undefined) {
      return;
    }
    const now = monotonicMs();
    const signals = marks.get(id)?.signals ?? new Map<number, number | undefined>();
    marks.delete(id); // so that the newest one stands last
    marks.set(id, { signals: signals.set(number, at), until: now + DRAIN_MS, proveAt: now + PROVE_MS, isDoubted: false });
    const [oldest] = marks.keys();
    if (marks.size > MOST && oldest !== undefined) {
      marks.delete(oldest);
    }
  }

  function isDraining(id: string, life: ContainerLife | undefined): boolean {
    const mark = marks.get(id);
    if (mark === undefined) {
      return false;
    }
    const isProven = life !== undefined || !mark.isDoubted;
    if (!isProven || !isToldToStop(mark, life) || monotonicMs() >= mark.until) {
      marks.delete(id);
      return false;
    }
    mark.isDoubted = false;
    return true;
  }

  return {
    note,
    isDraining,
    doubt() {
      for (const mark of marks.values()) {
        mark.isDoubted = true;
      }
    },
    due() {
      const now = monotonicMs();
      const due = [...marks].filter(([, mark]) => mark.isDoubted || mark.proveAt <= now);
      for (const [, mark] of due) {
        mark.proveAt = now + PROVE_MS;
      }
      return due.map(([id]) => id);
    },
    retain(running) {
      for (const id of marks.keys()) {
        if (!running.has(id)) {
          marks.delete(id);
        }
      }
    },
  };
}

/** By its stop signal or by KILL, and in this run: what was said before its last start is over. */
function isToldToStop({ signals }: Mark, life: ContainerLife | undefined): boolean {
  const { stopSignal = SIGTERM, startedAt } = life ?? {};
  return [stopSignal, SIGKILL].some((signal) => {
    const at = signals.get(signal);
    return signals.has(signal) && (at === undefined || startedAt === undefined || at >= startedAt);
  });
}
