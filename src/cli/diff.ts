import { createTwoFilesPatch } from "diff";
import type { FileReport } from "../ports.ts";

/**
 * A unified diff of a file, as `diff -u` prints it; `before` undefined: there was no file. Beyond a second of comparing, everything counts
 * as changed.
 */
function unifiedDiff(name: string, before: string | undefined, after: string | undefined): string {
  const nameOf = (text: string | undefined): string => (text === undefined ? "/dev/null" : name);
  return textDiff({ name: nameOf(before), text: before ?? "" }, { name: nameOf(after), text: after ?? "" });
}

interface Text {
  readonly name: string;
  readonly text: string;
}

/** The same of two texts, each with a name of its own. */
export function textDiff(before: Text, after: Text): string {
  const patch = createTwoFilesPatch(before.name, after.name, before.text, after.text, undefined, undefined, { timeout: 1000 });
  return (patch ?? `--- ${before.name}\n+++ ${after.name}\n(too different to compare)\n`)
    .replace(/^(Index: .*\n)?=+\n/, "")
    .trimEnd();
}

/** What changed in a file. Where secrets are read, masked texts are compared, and what may hold a secret unmasked is not shown at all. */
export function fileDiff({ dest, before, after, masked }: FileReport): string {
  const plain = (): string => unifiedDiff(dest, before?.toString("utf8"), after?.toString("utf8"));
  if (masked === undefined) {
    return plain();
  }
  if (before !== undefined && masked.before === undefined) {
    return `--- ${dest}\n+++ ${dest}\n(not shown: what is there now was not made by fairlead, so nobody knows what in it is secret)`;
  }
  const shown = unifiedDiff(dest, masked.before?.toString("utf8"), masked.after?.toString("utf8"));
  const hasHidden = before !== undefined && after !== undefined && countChanges(plain()) > countChanges(shown);
  return hasHidden ? `${shown}\n(secrets changed; their values are not shown)` : shown;
}

function countChanges(patch: string): number {
  return patch.split("\n").filter((line) => /^[+-](?![+-]{2} )/.test(line)).length;
}
