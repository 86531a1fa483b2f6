import { createHash } from "node:crypto";
import { type FileReport, GENERATION_MARK, type RenderedFile } from "../ports.ts";
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

/** The same files are the same generation, on every machine and in every run. */
export function generationOf(files: readonly RenderedFile[]): string {
  const hash = createHash("sha256");
  for (const file of [...files].sort((a, b) => (a.dest < b.dest ? -1 : 1))) {
    hash.update(JSON.stringify([file.dest, sha256(bytesOf(file))]));
  }
  return hash.digest("hex").slice(0, 16);
}

/** A file's bytes before the generation is known; the same ones when they are asked for again, since files can be large. */
const known = new WeakMap<RenderedFile, Buffer>();

function bytesOf(file: RenderedFile): Buffer {
  const bytes = known.get(file) ?? Buffer.from(file.text);
  known.set(file, bytes);
  return bytes;
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
    bytes: file.text.includes(GENERATION_MARK) ? Buffer.from(file.text.replaceAll(GENERATION_MARK, generation)) : bytesOf(file),
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
