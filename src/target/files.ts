/** All files of a target at once: staged, put in place, taken back, swept. */
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Applied, JournalStore } from "./journal.ts";
import type { PlannedFile } from "./plan.ts";
import { type FileContent, installFile, readDestination, stageFile, syncFolders } from "./stage.ts";

export interface StagedFile {
  readonly staged: string;
  readonly dest: string;
  readonly replaces: boolean;
}

/** Stages all of them or, on failure, leaves none behind. */
export async function stageAll(files: readonly PlannedFile[]): Promise<readonly StagedFile[]> {
  const staged: StagedFile[] = [];
  try {
    for (const { dest, wanted, current } of files) {
      staged.push({ staged: await stageFile(dest, wanted), dest, replaces: current !== undefined });
    }
    return staged;
  } catch (error) {
    await discardStaged(staged);
    throw error;
  }
}

export async function putStaged(files: readonly StagedFile[]): Promise<void> {
  for (const { staged, dest } of files) {
    await installFile(staged, dest);
  }
  await syncFolders(files.map((file) => file.dest));
}

/** Those that were put in place are not there any more under their staged name. */
export async function discardStaged(files: readonly StagedFile[]): Promise<void> {
  for (const { staged } of files) {
    await rm(staged, { force: true });
  }
}

/** Brings bytes, mode, owner or absence back; files that are as they should be are not touched. */
export async function restoreFiles(state: Applied, store: JournalStore): Promise<void> {
  const touched: string[] = [];
  for (const { dest, stored } of state.files) {
    const current = await readDestination(dest);
    if (stored === undefined) {
      if (current !== undefined) {
        await rm(dest);
        touched.push(dest);
      }
      continue;
    }
    const { sha256: sha, ...attributes } = stored;
    const content: FileContent = { bytes: await store.kept(sha), ...attributes };
    if (current === undefined || !current.bytes.equals(content.bytes) || current.mode !== content.mode) {
      await installFile(await stageFile(dest, content), dest);
      touched.push(dest);
    }
  }
  await syncFolders(touched);
}

/** Removes what a killed process left staged beside these destinations. */
export async function sweepStaged(dests: readonly string[]): Promise<void> {
  for (const dest of dests) {
    const pattern = `.${basename(dest)}.fairlead-`;
    for (const name of await readdir(dirname(dest)).catch(() => [])) {
      if (name.startsWith(pattern)) {
        await rm(join(dirname(dest), name), { force: true });
      }
    }
  }
}
