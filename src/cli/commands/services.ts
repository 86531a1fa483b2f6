import { type Entry, hostPort } from "../../model/instance.ts";
import type { Selector } from "../../model/selector.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { follow } from "../../registry/follow.ts";
import { endOf } from "../../render/guard/guard.ts";
import { type Context, printJson, printLine, quietLog, table } from "../context.ts";
import { readOnce } from "../read-once.ts";
import { findConfigFile, type RegistryOptions, timeoutOf, withRegistry } from "../settings.ts";

interface Options extends RegistryOptions {
  readonly watch?: boolean;
  readonly json?: boolean;
  readonly timeout?: string;
}

export async function run(context: Context, [name]: readonly string[], options: Options): Promise<void> {
  const timeoutMs = timeoutOf(options);
  const selector: Selector = { services: name === undefined ? "all" : [name], keys: [] };
  const print = options.json === true ? printServicesJson : printServicesTable;
  await withRegistry(context, options, async (registry) => {
    if (options.watch !== true) {
      print(context, await readOnce(registry, selector, { timeoutMs, signal: context.signal }), false);
      await tellExceptions(context, name, options);
      return;
    }
    const log = quietLog(context);
    const snapshots = follow(registry, selector, {
      signal: context.signal,
      backoff: { minMs: 200, maxMs: 10_000 },
      minIntervalMs: 50,
      resyncMs: 300_000,
      onStale: (stale) => stale && log.warn("registry cannot be read", { code: stale.error.code, error: stale.error.message }),
    });
    for await (const snapshot of snapshots) {
      print(context, snapshot, true);
    }
  });
}

/** What the files of this configuration hold of the services otherwise than the registry: what guards keep, and what was set aside. */
async function tellExceptions(context: Context, name: string | undefined, options: Options): Promise<void> {
  if (options.registry !== undefined || findConfigFile(context, options.config) === undefined) {
    return;
  }
  const { pastTargets } = await import("../past.ts");
  for (const target of await pastTargets(context, options)) {
    const { holds, setAside } = (await target.recall())?.provenance ?? { holds: [], setAside: [] };
    for (const hold of holds.filter(({ service }) => (name ?? service) === service)) {
      const { service, instances, reason } = hold;
      context.stderr.write(`${service}: target "${target.name}" holds ${instances.join(", ")} ${endOf(hold)}: ${reason}\n`);
    }
    for (const { service, id, dest, reason } of setAside.filter((aside) => (name ?? aside.service) === aside.service)) {
      context.stderr.write(`${service}: ${id} is set aside from ${dest}: ${reason}\n`);
    }
  }
}

export interface ServiceJson {
  readonly name: string;
  readonly tags: readonly string[];
  readonly instances: readonly object[];
}

/** The shape of DESIGN §7, all healths. */
export function servicesJson(snapshot: Snapshot): readonly ServiceJson[] {
  return [...snapshot.services.values()].map(({ name, tags, instances }) => ({
    name,
    tags,
    instances: instances.map(instanceJson),
  }));
}

function instanceJson({ id, service, address, port, protocol, tags, meta, health, weight, owner }: Entry): object {
  return { id, service, address, port, protocol, tags, meta, health, ...(weight !== undefined && { weight }), node: owner };
}

function printServicesJson(context: Context, snapshot: Snapshot, isStream: boolean): void {
  if (isStream) {
    printLine(context, JSON.stringify(servicesJson(snapshot))); // one document a line
  } else {
    printJson(context, servicesJson(snapshot));
  }
}

function printServicesTable(context: Context, snapshot: Snapshot, isStream: boolean): void {
  const entries = [...snapshot.services.values()].flatMap((service) => service.instances);
  const rows = entries.map((entry) => [
    entry.service,
    hostPort(entry.address, entry.port),
    entry.health,
    entry.tags.join(","),
    entry.owner,
    entry.id,
  ]);
  const text = rows.length === 0 ? "no services" : table(["SERVICE", "ADDRESS", "HEALTH", "TAGS", "NODE", "ID"], rows);
  printLine(context, isStream ? `${text}\n` : text);
}
