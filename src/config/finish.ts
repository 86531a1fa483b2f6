/** What the schema cannot see: paths, addresses, and parts of a configuration that do not go together. */
import { resolve } from "node:path";
import { messageOf } from "../model/errors.ts";
import { findBadDestinations } from "./destinations.ts";
import type { Path, Problem } from "./problems.ts";
import { parseRegistryUrl, type RegistrySettings } from "./registry.ts";
import type { ConfigFile } from "./schema.ts";

/** The configuration with absolute paths and the registry's URL taken apart. */
export interface Config extends Omit<ConfigFile, "registry"> {
  readonly file: string;
  readonly registry: RegistrySettings;
}

/** Makes paths absolute and finds what the schema cannot see. */
export function finish(
  data: ConfigFile,
  file: string,
  baseDir: string,
  problems: Problem[],
  locate: (path: Path) => Problem["location"],
): Config | undefined {
  const absolute = (path: string): string => resolve(baseDir, path);
  const registry = finishRegistry(data.registry, baseDir, problems, locate);
  if (data.register === undefined && data.render === undefined) {
    problems.push({
      message: "nothing to do: there is neither `register` nor `render`",
      location: { file },
      hint: "add one of them, or both",
    });
  }
  const { register, render } = data;
  if (register !== undefined && Object.values(register.sources).every((source) => source === undefined)) {
    problems.push({
      message: '"register.sources" is empty',
      location: locate(["register", "sources"]),
      hint: "add docker, swarm, static, http, or several of them",
    });
  }
  if (register !== undefined) {
    problems.push(...checkTtl(register.ttl, registry, locate), ...checkClaims(register, registry, locate));
  }
  if (render !== undefined) {
    if (Object.keys(render.targets).length === 0) {
      problems.push({
        message: '"render.targets" is empty',
        location: locate(["render", "targets"]),
        hint: "add a target: a name, and its files",
      });
    }
    problems.push(...findBadDestinations({ render, file, absolute, locate }));
  }
  if (registry === undefined) {
    return undefined;
  }
  return {
    ...data,
    file,
    registry,
    ...(data.stateDir !== undefined && { stateDir: absolute(data.stateDir) }),
    ...(register !== undefined && {
      register: {
        ...register,
        sources: {
          ...(register.sources.docker && {
            docker: {
              ...register.sources.docker,
              ...(register.sources.docker.certPath !== undefined && { certPath: absolute(register.sources.docker.certPath) }),
            },
          }),
          ...(register.sources.swarm && {
            swarm: {
              ...register.sources.swarm,
              ...(register.sources.swarm.certPath !== undefined && { certPath: absolute(register.sources.swarm.certPath) }),
            },
          }),
          ...(register.sources.static && { static: { file: absolute(register.sources.static.file) } }),
          ...(register.sources.http && { http: register.sources.http.map((source) => finishHttp(source, absolute)) }),
        },
      },
    }),
    ...(render !== undefined && {
      render: {
        ...render,
        secret: [...new Set([...data.secret, ...render.secret])],
        ...(render.partials !== undefined && { partials: absolute(render.partials) }),
        targets: Object.fromEntries(
          Object.entries(render.targets).map(([name, target]) => [name, finishTarget(target, absolute)]),
        ),
      },
    }),
  };
}

type HttpConfig = NonNullable<NonNullable<ConfigFile["register"]>["sources"]["http"]>[number];

function finishHttp(source: HttpConfig, absolute: (path: string) => string): HttpConfig {
  const { tokenFile, tls = {} } = source;
  const files = Object.entries(tls).flatMap(([name, file]) => (file === undefined ? [] : [[name, absolute(file)] as const]));
  return {
    ...source,
    ...(tokenFile !== undefined && { tokenFile: absolute(tokenFile) }),
    ...(source.tls !== undefined && { tls: Object.fromEntries(files) }),
  };
}

type TargetConfig = NonNullable<ConfigFile["render"]>["targets"][string];

function finishTarget(target: TargetConfig, absolute: (path: string) => string): TargetConfig {
  const { reload } = target;
  return {
    ...target,
    files: target.files.map((file) => ({ ...file, template: absolute(file.template), dest: absolute(file.dest) })),
    ...(reload !== undefined && "pidFile" in reload && { reload: { ...reload, pidFile: absolute(reload.pidFile) } }),
  };
}

function finishRegistry(
  registry: ConfigFile["registry"],
  baseDir: string,
  problems: Problem[],
  locate: (path: Path) => Problem["location"],
): RegistrySettings | undefined {
  try {
    if (typeof registry === "string") {
      return parseRegistryUrl(registry, baseDir);
    }
    const absolute = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(baseDir, path));
    const tls = typeof registry.tls === "object" ? registry.tls : undefined;
    return {
      ...registry,
      dir: absolute(registry.dir),
      tokenFile: absolute(registry.tokenFile),
      passwordFile: absolute(registry.passwordFile),
      ...(tls !== undefined && { tls: { ca: absolute(tls.ca), cert: absolute(tls.cert), key: absolute(tls.key) } }),
    };
  } catch (error) {
    problems.push({ message: messageOf(error), location: locate(["registry"]), ...hintOf(error) });
    return undefined;
  }
}

/** Consul refuses sessions that live shorter than 10 s; below a second no store keeps time. */
function checkTtl(
  ttlMs: number,
  registry: RegistrySettings | undefined,
  locate: (path: Path) => Problem["location"],
): readonly Problem[] {
  const leastMs = registry?.type === "consul-kv" ? 10_000 : 1000;
  if (ttlMs >= leastMs) {
    return [];
  }
  const why =
    registry?.type === "consul-kv" ? "Consul refuses sessions shorter than 10 s" : "a lease shorter than a second cannot be kept";
  return [
    {
      message: `"register.ttl" is too short: ${why}`,
      location: locate(["register", "ttl"]),
      hint: `write ${leastMs / 1000}s or more`,
    },
  ];
}

/** Whoever decides about hosts has to see them in the registry. */
function checkClaims(
  { policy }: NonNullable<ConfigFile["register"]>,
  registry: RegistrySettings | undefined,
  locate: (path: Path) => Problem["location"],
): readonly Problem[] {
  return policy?.hosts !== "exclusive" || registry?.layout !== "registrator"
    ? []
    : [
        {
          message: '"register.policy.hosts" cannot be exclusive: the layout `registrator` has no room for hosts',
          location: locate(["register", "policy", "hosts"]),
          hint: "use the layout `json`, or leave hosts shared",
        },
      ];
}

function hintOf(error: unknown): { readonly hint?: string } {
  return typeof error === "object" && error !== null && "hint" in error && typeof error.hint === "string"
    ? { hint: error.hint }
    : {};
}
