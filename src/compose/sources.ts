import { readFile } from "node:fs/promises";
import type { Config } from "../config/load.ts";
import { isLocalRegistry, type RegistryLocation } from "../config/registry.ts";
import { FairleadError, messageOf } from "../model/errors.ts";
import type { Source } from "../ports.ts";
import type { DockerClient, DockerClientOptions } from "../sources/docker/engine/client.ts";
import type { DockerSource } from "../sources/docker/source.ts";
import type { HttpSource } from "../sources/http/source.ts";
import type { Judge } from "../sources/policy.ts";
import type { SwarmClient } from "../sources/swarm/client.ts";
import type { SwarmSource } from "../sources/swarm/source.ts";
import type { Deps } from "./deps.ts";

type RegisterConfig = NonNullable<Config["register"]>;
type DockerConfig = NonNullable<RegisterConfig["sources"]["docker"]>;
type HttpConfig = NonNullable<RegisterConfig["sources"]["http"]>[number];
type SwarmConfig = NonNullable<RegisterConfig["sources"]["swarm"]>;

type EngineConfig = Pick<DockerConfig, "host" | "certPath" | "tlsVerify">;

export async function openDocker(config: EngineConfig, deps: Pick<Deps, "env">): Promise<DockerClient> {
  const { createDockerClient } = await import("../sources/docker/engine/client.ts");
  return createDockerClient(await chooseEngine(config, deps));
}

async function openSwarm(config: EngineConfig, deps: Pick<Deps, "env">): Promise<SwarmClient> {
  const { createSwarmClient } = await import("../sources/swarm/client.ts");
  return createSwarmClient(await chooseEngine(config, deps));
}

async function chooseEngine(
  { host, certPath, tlsVerify }: EngineConfig,
  { env }: Pick<Deps, "env">,
): Promise<DockerClientOptions> {
  const { chooseDockerHost } = await import("../sources/docker/engine/host.ts");
  const settings = {
    ...(host !== undefined && { host }),
    ...(certPath !== undefined && { certPath }),
    ...(tlsVerify !== undefined && { tlsVerify }),
  };
  return chooseDockerHost(settings, env);
}

export async function createDocker(
  config: DockerConfig,
  options: {
    readonly node: string;
    readonly registry: RegistryLocation | undefined;
    readonly policy?: RegisterConfig["policy"] | undefined;
  },
  deps: Deps,
): Promise<DockerSource> {
  const judge = await createPolicyJudge(options.policy);
  const [client, { createDockerSource }] = await Promise.all([openDocker(config, deps), import("../sources/docker/source.ts")]);
  const { address, addressLabel, mode, networks, register, health, env, tags } = config;
  return createDockerSource({
    client,
    node: options.node,
    address,
    ...(addressLabel !== undefined && { addressLabel }),
    mode,
    networks,
    register,
    health,
    env,
    tags,
    loopback: isLocalRegistry(options.registry),
    ...(judge !== undefined && { judge }),
    log: deps.log,
  });
}

/** Undefined without rules: then everything is allowed. */
async function createPolicyJudge(policy: RegisterConfig["policy"]): Promise<Judge | undefined> {
  return policy?.rules === undefined ? undefined : (await import("../sources/policy.ts")).createJudge(policy.rules);
}

export async function createHttp(config: HttpConfig, node: string, deps: Deps): Promise<HttpSource> {
  const { createHttpSource } = await import("../sources/http/source.ts");
  const { url, interval: intervalMs, timeout: timeoutMs, maxBytes, path, map, tls, tokenFile } = config;
  const token = tokenFile === undefined ? undefined : () => readToken(tokenFile, deps);
  return createHttpSource({ url, intervalMs, timeoutMs, maxBytes, path, map, tls, token, node, log: deps.log });
}

/** Read for each poll, so that a renewed token is used; from then on the log knows it for a secret. */
async function readToken(file: string, { secrets }: Pick<Deps, "secrets">): Promise<string> {
  try {
    const token = (await readFile(file, "utf8")).trim();
    secrets.add(token);
    return token;
  } catch (error) {
    throw new FairleadError("SOURCE_UNAVAILABLE", `cannot read the token of an http source in "${file}": ${messageOf(error)}`, {
      hint: "look at the file named by `tokenFile`, and who may read it",
      retryable: true,
      cause: error,
    });
  }
}

export async function createSwarm(
  config: SwarmConfig,
  options: { readonly registry: RegistryLocation | undefined; readonly policy: RegisterConfig["policy"] | undefined },
  deps: Deps,
): Promise<SwarmSource> {
  const judge = await createPolicyJudge(options.policy);
  const [client, { createSwarmSource }] = await Promise.all([openSwarm(config, deps), import("../sources/swarm/source.ts")]);
  const { mode, networks, address, register, poll } = config;
  return createSwarmSource({
    client,
    mode,
    networks,
    address,
    register,
    pollMs: poll,
    loopback: isLocalRegistry(options.registry),
    ...(judge !== undefined && { judge }),
    log: deps.log,
  });
}

export async function createSources(
  config: RegisterConfig,
  node: string,
  registry: RegistryLocation,
  deps: Deps,
): Promise<readonly Source[]> {
  const sources: Source[] = [];
  if (config.sources.docker !== undefined) {
    sources.push(await createDocker(config.sources.docker, { node, registry, policy: config.policy }, deps));
  }
  if (config.sources.swarm !== undefined) {
    sources.push(await createSwarm(config.sources.swarm, { registry, policy: config.policy }, deps));
  }
  if (config.sources.static !== undefined) {
    const { createStaticSource } = await import("../sources/static.ts");
    sources.push(createStaticSource({ file: config.sources.static.file, node, log: deps.log }));
  }
  for (const http of config.sources.http ?? []) {
    sources.push(await createHttp(http, node, deps));
  }
  return sources;
}
