import type { Deps } from "../../compose/deps.ts";
import { findNode } from "../../compose/node.ts";
import { createHttp } from "../../compose/sources.ts";
import { withDeadline } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import { hostPort } from "../../model/instance.ts";
import type { HttpInspection, HttpSource } from "../../sources/http/source.ts";
import { type Context, hasColour, printJson, printLine, quietLog, table } from "../context.ts";
import { describeError, errorJson, exitCodeOf } from "../failure.ts";
import { loadConfigFile, timeoutOf } from "../settings.ts";
import type { InspectOptions } from "./options.ts";

/** What each http source of the configuration lists right now, what it becomes, and why an item is not registered. */
export async function inspectHttp(context: Context, options: InspectOptions): Promise<void> {
  const config = await loadConfigFile(context, options.config);
  const sources = config.register?.sources.http ?? [];
  if (sources.length === 0) {
    throw new FairleadError("CONFIG_INVALID", "the configuration has no http source", {
      hint: "add register: { sources: { http: { url: … } } }",
      location: { file: config.file },
    });
  }
  const deps: Deps = { env: context.env, log: SILENT, secrets: context.secrets };
  const ms = timeoutOf(options);
  const onTimeout = (): Error =>
    new FairleadError("SOURCE_UNAVAILABLE", `the http sources gave no answer within ${ms} ms`, { retryable: true });
  const inspections = await withDeadline({ ms, signal: context.signal, onTimeout }, async (signal) => {
    const node = await findNode(config, { ...deps, log: quietLog(context) }, { signal, wait: false });
    return await Promise.all(sources.map(async (source) => await inspect(await createHttp(source, node, deps), signal)));
  });
  const failed = inspections.find((inspection) => inspection instanceof FairleadError);
  if (options.json === true) {
    printJson(context, {
      sources: inspections.map((one) => (one instanceof FairleadError ? { error: errorJson(one) } : inspectionJson(one))),
    });
  } else {
    for (const inspection of inspections) {
      if (inspection instanceof FairleadError) {
        context.stderr.write(context.secrets.redact(`${describeError(inspection, hasColour(context, context.stderr))}\n`));
      } else {
        printInspection(context, inspection);
      }
    }
  }
  if (failed !== undefined) {
    context.exitCode = exitCodeOf(failed);
  }
}

/** One that fails does not hide the others. */
async function inspect(source: HttpSource, signal: AbortSignal): Promise<HttpInspection | FairleadError> {
  try {
    return await source.inspect(signal);
  } catch (error) {
    if (error instanceof FairleadError && !signal.aborted) {
      return error;
    }
    throw error;
  }
}

/** What it would log of single items is what is printed here. */
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {}

function inspectionJson({ url, items, instances, skipped }: HttpInspection): object {
  return {
    url,
    items,
    instances,
    skipped: skipped.map(({ place, id, reason }) => ({ place, ...(id !== undefined && { id }), reason })),
  };
}

function printInspection(context: Context, { url, items, instances, skipped }: HttpInspection): void {
  printLine(context, `${url}: ${items} items, ${instances.length} instances, ${skipped.length} left out`);
  const rows = [
    ...instances.map((instance) => [
      instance.id,
      instance.service,
      hostPort(instance.address, instance.port),
      instance.health,
      "",
    ]),
    ...skipped.map(({ place, id, reason }) => [id ?? place, "", "", "", reason]),
  ];
  if (rows.length > 0) {
    printLine(context, table(["ITEM", "SERVICE", "ADDRESS", "HEALTH", "NOT REGISTERED BECAUSE"], rows));
  }
}
