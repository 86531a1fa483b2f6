import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { unpackPackages } from "./apt.ts";
import { foreignEngine } from "./docker-machine.ts";
import { buildGoModule } from "./go-module.ts";
import { linkProgram, writeLaunchers } from "./launchers.ts";
import { takeLock } from "./lock.ts";
import { findOnPath, isExecutable, probe } from "./probe.ts";
import { type GoSource, type PackageSource, type Recipe, recipes, type ServerName } from "./recipes.ts";

export interface Available {
  readonly ok: true;
  readonly name: ServerName;
  /** Running it is all that is needed: a launcher finds its own libraries. */
  readonly path: string;
  readonly version: string;
  readonly from: "environment" | "path" | "cache" | "fetched";
}

export interface Unavailable {
  readonly ok: false;
  readonly name: ServerName;
  /** One line for each place that was tried. */
  readonly reason: string;
  readonly hint: string;
}

const FETCH_MS = 900_000;
/** To make network interfaces, name spaces and mounts. */
const CAPABILITIES = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n };

const acquired = new Map<ServerName, Promise<Available | Unavailable>>();

/**
 * Finds a server's program: the environment variable (which then alone counts), PATH, the cache folder, then fetches it into the cache.
 * Never installs anything. Safe for many processes at once; a failure is an answer, not an exception, and is not tried again by this
 * process.
 */
export function acquire(name: ServerName): Promise<Available | Unavailable> {
  const known = acquired.get(name) ?? find(name, recipes[name]);
  acquired.set(name, known);
  return known;
}

/** @throws when it is not to be had, with the reason and what to do */
export async function requireProgram(name: ServerName): Promise<Available> {
  const result = await acquire(name);
  if (!result.ok) {
    throw new Error(`${recipes[name].title} is not available\n${result.reason}\n${result.hint}`);
  }
  return result;
}

/** `$FAIRLEAD_TEST_CACHE`, else `fairlead-test` in the user's cache folder. */
function cacheFolder(): string {
  const own = process.env["FAIRLEAD_TEST_CACHE"];
  return own !== undefined && own !== ""
    ? own
    : join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "fairlead-test");
}

async function find(name: ServerName, recipe: Recipe): Promise<Available | Unavailable> {
  const hint = `install ${recipe.wanted}, or set ${recipe.variable} to its program`;
  function missing(...reasons: readonly string[]): Unavailable {
    return { ok: false, name, reason: reasons.join("\n"), hint };
  }
  if (process.platform !== "linux") {
    return missing("the test servers need linux");
  }
  if (recipe.needsRoot === true && !hasCapabilities()) {
    return { ...missing("needs root"), hint: "run these tests as root, on a machine or in a container with all privileges" };
  }
  const stranger = name === "docker" ? foreignEngine() : undefined;
  if (stranger !== undefined) {
    const reason = `another Docker engine runs on this machine (process ${stranger}); two share docker0 and iptables`;
    return { ...missing(reason), hint: "stop it, or run these tests on another machine" };
  }

  const named = process.env[recipe.variable];
  if (named !== undefined && named !== "") {
    const found = probe(recipe, named);
    return found.ok
      ? { ok: true, name, path: named, version: found.version, from: "environment" }
      : missing(`${recipe.variable}: ${found.reason}`);
  }

  const reasons: string[] = [];
  const onPath = findOnPath(recipe.program);
  if (onPath !== undefined) {
    const found = probe(recipe, onPath);
    const lacking = (recipe.companions ?? []).filter((program) => findOnPath(program) === undefined);
    if (found.ok && lacking.length === 0) {
      return { ok: true, name, path: onPath, version: found.version, from: "path" };
    }
    reasons.push(`PATH: ${found.ok ? `${onPath} is there, but not ${lacking.join(", ")}` : found.reason}`);
  }

  const places = recipe.sources.map((source) => placeOf(name, recipe, source));
  for (const { path } of places) {
    const found = probe(recipe, path);
    if (found.ok) {
      return { ok: true, name, path, version: found.version, from: "cache" };
    }
  }
  for (const place of places) {
    try {
      return { ok: true, name, path: place.path, ...(await fetchUnlessThere(recipe, place)) };
    } catch (error) {
      reasons.push(`${describeSource(place.source)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return missing(...reasons);
}

type Source = PackageSource | GoSource;

interface Place {
  readonly source: Source;
  readonly home: string;
  readonly path: string;
}

/** Of what is in a folder of the cache; a change makes the old folders count for nothing. */
const SHAPE = 2;

/** A changed recipe gets another folder of the cache. */
function placeOf(name: ServerName, recipe: Recipe, source: Source): Place {
  const key = createHash("sha256")
    .update(JSON.stringify([SHAPE, source, process.arch]))
    .digest("hex")
    .slice(0, 10);
  const home = join(cacheFolder(), `${name}-${key}`);
  return { source, home, path: join(home, "bin", recipe.program) };
}

function describeSource(source: Source): string {
  return source.kind === "go"
    ? `Go module ${source.module} ${source.version}`
    : `packages ${source.packages.join(" ")} (suite ${source.suite})`;
}

async function fetchUnlessThere(recipe: Recipe, { source, home, path }: Place): Promise<Pick<Available, "version" | "from">> {
  const cache = dirname(home);
  await mkdir(cache, { recursive: true });
  const lock = await takeLock(`fetch-${home}`, { timeoutMs: FETCH_MS, what: `another process to fetch ${recipe.title}` });
  try {
    const fetchedByAnother = probe(recipe, path);
    if (fetchedByAnother.ok) {
      return { version: fetchedByAnother.version, from: "cache" };
    }
    const prefix = `.staging-${basename(home)}-`;
    for (const leftover of (await readdir(cache)).filter((entry) => entry.startsWith(prefix))) {
      await rm(join(cache, leftover), { recursive: true, force: true });
    }
    const staging = await mkdtemp(join(cache, prefix));
    try {
      await chmod(staging, 0o755);
      await fetchInto(staging, recipe, source, cache);
      const found = probe(recipe, join(staging, "bin", recipe.program));
      if (!found.ok) {
        throw new Error(found.reason);
      }
      await rm(home, { recursive: true, force: true });
      await rename(staging, home);
      return { version: found.version, from: "fetched" };
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  } finally {
    await lock.release();
  }
}

async function fetchInto(staging: string, recipe: Recipe, source: Source, cache: string): Promise<void> {
  if (source.kind === "go") {
    if (findOnPath("go") === undefined) {
      throw new Error("go is not installed, and this server has to be built from source");
    }
    await buildGoModule({ module: source.module, version: source.version, into: staging, program: recipe.program });
    return;
  }
  if (findOnPath("apt-get") === undefined || findOnPath("dpkg") === undefined) {
    throw new Error("this machine has no apt-get and dpkg");
  }
  const root = join(staging, "tree");
  await mkdir(root);
  await unpackPackages({ suite: source.suite, packages: source.packages, into: root, cache });
  if (recipe.mustBeStatic === true) {
    await linkProgram(staging, recipe.program);
  } else {
    await writeLaunchers(staging, source.programs);
  }
}

function hasCapabilities(): boolean {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0"}`);
  return process.getuid?.() === 0 && Object.values(CAPABILITIES).every((bit) => ((effective >> bit) & 1n) === 1n);
}

/** Where a program that was fetched together with `path` would be, else the one on PATH. */
export function companionOf(path: string, program: string): string | undefined {
  const beside = join(dirname(path), program);
  return isExecutable(beside) ? beside : findOnPath(program);
}
