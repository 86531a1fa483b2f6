import { readFile } from "node:fs/promises";
import { describeExec } from "../core/exec.ts";
import { withDeadline } from "../core/time.ts";
import { FairleadError, messageOf, systemCode } from "../model/errors.ts";
import { type Command, type CommandContext, outputTail, runCommand } from "./commands.ts";
import { isOlderThan, isZombie } from "./process.ts";

/** How a program is told to read its files again. */
export type Reload =
  | { readonly exec: Command }
  | { readonly signal: NodeJS.Signals; readonly pidFile: string }
  | {
      readonly signal: NodeJS.Signals;
      readonly container: string;
      readonly timeoutMs: number;
      /** Rejects with a `FairleadError` that says why it could not be sent. */
      readonly signalContainer: (
        wanted: { readonly container: string; readonly signal: NodeJS.Signals },
        abort: AbortSignal,
      ) => Promise<void>;
    };

/** @throws FairleadError `RELOAD_FAILED` */
export async function runReload(reload: Reload, context: CommandContext): Promise<void> {
  if ("exec" in reload) {
    const result = await runCommand(reload.exec.argv, reload.exec.timeoutMs, context);
    if (result.kind !== "exited" || result.code !== 0) {
      throw new FairleadError(
        "RELOAD_FAILED",
        `reload "${reload.exec.argv.join(" ")}" ${describeExec(result)}${outputTail(result)}`,
        {
          retryable: true,
        },
      );
    }
    return;
  }
  await ("container" in reload ? signalContainer(reload, context.signal) : signalProcess(reload));
}

async function signalContainer(reload: Extract<Reload, { container: string }>, abort: AbortSignal): Promise<void> {
  const { container, signal, timeoutMs } = reload;
  const onTimeout = (): Error => failed(`cannot send ${signal} to container "${container}": no answer within ${timeoutMs} ms`);
  try {
    await withDeadline({ ms: timeoutMs, signal: abort, onTimeout }, (inner) =>
      reload.signalContainer({ container, signal }, inner),
    );
  } catch (error) {
    if (!(error instanceof FairleadError) || error.code === "RELOAD_FAILED") {
      throw error;
    }
    throw failed(error.message, error.hint);
  }
}

async function signalProcess(reload: Extract<Reload, { pidFile: string }>): Promise<void> {
  const pid = await readPid(reload.pidFile);
  if (await isZombie(pid)) {
    throw failed(`process ${pid} of "${reload.pidFile}" has ended`, "start the program; the reload is tried again");
  }
  if (!(await isOlderThan(pid, reload.pidFile))) {
    throw failed(
      `"${reload.pidFile}" is stale: process ${pid} started after it was written`,
      "restart the program, or remove the file",
    );
  }
  try {
    process.kill(pid, reload.signal);
  } catch (error) {
    const reason = systemCode(error) === "ESRCH" ? "there is no such process" : messageOf(error);
    throw failed(
      `cannot send ${reload.signal} to process ${pid} of "${reload.pidFile}": ${reason}`,
      "start the program; the reload is tried again",
    );
  }
}

async function readPid(pidFile: string): Promise<number> {
  let text: string;
  try {
    text = await readFile(pidFile, "utf8");
  } catch (error) {
    throw failed(`cannot read "${pidFile}": ${messageOf(error)}`, "is the program running?");
  }
  const pid = Number(text.trim());
  if (!Number.isInteger(pid) || pid < 1) {
    throw failed(`"${pidFile}" holds no process id`, "is the program running?");
  }
  return pid;
}

function failed(message: string, hint?: string): FairleadError {
  return new FairleadError("RELOAD_FAILED", message, { retryable: true, ...(hint !== undefined && { hint }) });
}
