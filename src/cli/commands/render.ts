import { basename, resolve } from "node:path";
import type { Deps } from "../../compose/deps.ts";
import { findNode } from "../../compose/node.ts";
import { openRegistry } from "../../compose/registry.ts";
import { createFacts, createTargets, createTemplateLibrary } from "../../compose/render.ts";
import { defaultStateDir } from "../../compose/state-dir.ts";
import type { Config } from "../../config/load.ts";
import { DEFAULT_GUARD, parseDuration, parseMode, parsePercentage, splitCommand } from "../../config/values.ts";
import { nearest } from "../../core/nearest.ts";
import type { FairleadError } from "../../model/errors.ts";
import { FORMAT_NAMES, type FormatName } from "../../render/formats/index.ts";
import { type OnceReport, renderOnce, type TargetReport } from "../../render/once.ts";
import { type Context, hasColour, printJson, printLine, quietLog, usage } from "../context.ts";
import { fileDiff } from "../diff.ts";
import { describeError, errorJson, exitCodeOf } from "../failure.ts";
import { loadConfigFile, parseRegistryOption, timeoutOf } from "../settings.ts";

interface Options {
  readonly config?: string;
  readonly registry?: string;
  readonly timeout?: string;
  readonly dryRun?: boolean;
  readonly diff?: boolean;
  readonly exitCode?: boolean;
  /** False with `--no-reload`; commander's way. A text in the form without a configuration. */
  readonly reload?: boolean | string;
  readonly acceptShrink?: boolean;
  readonly state?: string;
  readonly template?: string;
  readonly dest?: string;
  readonly mode?: string;
  readonly format?: string;
  readonly check?: string;
  readonly json?: boolean;
}

type RenderConfig = NonNullable<Config["render"]>;
type Plan = Pick<Config, "registry"> &
  Partial<Pick<Config, "node" | "register" | "stateDir">> & { readonly render: RenderConfig };

export async function run(context: Context, names: readonly string[], options: Options): Promise<void> {
  const timeoutMs = timeoutOf(options);
  const plan = options.template === undefined ? await planFromFile(context, options) : planFromOptions(context, names, options);
  const wanted = selectTargets(plan.render, names);
  const stateDir = options.state === undefined ? plan.stateDir : resolve(context.cwd, options.state);
  const deps: Deps = { env: context.env, log: quietLog(context), secrets: context.secrets };
  const registry = await openRegistry(plan.registry, deps);
  try {
    const node = await findNode(plan, deps, { signal: context.signal, wait: false });
    const report = await renderOnce({
      reader: registry,
      targets: createTargets({ targets: wanted, secret: plan.render.secret }, stateDir ?? defaultStateDir(context.env), deps),
      library: createTemplateLibrary(plan.render),
      facts: createFacts(node, plan.render, context.env),
      timeoutMs,
      signal: context.signal,
      apply: { dryRun: options.dryRun === true, noReload: options.reload === false },
      acceptShrink: options.acceptShrink === true,
      onStale: () => undefined, // told at the end, if it never got better
    });
    tell(context, options, report);
    context.exitCode = exitCodeFor(report, options);
  } finally {
    await registry.close();
  }
}

async function planFromFile(context: Context, options: Options): Promise<Plan> {
  const oneFile = (["dest", "mode", "format", "check"] as const).find((name) => options[name] !== undefined);
  if (oneFile !== undefined || typeof options.reload === "string") {
    throw usage(
      `--${oneFile ?? "reload"} goes with --template`,
      "give --template and --dest too, or leave it to the configuration",
    );
  }
  const config = await loadConfigFile(context, options.config);
  const { render } = config;
  if (render === undefined) {
    throw usage(`"${config.file}" has no \`render\``, "add targets to it, or render one file with --template and --dest");
  }
  return {
    ...config,
    render,
    ...(options.registry !== undefined && { registry: parseRegistryOption(options.registry, context.cwd) }),
  };
}

/** One template and one destination, without a configuration; the target is named after the destination. */
function planFromOptions(context: Context, names: readonly string[], options: Options): Plan {
  const { template, dest, registry, format } = options;
  if (template === undefined || dest === undefined || registry === undefined) {
    throw usage("without a configuration `render` needs --registry, --template and --dest");
  }
  if (names.length > 0 || options.config !== undefined) {
    throw usage(
      options.config === undefined ? "with --template no target is named" : "--template and --config exclude each other",
    );
  }
  if (format !== undefined && !isFormat(format)) {
    const near = nearest(format, FORMAT_NAMES);
    throw usage(
      `--format: "${format}" is no format`,
      near === undefined ? `known are ${FORMAT_NAMES.join(", ")}` : `did you mean "${near}"?`,
    );
  }
  const mode = options.mode === undefined ? undefined : parseMode(options.mode);
  if (options.mode !== undefined && mode === undefined) {
    throw usage(`--mode: "${options.mode}" is no file mode`, "write octal, for example 0644");
  }
  const file = {
    template: resolve(context.cwd, template),
    dest: resolve(context.cwd, dest),
    raw: false,
    onUnsafe: "fail" as const,
  };
  const check = options.check === undefined ? undefined : commandOf("--check", options.check);
  const reload = typeof options.reload === "string" ? commandOf("--reload", options.reload) : undefined;
  return {
    registry: parseRegistryOption(registry, context.cwd),
    render: {
      settle: { quiet: 0, max: 0 },
      env: [],
      secret: [],
      targets: {
        [basename(dest)]: {
          guard: {
            ...DEFAULT_GUARD,
            maxShrink: parsePercentage(DEFAULT_GUARD.maxShrink) ?? 0,
            hold: parseDuration(DEFAULT_GUARD.hold) ?? 0,
          },
          files: [{ ...file, ...(mode !== undefined && { mode }), ...(format !== undefined && { format }) }],
          ...(check !== undefined && { check }),
          ...(reload !== undefined && { reload }),
        },
      },
    },
  };
}

function isFormat(text: string): text is FormatName {
  return (FORMAT_NAMES as readonly string[]).includes(text);
}

function commandOf(option: string, line: string): string[] {
  const words = splitCommand(line);
  if (words === undefined) {
    throw usage(`${option}: a quote is not closed in ${JSON.stringify(line)}`);
  }
  if (words.length === 0) {
    throw usage(`${option}: there is no command`);
  }
  return [...words];
}

function selectTargets(render: RenderConfig, names: readonly string[]): RenderConfig["targets"] {
  const known = Object.keys(render.targets);
  for (const name of names) {
    if (!known.includes(name)) {
      const near = nearest(name, known);
      throw usage(
        `there is no target "${name}"`,
        near === undefined ? `known are ${known.join(", ")}` : `did you mean "${near}"?`,
      );
    }
  }
  return names.length === 0
    ? render.targets
    : Object.fromEntries(Object.entries(render.targets).filter(([name]) => names.includes(name)));
}

function tell(context: Context, options: Options, report: OnceReport): void {
  const colour = hasColour(context, context.stderr);
  if (options.json === true) {
    printJson(context, { revision: report.revision, targets: report.targets.map(targetJson) });
  } else {
    if (options.diff === true) {
      printDiffs(context, report);
    }
    for (const target of report.targets) {
      const files = target.files.filter((file) => file.changed).map((file) => file.dest);
      context.stderr.write(`${target.name}: ${target.outcome.kind}${files.length === 0 ? "" : ` ${files.join(", ")}`}\n`);
    }
  }
  for (const { service, id, dest, reason, location } of report.targets.flatMap(({ setAside }) => setAside)) {
    const at = [location?.file, location?.line, location?.column].filter((part) => part !== undefined).join(":");
    context.stderr.write(`warning: ${service}/${id} is left out of ${dest}: a value of it cannot stand at ${at}: ${reason}\n`);
  }
  for (const { outcome } of report.targets) {
    if ("error" in outcome) {
      context.stderr.write(context.secrets.redact(`${describeError(outcome.error, colour)}\n`));
    }
  }
}

function targetJson({ name, outcome, generation, files, setAside }: TargetReport): object {
  return {
    name,
    outcome: outcome.kind,
    generation,
    files: files.map(({ dest, changed, sha256 }) => ({ dest, changed, sha256 })),
    ...(setAside.length > 0 && { setAside }),
    ...("error" in outcome && { error: errorJson(outcome.error) }),
  };
}

function printDiffs(context: Context, report: OnceReport): void {
  for (const file of report.targets.flatMap((target) => target.files)) {
    if (file.changed) {
      printLine(context, fileDiff(file));
    }
  }
}

/** The worst of the targets: what was rolled back weighs more than what was never replaced, and that more than what may still come. */
function exitCodeFor(report: OnceReport, options: Options): number {
  const errors = report.targets.flatMap(({ outcome }): FairleadError[] => ("error" in outcome ? [outcome.error] : []));
  const codes = errors.map(exitCodeOf);
  const worst = [5, 3, 4, 2].find((code) => codes.includes(code));
  if (worst !== undefined) {
    return worst;
  }
  const wouldChange = report.targets.some(({ outcome }) => outcome.kind === "would-write");
  return options.dryRun === true && options.exitCode === true && wouldChange ? 10 : 0;
}
