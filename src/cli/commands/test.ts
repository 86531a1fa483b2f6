import { relative, resolve } from "node:path";
import { describeProblem } from "../../config/problems.ts";
import { FairleadError } from "../../model/errors.ts";
import type { Verdict } from "../../render/cases.ts";
import { findCaseFiles } from "../cases/find.ts";
import { type LoadedCase, loadCaseFile } from "../cases/load.ts";
import { createCaseRunner } from "../cases/run.ts";
import { updateText } from "../cases/update.ts";
import { type Context, hasColour, printJson, printLine, usage } from "../context.ts";
import { textDiff } from "../diff.ts";
import { describeError, type ErrorJson, errorJson } from "../failure.ts";

interface Options {
  readonly update?: boolean;
  readonly json?: boolean;
}

interface CaseJson {
  readonly file: string;
  readonly name: string;
  readonly ok: boolean;
  /** The expected text was rewritten. */
  readonly updated?: true;
  /** Without a code: it rendered, and not as expected. */
  readonly error?: Pick<ErrorJson, "message"> & Partial<ErrorJson>;
  readonly diff?: string;
}

export async function run(context: Context, [folder = "."]: readonly string[], options: Options): Promise<void> {
  const files = await findCaseFiles(resolve(context.cwd, folder), context.signal);
  if (files.length === 0) {
    const hint = "a case file stands beside its template: upstreams.conf.case.yaml beside upstreams.conf.hbs";
    throw usage(`there is no *.case.yaml in "${folder}" or below it`, hint);
  }
  const cases = await loadAll(context, files, options);
  const runCase = createCaseRunner();
  const results: CaseJson[] = [];
  for (const test of cases) {
    context.signal.throwIfAborted();
    const verdict = withShownPlace(context, await runCase(test));
    const updated = options.update === true && (await updateText(test, verdict));
    const result = {
      file: shown(context, test.file),
      name: test.name,
      ...(updated ? { ok: true, updated } : outcomeOf(verdict)),
    };
    results.push(result);
    if (options.json !== true) {
      printLine(context, describe(context, result, verdict));
    }
  }
  const failed = results.filter(({ ok }) => !ok).length;
  if (options.json === true) {
    printJson(context, results);
  } else {
    printLine(context, totals(results, files.length));
  }
  context.exitCode = failed > 0 ? 3 : 0;
}

/** @throws FairleadError `CONFIG_INVALID` with everything that is wrong with any of the files: nothing is run then */
async function loadAll(context: Context, files: readonly string[], { update = false }: Options): Promise<readonly LoadedCase[]> {
  const cases: LoadedCase[] = [];
  const lines: string[] = [];
  let first: FairleadError["location"];
  for (const file of files) {
    const loaded = await loadCaseFile(file, { mayLackText: update });
    if (loaded.ok) {
      cases.push(...loaded.cases);
      continue;
    }
    for (const problem of loaded.problems) {
      const location = { ...problem.location, file: shown(context, problem.location.file) };
      first ??= location;
      lines.push(describeProblem({ ...problem, location }, loaded.text));
    }
  }
  if (first !== undefined) {
    throw new FairleadError("CONFIG_INVALID", lines.join("\n"), { location: first });
  }
  return cases;
}

function outcomeOf(verdict: Verdict): Pick<CaseJson, "ok" | "error" | "diff"> {
  if (verdict.ok) {
    return { ok: true };
  }
  const { reason, error, texts } = verdict;
  return {
    ok: false,
    error: error === undefined ? { message: reason } : { ...errorJson(error), message: `${reason}: ${error.message}` },
    ...(texts !== undefined && { diff: diffOf(texts) }),
  };
}

/** A line, and below it what is not as expected. */
function describe(context: Context, { file, name, ok, updated }: CaseJson, verdict: Verdict): string {
  const line = `${mark(context, ok)} ${file}  ${name}`;
  if (updated) {
    return `${line} (updated)`;
  }
  if (verdict.ok) {
    return line;
  }
  const { reason, error, texts } = verdict;
  const details = [
    ...(error === undefined ? [] : [describeError(error, hasColour(context, context.stdout))]),
    ...(texts === undefined ? [] : [diffOf(texts)]),
  ];
  return [`${line}: ${reason}`, ...details.map((detail) => detail.replaceAll(/^(?=.)/gm, "    "))].join("\n");
}

function diffOf({ expected, rendered }: { readonly expected: string; readonly rendered: string }): string {
  return textDiff({ name: "expected", text: expected }, { name: "rendered", text: rendered });
}

function mark(context: Context, ok: boolean): string {
  const isTerminal = context.stdout.isTTY === true;
  const word = !isTerminal || !hasUnicode(context) ? (ok ? "ok  " : "FAIL") : ok ? "✓" : "✗";
  return hasColour(context, context.stdout) ? `\u001b[${ok ? 32 : 31}m${word}\u001b[0m` : word;
}

function hasUnicode({ env }: Context): boolean {
  return /utf-?8/i.test(env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "");
}

function totals(results: readonly CaseJson[], files: number): string {
  const failed = results.filter(({ ok }) => !ok).length;
  const updated = results.filter((result) => result.updated).length;
  const parts = [`${results.length - failed} passed`, ...(updated > 0 ? [`${updated} of them updated`] : []), `${failed} failed`];
  return `${count(results.length, "case")} in ${count(files, "file")}: ${parts.join(", ")}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** As a person would name the file here, and as a forge marks lines in it. */
function shown(context: Context, path: string): string {
  return relative(context.cwd, path);
}

function withShownPlace<T extends Verdict>(context: Context, verdict: T): T {
  if (verdict.ok || verdict.error?.location === undefined) {
    return verdict;
  }
  const { code, message, hint, location } = verdict.error;
  const detail = { location: { ...location, file: shown(context, location.file) }, ...(hint !== undefined && { hint }) };
  return { ...verdict, error: new FairleadError(code, message, detail) };
}
