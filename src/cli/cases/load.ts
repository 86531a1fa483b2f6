/** From a case file to cases that can be run, or to everything that is wrong with it. */
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { readPlainData } from "../../compose/plain-data.ts";
import { type CaseEntry, type CaseFields, parseCases } from "../../config/cases.ts";
import { sortProblems } from "../../config/document.ts";
import type { Path, Problem } from "../../config/problems.ts";
import { messageOf } from "../../model/errors.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { Expectation } from "../../render/cases.ts";
import { formatForDest } from "../../render/formats/index.ts";
import type { TemplateRef } from "../../render/template/library.ts";
import type { Facts } from "../../render/template/reads.ts";
import { neighbourOf } from "./find.ts";

export interface LoadedCase {
  readonly file: string;
  readonly name: string;
  readonly template: TemplateRef;
  readonly partials: string | undefined;
  readonly onUnsafe: "fail" | "skip-instance";
  /** The service that the template begins in. */
  readonly service: string | undefined;
  readonly snapshot: Snapshot;
  readonly facts: Facts;
  readonly expected: Expectation;
  /** Where the exact text is written down. */
  readonly textAt: TextPlace | undefined;
}

export type TextPlace =
  | { readonly kind: "file"; readonly path: string; readonly isThere: boolean }
  /** In the case file itself. */
  | { readonly kind: "inline"; readonly path: Path };

export type FileLoaded =
  | { readonly ok: true; readonly cases: readonly LoadedCase[] }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly text?: string };

/** `mayLackText`: an `expectFile` that is not there yet is as good as an empty one. */
export async function loadCaseFile(file: string, options: { readonly mayLackText: boolean }): Promise<FileLoaded> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    return { ok: false, problems: [{ message: `cannot be read: ${messageOf(error)}`, location: { file } }] };
  }
  const read = parseCases(text, file);
  if (!read.ok) {
    return { ok: false, problems: read.problems, text };
  }
  const problems: Problem[] = [];
  const cases: LoadedCase[] = [];
  for (const entry of read.cases) {
    cases.push(await loadCase(file, entry, { ...options, problems }));
  }
  return problems.length > 0 ? { ok: false, problems: sortProblems(once(problems)), text } : { ok: true, cases };
}

/** What is said for all cases of a file can be wrong for each of them: that is one problem. */
function once(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

interface LoadOptions {
  readonly mayLackText: boolean;
  /** What is wrong is added here; the case means nothing then. */
  readonly problems: Problem[];
}

async function loadCase(file: string, entry: CaseEntry, { mayLackText, problems }: LoadOptions): Promise<LoadedCase> {
  const { fields, locate } = entry;
  function absolute(path: string): string {
    return resolve(dirname(file), path);
  }
  const template = fields.template === undefined ? neighbourOf(file) : absolute(fields.template);
  if (!(await isThere(template, "file"))) {
    problems.push({
      message: `there is no template "${fields.template ?? basename(template)}"`,
      location: fields.template === undefined ? { file } : locate(["template"]),
      hint:
        fields.template === undefined
          ? "it is looked for beside the case file; name another one with `template`"
          : `it was looked for as ${template}`,
    });
  }
  const partials = fields.partials === undefined ? undefined : absolute(fields.partials);
  if (partials !== undefined && !(await isThere(partials, "folder"))) {
    problems.push({ message: `there is no folder "${fields.partials}"`, location: locate(["partials"]) });
  }
  const { snapshot, mistakes } = readPlainData(fields, fields.node);
  for (const { path, atKey, message, hint } of mistakes) {
    problems.push({ message, location: locate(path, atKey), ...(hint !== undefined && { hint }) });
  }
  if (fields.service !== undefined && mistakes.length === 0 && !snapshot.services.has(fields.service)) {
    problems.push({ message: `there is no service "${fields.service}" in \`services\``, location: locate(["service"]) });
  }
  const textFile = fields.expectFile === undefined ? undefined : absolute(fields.expectFile);
  const textOfFile = textFile === undefined ? undefined : await readFile(textFile, "utf8").catch(() => undefined);
  if (textFile !== undefined && textOfFile === undefined && !mayLackText) {
    problems.push({
      message: `cannot read the expected text "${fields.expectFile}"`,
      location: locate(["expectFile"]),
      hint: "`fairlead test --update` writes it from what the template gives now",
    });
  }
  return {
    file,
    name: fields.name,
    template: {
      path: template,
      format: fields.format ?? formatForDest(basename(template).replace(/\.hbs$/, "")),
      allowRaw: fields.raw ?? false,
    },
    partials,
    onUnsafe: fields.onUnsafe ?? "fail",
    service: fields.service,
    snapshot,
    facts: { node: fields.node, env: new Map(Object.entries(fields.env)) },
    expected: expectationOf(fields, textOfFile ?? ""),
    textAt:
      textFile !== undefined
        ? { kind: "file", path: textFile, isThere: textOfFile !== undefined }
        : fields.expect !== undefined
          ? { kind: "inline", path: [...entry.path, "expect"] }
          : undefined,
  };
}

/** Exactly one of them is given. */
function expectationOf({ expect, contains, error }: CaseFields, textOfFile: string): Expectation {
  if (error !== undefined) {
    return { kind: "error", error };
  }
  return contains === undefined ? { kind: "text", text: expect ?? textOfFile } : { kind: "contains", texts: contains };
}

async function isThere(path: string, kind: "file" | "folder"): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && (kind === "folder" ? found.isDirectory() : !found.isDirectory());
}
