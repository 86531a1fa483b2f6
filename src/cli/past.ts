/** What commands that look at what was applied have in common. */
import { resolve } from "node:path";
import type { Deps } from "../compose/deps.ts";
import { listPastTargets } from "../compose/past.ts";
import { defaultStateDir } from "../compose/state-dir.ts";
import { nearest } from "../core/nearest.ts";
import type { FairleadError } from "../model/errors.ts";
import { type Context, quietLog, usage } from "./context.ts";
import { findConfigFile, loadConfigFile } from "./settings.ts";

export interface StateOptions {
  readonly config?: string;
  readonly state?: string;
}

export function depsOf(context: Context): Deps {
  return { env: context.env, log: quietLog(context), secrets: context.secrets };
}

/** `--state`, else the configuration's, else the usual place: what was applied can be looked at without a configuration. */
async function stateDirOf(context: Context, options: StateOptions): Promise<string> {
  if (options.state !== undefined) {
    return resolve(context.cwd, options.state);
  }
  const file = findConfigFile(context, options.config);
  const config = file === undefined ? undefined : await loadConfigFile(context, file);
  return config?.stateDir ?? defaultStateDir(context.env);
}

export async function pastTargets(context: Context, options: StateOptions): ReturnType<typeof listPastTargets> {
  return await listPastTargets(await stateDirOf(context, options), depsOf(context));
}

export function unknownTarget(name: string, known: readonly string[]): FairleadError {
  const near = nearest(name, known);
  const others = known.length === 0 ? "nothing was applied yet; is it the right --state?" : `known are ${known.join(", ")}`;
  return usage(`there is no target "${name}"`, near === undefined ? others : `did you mean "${near}"?`);
}
