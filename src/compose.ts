/** The one place that names concrete adapters: makes parts from a configuration and joins them. */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Config } from "./config/load.ts";
import { isLocalRegistry, locateRegistry, type RegistryLocation, type RegistrySettings } from "./config/registry.ts";
import { createFolderWatch } from "./core/watch.ts";
import { FairleadError } from "./model/errors.ts";
import type { Secrets } from "./observe/secrets.ts";
import type { Log, Registry, Source, Target } from "./ports.ts";
import { createRegistrator, type Registrator } from "./registrator/registrator.ts";
import type { StoreOptions } from "./registry/store.ts";
import { formatForDest } from "./render/formats/index.ts";
import { createLibrary, type Library } from "./render/library.ts";
import type { Facts } from "./render/reads.ts";
import { createRenderer, type Renderer } from "./render/renderer.ts";
import type { FilePlan, TargetPlan } from "./render/target-render.ts";
import type { DockerClient } from "./sources/docker/client.ts";
import type { DockerSource } from "./sources/docker/source.ts";
import { resolveOwner } from "./target/owner.ts";
import { createTarget } from "./target/target.ts";

export interface Deps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly secrets: Secrets;
}

type RegisterConfig = NonNullable<Config["register"]>;
type RenderConfig = NonNullable<Config["render"]>;
type DockerConfig = NonNullable<RegisterConfig["sources"]["docker"]>;

/** The first change after a calm waits this long for company, a storm makes a pass each half second. */
const REGISTER_SETTLE = { quietMs: 20, maxMs: 500 };
/** A full read of the registry at least this often, in case it lost an event. */
const REGISTRY_RESYNC_MS = 300_000;

/** Clients are loaded when they are used: a one-shot render from a file loads no gRPC. */
export async function openRegistry(settings: RegistrySettings, deps: Deps): Promise<Registry> {
  const location = locateRegistry(settings, deps.env);
  const { log } = deps;
  switch (location.type) {
    case "memory":
      return (await import("./registry/memory.ts")).createMemoryRegistry();
    case "file":
      return (await import("./registry/file/registry.ts")).createFileRegistry({ dir: location.dir });
    case "etcd":
      return (await import("./registry/etcd/registry.ts")).createEtcdRegistry(learning(location.store, deps.secrets), { log });
    case "consul":
      return (await import("./registry/consul/registry.ts")).createConsulRegistry(learning(location.store, deps.secrets), {
        log,
      });
    case "consul-kv":
      return (await import("./registry/consul/registry.ts")).createConsulKvRegistry(learning(location.store, deps.secrets), {
        log,
      });
  }
}

/** Every secret that is read is known to the log from then on. */
function learning(store: StoreOptions, secrets: Secrets): StoreOptions {
  const { token, login } = store;
  const learn = (value: string): string => {
    secrets.add(value);
    return value;
  };
  return {
    ...store,
    ...(token !== undefined && { token: async () => learn((await token()) ?? "") }),
    ...(login !== undefined && { login: { ...login, password: async () => learn(await login.password()) } }),
  };
}

export function describeRegistry(settings: RegistrySettings, deps: Pick<Deps, "env">): string {
  const location = locateRegistry(settings, deps.env);
  return location.type === "memory" ? "memory:" : location.type === "file" ? `file://${location.dir}` : location.store.name;
}

export async function openDocker(
  config: Pick<DockerConfig, "host" | "certPath" | "tlsVerify">,
  deps: Pick<Deps, "env">,
): Promise<DockerClient> {
  const [{ createDockerClient }, { chooseDockerHost }] = await Promise.all([
    import("./sources/docker/client.ts"),
    import("./sources/docker/host.ts"),
  ]);
  const { host, certPath, tlsVerify } = config;
  const settings = {
    ...(host !== undefined && { host }),
    ...(certPath !== undefined && { certPath }),
    ...(tlsVerify !== undefined && { tlsVerify }),
  };
  return createDockerClient(chooseDockerHost(settings, deps.env));
}

export async function createDocker(
  config: DockerConfig,
  options: { readonly node: string; readonly registry: RegistryLocation | undefined },
  deps: Deps,
): Promise<DockerSource> {
  const [client, { createDockerSource }] = await Promise.all([openDocker(config, deps), import("./sources/docker/source.ts")]);
  const { address, mode, networks, register, health, env } = config;
  return createDockerSource({
    client,
    node: options.node,
    address,
    mode,
    networks,
    register,
    health,
    env,
    loopback: isLocalRegistry(options.registry),
    log: deps.log,
  });
}

async function createSources(
  config: RegisterConfig,
  node: string,
  registry: RegistryLocation,
  deps: Deps,
): Promise<readonly Source[]> {
  const sources: Source[] = [];
  if (config.sources.docker !== undefined) {
    sources.push(await createDocker(config.sources.docker, { node, registry }, deps));
  }
  if (config.sources.static !== undefined) {
    const { createStaticSource } = await import("./sources/static.ts");
    sources.push(createStaticSource({ file: config.sources.static.file, node, log: deps.log }));
  }
  return sources;
}

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
      : createRegistrator({
          writer: registry,
          sources: await createSources(config.register, node, location, deps),
          owner: node,
          ttlMs: config.register.ttl,
          resyncMs: config.register.resync,
          onStop: config.register.onStop,
          settle: REGISTER_SETTLE,
          log: deps.log,
        });
  return {
    node,
    registry,
    registrator,
    renderer: config.render && createRenderPart(config, config.render, { node, registry }, deps),
  };
}

function createRenderPart(
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

export function createTargets(render: Pick<RenderConfig, "targets">, stateDir: string, deps: Deps): readonly TargetPlan[] {
  return Object.entries(render.targets).map(([name, target]) => ({
    target: createTargetFrom(name, target, stateDir, deps),
    files: target.files.map(createFilePlan),
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
  };
}

export function defaultStateDir(env: Deps["env"]): string {
  if (process.getuid?.() === 0) {
    return "/var/lib/fairlead";
  }
  return join(env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state"), "fairlead");
}

/** The owner: configured, else the Docker engine's ID, else the machine id. With `wait` an engine that is not up yet is waited for. */
export async function findNode(
  config: Pick<Config, "node" | "register">,
  deps: Deps,
  options: { readonly signal: AbortSignal; readonly wait: boolean },
): Promise<string> {
  if (config.node !== undefined) {
    return config.node;
  }
  const docker = config.register?.sources.docker;
  if (docker === undefined) {
    return await machineId();
  }
  const [client, { awaitEngineId, engineId }] = await Promise.all([openDocker(docker, deps), import("./sources/docker/engine-id.ts")]);
  return await (options.wait ? awaitEngineId(client, deps.log, options.signal) : engineId(client, options.signal));
}

async function machineId(): Promise<string> {
  for (const file of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
    const id = await readFile(file, "utf8").then(
      (text) => text.trim(),
      () => "",
    );
    if (id !== "") {
      return id;
    }
  }
  throw new FairleadError("CONFIG_INVALID", "this machine has no machine id to be told apart by", {
    hint: "set `node:` in the configuration to a name of its own",
  });
}
