import { dirname, join } from "node:path";
import type { Config } from "../config/load.ts";
import { createFolderWatch } from "../core/watch.ts";
import type { Registry, Target, TargetHistory } from "../ports.ts";
import { formatForDest } from "../render/formats/index.ts";
import type { GuardRules } from "../render/guard/guard.ts";
import { createRenderer, type Renderer } from "../render/renderer.ts";
import type { FilePlan, TargetPlan } from "../render/target-render.ts";
import { createLibrary, type Library } from "../render/template/library.ts";
import type { Facts } from "../render/template/reads.ts";
import { type CheckCommand, type CheckLevelFinding, explainCheckLevel } from "../target/check/sandbox.ts";
import { resolveOwner } from "../target/owner.ts";
import type { Reload } from "../target/reload.ts";
import { createTarget } from "../target/target.ts";
import type { Deps } from "./deps.ts";
import { defaultStateDir } from "./state-dir.ts";

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
    ...(target.guard !== "off" && { guard: guardOf(target.guard) }),
    ...(target.reload !== undefined && minReloadInterval(target.reload)),
    secrets: render.secret,
  }));
}

type TargetConfig = RenderConfig["targets"][string];

export function createTargetFrom(
  name: string,
  config: Partial<Pick<TargetConfig, "check" | "reload" | "verify">>,
  stateDir: string,
  deps: Deps,
): Target & TargetHistory {
  const { check, reload, verify } = config;
  return createTarget({
    name,
    stateDir: join(targetsFolder(stateDir), encodeURIComponent(name)),
    log: deps.log,
    environment: deps.env,
    ...(check !== undefined && { check: checkOf(check) }),
    ...(reload !== undefined && { reload: reloadOf(reload, deps) }),
    ...(verify !== undefined && { verify: verifyOf(verify) }),
  });
}

function commandOf(
  config: readonly string[] | { readonly exec: readonly string[]; readonly timeout: number },
  defaultMs: number,
) {
  return "exec" in config ? { argv: config.exec, timeoutMs: config.timeout } : { argv: config, timeoutMs: defaultMs };
}

function checkOf(config: NonNullable<TargetConfig["check"]>): CheckCommand {
  return { ...commandOf(config, 10_000), ...("sandbox" in config && { sandbox: config.sandbox }) };
}

export interface TargetCheck extends CheckLevelFinding {
  readonly target: string;
}

/** What each target's check would run in here. */
export async function findCheckLevels(
  render: Pick<RenderConfig, "targets"> | undefined,
  { env, signal }: { readonly env: Deps["env"]; readonly signal: AbortSignal },
): Promise<readonly TargetCheck[]> {
  const checks: TargetCheck[] = [];
  for (const [target, { check }] of Object.entries(render?.targets ?? {})) {
    if (check !== undefined) {
      checks.push({ target, ...(await explainCheckLevel(checkOf(check), { environment: env, signal, target })) });
    }
  }
  return checks;
}

function reloadOf(config: NonNullable<TargetConfig["reload"]>, deps: Deps): Reload {
  if ("container" in config) {
    const { container, host, timeout } = config;
    const signalContainer = createSignaller(host, deps);
    return { container, signal: signalOf(config), timeoutMs: timeout, signalContainer };
  }
  return "signal" in config ? { signal: signalOf(config), pidFile: config.pidFile } : { exec: commandOf(config, 30_000) };
}

function signalOf({ signal }: { readonly signal: string }): NodeJS.Signals {
  return `SIG${signal}` as NodeJS.Signals; // the schema lists their names
}

/** The socket is not looked for before a reload is due. */
function createSignaller(host: string | undefined, deps: Deps): Extract<Reload, { container: string }>["signalContainer"] {
  return async (wanted, abort) => {
    const [{ createContainerSignaller }, { chooseDockerHost }] = await Promise.all([
      import("../sources/docker/engine/signal.ts"),
      import("../sources/docker/engine/host.ts"),
    ]);
    const signalContainer = createContainerSignaller(chooseDockerHost(host === undefined ? {} : { host }, deps.env));
    await signalContainer(wanted, abort);
  };
}

function guardOf({ hold, ...rules }: Exclude<TargetConfig["guard"], "off">): GuardRules {
  return { ...rules, holdMs: hold };
}

function minReloadInterval(reload: NonNullable<TargetConfig["reload"]>): Pick<TargetPlan, "minReloadIntervalMs"> {
  return "minInterval" in reload && reload.minInterval !== undefined ? { minReloadIntervalMs: reload.minInterval } : {};
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

export function targetsFolder(stateDir: string): string {
  return join(stateDir, "targets");
}
