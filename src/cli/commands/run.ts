import { type App, createApp } from "../../compose/app.ts";
import type { Config } from "../../config/load.ts";
import { keepHeapSmall } from "../../core/heap.ts";
import { createHints, type Hints } from "../../core/hints.ts";
import { type ChildAbort, childAbort, sleep } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import type { Log } from "../../ports.ts";
import { type Context, logFor, usage } from "../context.ts";
import { loadConfigFile } from "../settings.ts";

/** Told to stop, the process ends within 5 s: what has not ended by then is left to the journal and the lease. */
const STOP_MS = 4500;

interface Options {
  readonly config?: string;
  readonly adopt?: boolean;
}

export async function run(context: Context, _args: readonly string[], options: Options): Promise<void> {
  const { signal } = context;
  const config = await loadConfigFile(context, options.config);
  if (options.adopt === true && config.register === undefined) {
    throw usage(
      "--adopt: this configuration registers nothing",
      "it takes over entries; give the configuration a `register` block",
    );
  }
  const hangups = createHints();
  context.onHangup(hangups.notify);
  let log = logFor(context, config.log);
  try {
    let serving: Serving | undefined = await start(context, config, options, signal);
    while (serving !== undefined) {
      ({ log } = serving);
      tellStart(serving);
      serving = await serve(serving, findNext({ context, options, hangups, log }), signal);
    }
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  }
  log.info("stopped");
}

/** What a configuration makes, and where it tells of itself. */
interface Serving {
  readonly app: App;
  readonly log: Log;
}

async function start(context: Context, config: Config, options: Options, signal: AbortSignal): Promise<Serving> {
  const log = logFor(context, config.log);
  return { log, app: await createApp(config, { env: context.env, log, secrets: context.secrets }, signal, options) };
}

/** Runs until the process is told to stop, or until there is something to go on with: then the old parts have ended. */
async function serve(
  { app }: Serving,
  find: (signal: AbortSignal) => Promise<Serving | undefined>,
  signal: AbortSignal,
): Promise<Serving | undefined> {
  const running = childAbort(signal);
  const heap = keepHeapSmall(running.signal);
  try {
    const ended = runParts([app.registrator, app.renderer], running);
    const next = await Promise.race([find(running.signal), ended.then(() => undefined)]);
    running.abort();
    await Promise.race([endWith(ended, next === undefined ? app : undefined), stopTime()]);
    await Promise.race([app.registry.close(), sleep(200, new AbortController().signal)]);
    return next;
  } finally {
    running.abort();
    running.dispose();
    await heap;
  }
}

/** Only the end of the process is an end for the entries; a new configuration takes them over. */
async function endWith(ended: Promise<void>, leaving: App | undefined): Promise<void> {
  await ended;
  await leaving?.registrator?.leave();
}

/** Waits for a hang-up after which the configuration is good; a bad one changes nothing. Undefined: aborted. */
function findNext(state: {
  readonly context: Context;
  readonly options: Options;
  readonly hangups: Hints;
  readonly log: Log;
}): (signal: AbortSignal) => Promise<Serving | undefined> {
  const { context, options, hangups, log } = state;
  return async (signal) => {
    for await (const _ of hangups.read(signal)) {
      try {
        const config = await loadConfigFile(context, options.config);
        const next = await start(context, config, options, signal);
        log.info("configuration is read again", { file: config.file });
        return next;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof FairleadError)) {
          throw error;
        }
        log.error("new configuration is not used; everything goes on as before", { code: error.code, error: error.message });
      }
    }
    return undefined;
  };
}

function tellStart({ app, log }: Serving): void {
  log.info("started", {
    node: app.node,
    registry: app.registry.name,
    registers: app.registrator !== undefined,
    renders: app.renderer !== undefined,
  });
}

/** A part that ends with an error ends the others too. */
async function runParts(
  parts: readonly ({ run(signal: AbortSignal): Promise<void> } | undefined)[],
  running: ChildAbort,
): Promise<void> {
  await Promise.all(
    parts.map(async (part) => {
      try {
        await part?.run(running.signal);
      } catch (error) {
        running.abort(error);
        throw error;
      }
    }),
  );
}

function stopTime(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, STOP_MS).unref());
}
