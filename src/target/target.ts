/** A target as a transaction under a lock (DESIGN §10), with a memory of what it did. */
import { join } from "node:path";
import { FairleadError, hasCode } from "../model/errors.ts";
import type {
  ApplyFilesOptions,
  ApplyOptions,
  ApplyReport,
  HistoryEntry,
  Outcome,
  RenderedFile,
  Target,
  TargetHistory,
} from "../ports.ts";
import { sweepStaged } from "./files/files.ts";
import { type Folders, withFolders } from "./files/folder.ts";
import { generationOf } from "./generation.ts";
import { withLock } from "./lock.ts";
import { reportFiles } from "./masked.ts";
import { type Plan, planFiles, planState } from "./plan.ts";
import { findEntry, publicEntry, type StoredEntry } from "./state/history.ts";
import { type Applied, createJournalStore, currentState, type Journal, withoutGoneBack } from "./state/journal.ts";
import { createKeptBytes } from "./state/keep.ts";
import { createRecord, type Ended } from "./state/record.ts";
import { createTransaction, type TransactionOptions, type Work } from "./transaction.ts";

export interface TargetOptions extends TransactionOptions {
  /** The target's own folder below `stateDir`. */
  readonly stateDir: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function createTarget(options: TargetOptions): Target & TargetHistory {
  const { name, log, stateDir } = options;
  const store = createJournalStore(stateDir, log);
  const kept = createKeptBytes(stateDir);
  const record = createRecord(stateDir, { name, log, kept });
  const transaction = createTransaction(options, store, kept);
  /** Destinations beside which nothing of an earlier process lies any more. */
  const swept = new Set<string>();

  async function apply(files: readonly RenderedFile[], applyOptions: ApplyFilesOptions): Promise<ApplyReport> {
    const { provenance } = applyOptions;
    const generation = generationOf(files);
    return await reported(generation, applyOptions, async (work) => {
      const journal = await begin(files, work, applyOptions);
      const held = heldState(journal, generation);
      return await tried({ generation, provenance }, applyOptions, async () => {
        const { folders } = work;
        const plan =
          held === undefined
            ? await planFiles({ files, generation }, journal, folders)
            : await planState(held, journal, kept, folders);
        const isOwed = journal.owed && transaction.hasProgram && applyOptions.noReload !== true;
        const report = await carryOut(plan, { journal, isOwed }, work, applyOptions);
        if (report.outcome.kind !== "unchanged" || applyOptions.dryRun === true) {
          return report;
        }
        const outcome = await settleUnchanged(plan, journal, work);
        if (outcome.kind === "unchanged") {
          await record.refresh(provenance, await store.latest());
        }
        return { ...report, outcome };
      });
    });
  }

  async function recover(applyOptions: ApplyOptions): Promise<Outcome | undefined> {
    try {
      return await locked(applyOptions, async (work) => {
        const journal = await store.read();
        await sweepOnce(journal.pending?.to.files ?? journal.good?.files ?? [], work.folders);
        const outcome = await transaction.payDebts(journal, work);
        if (outcome !== undefined) {
          const generation = currentState(journal)?.generation ?? "";
          await record.keep({ generation, outcome, reason: "completed after an interruption" }, await store.read());
        }
        return outcome;
      });
    } catch (error) {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      return { kind: "failed", error };
    }
  }

  async function rollBack({ to }: { readonly to?: string }, applyOptions: ApplyOptions): Promise<ApplyReport> {
    return await reported("", applyOptions, async (work) => {
      await transaction.payDebts(await store.read(), work);
      const journal = await store.read();
      const history = await record.history();
      const entry = findEntry(history, currentState(journal), to);
      if (entry?.state === undefined) {
        throw nothingToGoBackTo(name, history.map(publicEntry), to);
      }
      const plan = await planState(
        { ...entry.state, goneBack: goneBackTo(entry, journal, history.at(-1)) },
        journal,
        kept,
        work.folders,
      );
      const ended = { generation: plan.generation, reason: `gone back to ${entry.id} by hand` };
      return await tried(ended, applyOptions, async () => {
        const report = await carryOut(plan, { journal, isOwed: false }, work, applyOptions);
        return report.outcome.kind === "unchanged" && applyOptions.dryRun !== true
          ? { ...report, outcome: await transaction.adopt(plan, journal, work) } // somebody has put them there already: from now on they are held
          : report;
      });
    });
  }

  async function releaseRollback(applyOptions: ApplyOptions): Promise<boolean> {
    return await locked(applyOptions, async () => {
      const journal = await store.read();
      if (currentState(journal)?.goneBack === undefined) {
        return false;
      }
      const { good, pending } = journal;
      await store.write({
        ...journal,
        ...(good && { good: withoutGoneBack(good) }),
        ...(pending && { pending: { ...pending, to: withoutGoneBack(pending.to) } }),
      });
      return true;
    });
  }

  /** The journal, after what a killed process left behind has been taken away. */
  async function begin(files: readonly RenderedFile[], work: Work, { dryRun }: ApplyOptions): Promise<Journal> {
    const journal = await store.read();
    if (dryRun === true) {
      return journal;
    }
    await sweepOnce([...files, ...(journal.good?.files ?? [])], work.folders);
    return await transaction.undoCheck(journal, work.folders);
  }

  async function carryOut(
    plan: Plan,
    { journal, isOwed }: { readonly journal: Journal; readonly isOwed: boolean },
    work: Work,
    { dryRun }: ApplyOptions,
  ): Promise<ApplyReport> {
    const files = await reportFiles(plan, journal, kept);
    const report = (outcome: Outcome): ApplyReport => ({ outcome, generation: plan.generation, files });
    if (plan.changed.length === 0 && !isOwed) {
      return report({ kind: "unchanged" });
    }
    if (dryRun === true) {
      return report({ kind: "would-write" });
    }
    tellLeftBehind(plan);
    return report(await transaction.run(plan, journal, work));
  }

  /** Keeps in the history how a change ended, also one that failed before anything was touched. */
  async function tried(
    ended: Omit<Ended, "outcome">,
    { dryRun }: ApplyOptions,
    work: () => Promise<ApplyReport>,
  ): Promise<ApplyReport> {
    let report: ApplyReport;
    try {
      report = await work();
    } catch (error) {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      report = { outcome: { kind: "failed", error }, generation: ended.generation, files: [] };
    }
    const { outcome } = report;
    if (dryRun !== true && outcome.kind !== "unchanged") {
      await record.keep({ ...ended, generation: report.generation, outcome }, await store.latest());
    }
    return report;
  }

  /** Once: the journal does not name them afterwards. */
  function tellLeftBehind({ leftBehind }: Plan): void {
    for (const dest of leftBehind) {
      log.warn("a file that is not wanted any more was changed by somebody else and stays", { target: name, file: dest });
    }
  }

  /** Nothing had to be done, but the journal may be lost, or name files that are not ours any more. */
  async function settleUnchanged(plan: Plan, journal: Journal, work: Work): Promise<Outcome> {
    tellLeftBehind(plan);
    const { good } = journal;
    if (good !== undefined && plan.leftBehind.length > 0) {
      await store.write({
        ...journal,
        good: { ...good, files: good.files.filter((file) => !plan.leftBehind.includes(file.dest)) },
      });
    } else if (good === undefined && journal.pending === undefined) {
      return await transaction.adopt(plan, journal, work); // the state is lost, or the files were there before us
    }
    return { kind: "unchanged" };
  }

  async function reported(
    generation: string,
    applyOptions: ApplyOptions,
    work: (work: Work) => Promise<ApplyReport>,
  ): Promise<ApplyReport> {
    try {
      return await locked(applyOptions, work);
    } catch (error) {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      return { outcome: { kind: "failed", error }, generation, files: [] };
    }
  }

  function locked<T>({ lockTimeoutMs, signal, noReload }: ApplyOptions, work: (work: Work) => Promise<T>): Promise<T> {
    const context = { signal, environment: options.environment, target: name, log };
    return withLock({ file: join(stateDir, "lock"), what: `target "${name}"`, timeoutMs: lockTimeoutMs, signal }, () =>
      withFolders((folders) => work({ folders, context, noReload: noReload === true })),
    );
  }

  async function sweepOnce(files: readonly { readonly dest: string }[], folders: Folders): Promise<void> {
    const dests = files.map((file) => file.dest).filter((dest) => !swept.has(dest));
    try {
      await sweepStaged(dests, folders);
      dests.forEach((dest) => swept.add(dest));
    } catch (error) {
      if (!hasCode(error)) {
        throw error;
      }
      // A folder that is not there: that is told when its files are compared.
    }
  }

  async function history(): Promise<readonly HistoryEntry[]> {
    return (await record.history()).map(publicEntry);
  }

  return {
    name,
    runsNothing: transaction.runsNothing,
    apply,
    recover,
    recall: record.recall,
    history,
    rollBack,
    releaseRollback,
  };
}

/** The state that a person went back to, for as long as the render gives what was gone back from. */
function heldState(journal: Journal, generation: string): Applied | undefined {
  const state = currentState(journal);
  return state?.goneBack?.from.includes(generation) === true ? state : undefined;
}

/** What is held off: the generation that was live, and one that was refused since, which would be tried again otherwise. */
function goneBackTo(entry: StoredEntry, journal: Journal, newest: StoredEntry | undefined): NonNullable<Applied["goneBack"]> {
  const current = currentState(journal);
  const live = current?.goneBack?.from ?? (current === undefined ? [] : [current.generation]);
  const refused = newest === undefined || newest.outcome === "written" ? [] : [newest.generation];
  const from = [...new Set([...live, ...refused])].filter((generation) => generation !== entry.generation);
  return { to: entry.id, at: new Date().toISOString(), from };
}

function nothingToGoBackTo(target: string, history: readonly HistoryEntry[], to: string | undefined): FairleadError {
  const kept = history.filter((entry) => entry.isKept).map((entry) => entry.id);
  const message = to === undefined ? `target "${target}" has no earlier state` : `target "${target}" keeps no state "${to}"`;
  return new FairleadError("USAGE", message, {
    hint:
      kept.length === 0
        ? "states are kept from the first change on"
        : `kept are ${kept.join(", ")}; see \`fairlead history ${target}\``,
  });
}
