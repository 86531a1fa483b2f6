/** Makes what a configuration says. The files of this folder are the only ones that name concrete adapters. */
import { hostname } from "node:os";
import type { Config } from "../config/load.ts";
import { locateRegistry } from "../config/registry.ts";
import type { Registry } from "../ports.ts";
import { createRegistrator, type Registrator } from "../registrator/registrator.ts";
import type { Renderer } from "../render/renderer.ts";
import type { Deps } from "./deps.ts";
import { findNode } from "./node.ts";
import { openRegistry } from "./registry.ts";
import { createSources } from "./sources.ts";

/** The first change after a calm waits this long for company, a storm makes a pass each half second. */
const REGISTER_SETTLE = { quietMs: 20, maxMs: 500 };

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
      : createRegistrator({
          writer: registry,
          sources: await createSources(config.register, node, location, deps),
          owner: node,
          ttlMs: config.register.ttl,
          resyncMs: config.register.resync,
          onStop: config.register.onStop,
          settle: REGISTER_SETTLE,
          ...(options.adopt === true && { adopt: [...new Set([hostname(), node])] }),
          log: deps.log,
        });
  const { render } = config;
  const renderer = render && (await import("./render.ts")).createRenderPart(config, render, { node, registry }, deps);
  return { node, registry, registrator, renderer };
}
