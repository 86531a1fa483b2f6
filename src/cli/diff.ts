import { createTwoFilesPatch } from "diff";

/**
 * A unified diff of a file, as `diff -u` prints it; `before` undefined: there was no file. Beyond a second of comparing, everything counts
 * as changed.
 */
export function unifiedDiff(name: string, before: string | undefined, after: string): string {
  return textDiff({ name: before === undefined ? "/dev/null" : name, text: before ?? "" }, { name, text: after });
}

interface Text {
  readonly name: string;
  readonly text: string;
}

/** The same of two texts, each with a name of its own. */
export function textDiff(before: Text, after: Text): string {
  const patch = createTwoFilesPatch(before.name, after.name, before.text, after.text, undefined, undefined, { timeout: 1000 });
  return (patch ?? `--- ${before.name}\n+++ ${after.name}\n(too different to compare)\n`).replace(/^=+\n/, "").trimEnd();
}
