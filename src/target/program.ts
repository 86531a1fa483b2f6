/** The program that reads a target's files: it is told that they changed, and proves that it runs them. */
import { FairleadError } from "../model/errors.ts";
import type { CommandContext } from "./commands.ts";
import { type Reload, runReload } from "./reload.ts";
import { runVerify, type Verify } from "./verify.ts";

/** One that runs the files already proves it at once. */
const PROOF_MS = 1000;

export interface Program {
  /** Whether there is one: only then a reload can be owed. */
  readonly exists: boolean;
  /**
   * Reload and proof. Without a generation there is nothing to prove.
   * @throws FairleadError `RELOAD_FAILED` or `VERIFY_FAILED`
   */
  activate(generation: string, context: CommandContext): Promise<void>;
  /** Whether it runs this generation, without a reload. Without a proof to ask for: yes. */
  runs(generation: string, context: CommandContext): Promise<boolean>;
}

export function createProgram({ reload, verify }: { readonly reload?: Reload; readonly verify?: Verify }): Program {
  async function activate(generation: string, context: CommandContext): Promise<void> {
    if (reload !== undefined) {
      await runReload(reload, context);
    }
    if (verify !== undefined && generation !== "") {
      await runVerify(verify, generation, context);
    }
  }

  async function runs(generation: string, context: CommandContext): Promise<boolean> {
    try {
      await (verify && runVerify({ ...verify, timeoutMs: Math.min(verify.timeoutMs, PROOF_MS) }, generation, context));
      return true;
    } catch (error) {
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      return false;
    }
  }

  return { exists: reload !== undefined || verify !== undefined, activate, runs };
}
