import type { Deps } from "../../compose/deps.ts";
import { findNode } from "../../compose/node.ts";
import { createDocker } from "../../compose/sources.ts";
import type { Config } from "../../config/load.ts";
import { locateRegistry, type RegistryLocation } from "../../config/registry.ts";
import { nearest } from "../../core/nearest.ts";
import { withDeadline } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import { hostPort } from "../../model/instance.ts";
import { EVERYTHING } from "../../model/selector.ts";
import { type Context, printJson, printLine, quietLog, table, usage } from "../context.ts";
import { readOnce } from "../read-once.ts";
import {
  findConfigFile,
  loadConfigFile,
  parseRegistryOption,
  type RegistryOptions,
  timeoutOf,
  withRegistry,
} from "../settings.ts";
import { servicesJson } from "./services.ts";

interface Options extends RegistryOptions {
  readonly docker?: string;
  readonly json?: boolean;
  readonly timeout?: string;
}

const SUBJECTS = ["docker", "hosts", "http", "registry"];

export async function run(context: Context, [what = ""]: readonly string[], options: Options): Promise<void> {
  switch (what) {
    case "docker":
      return await inspectDocker(context, options);
    case "hosts":
      return await (await import("./inspect-hosts.ts")).inspectHosts(context, options);
    case "http":
      return await (await import("./inspect-http.ts")).inspectHttp(context, options);
    case "registry":
      return await inspectRegistry(context, options);
    default: {
      const near = nearest(what, SUBJECTS);
      throw usage(
        `cannot inspect "${what}"`,
        near === undefined ? `known are ${SUBJECTS.join(", ")}` : `did you mean "${near}"?`,
      );
    }
  }
}

async function inspectDocker(context: Context, options: Options): Promise<void> {
  const deps: Deps = { env: context.env, log: quietLog(context), secrets: context.secrets };
  const config =
    findConfigFile(context, options.config) === undefined ? undefined : await loadConfigFile(context, options.config);
  const ms = timeoutOf(options);
  const onTimeout = (): Error =>
    new FairleadError("SOURCE_UNAVAILABLE", `the Docker engine gave no answer within ${ms} ms`, { retryable: true });
  const inspection = await withDeadline({ ms, signal: context.signal, onTimeout }, async (signal) => {
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
    return await source.inspect(signal);
  });
  if (options.json === true) {
    printJson(context, inspection);
    return;
  }
  const rows = inspection.containers.flatMap(({ name, instances, skipped }) => [
    ...instances.map((instance) => [name, instance.service, hostPort(instance.address, instance.port), instance.health, ""]),
    ...skipped.map(({ port, reason }) => [name, "", port === undefined ? "" : String(port), "", reason]),
  ]);
  printLine(
    context,
    rows.length === 0 ? "no containers" : table(["CONTAINER", "SERVICE", "ADDRESS", "HEALTH", "NOT REGISTERED BECAUSE"], rows),
  );
}

type DockerConfig = NonNullable<NonNullable<Config["register"]>["sources"]["docker"]>;

const DEFAULT_DOCKER: DockerConfig = {
  address: "auto",
  mode: "published",
  networks: [],
  register: "all",
  health: "honour",
  env: true,
};
const DEFAULT_REGISTER = { ttl: 15_000, resync: 30_000, onStop: "keep" } as const;

function dockerConfig(config: Config | undefined, options: Options): DockerConfig {
  return {
    ...DEFAULT_DOCKER,
    ...config?.register?.sources.docker,
    ...(options.docker !== undefined && { host: options.docker }),
  };
}

function registryOf(context: Context, config: Config | undefined, options: Options): RegistryLocation | undefined {
  const settings = options.registry === undefined ? config?.registry : parseRegistryOption(options.registry, context.cwd);
  return settings === undefined ? undefined : locateRegistry(settings, context.env);
}

async function inspectRegistry(context: Context, options: Options): Promise<void> {
  const timeoutMs = timeoutOf(options);
  await withRegistry(context, options, async (registry) => {
    const snapshot = await readOnce(registry, EVERYTHING, { timeoutMs, signal: context.signal });
    const services = servicesJson(snapshot);
    if (options.json === true) {
      printJson(context, {
        registry: registry.name,
        revision: snapshot.revision,
        services,
        keys: [...snapshot.keys.keys()],
        invalid: snapshot.invalid,
      });
      return;
    }
    const count = services.reduce((sum, service) => sum + service.instances.length, 0);
    printLine(context, `${registry.name}: ${services.length} services, ${count} instances, ${snapshot.keys.size} keys`);
    const rows = services.flatMap((service) =>
      (snapshot.services.get(service.name)?.instances ?? []).map((entry) => [
        entry.service,
        hostPort(entry.address, entry.port),
        entry.health,
        entry.owner,
        entry.id,
      ]),
    );
    if (rows.length > 0) {
      printLine(context, table(["SERVICE", "ADDRESS", "HEALTH", "OWNER", "ID"], rows));
    }
    if (snapshot.invalid.length > 0) {
      printLine(
        context,
        table(
          ["LEFT OUT", "BECAUSE"],
          snapshot.invalid.map(({ key, reason }) => [key, reason]),
        ),
      );
    }
  });
}
