import type { Deps } from "../../compose/deps.ts";
import { findNode } from "../../compose/node.ts";
import { openRegistry } from "../../compose/registry.ts";
import { findCheckLevels, type TargetCheck } from "../../compose/render.ts";
import { createDocker, createHttp, createSwarm } from "../../compose/sources.ts";
import type { Config } from "../../config/load.ts";
import { locateRegistry } from "../../config/registry.ts";
import { withDeadline } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import { NOTHING } from "../../model/selector.ts";
import { checkPlaces } from "../check/places.ts";
import { type ProblemJson, problemOf } from "../check/problem.ts";
import { checkTemplates } from "../check/templates.ts";
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

export async function run(context: Context, _args: readonly string[], options: Options): Promise<void> {
  const timeoutMs = timeoutOf(options);
  const loaded = await readConfig(context, options.config);
  if (!loaded.ok) {
    const { describeProblem } = await import("../../config/problems.ts");
    const problems = loaded.problems.map((problem) =>
      problemOf("error", new FairleadError("CONFIG_INVALID", problem.message, problem)),
    );
    tell(context, options, problems, () => loaded.problems.map((problem) => describeProblem(problem, loaded.text)));
    context.exitCode = 2;
    return;
  }
  const { config, locate } = loaded;
  const { render, file } = config;
  const problems =
    render === undefined
      ? []
      : sorted([...(await checkTemplates(render, locate)), ...(await checkPlaces({ render, file, locate }))]);
  if (options.probe === true) {
    problems.push(...(await probe(context, config, timeoutMs)));
  }
  const checks = await findCheckLevels(render, { env: context.env, signal: context.signal });
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
  if (ok) {
    printLine(
      context,
      problems.length === 0 ? "ok" : `ok, with ${problems.length === 1 ? "a warning" : `${problems.length} warnings`}`,
    );
  }
}

/** Each problem once, in the order of files and lines. */
function sorted(problems: readonly ProblemJson[]): ProblemJson[] {
  const unique = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...unique.values()].sort((a, b) =>
    a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column,
  );
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
    ...(config.register?.sources.http ?? []).map((http) =>
      failureOf(async () => {
        const node = config.node ?? ""; // in ids only, and they are not looked at
        await (await createHttp(http, node, deps)).list(context.signal);
      }),
    ),
    failureOf(async () => {
      const swarm = config.register?.sources.swarm;
      if (swarm === undefined) {
        return;
      }
      const onTimeout = (): Error =>
        new FairleadError("SOURCE_UNAVAILABLE", `the swarm's manager gave no answer within ${timeoutMs} ms`);
      await withDeadline({ ms: timeoutMs, signal: context.signal, onTimeout }, async (signal) => {
        const options = { registry: locateRegistry(config.registry, deps.env), policy: config.register?.policy };
        await (await createSwarm(swarm, options, deps)).list(signal);
      });
    }),
  ]);
  return failures
    .flatMap((error) => (error === undefined ? [] : [problemOf("error", error)]))
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

function describe({ severity, code, message, file, line, column, hint }: ProblemJson): string {
  const error = new FairleadError(code as FairleadError["code"], message, {
    location: { file, line, column },
    ...(hint !== undefined && { hint }),
  });
  return `${severity === "warning" ? "warning " : ""}${describeError(error, false)}`;
}
