/** What a target remembers of its changes: what its files were made from, and its history. Written after the files are live, never before. */
import { FairleadError } from "../../model/errors.ts";
import type { Provenance } from "../../model/provenance.ts";
import type { Log, Memory, Outcome } from "../../ports.ts";
import { describeChange, sameProvenance } from "./change.ts";
import { addEntry, createHistoryStore, type History, keptStates } from "./history.ts";
import { currentState, hashesOf, type Journal, statesOf, withoutGoneBack } from "./journal.ts";
import type { KeptBytes } from "./keep.ts";
import { createMemoryStore, withFingerprints } from "./memory.ts";

/** How a change ended, and what it was about. */
export interface Ended {
  readonly generation: string;
  readonly outcome: Outcome;
  /** Given when no render made it: a person's command, or what a killed process had begun. */
  readonly reason?: string;
  /** Absent: no render made it. */
  readonly provenance?: () => Provenance;
}

export interface ChangeRecord {
  recall(): Promise<Memory | undefined>;
  history(): Promise<History>;
  /** A change that was tried: an entry in the history, and when it was written, what is known of it. Never rejects. */
  keep(ended: Ended, journal: Journal): Promise<void>;
  /** Nothing was changed; what the files were made from may be other than before all the same. Never rejects. */
  refresh(provenance: () => Provenance, journal: Journal): Promise<void>;
}

export function createRecord(
  dir: string,
  { name, log, kept }: { readonly name: string; readonly log: Log; readonly kept: KeptBytes },
): ChangeRecord {
  const memories = createMemoryStore(dir, log);
  const histories = createHistoryStore(dir, log);

  async function history(): Promise<History> {
    return (await histories.read()) ?? [];
  }

  async function keep(ended: Ended, journal: Journal): Promise<void> {
    await told(async () => {
      const memory = await memories.read();
      const known = await history();
      const provenance = ended.provenance === undefined ? undefined : withFingerprints(ended.provenance());
      const reason = ended.reason ?? reasonOf(memory, provenance, ended);
      const next = addEntry(known, entryOf(ended, reason, journal));
      if (next !== undefined) {
        await histories.write(next);
      }
      if (ended.outcome.kind === "written") {
        await remember(memory, provenance ?? memory?.provenance, reason, journal);
      }
      await sweep(journal, next ?? known);
    });
  }

  async function refresh(made: () => Provenance, journal: Journal): Promise<void> {
    await told(async () => {
      const memory = await memories.read();
      const provenance = withFingerprints(made());
      const state = currentState(journal);
      const isCurrent = memory !== undefined && (state === undefined || state.generation === memory.generation);
      if (!isCurrent || !sameProvenance(memory.provenance, provenance)) {
        await remember(memory, provenance, memory?.lastChange ?? "first", journal);
      }
    });
  }

  async function remember(
    memory: Memory | undefined,
    provenance: Provenance | undefined,
    lastChange: string,
    journal: Journal,
  ): Promise<void> {
    const state = currentState(journal);
    if (provenance === undefined || state === undefined) {
      return;
    }
    const { generation, at, files, goneBack } = state;
    await memories.write({
      generation,
      appliedAt: memory?.generation === generation ? memory.appliedAt : at,
      files: files.flatMap(({ dest, stored }) => (stored === undefined ? [] : [{ dest, sha256: stored.sha256 }])),
      // Unchanged services are the same objects as before, also for the next comparison.
      provenance: memory !== undefined && sameProvenance(memory.provenance, provenance) ? memory.provenance : provenance,
      lastChange,
      ...(goneBack && { rolledBack: { to: goneBack.to, at: goneBack.at } }),
    });
  }

  /** Forgets bytes that neither the journal nor the history needs. */
  async function sweep(journal: Journal, entries: History): Promise<void> {
    await kept.retain(hashesOf([...statesOf(journal), ...keptStates(entries)]));
  }

  /** The files are live: what is remembered of them must not make that a failure. */
  async function told(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      log.warn("what a target's files were made from cannot be kept", { target: name, code: error.code, error: error.message });
    }
  }

  return { recall: memories.read, history, keep, refresh };
}

function entryOf({ generation, outcome }: Ended, reason: string, journal: Journal): Parameters<typeof addEntry>[1] {
  const at = new Date().toISOString();
  if ("error" in outcome) {
    return { at, generation, reason, outcome: outcome.kind, error: outcome.error.message, code: outcome.error.code };
  }
  const state = currentState(journal);
  return { at, generation, reason, outcome: outcome.kind, ...(state && { state: withoutGoneBack(state) }) };
}

function reasonOf(memory: Memory | undefined, provenance: Provenance | undefined, { generation, outcome }: Ended): string {
  if (provenance === undefined) {
    return "unknown";
  }
  const isRepair = outcome.kind === "written" && memory?.generation === generation && memory.rolledBack === undefined;
  return isRepair
    ? "the files had been changed by somebody else, or a reload was owed"
    : describeChange(memory?.provenance, provenance);
}
