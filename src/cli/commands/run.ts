import { createApp } from "../../compose/app.ts";
import type { Deps } from "../../compose/deps.ts";
import { childAbort, sleep } from "../../core/time.ts";
import { type Context, logFor } from "../context.ts";
import { loadConfigFile } from "../settings.ts";

/** Told to stop, the process ends within 5 s: what has not ended by then is left to the journal and the lease. */
const STOP_MS = 4500;

export async function run(context: Context, _args: readonly string[], options: { readonly config?: string }): Promise<void> {
  const config = await loadConfigFile(context, options.config);
  const log = logFor(context, config.log);
  const deps: Deps = { env: context.env, log, secrets: context.secrets };
  const signal = context.signal;
  try {
    const app = await createApp(config, deps, signal);
    log.info("started", {
      node: app.node,
      registry: app.registry.name,
      registers: app.registrator !== undefined,
      renders: app.renderer !== undefined,
    });
    const ended = runParts([app.registrator, app.renderer], signal);
    await Promise.race([ended, stopTime(signal)]);
    await Promise.race([app.registry.close(), sleep(200, new AbortController().signal)]);
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  }
  log.info("stopped");
}

/** A part that ends with an error ends the others too. */
async function runParts(
  parts: readonly ({ run(signal: AbortSignal): Promise<void> } | undefined)[],
  signal: AbortSignal,
): Promise<void> {
  const together = childAbort(signal);
  try {
    await Promise.all(
      parts.map(async (part) => {
        try {
          await part?.run(together.signal);
        } catch (error) {
          together.abort(error);
          throw error;
        }
      }),
    );
  } finally {
    together.dispose();
  }
}

async function stopTime(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => setTimeout(resolve, STOP_MS).unref(), { once: true });
  });
}
