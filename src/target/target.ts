/** A target as a transaction: stage → check → journal → rename → reload → verify, or everything as it was (DESIGN §10). */
import { join } from "node:path";
import { FairleadError } from "../model/errors.ts";
import type { ApplyFilesOptions, ApplyOptions, ApplyReport, Log, Outcome, RenderedFile, Target } from "../ports.ts";
import { type CheckJob, judge, needsSwap } from "./check.ts";
import type { Command, CommandContext } from "./commands.ts";
import { discardStaged, putStaged, restoreFiles, type StagedFile, stageAll, sweepStaged } from "./files.ts";
import { identify } from "./identity.ts";
import { type Applied, createJournalStore, type Journal, keepFiles } from "./journal.ts";
import { withLock } from "./lock.ts";
import { generationOf, type Plan, planFiles, reportFiles } from "./plan.ts";
import { type Reload, runReload } from "./reload.ts";
import { type CheckLevel, findCheckLevel } from "./sandbox.ts";
import { runVerify, type Verify } from "./verify.ts";

export interface TargetOptions {
  readonly name: string;
  /** The target's own folder below `stateDir`. */
  readonly stateDir: string;
  readonly check?: Command;
  readonly reload?: Reload;
  readonly verify?: Verify;
  readonly log: Log;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For tests; how far a check can be kept apart here. */
  readonly findCheckLevel?: typeof findCheckLevel;
}

export function createTarget(options: TargetOptions): Target {
  const { name, check, reload, verify, log } = options;
  const store = createJournalStore(options.stateDir, log);
  const hasProgram = reload !== undefined || verify !== undefined;
  /** One file that nothing judges and nobody reads again at once: the rename itself is the whole transaction. */
  const isBare = check === undefined && !hasProgram;
  let level: CheckLevel | undefined;
  let swept = false;

  async function apply(files: readonly RenderedFile[], applyOptions: ApplyFilesOptions): Promise<ApplyReport> {
    try {
      return await locked(applyOptions, () => transact(files, applyOptions));
    } catch (error) {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      return { outcome: { kind: "failed", error }, generation: generationOf(files), files: [] };
    }
  }

  async function recover(applyOptions: ApplyOptions): Promise<Outcome | undefined> {
    try {
      return await locked(applyOptions, async () => await payDebts(await store.read(), contextOf(applyOptions)));
    } catch (error) {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      return { kind: "failed", error };
    }
  }

  function locked<T>({ lockTimeoutMs, signal }: ApplyOptions, work: () => Promise<T>): Promise<T> {
    return withLock({ file: join(options.stateDir, "lock"), what: `target "${name}"`, timeoutMs: lockTimeoutMs, signal }, work);
  }

  function contextOf({ signal }: ApplyOptions): CommandContext {
    return { signal, environment: options.environment, target: name };
  }

  async function transact(files: readonly RenderedFile[], applyOptions: ApplyOptions): Promise<ApplyReport> {
    const context = contextOf(applyOptions);
    let journal = await undoCheck(await store.read(), applyOptions.dryRun === true);
    const plan = await planFiles(files);
    const isOwed = journal.owed && hasProgram && applyOptions.noReload !== true;
    const report = (outcome: Outcome): ApplyReport => ({ outcome, generation: plan.generation, files: reportFiles(plan) });
    if (plan.changed.length === 0 && !isOwed) {
      return report({ kind: "unchanged" });
    }
    if (applyOptions.dryRun === true) {
      return report({ kind: "would-write" });
    }
    if (plan.changed.length > 0) {
      const installed = await install(plan, journal, context);
      if ("kind" in installed) {
        return report(installed);
      }
      journal = installed;
    }
    if (applyOptions.noReload === true || isBare) {
      return report({ kind: "written" });
    }
    return report(await activate(journal, await stateOf(plan, "wanted"), context));
  }

  /** Checks the files and puts them in place. Returns the journal that says so, or why it did not happen. */
  async function install(plan: Plan, journal: Journal, context: CommandContext): Promise<Journal | Outcome> {
    await sweepOnce(plan.files.map((file) => file.dest));
    const staged = await stageAll(plan.changed);
    try {
      if (isBare && staged.length === 1) {
        await putStaged(staged);
        return journal;
      }
      const before = await stateOf(plan, "current");
      const to = await stateOf(plan, "wanted");
      const from = goodStateFor(journal, before);
      const checked = await runCheck(staged, plan, { journal, before, to, context });
      if (checked instanceof FairleadError) {
        return { kind: "rejected", error: checked };
      }
      const installing: Journal = { ...journal, pending: { step: "installing", from, to }, owed: hasProgram };
      await store.write(installing);
      if (checked === "staged") {
        await putOrTakeBack(staged, before, journal);
      }
      if (hasProgram) {
        return installing;
      }
      return await settle({ v: 1, good: to, owed: false });
    } finally {
      await discardStaged(staged);
    }
  }

  /** A disk that refuses the second file gives the first one's old content back. */
  async function putOrTakeBack(staged: readonly StagedFile[], before: Applied, journal: Journal): Promise<void> {
    try {
      await putStaged(staged);
    } catch (error) {
      await restoreFiles(before, store);
      await store.write(journal);
      throw error;
    }
  }

  /** Where the files are when the check has passed, or why it has not: then nothing was replaced. */
  async function runCheck(
    staged: readonly StagedFile[],
    plan: Plan,
    state: { readonly journal: Journal; readonly before: Applied; readonly to: Applied; readonly context: CommandContext },
  ): Promise<"staged" | "in place" | FairleadError> {
    if (check === undefined) {
      return "staged";
    }
    const { context } = state;
    const job: CheckJob = { command: check, staged, files: plan.files, generation: plan.generation, context };
    level ??= await (options.findCheckLevel ?? findCheckLevel)(check, context);
    if (!needsSwap(job, level)) {
      return (await judgeUndisturbed(job, level)) ?? "staged";
    }
    let rejection: FairleadError | undefined;
    let passed = false;
    await store.write({ ...state.journal, pending: { step: "checking", from: state.before, to: state.to } });
    try {
      await putStaged(staged);
      rejection = await judgeUndisturbed(job, level);
      passed = rejection === undefined;
    } finally {
      if (!passed) {
        await restoreFiles(state.before, store);
        await store.write(state.journal);
      }
    }
    return rejection ?? "in place";
  }

  /** Where somebody puts a file over a destination, what was laid over it for the check is gone, and the word of the check is for that file. */
  async function judgeUndisturbed(job: CheckJob, checkLevel: CheckLevel): Promise<FairleadError | undefined> {
    const paths = job.staged.map((file) => file.dest);
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
  async function activate(journal: Journal, to: Applied, context: CommandContext): Promise<Outcome> {
    try {
      await reloadAndVerify(to.generation, context);
      await settle({ v: 1, good: to, owed: false });
      return { kind: "written" };
    } catch (error) {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      return await rollBack(journal, to, error, context);
    }
  }

  async function rollBack(journal: Journal, to: Applied, error: FairleadError, context: CommandContext): Promise<Outcome> {
    const from = journal.pending?.from ?? journal.good;
    if (from === undefined || from.generation === to.generation) {
      return { kind: "failed", error };
    }
    await restoreFiles(from, store);
    const restored: Journal = { v: 1, ...(journal.good && { good: journal.good }), owed: true };
    await store.write(restored);
    try {
      await reloadAndVerify(from.generation, context);
      await settle({ ...restored, owed: false });
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

  async function reloadAndVerify(generation: string, context: CommandContext): Promise<void> {
    if (reload !== undefined) {
      await runReload(reload, context);
    }
    if (verify !== undefined && generation !== "") {
      await runVerify(verify, generation, context);
    }
  }

  async function payDebts(journal: Journal, context: CommandContext): Promise<Outcome | undefined> {
    const clean = await undoCheck(journal, false);
    const { pending, good } = clean;
    if (pending !== undefined) {
      await sweepOnce(pending.to.files.map((file) => file.dest));
      log.info("an interrupted change is completed", { target: name, generation: pending.to.generation });
      await restoreFiles(pending.to, store); // they passed the check: going on is as safe as going back
      return hasProgram
        ? await activate(clean, pending.to, context)
        : (await settle({ v: 1, good: pending.to, owed: false }), { kind: "written" });
    }
    if (!clean.owed || !hasProgram) {
      return undefined;
    }
    log.info("a reload that was owed is made", { target: name });
    if (good !== undefined) {
      return await activate(clean, good, context);
    }
    await reloadAndVerify("", context);
    await settle({ v: 1, owed: false });
    return { kind: "written" };
  }

  /** Takes files away again that were in place only to be checked when their process was killed. */
  async function undoCheck(journal: Journal, dryRun: boolean): Promise<Journal> {
    if (journal.pending?.step !== "checking" || dryRun) {
      return journal;
    }
    await restoreFiles(journal.pending.from, store);
    const { pending: _, ...undone } = journal;
    await store.write(undone);
    return undone;
  }

  /** What a failure goes back to: the last good version of each file; one that fairlead never proved, as it was found. */
  function goodStateFor(journal: Journal, before: Applied): Applied {
    const good = journal.pending?.from ?? journal.good;
    const files = before.files.map((file) => good?.files.find(({ dest }) => dest === file.dest) ?? file);
    return { generation: good?.generation ?? "", files, at: before.at };
  }

  async function stateOf(plan: Plan, which: "wanted" | "current"): Promise<Applied> {
    const contents = new Map(plan.files.map((file) => [file.dest, file[which]]));
    const generation = which === "wanted" ? plan.generation : "";
    return { generation, files: await keepFiles(store, contents), at: new Date().toISOString() };
  }

  async function settle(journal: Journal): Promise<Journal> {
    await store.write(journal);
    await store.sweep(journal);
    return journal;
  }

  async function sweepOnce(dests: readonly string[]): Promise<void> {
    if (!swept) {
      await sweepStaged(dests);
      swept = true;
    }
  }

  async function recall(): Promise<undefined> {
    return undefined;
  }

  return { name, apply, recover, recall };
}
