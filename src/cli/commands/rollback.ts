import { resolve } from "node:path";
import { createTargetFrom } from "../../compose/render.ts";
import { defaultStateDir } from "../../compose/state-dir.ts";
import type { ApplyOptions, ApplyReport, TargetHistory } from "../../ports.ts";
import { type Context, hasColour, printJson, usage } from "../context.ts";
import { describeError, errorJson, exitCodeOf } from "../failure.ts";
import { depsOf, pastTargets, type StateOptions, unknownTarget } from "../past.ts";
import { loadConfigFile, timeoutOf } from "../settings.ts";

interface Options extends StateOptions {
  readonly to?: string;
  readonly release?: boolean;
  readonly dryRun?: boolean;
  readonly timeout?: string;
  readonly json?: boolean;
}

export async function run(context: Context, [name = ""]: readonly string[], options: Options): Promise<void> {
  const apply: ApplyOptions = { signal: context.signal, lockTimeoutMs: timeoutOf(options), dryRun: options.dryRun === true };
  if (options.release === true) {
    if (options.to !== undefined) {
      throw usage("--to and --release exclude each other");
    }
    await release(context, name, options, apply);
    return;
  }
  const target = await configuredTarget(context, name, options);
  tell(context, name, options, await target.rollBack(options.to === undefined ? {} : { to: options.to }, apply));
}

/** Going back needs check, reload and verify: only the configuration knows them. */
async function configuredTarget(context: Context, name: string, options: Options): Promise<TargetHistory> {
  const config = await loadConfigFile(context, options.config);
  const target = config.render?.targets[name];
  if (target === undefined) {
    throw unknownTarget(name, Object.keys(config.render?.targets ?? {}));
  }
  const given = options.state === undefined ? config.stateDir : resolve(context.cwd, options.state);
  return createTargetFrom(name, target, given ?? defaultStateDir(context.env), depsOf(context));
}

async function release(context: Context, name: string, options: Options, apply: ApplyOptions): Promise<void> {
  const targets = await pastTargets(context, options);
  const target = targets.find((target) => target.name === name);
  if (target === undefined) {
    throw unknownTarget(
      name,
      targets.map((target) => target.name),
    );
  }
  const isReleased = await target.releaseRollback(apply);
  if (options.json === true) {
    printJson(context, { target: name, released: isReleased });
  } else {
    context.stderr.write(
      `${name}: ${isReleased ? "released; the next pass or render installs the newest" : "nothing was held"}\n`,
    );
  }
}

function tell(context: Context, name: string, options: Options, { outcome, generation, files }: ApplyReport): void {
  const error = "error" in outcome ? outcome.error : undefined;
  if (options.json === true) {
    printJson(context, {
      name,
      outcome: outcome.kind,
      generation,
      files: files.map(({ dest, changed, sha256 }) => ({ dest, changed, sha256 })),
      ...(error && { error: errorJson(error) }),
    });
  } else {
    const changed = files.filter((file) => file.changed).map((file) => file.dest);
    context.stderr.write(`${name}: ${outcome.kind}${changed.length === 0 ? "" : ` ${changed.join(", ")}`}\n`);
  }
  if (error !== undefined) {
    context.stderr.write(context.secrets.redact(`${describeError(error, hasColour(context, context.stderr))}\n`));
    context.exitCode = exitCodeOf(error);
  }
}
