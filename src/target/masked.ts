/** What may be shown of files in which secrets are. */
import type { FileReport } from "../ports.ts";
import { sha256 } from "./files/stage.ts";
import { type Plan, type PlannedFile, reportFile } from "./plan.ts";
import { currentState, type Journal, type KeptFile } from "./state/journal.ts";
import type { KeptBytes } from "./state/keep.ts";

export async function reportFiles(plan: Plan, journal: Journal, kept: KeptBytes): Promise<readonly FileReport[]> {
  const made = [currentState(journal), journal.good].flatMap((state) => state?.files ?? []);
  const reports: FileReport[] = [];
  for (const file of plan.files) {
    const records = file.changed ? made.filter(({ dest }) => dest === file.dest) : [];
    const masked = file.changed ? await maskedOf(file, records, kept) : undefined;
    reports.push({ ...reportFile(file), ...(masked && { masked }) });
  }
  return reports;
}

/** Undefined: no secret was ever read for the file. */
async function maskedOf(file: PlannedFile, records: readonly KeptFile[], kept: KeptBytes): Promise<FileReport["masked"]> {
  if (file.masked === undefined && records.every(({ stored }) => stored?.masked === undefined)) {
    return undefined;
  }
  const after = file.masked ?? file.wanted?.bytes;
  const before = file.current && (await maskedBefore(sha256(file.current.bytes), records, kept));
  return { ...(before && { before }), ...(after && { after }) };
}

/** Only of a content that we made ourselves we know what in it is secret. */
async function maskedBefore(sha: string, records: readonly KeptFile[], kept: KeptBytes): Promise<Buffer | undefined> {
  const masked = records.find(({ stored }) => stored?.sha256 === sha && stored.masked !== undefined)?.stored?.masked;
  return masked === undefined ? undefined : await kept.read(masked).catch(() => undefined); // lost: then it is not shown
}
