import type { Deps } from "../../compose/deps.ts";
import { createSwarm } from "../../compose/sources.ts";
import type { Config } from "../../config/load.ts";
import { locateRegistry } from "../../config/registry.ts";
import { withDeadline } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import { hostPort } from "../../model/instance.ts";
import { type Context, printJson, printLine, quietLog, table } from "../context.ts";
import { findConfigFile, loadConfigFile, parseRegistryOption, timeoutOf } from "../settings.ts";
import type { InspectOptions } from "./options.ts";

type SwarmConfig = NonNullable<NonNullable<Config["register"]>["sources"]["swarm"]>;

const DEFAULT_SWARM: SwarmConfig = { mode: "tasks", networks: [], register: "all", poll: 5000 };

/** What a manager says about its swarm, mapped, and why something is not registered. */
export async function inspectSwarm(context: Context, options: InspectOptions): Promise<void> {
  const deps: Deps = { env: context.env, log: quietLog(context), secrets: context.secrets };
  const config =
    findConfigFile(context, options.config) === undefined ? undefined : await loadConfigFile(context, options.config);
  const swarm: SwarmConfig = {
    ...DEFAULT_SWARM,
    ...config?.register?.sources.swarm,
    ...(options.docker !== undefined && { host: options.docker }),
  };
  const settings = options.registry === undefined ? config?.registry : parseRegistryOption(options.registry, context.cwd);
  const registry = settings === undefined ? undefined : locateRegistry(settings, context.env);
  const ms = timeoutOf(options);
  const onTimeout = (): Error =>
    new FairleadError("SOURCE_UNAVAILABLE", `the swarm's manager gave no answer within ${ms} ms`, { retryable: true });
  const inspection = await withDeadline({ ms, signal: context.signal, onTimeout }, async (signal) => {
    const source = await createSwarm(swarm, { registry, policy: config?.register?.policy }, deps);
    return await source.inspect(signal);
  });
  if (options.json === true) {
    printJson(context, inspection);
    return;
  }
  const rows = [
    ...inspection.services.flatMap(({ name, instances, skipped }) => [
      ...instances.map(({ service, address, port, health, id }) => [name, service, hostPort(address, port), health, id, ""]),
      ...skipped.map(({ port, reason }) => [name, "", port === undefined ? "" : String(port), "", "", reason]),
    ]),
    ...inspection.invalid.map(({ kind, id, reason }) => [`${kind} ${id}`, "", "", "", "", reason]),
  ];
  const head = ["SWARM SERVICE", "SERVICE", "ADDRESS", "HEALTH", "ID", "NOT REGISTERED BECAUSE"];
  printLine(context, rows.length === 0 ? "no services" : table(head, rows));
}
