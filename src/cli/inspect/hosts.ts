import { compareText } from "../../model/instance.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { type Pair, pairsOf } from "../../registrator/claims.ts";
import { type Context, printJson, printLine, table } from "../context.ts";
import { readOnce } from "../read-once.ts";
import { timeoutOf, withRegistry } from "../settings.ts";
import type { InspectOptions } from "./options.ts";

/** Which service has a host and path, with whom it shares it, and which nodes registered it. */
interface HeldHost extends Pair {
  /** Sorted by name; with more than one, the host is shared. */
  readonly services: readonly { readonly name: string; readonly nodes: readonly string[]; readonly instances: number }[];
}

export async function inspectHosts(context: Context, options: InspectOptions): Promise<void> {
  const timeoutMs = timeoutOf(options);
  await withRegistry(context, options, async (registry) => {
    const hosts = hostsOf(await readOnce(registry, { services: "all", keys: [] }, { timeoutMs, signal: context.signal }));
    if (options.json === true) {
      printJson(context, { hosts });
      return;
    }
    const rows = hosts.flatMap(({ host, path, services }) =>
      services.map(({ name, nodes, instances }) => [host, path, name, nodes.join(","), String(instances)]),
    );
    printLine(context, rows.length === 0 ? "no hosts" : table(["HOST", "PATH", "SERVICE", "NODES", "INSTANCES"], rows));
  });
}

function hostsOf(snapshot: Snapshot): readonly HeldHost[] {
  const held = new Map<string, Pair & { readonly services: Map<string, { readonly nodes: Set<string>; instances: number }> }>();
  for (const { name, instances } of snapshot.services.values()) {
    for (const entry of instances) {
      for (const pair of pairsOf(entry)) {
        const key = JSON.stringify(pair);
        const { services } = held.get(key) ?? { services: new Map() };
        const service = services.get(name) ?? { nodes: new Set(), instances: 0 };
        service.nodes.add(entry.owner);
        service.instances += 1;
        held.set(key, { ...pair, services: services.set(name, service) });
      }
    }
  }
  return [...held.values()]
    .map(({ services, ...pair }) => ({
      ...pair,
      services: [...services]
        .map(([name, { nodes, instances }]) => ({ name, nodes: [...nodes].sort(), instances }))
        .sort((a, b) => compareText(a.name, b.name)),
    }))
    .sort((a, b) => compareText(a.host, b.host) || compareText(a.path, b.path));
}
