import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { replaceText } from "../../config/case-update.ts";
import type { Verdict } from "../../render/cases.ts";
import type { LoadedCase } from "./load.ts";

/** Writes down what came as the text that is expected. False: this case does not expect a text, or its place cannot be written to alone. */
export async function updateText({ file, textAt }: LoadedCase, verdict: Verdict): Promise<boolean> {
  if (verdict.ok || verdict.texts === undefined || textAt === undefined) {
    return false;
  }
  const { rendered } = verdict.texts;
  if (textAt.kind === "file") {
    await mkdir(dirname(textAt.path), { recursive: true });
    await writeFile(textAt.path, rendered);
    return true;
  }
  const updated = replaceText(await readFile(file, "utf8"), textAt.path, rendered);
  if (updated === undefined) {
    return false;
  }
  await writeFile(file, updated);
  return true;
}
