import { createTwoFilesPatch } from "diff";

/**
 * A unified diff of a file, as `diff -u` prints it; `before` undefined: there was no file. Beyond a second of comparing, everything counts
 * as changed.
 */
export function unifiedDiff(name: string, before: string | undefined, after: string): string {
  const oldName = before === undefined ? "/dev/null" : name;
  const patch = createTwoFilesPatch(oldName, name, before ?? "", after, undefined, undefined, { timeout: 1000 });
  return (patch ?? `--- ${oldName}\n+++ ${name}\n(too different to compare)\n`).replace(/^=+\n/, "").trimEnd();
}
