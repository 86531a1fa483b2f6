import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../model/errors.ts";
import { compareText } from "../../model/instance.ts";
import { usage } from "../context.ts";

const ENDING = ".case.yaml";

/**
 * The case files in a folder and below it, in order; `node_modules`, folders that begin with a dot and links to folders are passed over. A
 * path that is a file is that file.
 * @throws FairleadError `USAGE` when the path is not there
 */
export async function findCaseFiles(path: string, signal: AbortSignal): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw usage(`there is no file or folder "${path}"`);
  }
  const files: string[] = found.isFile() ? [path] : [];
  const folders = found.isFile() ? [] : [path];
  for (const folder of folders) {
    signal.throwIfAborted();
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      throw usage(`cannot read the folder "${folder}": ${messageOf(error)}`);
    });
    for (const entry of entries) {
      if (entry.isDirectory() && entry.name !== "node_modules" && !entry.name.startsWith(".")) {
        folders.push(join(folder, entry.name));
      } else if (!entry.isDirectory() && entry.name.endsWith(ENDING)) {
        files.push(join(folder, entry.name));
      }
    }
  }
  return files.sort(compareText);
}

/** The template that a case file is about when it names none. */
export function neighbourOf(file: string): string {
  return `${file.endsWith(ENDING) ? file.slice(0, -ENDING.length) : file}.hbs`;
}
