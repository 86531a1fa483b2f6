import { type FileReport, GENERATION_MARK, type RenderedFile } from "../ports.ts";
import { generationOf } from "./generation.ts";
import { type FileContent, readDestination, sha256 } from "./stage.ts";

/** One file of a target: what is wanted and what is there. */
export interface PlannedFile {
  readonly dest: string;
  readonly wanted: FileContent;
  readonly current: FileContent | undefined;
  readonly changed: boolean;
}

export interface Plan {
  readonly generation: string;
  readonly files: readonly PlannedFile[];
  readonly changed: readonly PlannedFile[];
}

/** Compares with the disk. @throws FairleadError `DEST_REFUSED` */
export async function planFiles(files: readonly RenderedFile[]): Promise<Plan> {
  const generation = generationOf(files);
  const planned: PlannedFile[] = [];
  for (const file of files) {
    const current = await readDestination(file.dest);
    const wanted = wantedContent(file, generation, current);
    planned.push({ dest: file.dest, wanted, current, changed: !sameContent(wanted, current) });
  }
  return { generation, files: planned, changed: planned.filter((file) => file.changed) };
}

export function reportFiles(plan: Plan): readonly FileReport[] {
  return plan.files.map(({ dest, changed, wanted, current }) => ({
    dest,
    changed,
    sha256: sha256(wanted.bytes),
    after: wanted.bytes,
    ...(current !== undefined && { before: current.bytes }),
  }));
}

/** Mode and owner that nobody asked for stay as they are; a new file is 0644. */
function wantedContent(file: RenderedFile, generation: string, current: FileContent | undefined): FileContent {
  const uid = file.uid ?? current?.uid;
  const gid = file.gid ?? current?.gid;
  return {
    bytes: Buffer.from(file.text.replaceAll(GENERATION_MARK, generation)),
    mode: file.mode ?? current?.mode ?? 0o644,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  };
}

function sameContent(wanted: FileContent, current: FileContent | undefined): boolean {
  return (
    current !== undefined &&
    wanted.mode === current.mode &&
    (wanted.uid ?? current.uid) === current.uid &&
    (wanted.gid ?? current.gid) === current.gid &&
    wanted.bytes.equals(current.bytes)
  );
}
