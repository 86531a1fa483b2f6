/** Makes what a configuration says. The files of this folder are the only ones that name concrete adapters. */
import type { Config } from "../config/load.ts";
import { locateRegistry, type RegistryLocation } from "../config/registry.ts";
import type { Registry } from "../ports.ts";
import { createRegistrator, type Registrator } from "../registrator/registrator.ts";
import type { Renderer } from "../render/renderer.ts";
import type { Deps } from "./deps.ts";
import { createHeldRegistrator } from "./holder.ts";
import { findNode } from "./node.ts";
import { openRegistry } from "./registry.ts";
import { createSources } from "./sources.ts";
import { defaultStateDir } from "./state-dir.ts";

/** The first change after a calm waits this long for company, a storm makes a pass each half second. */
const REGISTER_SETTLE = { quietMs: 20, maxMs: 500 };

/** What a configuration makes: to be run, then closed. */
export interface App {
  readonly node: string;
  readonly registry: Registry;
  readonly registrator: Registrator | undefined;
  readonly renderer: Renderer | undefined;
}

export async function createApp(config: Config, deps: Deps, signal: AbortSignal): Promise<App> {
  const node = await findNode(config, deps, { signal, wait: true });
  const registry = await openRegistry(config.registry, deps);
  const location = locateRegistry(config.registry, deps.env);
  const registrator =
    config.register === undefined
      ? undefined
      : await createRegisterPart(config, config.register, { node, registry, location }, deps);
  const { render } = config;
  const renderer = render && (await import("./render.ts")).createRenderPart(config, render, { node, registry }, deps);
  return { node, registry, registrator, renderer };
}

async function createRegisterPart(
  config: Config,
  register: NonNullable<Config["register"]>,
  parts: { readonly node: string; readonly registry: Registry; readonly location: RegistryLocation },
  deps: Deps,
): Promise<Registrator> {
  const { node, registry, location } = parts;
  const { log } = deps;
  const sources = await createSources(register, node, location, deps);
  const stateDir = location.type === "memory" ? undefined : (config.stateDir ?? defaultStateDir(deps.env));
  return createHeldRegistrator({ stateDir, node, registry: registry.name, log }, (mark) =>
    createRegistrator({
      writer: registry,
      sources,
      owner: node,
      mark,
      ttlMs: register.ttl,
      resyncMs: register.resync,
      onStop: register.onStop,
      settle: REGISTER_SETTLE,
      log,
    }),
  );
}
