import { hostPort } from "../../model/instance.ts";
import { EVERYTHING } from "../../model/selector.ts";
import { servicesJson } from "../commands/services.ts";
import { type Context, printJson, printLine, table } from "../context.ts";
import { readOnce } from "../read-once.ts";
import { timeoutOf, withRegistry } from "../settings.ts";
import type { InspectOptions } from "./options.ts";

export async function inspectRegistry(context: Context, options: InspectOptions): Promise<void> {
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
