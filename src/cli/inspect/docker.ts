import type { Deps } from "../../compose/deps.ts";
import { findNode } from "../../compose/node.ts";
import { createDocker } from "../../compose/sources.ts";
import type { Config } from "../../config/load.ts";
import { locateRegistry, type RegistryLocation } from "../../config/registry.ts";
import { nearest } from "../../core/nearest.ts";
import { withDeadline } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import { explainContainer } from "../../sources/docker/mapping/explain.ts";
import type { MappedContainer } from "../../sources/docker/mapping/unique.ts";
import { asInspection, type DockerExamination } from "../../sources/docker/source.ts";
import { type Context, printJson, printLine, quietLog, usage } from "../context.ts";
import { findConfigFile, loadConfigFile, parseRegistryOption, timeoutOf } from "../settings.ts";
import { containersText, explanationText } from "./docker-text.ts";
import type { InspectOptions } from "./options.ts";

/** All containers, or with a name (or the beginning of an id) why that one is registered as it is. */
export async function inspectDocker(context: Context, name: string | undefined, options: InspectOptions): Promise<void> {
  const { containers, mapping } = await examine(context, options);
  if (name === undefined) {
    if (options.json === true) {
      printJson(context, asInspection(containers));
    } else {
      printLine(context, containersText(containers));
    }
    return;
  }
  const explanation = explainContainer(findContainer(containers, name), mapping);
  if (options.json === true) {
    printJson(context, explanation);
  } else {
    printLine(context, context.secrets.redact(explanationText(explanation)));
  }
}

async function examine(context: Context, options: InspectOptions): Promise<DockerExamination> {
  const deps: Deps = { env: context.env, log: quietLog(context), secrets: context.secrets };
  const config =
    findConfigFile(context, options.config) === undefined ? undefined : await loadConfigFile(context, options.config);
  const ms = timeoutOf(options);
  const onTimeout = (): Error =>
    new FairleadError("SOURCE_UNAVAILABLE", `the Docker engine gave no answer within ${ms} ms`, { retryable: true });
  return await withDeadline({ ms, signal: context.signal, onTimeout }, async (signal) => {
    const docker = dockerConfig(config, options);
    const register = { ...DEFAULT_REGISTER, sources: { docker } };
    const node = await findNode({ ...(config?.node !== undefined && { node: config.node }), register }, deps, {
      signal,
      wait: false,
    });
    const source = await createDocker(
      docker,
      { node, registry: registryOf(context, config, options), policy: config?.register?.policy },
      deps,
    );
    return await source.examine(signal);
  });
}

/** @throws FairleadError `USAGE` when there is none, or when an id's beginning fits several */
function findContainer(containers: readonly MappedContainer[], wanted: string): MappedContainer {
  const named = containers.find(({ container }) => container.name === wanted || container.id === wanted);
  if (named !== undefined) {
    return named;
  }
  const [first, ...others] = /^[0-9a-f]+$/.test(wanted)
    ? containers.filter(({ container }) => container.id.startsWith(wanted))
    : [];
  if (first !== undefined && others.length === 0) {
    return first;
  }
  if (first !== undefined) {
    throw usage(`several containers have an id that begins with "${wanted}"`, "give more of it, or a name");
  }
  const names = containers.map(({ container }) => container.name).filter((name) => name !== "");
  const near = nearest(wanted, names);
  const some = names.slice(0, 8).join(", ");
  const all = names.length > 8 ? `${some}, … (${names.length} in all)` : some;
  const hint =
    near !== undefined ? `did you mean "${near}"?` : names.length === 0 ? "there is no container at all" : `there are ${all}`;
  throw usage(`there is no container "${wanted}"`, hint);
}

type DockerConfig = NonNullable<NonNullable<Config["register"]>["sources"]["docker"]>;

const DEFAULT_DOCKER: DockerConfig = {
  address: "auto",
  mode: "published",
  networks: [],
  register: "all",
  health: "honour",
  env: true,
  tags: [],
};
const DEFAULT_REGISTER = { ttl: 15_000, resync: 30_000, onStop: "keep" } as const;

function dockerConfig(config: Config | undefined, options: InspectOptions): DockerConfig {
  return {
    ...DEFAULT_DOCKER,
    ...config?.register?.sources.docker,
    ...(options.docker !== undefined && { host: options.docker }),
  };
}

function registryOf(context: Context, config: Config | undefined, options: InspectOptions): RegistryLocation | undefined {
  const settings = options.registry === undefined ? config?.registry : parseRegistryOption(options.registry, context.cwd);
  return settings === undefined ? undefined : locateRegistry(settings, context.env);
}
