/** A folder to be checked in, and a target whose check runs there. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApplyReport, RenderedFile } from "../../../../src/ports.ts";
import type { CheckCommand } from "../../../../src/target/check/sandbox.ts";
import { createTarget, type TargetOptions } from "../../../../src/target/target.ts";
import { noProvenance } from "../../../helpers/provenance.ts";
import { type RecordedLog, recordLog } from "../../../helpers/quiet-log.ts";
import { acquire } from "../../../helpers/servers/index.ts";

export interface Stage {
  /** In the environment of every process of its checks. */
  readonly name: string;
  readonly folder: string;
  readonly canary: string;
  readonly dest: string;
  readonly nginx: string;
  /** Applies new text for `dest`, or files, with this check. */
  apply(
    check: CheckCommand,
    wanted: string | readonly RenderedFile[],
    more?: Partial<TargetOptions>,
  ): Promise<{
    readonly report: ApplyReport;
    readonly log: RecordedLog;
    readonly message: string;
    readonly hint: string | undefined;
  }>;
  remove(): Promise<void>;
}

/** The tests of levels need root; without it they are skipped, and say so. */
export function isRoot(what: string): boolean {
  const is = process.getuid?.() === 0 && process.platform === "linux";
  if (!is) {
    console.warn(`SKIPPED "${what}": it needs root on Linux`);
  }
  return is;
}

export async function makeStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "fairlead-sandbox-"));
  const canary = join(folder, "canary");
  const dest = join(folder, "etc/app.conf");
  for (const name of ["canary", "etc", "bound", "log", "run", "temp"]) {
    await mkdir(join(folder, name));
  }
  await writeFile(join(canary, "precious"), "untouched\n");
  await writeFile(join(canary, "secret"), "secret_word;\n", { mode: 0o600 });
  await writeFile(dest, "old\n");
  const found = await acquire("nginx");
  const name = `stage-${folder.slice(-6)}`;
  return {
    name,
    folder,
    canary,
    dest,
    nginx: found.ok ? found.path : "",
    async apply(check, wanted, more = {}) {
      const log = recordLog();
      const files = typeof wanted === "string" ? [{ dest, text: wanted }] : wanted;
      const target = createTarget({ name, stateDir: join(folder, "state"), log, environment: process.env, check, ...more });
      const signal = new AbortController().signal;
      const report = await target.apply(files, { signal, lockTimeoutMs: 500, provenance: noProvenance });
      const error = "error" in report.outcome ? report.outcome.error : undefined;
      return { report, log, message: error?.message ?? "", hint: error?.hint };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
