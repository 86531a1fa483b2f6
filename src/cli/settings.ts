/** What the options that many commands share mean. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { openRegistry } from "../compose/registry.ts";
import type { Config, Loaded } from "../config/load.ts";
import { parseRegistryUrl, type RegistrySettings } from "../config/registry.ts";
import { parseDuration } from "../config/values.ts";
import { FairleadError } from "../model/errors.ts";
import type { Registry } from "../ports.ts";
import { type Context, quietLog, usage } from "./context.ts";

export interface RegistryOptions {
  readonly config?: string;
  readonly registry?: string;
}

const DEFAULT_FILES = ["fairlead.yaml", "/etc/fairlead/fairlead.yaml"];

/** `-c`, `$FAIRLEAD_CONFIG`, or the first of the usual places that exists. */
export function findConfigFile(context: Context, given: string | undefined): string | undefined {
  const named = given ?? context.env["FAIRLEAD_CONFIG"];
  if (named !== undefined && named !== "") {
    return resolve(context.cwd, named);
  }
  return DEFAULT_FILES.map((file) => resolve(context.cwd, file)).find((file) => existsSync(file));
}

/** @throws FairleadError `CONFIG_INVALID`, with all problems in its message */
export async function loadConfigFile(context: Context, given: string | undefined): Promise<Config> {
  const loaded = await readConfig(context, given);
  if (!loaded.ok) {
    const { configError } = await import("../config/problems.ts");
    throw configError(loaded.problems, loaded.text);
  }
  return loaded.config;
}

export async function readConfig(context: Context, given: string | undefined): Promise<Loaded> {
  const file = findConfigFile(context, given);
  if (file === undefined) {
    throw new FairleadError("CONFIG_INVALID", "there is no configuration", {
      hint: `write one of ${DEFAULT_FILES.join(", ")}, or name one with -c FILE or FAIRLEAD_CONFIG`,
    });
  }
  const { loadConfig } = await import("../config/load.ts");
  return await loadConfig(file, context.env);
}

/** The registry of `--registry`, else of the configuration. */
async function registrySettings(context: Context, options: RegistryOptions): Promise<RegistrySettings> {
  if (options.registry !== undefined) {
    return parseRegistryOption(options.registry, context.cwd);
  }
  if (findConfigFile(context, options.config) === undefined) {
    throw usage("no registry is named", "give --registry URL, or a configuration with -c FILE");
  }
  return (await loadConfigFile(context, options.config)).registry;
}

/** Opens the registry for one command and closes it afterwards. */
export async function withRegistry<T>(
  context: Context,
  options: RegistryOptions,
  work: (registry: Registry) => Promise<T>,
): Promise<T> {
  const settings = await registrySettings(context, options);
  const registry = await openRegistry(settings, { env: context.env, log: quietLog(context), secrets: context.secrets });
  try {
    return await work(registry);
  } finally {
    await registry.close();
  }
}

/** On the command line a bad address is the command line's fault. */
export function parseRegistryOption(url: string, cwd: string): RegistrySettings {
  try {
    return parseRegistryUrl(url, cwd);
  } catch (error) {
    throw error instanceof FairleadError ? usage(`--registry: ${error.message}`, error.hint) : error;
  }
}

/** @throws FairleadError `USAGE` */
export function timeoutOf(options: { readonly timeout?: string }): number {
  const text = options.timeout ?? "30s";
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw usage(`--timeout: "${text}" is no duration`, "write 250ms, 5s or 1m");
  }
  return ms;
}
