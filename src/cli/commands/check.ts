import type { Deps } from "../../compose/deps.ts";
import { findNode } from "../../compose/node.ts";
import { openRegistry } from "../../compose/registry.ts";
import { createFilePlan, createTemplateLibrary, findCheckLevels, type TargetCheck } from "../../compose/render.ts";
import { createDocker } from "../../compose/sources.ts";
import type { Config } from "../../config/load.ts";
import { locateRegistry } from "../../config/registry.ts";
import { withDeadline } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import { NOTHING } from "../../model/selector.ts";
import { type Context, printJson, printLine, quietLog } from "../context.ts";
import { describeError, exitCodeOf } from "../failure.ts";
import { readOnce } from "../read-once.ts";
import { readConfig, timeoutOf } from "../settings.ts";

interface Options {
  readonly config?: string;
  readonly probe?: boolean;
  readonly json?: boolean;
  readonly timeout?: string;
}

interface ProblemJson {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly hint?: string;
}

export async function run(context: Context, _args: readonly string[], options: Options): Promise<void> {
  const timeoutMs = timeoutOf(options);
  const loaded = await readConfig(context, options.config);
  if (!loaded.ok) {
    const { describeProblem } = await import("../../config/problems.ts");
    const problems = loaded.problems.map((problem) =>
      toJson("error", new FairleadError("CONFIG_INVALID", problem.message, problem)),
    );
    tell(context, options, problems, () => loaded.problems.map((problem) => describeProblem(problem, loaded.text)));
    context.exitCode = 2;
    return;
  }
  const problems = await checkTemplates(loaded.config);
  if (options.probe === true) {
    problems.push(...(await probe(context, loaded.config, timeoutMs)));
  }
  const checks = await findCheckLevels(loaded.config.render, { env: context.env, signal: context.signal });
  tell(context, options, problems, () => problems.map(describe), checks);
  const [first] = problems.filter((problem) => problem.severity === "error");
  context.exitCode = first === undefined ? 0 : exitCodeOf(new FairleadError(first.code as FairleadError["code"], first.message));
}

function tell(
  context: Context,
  options: Options,
  problems: readonly ProblemJson[],
  lines: () => readonly string[],
  checks: readonly TargetCheck[] = [],
): void {
  const ok = !problems.some((problem) => problem.severity === "error");
  if (options.json === true) {
    printJson(context, { ok, problems, checks });
    return;
  }
  for (const { target, level, reason } of checks) {
    context.stderr.write(`target "${target}": its check runs at level ${level}${reason === undefined ? "" : ` (${reason})`}\n`);
  }
  for (const line of lines()) {
    printLine(context, line);
  }
  if (problems.length === 0) {
    printLine(context, "ok");
  }
}

/** A template that several files use is judged once for each way it is used. */
async function checkTemplates(config: Config): Promise<ProblemJson[]> {
  const problems = new Map<string, ProblemJson>();
  const { render } = config;
  if (render === undefined) {
    return [];
  }
  const library = createTemplateLibrary(render);
  for (const target of Object.values(render.targets)) {
    for (const file of target.files) {
      for (const problem of await checkTemplate(library, createFilePlan(file).template)) {
        problems.set(JSON.stringify(problem), problem);
      }
    }
  }
  return [...problems.values()].sort((a, b) =>
    a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column,
  );
}

type Library = ReturnType<typeof createTemplateLibrary>;

async function checkTemplate(library: Library, ref: Parameters<Library["load"]>[0]): Promise<readonly ProblemJson[]> {
  try {
    const template = await library.load(ref);
    return template.findings.map(({ severity, code, message, location, hint }) =>
      toJson(severity, new FairleadError(code, message, { location, ...(hint !== undefined && { hint }) })),
    );
  } catch (error) {
    if (error instanceof FairleadError) {
      return [toJson("error", error)];
    }
    throw error;
  }
}

async function probe(context: Context, config: Config, timeoutMs: number): Promise<readonly ProblemJson[]> {
  const deps: Deps = { env: context.env, log: quietLog(context), secrets: context.secrets };
  const failures = await Promise.all([
    failureOf(async () => {
      const registry = await openRegistry(config.registry, deps);
      try {
        await readOnce(registry, NOTHING, { timeoutMs, signal: context.signal });
      } finally {
        await registry.close();
      }
    }),
    failureOf(async () => {
      const docker = config.register?.sources.docker;
      if (docker === undefined) {
        return;
      }
      const onTimeout = (): Error =>
        new FairleadError("SOURCE_UNAVAILABLE", `the Docker engine gave no answer within ${timeoutMs} ms`);
      await withDeadline({ ms: timeoutMs, signal: context.signal, onTimeout }, async (signal) => {
        const node = await findNode(config, deps, { signal, wait: false });
        await (await createDocker(docker, { node, registry: locateRegistry(config.registry, deps.env) }, deps)).list(signal);
      });
    }),
  ]);
  return failures
    .flatMap((error) => (error === undefined ? [] : [toJson("error", error)]))
    .map((problem) => ({ ...problem, file: problem.file || config.file }));
}

async function failureOf(work: () => Promise<void>): Promise<FairleadError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof FairleadError) {
      return error;
    }
    throw error;
  }
}

function toJson(severity: "error" | "warning", error: FairleadError): ProblemJson {
  const { code, message, location, hint } = error;
  return {
    severity,
    code,
    message,
    file: location?.file ?? "",
    line: location?.line ?? 1,
    column: location?.column ?? 1,
    ...(hint !== undefined && { hint }),
  };
}

function describe({ severity, code, message, file, line, column, hint }: ProblemJson): string {
  const error = new FairleadError(code as FairleadError["code"], message, {
    location: { file, line, column },
    ...(hint !== undefined && { hint }),
  });
  return `${severity === "warning" ? "warning " : ""}${describeError(error, false)}`;
}
