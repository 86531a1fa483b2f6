/** Letting the operator's check judge staged files. */
import { describeExec, type ExecResult } from "../core/exec.ts";
import { FairleadError } from "../model/errors.ts";
import { type Command, type CommandContext, fillPlaceholders, namesStagedFiles, outputTail, runCommand } from "./commands.ts";
import type { StagedFile } from "./files.ts";
import { type CheckLevel, checkInNamespace } from "./sandbox.ts";

export interface CheckJob {
  readonly command: Command;
  readonly staged: readonly StagedFile[];
  /** All files of the target, those that do not change included: `{{staged.2}}` is the second of them. */
  readonly files: readonly { readonly dest: string }[];
  readonly generation: string;
  readonly context: CommandContext;
}

/** Whether the files have to be really in place while they are judged. */
export function needsSwap(job: CheckJob, level: CheckLevel): boolean {
  return !namesStagedFiles(job.command) && !(level === "namespace" && job.staged.every((file) => file.replaces));
}

/** Undefined: it passed. */
export async function judge(job: CheckJob, level: CheckLevel): Promise<FairleadError | undefined> {
  const { command, staged, files, generation, context } = job;
  if (namesStagedFiles(command)) {
    const paths = files.map(({ dest }) => staged.find((file) => file.dest === dest)?.staged ?? dest);
    const argv = fillPlaceholders(command.argv, { staged: paths, generation });
    return rejectionOf(command, await runCommand(argv, command.timeoutMs, context));
  }
  if (!needsSwap(job, level)) {
    return rejectionOf(command, await checkInNamespace(command, staged, generation, context));
  }
  const argv = fillPlaceholders(command.argv, { generation });
  return rejectionOf(command, await runCommand(argv, command.timeoutMs, context));
}

function rejectionOf(check: Command, result: ExecResult): FairleadError | undefined {
  if (result.kind === "exited" && result.code === 0) {
    return undefined;
  }
  const retryable = result.kind !== "exited";
  return new FairleadError("CHECK_REJECTED", `check "${check.argv.join(" ")}" ${describeExec(result)}${outputTail(result)}`, {
    retryable,
  });
}
