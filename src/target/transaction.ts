/** The steps of a change: stage → check → journal → rename → reload → verify, or everything as it was (DESIGN §10). */
import { FairleadError } from "../model/errors.ts";
import type { Log, Outcome } from "../ports.ts";
import { type CheckJob, judge, needsSwap } from "./check/check.ts";
import { identify } from "./check/identity.ts";
import { type CheckCommand, type CheckLevel, findCheckLevel } from "./check/sandbox.ts";
import { type CommandContext, namesStagedFiles } from "./commands.ts";
import { discardStaged, putStaged, restoreFiles, type Staged, stageAll } from "./files/files.ts";
import type { Folders } from "./files/folder.ts";
import { isMountPoint } from "./files/stage.ts";
import type { Plan } from "./plan.ts";
import { createProgram } from "./program.ts";
import type { Reload } from "./reload.ts";
import { type Applied, type Journal, type JournalStore, keepFile } from "./state/journal.ts";
import type { KeptBytes } from "./state/keep.ts";
import type { Verify } from "./verify.ts";

export interface TransactionOptions {
  readonly name: string;
  readonly check?: CheckCommand;
  readonly reload?: Reload;
  readonly verify?: Verify;
  readonly log: Log;
  /** For tests; how far a check can be kept apart here. */
  readonly findCheckLevel?: typeof findCheckLevel;
}

/** What a change works with: the folders that it holds open, and what its commands get. */
export interface Work {
  readonly folders: Folders;
  readonly context: CommandContext;
  readonly noReload: boolean;
}

export interface Transaction {
  /** Whether there is a program that reads the files: only then a reload can be owed. */
  readonly hasProgram: boolean;
  /** Neither a program nor a check. */
  readonly runsNothing: boolean;
  /** Makes the plan real. The journal has been written when it returns. */
  run(plan: Plan, journal: Journal, work: Work): Promise<Outcome>;
  /**
   * Takes files that are as they are wanted for the last good state: the journal has none, or another one. Whether the program runs them is
   * not known, so it is asked for its proof, and reloaded when it has none.
   */
  adopt(plan: Plan, journal: Journal, work: Work): Promise<Outcome>;
  /** Ends what a killed process was in the middle of; undefined: nothing was owed. */
  payDebts(journal: Journal, work: Work): Promise<Outcome | undefined>;
  /** Takes files away again that were in place only to be checked when their process was killed. */
  undoCheck(journal: Journal, folders: Folders): Promise<Journal>;
}

export function createTransaction(options: TransactionOptions, store: JournalStore, kept: KeptBytes): Transaction {
  const { name, check, log } = options;
  const program = createProgram(options);
  const hasProgram = program.exists;
  const runsNothing = check === undefined && !hasProgram;
  let level: CheckLevel | undefined;

  async function run(plan: Plan, journal: Journal, work: Work): Promise<Outcome> {
    let next = journal;
    if (plan.changed.length > 0) {
      const installed = await install(plan, journal, work);
      if ("kind" in installed) {
        return installed;
      }
      next = installed;
    }
    return work.noReload || !hasProgram
      ? { kind: "written" }
      : await activate(next, await stateOf(plan, "wanted", { durable: true }), work);
  }

  async function adopt(plan: Plan, journal: Journal, work: Work): Promise<Outcome> {
    const good = await stateOf(plan, "wanted", { durable: true });
    if (work.noReload || (await program.runs(good.generation, work.context))) {
      await settle({ ...journal, good }, { durable: true });
      return { kind: "unchanged" };
    }
    log.info("the program does not run the files that are in place: it is told to read them", { target: name });
    const owing: Journal = { ...journal, owed: true };
    await store.write(owing);
    return await activate(owing, good, work);
  }

  /** Checks the files and puts them in place. Returns the journal that says so, or why it did not happen. */
  async function install(plan: Plan, journal: Journal, work: Work): Promise<Journal | Outcome> {
    const staged = await stageAll(plan.changed, work.folders);
    try {
      // Nothing judges the file and nobody reads it again at once: the rename itself is the whole transaction.
      if (runsNothing && isAlone(plan) && (await putAlone(staged, work.folders))) {
        return await settle({ v: 1, good: await stateOf(plan, "wanted", { durable: false }), owed: false }, { durable: false });
      }
      const before = await stateOf(plan, "current", { durable: true });
      const to = await stateOf(plan, "wanted", { durable: true });
      const from = goodStateFor(journal, before);
      const checked = await runCheck(staged, plan, { journal, before, to, work });
      if (checked instanceof FairleadError) {
        return { kind: "rejected", error: checked };
      }
      const installing: Journal = { ...journal, pending: { step: "installing", from, to }, owed: hasProgram };
      await store.write(installing);
      if (checked === "staged") {
        await putOrTakeBack(staged, before, journal, work.folders);
      }
      return hasProgram ? installing : await settle({ v: 1, good: to, owed: false }, { durable: true });
    } finally {
      await discardStaged(staged);
    }
  }

  /** Going back, and files that may have to be removed later, need the journal before. */
  function isAlone(plan: Plan): boolean {
    return plan.files.length === 1 && plan.goneBack === undefined && plan.files.every((file) => !file.isFanOut);
  }

  /** False: it cannot be renamed there, so the journal has to know of it first. */
  async function putAlone(staged: Staged, folders: Folders): Promise<boolean> {
    try {
      await putStaged(staged, { folders, mayWriteInPlace: false });
      return true;
    } catch (error) {
      if (isMountPoint(error)) {
        return false;
      }
      throw error;
    }
  }

  /** A disk that refuses the second file gives the first one's old content back. */
  async function putOrTakeBack(staged: Staged, before: Applied, journal: Journal, folders: Folders): Promise<void> {
    try {
      await putStaged(staged, { folders, mayWriteInPlace: true });
    } catch (error) {
      await restoreFiles(before, kept, folders);
      await store.write(journal);
      throw error;
    }
  }

  /** Where the files are when the check has passed, or why it has not: then nothing was replaced. */
  async function runCheck(
    staged: Staged,
    plan: Plan,
    state: { readonly journal: Journal; readonly before: Applied; readonly to: Applied; readonly work: Work },
  ): Promise<"staged" | "in place" | FairleadError> {
    if (check === undefined) {
      return "staged";
    }
    const { context, folders } = state.work;
    const files = plan.files.filter((file) => file.wanted !== undefined);
    const changes = [...staged.files, ...staged.removals.map(({ dest }) => ({ dest, replaces: true }))];
    const job: CheckJob = { command: check, staged: changes, files, generation: plan.generation, context };
    level ??= await (options.findCheckLevel ?? findCheckLevel)(check, context);
    if (!needsSwap(job, level)) {
      return (await judgeUndisturbed(job, level)) ?? "staged";
    }
    let rejection: FairleadError | undefined;
    let passed = false;
    await store.write({ ...state.journal, pending: { step: "checking", from: state.before, to: state.to } });
    try {
      await putStaged(staged, { folders, mayWriteInPlace: true });
      rejection = await judgeUndisturbed(job, level);
      passed = rejection === undefined;
    } finally {
      if (!passed) {
        await restoreFiles(state.before, kept, folders);
        await store.write(state.journal);
      }
    }
    return rejection ?? "in place";
  }

  /** Where somebody puts a file over a destination, what was laid over it for the check is gone, and the word of the check is for that file. */
  async function judgeUndisturbed(job: CheckJob, checkLevel: CheckLevel): Promise<FairleadError | undefined> {
    const paths = namesStagedFiles(job.command) ? [] : job.staged.map((file) => file.dest);
    const before = await identify(paths);
    const rejection = await judge(job, checkLevel);
    if (rejection !== undefined || (await identify(paths)) === before) {
      return rejection;
    }
    return new FairleadError("CHECK_REJECTED", `somebody replaced a file of target "${name}" while it was checked`, {
      retryable: true,
      hint: "it is tried again; let one program write these files",
    });
  }

  /** Reload and proof. The journal's `pending.from`, or the last good state, is what a failure goes back to. */
  async function activate(journal: Journal, to: Applied, work: Work): Promise<Outcome> {
    try {
      await program.activate(to.generation, work.context);
      await settle({ v: 1, good: to, owed: false }, { durable: true });
      return { kind: "written" };
    } catch (error) {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      return await rollBack(journal, to, error, work);
    }
  }

  async function rollBack(journal: Journal, to: Applied, error: FairleadError, work: Work): Promise<Outcome> {
    const from = journal.pending?.from ?? journal.good;
    if (from === undefined || from.generation === to.generation) {
      return { kind: "failed", error };
    }
    await restoreFiles(from, kept, work.folders);
    const restored: Journal = { v: 1, ...(journal.good && { good: journal.good }), owed: true };
    await store.write(restored);
    try {
      await program.activate(from.generation, work.context);
      await settle({ ...restored, owed: false }, { durable: true });
    } catch (second) {
      if (!(second instanceof FairleadError)) {
        throw second;
      }
      log.error("reload of the last good files failed too and stays owed", {
        target: name,
        code: second.code,
        error: second.message,
      });
    }
    return { kind: "rolled-back", error };
  }

  async function payDebts(journal: Journal, work: Work): Promise<Outcome | undefined> {
    const clean = await undoCheck(journal, work.folders);
    const { pending, good } = clean;
    if (pending !== undefined) {
      log.info("an interrupted change is completed", { target: name, generation: pending.to.generation });
      await restoreFiles(pending.to, kept, work.folders); // they passed the check: going on is as safe as going back
      return hasProgram
        ? await activate(clean, pending.to, work)
        : (await settle({ v: 1, good: pending.to, owed: false }, { durable: true }), { kind: "written" });
    }
    if (!clean.owed || !hasProgram) {
      return undefined;
    }
    log.info("a reload that was owed is made", { target: name });
    if (good !== undefined) {
      return await activate(clean, good, work);
    }
    await program.activate("", work.context);
    await settle({ v: 1, owed: false }, { durable: true });
    return { kind: "written" };
  }

  async function undoCheck(journal: Journal, folders: Folders): Promise<Journal> {
    if (journal.pending?.step !== "checking") {
      return journal;
    }
    await restoreFiles(journal.pending.from, kept, folders);
    const { pending: _, ...undone } = journal;
    await store.write(undone);
    return undone;
  }

  /** What a failure goes back to: the last good version of each file; one that fairlead never proved, as it was found. */
  function goodStateFor(journal: Journal, before: Applied): Applied {
    const good = journal.pending?.from ?? journal.good;
    const files = before.files.map((file) => good?.files.find(({ dest }) => dest === file.dest) ?? file);
    return { ...good, generation: good?.generation ?? "", files, at: before.at };
  }

  async function stateOf(plan: Plan, which: "wanted" | "current", durability: { readonly durable: boolean }): Promise<Applied> {
    const isWanted = which === "wanted";
    const files = [];
    for (const { dest, isFanOut, masked, ...contents } of plan.files) {
      const file = { dest, content: contents[which], isFanOut: isFanOut && isWanted, ...(isWanted && masked && { masked }) };
      files.push(await keepFile(file, kept, durability));
    }
    const generation = isWanted ? plan.generation : "";
    return { generation, files, at: new Date().toISOString(), ...(isWanted && plan.goneBack && { goneBack: plan.goneBack }) };
  }

  /** Nothing is owed any more, or nothing but a reload: files that are not there any more need not be known. */
  async function settle(journal: Journal, durability: { readonly durable: boolean }): Promise<Journal> {
    const { good } = journal;
    const settled = good && { ...good, files: good.files.filter((file) => file.stored !== undefined) };
    const written: Journal = settled === undefined ? journal : { ...journal, good: settled };
    await store.write(written, durability);
    return written;
  }

  return { hasProgram, runsNothing, run, adopt, payDebts, undoCheck };
}
