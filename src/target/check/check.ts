/** Letting the operator's check judge staged files. */
import { describeExec, type ExecResult } from "../../core/exec.ts";
import { FairleadError } from "../../model/errors.ts";
import { type CommandContext, fillPlaceholders, namesStagedFiles, outputTail } from "../commands.ts";
import { hintAtSandbox } from "./check-hints.ts";
import { type CheckCommand, type CheckLevel, runAtLevel, type SandboxedCheck, type Staged } from "./sandbox.ts";

export interface CheckJob {
  readonly command: CheckCommand;
  /** What changes: files that are new or different, and files that go. */
  readonly staged: readonly Staged[];
  /** All files of the target, those that do not change included: `{{staged.2}}` is the second of them. */
  readonly files: readonly { readonly dest: string }[];
  readonly generation: string;
  readonly context: CommandContext;
}

/** Laying a file over the tree costs more than a millisecond of the check's time; so many are sooner put in place. */
const MOST_LAID = 200;
/** Targets whose files could not be laid over a tree although the machine allows it: they go on with their files put in place. */
const unbuildable = new Set<string>();

/** Whether the files have to be really in place while they are judged. */
export function needsSwap(job: CheckJob, level: CheckLevel): boolean {
  if (namesStagedFiles(job.command)) {
    return false;
  }
  switch (level) {
    case "full":
    case "network":
      return unbuildable.has(job.context.target) || job.staged.length > MOST_LAID;
    case "namespace":
      return !canBind(job.staged) || job.staged.length > MOST_LAID;
    case "basic":
    case "swap":
      return true;
  }
}

/** Undefined: it passed. */
export async function judge(job: CheckJob, level: CheckLevel): Promise<FairleadError | undefined> {
  const { command, staged, files, generation, context } = job;
  const isNamed = namesStagedFiles(command);
  const paths = files.map(({ dest }) => staged.find((file) => file.dest === dest)?.staged ?? dest);
  const argv = fillPlaceholders(command.argv, { generation, ...(isNamed && { staged: paths }) });
  const check: SandboxedCheck = { command, argv, staged: isNamed || needsSwap(job, level) ? [] : staged, context };
  const result = await runAtLevel(check, level);
  if (result.kind !== "not-built") {
    return rejectionOf(command, result, level);
  }
  unbuildable.add(context.target);
  return new FairleadError("CHECK_REJECTED", `the sandbox of check "${command.argv.join(" ")}" ${result.reason}`, {
    retryable: true,
    hint: "it is tried again with the files put in place for the length of the check",
  });
}

/** Only over a file that is there can another be bound. */
function canBind(staged: readonly Staged[]): boolean {
  return staged.every((file) => file.replaces && file.staged !== undefined);
}

function rejectionOf(check: CheckCommand, result: ExecResult, level: CheckLevel): FairleadError | undefined {
  if (result.kind === "exited" && result.code === 0) {
    return undefined;
  }
  const hint = hintAtSandbox(check.argv, result.output, level);
  return new FairleadError("CHECK_REJECTED", `check "${check.argv.join(" ")}" ${describeExec(result)}${outputTail(result)}`, {
    retryable: result.kind !== "exited",
    ...(hint !== undefined && { hint }),
  });
}
