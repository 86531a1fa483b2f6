/** What a target's files should be, beside what is on the disk. */
import { type FileReport, GENERATION_MARK, type RenderedFile } from "../ports.ts";
import type { Folders } from "./files/folder.ts";
import { type FileContent, readDestination, sameContent, sha256 } from "./files/stage.ts";
import { bytesOf } from "./generation.ts";
import { type Applied, contentOf, currentState, type Journal, type KeptFile } from "./state/journal.ts";
import type { KeptBytes } from "./state/keep.ts";

/** One file of a target: what is wanted and what is there. */
export interface PlannedFile {
  readonly dest: string;
  /** Absent: it is to be removed. */
  readonly wanted: FileContent | undefined;
  readonly current: FileContent | undefined;
  readonly changed: boolean;
  readonly isFanOut: boolean;
  /** The wanted text with secrets masked; absent: no secret was read. */
  readonly masked?: Buffer;
}

export interface Plan {
  readonly generation: string;
  /** In the order of the configuration, those that are to be removed at the end. */
  readonly files: readonly PlannedFile[];
  readonly changed: readonly PlannedFile[];
  /** Files that are not wanted any more and that somebody has changed since: they are left where they are. */
  readonly leftBehind: readonly string[];
  /** The state of the history that it goes back to. */
  readonly goneBack?: Applied["goneBack"];
}

interface WantedFile {
  readonly dest: string;
  readonly isFanOut: boolean;
  readonly masked?: () => Buffer;
  readonly content: (current: FileContent | undefined) => FileContent | undefined;
}

/** Compares what was rendered with the disk. @throws FairleadError `DEST_REFUSED` */
export async function planFiles(
  { files, generation }: { readonly files: readonly RenderedFile[]; readonly generation: string },
  journal: Journal,
  folders: Folders,
): Promise<Plan> {
  const wanted = files.map((file): WantedFile => {
    const { masked } = file;
    return {
      dest: file.dest,
      isFanOut: file.isFanOut === true,
      ...(masked !== undefined && { masked: () => Buffer.from(masked().replaceAll(GENERATION_MARK, generation)) }),
      content: (current) => wantedContent(file, generation, current),
    };
  });
  return { generation, ...(await compare(wanted, journal, folders)) };
}

/** Compares a state that was applied once with the disk. @throws FairleadError `DEST_REFUSED` */
export async function planState(state: Applied, journal: Journal, kept: KeptBytes, folders: Folders): Promise<Plan> {
  const wanted: WantedFile[] = [];
  for (const file of state.files) {
    const content = await contentOf(file, kept);
    const masked = file.stored?.masked === undefined ? undefined : await kept.read(file.stored.masked);
    wanted.push({
      dest: file.dest,
      isFanOut: file.isFanOut === true,
      ...(masked !== undefined && { masked: () => masked }),
      content: () => content,
    });
  }
  const { generation, goneBack } = state;
  return { generation, ...(goneBack && { goneBack }), ...(await compare(wanted, journal, folders)) };
}

async function compare(
  wanted: readonly WantedFile[],
  journal: Journal,
  folders: Folders,
): Promise<Pick<Plan, "files" | "changed" | "leftBehind">> {
  const files: PlannedFile[] = [];
  for (const { dest, isFanOut, content } of wanted) {
    const current = await readDestination(await folders.place(dest));
    const wanted = content(current);
    const changed = wanted === undefined ? current !== undefined : current === undefined || !sameContent(wanted, current);
    files.push({ dest, wanted, current, changed, isFanOut });
  }
  const leftBehind: string[] = [];
  for (const file of strays(wanted, journal)) {
    const current = await readStray(file.dest, folders);
    if (current === undefined) {
      continue;
    }
    if (sha256(current.bytes) === file.stored?.sha256) {
      files.push({ dest: file.dest, wanted: undefined, current, changed: true, isFanOut: true });
    } else {
      leftBehind.push(file.dest);
    }
  }
  if (files.every((file) => !file.changed)) {
    return { files, changed: [], leftBehind };
  }
  const masks = new Map(wanted.map(({ dest, masked }) => [dest, masked]));
  const planned = files.map((file) => withMasked(file, masks.get(file.dest)));
  return { files: planned, changed: planned.filter((file) => file.changed), leftBehind };
}

/** A masked text is rendered on its own, so only for a change that is to be kept or shown. */
function withMasked(file: PlannedFile, masked: (() => Buffer) | undefined): PlannedFile {
  return masked === undefined ? file : { ...file, masked: masked() };
}

/** Files of a `forEach` that were made for something that is not there any more. */
function strays(wanted: readonly WantedFile[], journal: Journal): readonly KeptFile[] {
  const names = new Set(wanted.map((file) => file.dest));
  const made = new Map<string, KeptFile>();
  for (const file of [journal.good, currentState(journal)].flatMap((state) => state?.files ?? [])) {
    if (file.isFanOut === true && file.stored !== undefined && !names.has(file.dest)) {
      made.set(file.dest, file);
    }
  }
  return [...made.values()];
}

/** A folder that went away took its files along. */
async function readStray(dest: string, folders: Folders): Promise<FileContent | undefined> {
  try {
    return await readDestination(await folders.place(dest));
  } catch {
    return undefined; // no folder, or no regular file: nothing of ours is there
  }
}

export function reportFile({ dest, changed, wanted, current }: PlannedFile): FileReport {
  return {
    dest,
    changed,
    sha256: wanted === undefined ? "" : sha256(wanted.bytes),
    ...(wanted !== undefined && { after: wanted.bytes }),
    ...(current !== undefined && { before: current.bytes }),
  };
}

/** Mode and owner that nobody asked for stay as they are; a new file is 0644. */
function wantedContent(file: RenderedFile, generation: string, current: FileContent | undefined): FileContent {
  const uid = file.uid ?? current?.uid;
  const gid = file.gid ?? current?.gid;
  return {
    bytes: file.text.includes(GENERATION_MARK) ? Buffer.from(file.text.replaceAll(GENERATION_MARK, generation)) : bytesOf(file),
    mode: file.mode ?? current?.mode ?? 0o644,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  };
}
