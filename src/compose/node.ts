import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import type { Config } from "../config/load.ts";
import { FairleadError } from "../model/errors.ts";
import type { Deps } from "./deps.ts";
import { openDocker } from "./sources.ts";

/** The owner: configured, else the Docker engine's ID, else the machine id. With `wait` an engine that is not up yet is waited for. */
export async function findNode(
  config: Pick<Config, "node" | "register">,
  deps: Deps,
  options: { readonly signal: AbortSignal; readonly wait: boolean },
): Promise<string> {
  if (config.node !== undefined) {
    return config.node;
  }
  const docker = config.register?.sources.docker ?? config.register?.sources.swarm;
  if (docker === undefined) {
    return await machineId(config.register !== undefined);
  }
  const [client, { awaitEngineId, engineId }] = await Promise.all([
    openDocker(docker, deps),
    import("../sources/docker/engine/engine-id.ts"),
  ]);
  return await (options.wait ? awaitEngineId(client, deps.log, options.signal) : engineId(client, options.signal));
}

/** Without a machine id (most containers have none) the host name serves, but not as the owner of entries: two nodes may share it. */
async function machineId(isOwner: boolean): Promise<string> {
  for (const file of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
    const id = await readFile(file, "utf8").then(
      (text) => text.trim(),
      () => "",
    );
    if (id !== "") {
      return id;
    }
  }
  if (!isOwner) {
    return hostname();
  }
  throw new FairleadError("CONFIG_INVALID", "this machine has no machine id to be told apart by", {
    hint: "set `node:` in the configuration to a name of its own",
  });
}
