/** All files of a target at once: staged, put in place, taken back, swept. */
import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { PlannedFile } from "../plan.ts";
import { type Applied, contentOf } from "../state/journal.ts";
import type { KeptBytes } from "../state/keep.ts";
import type { Folders, Place } from "./folder.ts";
import { refused } from "./refusal.ts";
import { removeFile } from "./remove-file.ts";
import {
  type FileContent,
  installFile,
  isMountPoint,
  readDestination,
  sameContent,
  stagedPrefix,
  stageFile,
  writeInPlace,
} from "./stage.ts";

export interface StagedFile {
  /** Absolute, for a check that names it; this process itself goes through `place`. */
  readonly staged: string;
  readonly dest: string;
  readonly replaces: boolean;
  readonly place: Place;
  readonly name: string;
  readonly wanted: FileContent;
}

/** What is to be done to the files of a target: new content at some places, none any more at others. */
export interface Staged {
  readonly files: readonly StagedFile[];
  readonly removals: readonly Place[];
}

/** Stages all of them or, on failure, leaves none behind. */
export async function stageAll(files: readonly PlannedFile[], folders: Folders): Promise<Staged> {
  const staged: StagedFile[] = [];
  const removals: Place[] = [];
  try {
    for (const { dest, wanted, current } of files) {
      const place = await folders.place(dest);
      if (wanted === undefined) {
        removals.push(place);
      } else {
        const name = await stageFile(place, wanted);
        staged.push({ staged: join(dirname(dest), name), dest, replaces: current !== undefined, place, name, wanted });
      }
    }
    return { files: staged, removals };
  } catch (error) {
    await discardStaged({ files: staged, removals });
    throw error;
  }
}

/**
 * Puts the files in place and removes what is to go. One that is mounted by itself is written in place, which `mayWriteInPlace` has to allow:
 * only when the journal knows its bytes.
 */
export async function putStaged(
  { files, removals }: Staged,
  { folders, mayWriteInPlace }: { readonly folders: Folders; readonly mayWriteInPlace: boolean },
): Promise<void> {
  for (const { place, name, wanted } of files) {
    try {
      await installFile(place, name);
    } catch (error) {
      if (!mayWriteInPlace || !isMountPoint(error)) {
        throw error;
      }
      await writeInPlace(place, wanted);
    }
  }
  for (const place of removals) {
    await remove(place);
  }
  await folders.sync([...files.map((file) => file.dest), ...removals.map((place) => place.dest)]);
}

/** Those that were put in place are not there any more under their staged name. */
export async function discardStaged({ files }: Staged): Promise<void> {
  for (const { place, name } of files) {
    await removeFile(place.at(name));
  }
}

/** Brings bytes, mode, owner or absence back; files that are as they should be are not touched. */
export async function restoreFiles(state: Applied, kept: KeptBytes, folders: Folders): Promise<void> {
  const touched: string[] = [];
  for (const file of state.files) {
    const place = await folders.place(file.dest);
    const current = await readDestination(place);
    const wanted = await contentOf(file, kept);
    if (wanted === undefined) {
      if (current !== undefined) {
        await remove(place);
        touched.push(file.dest);
      }
    } else if (current === undefined || !sameContent(wanted, current)) {
      await replace(place, wanted);
      touched.push(file.dest);
    }
  }
  await folders.sync(touched);
}

async function replace(place: Place, wanted: FileContent): Promise<void> {
  const staged = await stageFile(place, wanted);
  try {
    await installFile(place, staged);
  } catch (error) {
    await rm(place.at(staged), { force: true });
    if (!isMountPoint(error)) {
      throw error;
    }
    await writeInPlace(place, wanted);
  }
}

async function remove(place: Place): Promise<void> {
  try {
    await rm(place.at(place.name), { force: true });
  } catch (error) {
    throw refused(place.dest, error);
  }
}

/** Removes what a killed process left staged beside these destinations. */
export async function sweepStaged(dests: readonly string[], folders: Folders): Promise<void> {
  const names = new Map<string, string[]>();
  for (const dest of dests) {
    const place = await folders.place(dest);
    const there = names.get(dirname(dest)) ?? (await readdir(place.at("."))).filter((name) => name.includes(".fairlead-"));
    names.set(dirname(dest), there);
    for (const name of there.filter((name) => name.startsWith(stagedPrefix(place.name)))) {
      await rm(place.at(name), { force: true });
    }
  }
}
