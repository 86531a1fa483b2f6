/** Showing a check the tree as it will be, without anybody else seeing it. */
import { exec } from "../core/exec.ts";
import { type Command, type CommandContext, fillPlaceholders, runCommand } from "./commands.ts";

/** A staged file and the place that it is meant for. */
export interface Staged {
  readonly staged: string;
  readonly dest: string;
  /** Whether there is a file at `dest` now. */
  readonly replaces: boolean;
}

/**
 * `namespace`: the staged files are laid over their destinations in a mount namespace that only the check sees.
 * `swap`: they are really put in place for the length of the check, and taken away again when it refuses.
 */
export type CheckLevel = "namespace" | "swap";

/** What a check runs in. It binds pairs of paths until `--`, then becomes the check. */
const BIND_THEN_EXEC = 'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 125; shift 2; done; shift; exec "$@"';
const UNSHARE = ["unshare", "--mount", "--propagation", "private", "--"];

/** How far a check can be kept apart here. */
export async function findCheckLevel(_command: Command, context: CommandContext): Promise<CheckLevel> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return "swap";
  }
  const result = await exec([...UNSHARE, "mount", "--bind", "/dev/null", "/dev/null"], {
    timeoutMs: 5000,
    signal: context.signal,
    env: { PATH: context.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  return result.kind === "exited" && result.code === 0 ? "namespace" : "swap";
}

export async function checkInNamespace(command: Command, staged: readonly Staged[], generation: string, context: CommandContext) {
  const binds = staged.flatMap((file) => [file.staged, file.dest]);
  const argv = fillPlaceholders(command.argv, { generation });
  return await runCommand([...UNSHARE, "sh", "-c", BIND_THEN_EXEC, "sh", ...binds, "--", ...argv], command.timeoutMs, context);
}
