import { FairleadError } from "../model/errors.ts";
import type { Instance } from "../model/instance.ts";
import type { Log, WriteResult } from "../ports.ts";
import { placeOf } from "./plan.ts";

type Place = Pick<Instance, "service" | "id">;

interface About {
  /** What was to be written. */
  readonly instance?: Instance | undefined;
  readonly retryInMs?: number | undefined;
}

/** Tells what became of writes: a conflict once for each holder, until it ends. It remembers no place that is not wanted. */
export interface Report {
  tell(result: WriteResult, about?: About): void;
  /** These places are wanted; conflicts at others are forgotten. */
  retain(wanted: readonly Place[]): void;
}

/** `hintFor` says what a person can do about a place that this holder has. */
export function createReport(log: Log, hintFor: (holder: string) => { readonly hint?: string } = () => ({})): Report {
  const holders = new Map<string, string>();

  function tell(result: WriteResult, { instance, retryInMs }: About = {}): void {
    const { service, id } = result;
    const place = placeOf(result);
    const before = holders.get(place);
    switch (result.outcome) {
      case "conflict":
        if (before !== result.holder) {
          holders.set(place, result.holder);
          log.warn("entry is held by another owner and left alone", {
            service,
            id,
            ...(result.holder !== "" && { holder: result.holder }),
            ...hintFor(result.holder),
          });
        }
        return;
      case "failed":
        log.warn("entry could not be written", {
          service,
          id,
          ...describe(result.error),
          ...(retryInMs !== undefined && { retryInMs: Math.round(retryInMs) }),
        });
        return;
      case "written":
        holders.delete(place);
        if (before === undefined) {
          // An entry that was there before is told in the same words: the health is mostly what is new about it.
          log.info("registered", { service, id, ...(instance !== undefined && { health: instance.health }) });
        } else {
          log.info("entry is ours now", { service, id, before });
        }
        return;
      case "removed":
        holders.delete(place);
        log.info("deregistered", { service, id });
    }
  }

  return {
    tell,
    retain(wanted) {
      const places = new Set(wanted.map(placeOf));
      for (const place of holders.keys()) {
        if (!places.has(place)) {
          holders.delete(place);
        }
      }
    },
  };
}

/**
 * The failure that is no single entry's but the store's: nothing went through, and it was the same for all. One entry alone cannot tell; if
 * the store is away, the next look at it says so.
 */
export function commonFailure(results: readonly WriteResult[]): FairleadError | undefined {
  const [first, ...others] = results;
  if (first?.outcome !== "failed" || first.error.code !== "REGISTRY_UNAVAILABLE" || others.length === 0) {
    return undefined;
  }
  const { error } = first;
  return others.every((result) => result.outcome === "failed" && result.error === error) ? error : undefined;
}

/** What of an error is logged. @throws whatever is no `FairleadError`: a bug, which ends the process with its stack */
export function describe(error: unknown): { readonly code: string; readonly error: string; readonly hint?: string } {
  if (error instanceof FairleadError) {
    return { code: error.code, error: error.message, ...(error.hint !== undefined && { hint: error.hint }) };
  }
  throw error;
}
