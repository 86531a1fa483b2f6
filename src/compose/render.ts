import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Config } from "../config/load.ts";
import { createFolderWatch } from "../core/watch.ts";
import type { Registry, Target } from "../ports.ts";
import { formatForDest } from "../render/formats/index.ts";
import { createLibrary, type Library } from "../render/library.ts";
import type { Facts } from "../render/reads.ts";
import { createRenderer, type Renderer } from "../render/renderer.ts";
import type { FilePlan, TargetPlan } from "../render/target-render.ts";
import { resolveOwner } from "../target/owner.ts";
import { createTarget } from "../target/target.ts";
import type { Deps } from "./deps.ts";

type RenderConfig = NonNullable<Config["render"]>;

/** A full read of the registry at least this often, in case it lost an event. */
const REGISTRY_RESYNC_MS = 300_000;

export function createRenderPart(
  config: Config,
  render: RenderConfig,
  parts: { readonly node: string; readonly registry: Registry },
  deps: Deps,
): Renderer {
  const targets = createTargets(render, config.stateDir ?? defaultStateDir(deps.env), deps);
  const templates = targets.flatMap((target) => target.files.map((file) => file.template.path));
  const folders = [...templates.map(dirname), ...(render.partials === undefined ? [] : [render.partials])];
  return createRenderer({
    reader: parts.registry,
    targets,
    library: createTemplateLibrary(render),
    facts: createFacts(parts.node, render, deps.env),
    settle: { quietMs: render.settle.quiet, maxMs: render.settle.max },
    resyncMs: REGISTRY_RESYNC_MS,
    templateChanges: (signal) =>
      createFolderWatch({ folders, onError: (error) => deps.log.warn("templates cannot be watched", { error }) }).changes(signal),
    log: deps.log,
  });
}

export function createTemplateLibrary(render: Pick<RenderConfig, "partials">): Library {
  return createLibrary({ partials: render.partials });
}

/** Only the variables that `render.env` lists. */
export function createFacts(node: string, render: Pick<RenderConfig, "env">, env: Deps["env"]): Facts {
  const listed = render.env.flatMap((name): [string, string][] => {
    const value = env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { node, env: new Map(listed) };
}

export function createTargets(
  render: Pick<RenderConfig, "targets" | "secret">,
  stateDir: string,
  deps: Deps,
): readonly TargetPlan[] {
  return Object.entries(render.targets).map(([name, target]) => ({
    target: createTargetFrom(name, target, stateDir, deps),
    files: target.files.map(createFilePlan),
    secrets: render.secret,
  }));
}

type TargetConfig = RenderConfig["targets"][string];

function createTargetFrom(name: string, config: TargetConfig, stateDir: string, deps: Deps): Target {
  const { check, reload, verify } = config;
  return createTarget({
    name,
    stateDir: join(stateDir, "targets", encodeURIComponent(name)),
    log: deps.log,
    environment: deps.env,
    ...(check !== undefined && { check: commandOf(check, 10_000) }),
    ...(reload !== undefined && { reload: reloadOf(reload) }),
    ...(verify !== undefined && { verify: verifyOf(verify) }),
  });
}

function commandOf(
  config: readonly string[] | { readonly exec: readonly string[]; readonly timeout: number },
  defaultMs: number,
) {
  return "exec" in config ? { argv: config.exec, timeoutMs: config.timeout } : { argv: config, timeoutMs: defaultMs };
}

function reloadOf(config: NonNullable<TargetConfig["reload"]>) {
  return "signal" in config
    ? { signal: `SIG${config.signal}` as NodeJS.Signals, pidFile: config.pidFile }
    : { exec: commandOf(config, 30_000) };
}

function verifyOf(config: NonNullable<TargetConfig["verify"]>) {
  if ("exec" in config) {
    return { exec: config.exec, timeoutMs: config.timeout };
  }
  const { url, status, contains, timeout } = config;
  return { url, timeoutMs: timeout, ...(status !== undefined && { status }), ...(contains !== undefined && { contains }) };
}

export function createFilePlan(file: TargetConfig["files"][number]): FilePlan {
  return {
    dest: file.dest,
    template: { path: file.template, format: file.format ?? formatForDest(file.dest), allowRaw: file.raw },
    ...(file.mode !== undefined && { mode: file.mode }),
    ...(file.owner !== undefined && resolveOwner(file.owner)),
    onUnsafe: file.onUnsafe,
    ...(file.forEach !== undefined && { forEach: file.forEach }),
  };
}

export function defaultStateDir(env: Deps["env"]): string {
  if (process.getuid?.() === 0) {
    return "/var/lib/fairlead";
  }
  return join(env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state"), "fairlead");
}
