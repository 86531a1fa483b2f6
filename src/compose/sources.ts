import type { Config } from "../config/load.ts";
import { isLocalRegistry, type RegistryLocation } from "../config/registry.ts";
import type { Source } from "../ports.ts";
import type { DockerClient } from "../sources/docker/client.ts";
import type { DockerSource } from "../sources/docker/source.ts";
import type { Deps } from "./deps.ts";

type RegisterConfig = NonNullable<Config["register"]>;
type DockerConfig = NonNullable<RegisterConfig["sources"]["docker"]>;

export async function openDocker(
  config: Pick<DockerConfig, "host" | "certPath" | "tlsVerify">,
  deps: Pick<Deps, "env">,
): Promise<DockerClient> {
  const [{ createDockerClient }, { chooseDockerHost }] = await Promise.all([
    import("../sources/docker/client.ts"),
    import("../sources/docker/host.ts"),
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
    sources.push(await createDocker(config.sources.docker, { node, registry }, deps));
  }
  if (config.sources.static !== undefined) {
    const { createStaticSource } = await import("../sources/static.ts");
    sources.push(createStaticSource({ file: config.sources.static.file, node, log: deps.log }));
  }
  return sources;
}
