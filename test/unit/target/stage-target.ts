/** A folder with destinations and a state, and targets on it: what the tests of targets share. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Provenance } from "../../../src/model/provenance.ts";
import type { ApplyReport, RenderedFile } from "../../../src/ports.ts";
import { createTarget, type TargetOptions } from "../../../src/target/target.ts";
import { noProvenance } from "../../helpers/provenance.ts";
import { type RecordedLog, recordLog } from "../../helpers/quiet-log.ts";

export interface StagedTargets {
  readonly folder: string;
  readonly dest: string;
  readonly log: RecordedLog;
  readonly target: (more?: Partial<TargetOptions>) => ReturnType<typeof createTarget>;
  readonly text: (dest?: string) => Promise<string | undefined>;
  readonly write: (text: string, dest?: string) => Promise<void>;
  readonly state: (name: string) => string;
  readonly namesIn: (folder: string) => Promise<string[]>;
  readonly clean: () => Promise<void>;
}

export async function stageTargets(): Promise<StagedTargets> {
  const folder = await mkdtemp(join(tmpdir(), "fairlead-target-"));
  await mkdir(join(folder, "etc"));
  const dest = join(folder, "etc/app.conf");
  const log = recordLog();
  const stateDir = join(folder, "state");
  return {
    folder,
    dest,
    log,
    target: (more = {}) => createTarget({ name: "app", stateDir, log, environment: process.env, ...more }),
    text: (path = dest) => readFile(path, "utf8").catch(() => undefined),
    write: (text, path = dest) => writeFile(path, text),
    state: (name) => join(stateDir, name),
    namesIn: async (path) => (await readdir(path).catch((): string[] => [])).sort(),
    clean: () => rm(folder, { recursive: true, force: true }),
  };
}

export function applyOptions(
  more: { readonly provenance?: () => Provenance; readonly dryRun?: boolean; readonly noReload?: boolean } = {},
) {
  return { signal: new AbortController().signal, lockTimeoutMs: 5000, provenance: noProvenance, ...more };
}

export function file(dest: string, text: string, more: Partial<RenderedFile> = {}): RenderedFile {
  return { dest, text, ...more };
}

export function sh(script: string, timeoutMs = 5000) {
  return { argv: ["sh", "-c", script], timeoutMs };
}

export const kindOf = (report: ApplyReport): string => report.outcome.kind;

export function errorOf(report: ApplyReport) {
  return "error" in report.outcome ? report.outcome.error : undefined;
}
