/** Makes what a configuration says. The files of this folder are the only ones that name concrete adapters. */
import { hostname } from "node:os";
import type { Config } from "../config/load.ts";
import { locateRegistry, type RegistryLocation } from "../config/registry.ts";
import type { Registry } from "../ports.ts";
import { createExclusiveHosts, type ExclusiveHosts } from "../registrator/exclusive-hosts.ts";
import { createRegistrator, type Registrator } from "../registrator/registrator.ts";
import type { Renderer } from "../render/renderer.ts";
import type { Deps } from "./deps.ts";
import { createHeldRegistrator } from "./holder.ts";
import { findNode } from "./node.ts";
import { openRegistry } from "./registry.ts";
import { createSources } from "./sources.ts";
import { defaultStateDir } from "./state-dir.ts";

/**
 * The first change after a calm waits this long for company; in a storm there are five passes a second, and so five lists of all containers
 * at most. Not fewer: whoever is told to stop must not be sent to for long.
 */
const REGISTER_SETTLE = { quietMs: 20, maxMs: 200 };

/** What a configuration makes: to be run, then closed. */
export interface App {
  readonly node: string;
  readonly registry: Registry;
  readonly registrator: Registrator | undefined;
  readonly renderer: Renderer | undefined;
}

export interface AppOptions {
  /** Take over or remove what Registrator left behind on this node. */
  readonly adopt?: boolean;
}

export async function createApp(config: Config, deps: Deps, signal: AbortSignal, options: AppOptions = {}): Promise<App> {
  const node = await findNode(config, deps, { signal, wait: true });
  const registry = await openRegistry(config.registry, deps);
  const location = locateRegistry(config.registry, deps.env);
  const registrator =
    config.register === undefined
      ? undefined
      : await createRegisterPart(config, config.register, { node, registry, location, adopt: options.adopt === true }, deps);
  const { render } = config;
  const renderer = render && (await import("./render.ts")).createRenderPart(config, render, { node, registry }, deps);
  return { node, registry, registrator, renderer };
}

function createHosts({ register, registry }: Config, owner: string, deps: Deps): ExclusiveHosts | undefined {
  return register?.policy?.hosts !== "exclusive"
    ? undefined
    : createExclusiveHosts({ open: () => openRegistry(registry, deps), owner, resyncMs: register.resync, log: deps.log });
}

async function createRegisterPart(
  config: Config,
  register: NonNullable<Config["register"]>,
  parts: {
    readonly node: string;
    readonly registry: Registry;
    readonly location: RegistryLocation;
    readonly adopt: boolean;
  },
  deps: Deps,
): Promise<Registrator> {
  const { node, registry, location, adopt } = parts;
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
      hosts: createHosts(config, node, deps),
      ...(adopt && { adopt: [...new Set([hostname(), node])] }),
      log,
    }),
  );
}
