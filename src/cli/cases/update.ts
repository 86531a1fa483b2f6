import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { replaceText } from "../../config/case-update.ts";
import type { Verdict } from "../../render/cases.ts";
import type { LoadedCase } from "./load.ts";

/** Writes down what came as the text that is expected. False: nothing had to be written, or its place cannot be written to alone. */
export async function updateText({ file, textAt }: LoadedCase, verdict: Verdict): Promise<boolean> {
  const texts = verdict.ok ? undefined : verdict.texts;
  if (textAt?.kind === "file" && (texts !== undefined || (verdict.ok && !textAt.isThere))) {
    await mkdir(dirname(textAt.path), { recursive: true });
    await writeFile(textAt.path, texts?.rendered ?? "");
    return true;
  }
  if (textAt?.kind !== "inline" || texts === undefined) {
    return false;
  }
  const updated = replaceText(await readFile(file, "utf8"), textAt.path, texts.rendered);
  if (updated === undefined) {
    return false;
  }
  await writeFile(file, updated);
  return true;
}
