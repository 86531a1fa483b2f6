import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type SourceFile, sourcesFor } from "./apt-sources.ts";
import { runCommand } from "./command.ts";
import { takeLock } from "./lock.ts";

const UPDATE_MS = 180_000;
const DOWNLOAD_MS = 300_000;
const UNPACK_MS = 60_000;
/** Lists older than this may name package files that are gone. */
const LISTS_MAX_AGE_MS = 6 * 3_600_000;

/** Never unpacked: another libc beside the machine's own loader crashes every program that finds it. */
const NEVER = /^(?:libc6|libc-bin|libc6-.*)_/;

export interface UnpackOptions {
  readonly suite: string;
  readonly packages: readonly string[];
  /** An existing folder that gets the trees of the packages and of those they need that the machine does not have. */
  readonly into: string;
  readonly cache: string;
}

/**
 * Downloads packages of the machine's own distribution and unpacks them, as any user, without installing anything. apt gets a
 * configuration, lists and state of its own below `cache`; the system's are only read.
 */
export async function unpackPackages(options: UnpackOptions): Promise<void> {
  const home = join(options.cache, `apt-${options.suite}`);
  const lock = await takeLock(`apt-${home}`, {
    timeoutMs: UPDATE_MS + DOWNLOAD_MS,
    what: `another download from the suite ${options.suite}`,
  });
  const archives = join(home, "archives");
  try {
    await rm(archives, { recursive: true, force: true });
    const config = await prepare(home, options.suite);
    const download = [
      "apt-get",
      "-c",
      config,
      "-y",
      "-q",
      "--no-install-recommends",
      "--reinstall",
      "--download-only",
      "install",
    ];
    const updated = await updateLists(home, config, LISTS_MAX_AGE_MS);
    try {
      await runCommand([...download, ...options.packages], { timeoutMs: DOWNLOAD_MS });
    } catch (error) {
      if (updated) {
        throw error;
      }
      await updateLists(home, config, 0);
      await runCommand([...download, ...options.packages], { timeoutMs: DOWNLOAD_MS });
    }
    for (const file of await readdir(archives)) {
      if (file.endsWith(".deb") && !NEVER.test(file)) {
        await runCommand(["dpkg", "-x", join(archives, file), options.into], { timeoutMs: UNPACK_MS });
      }
    }
  } finally {
    await rm(archives, { recursive: true, force: true });
    await lock.release();
  }
}

/** @returns the path of a configuration file for `apt-get -c` */
async function prepare(home: string, suite: string): Promise<string> {
  const sources = sourcesFor(await machineSources(), await codename(), suite);
  if (sources.length === 0) {
    throw new Error(`this machine's package sources name no distribution from which the suite ${suite} could be derived`);
  }
  const parts = join(home, "sources.d");
  await rm(parts, { recursive: true, force: true });
  for (const folder of [parts, join(home, "lists", "partial"), join(home, "archives", "partial")]) {
    await mkdir(folder, { recursive: true });
  }
  for (const { name, text } of sources) {
    await writeFile(join(parts, name), text);
  }
  const settings = {
    "Dir::Etc::sourcelist": "/dev/null",
    "Dir::Etc::sourceparts": parts,
    "Dir::State": home,
    "Dir::State::status": "/var/lib/dpkg/status",
    "Dir::Cache": home,
    "Dir::Cache::archives": join(home, "archives"),
    "Debug::NoLocking": "1",
    "APT::Sandbox::User": "root",
    "APT::Get::AllowUnauthenticated": "false",
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    "Acquire::Retries": "3",
  };
  const config = join(home, "apt.conf");
  // The system's hooks would touch the system's own cache, or tell desktop services of our lists.
  const hooks = [
    "APT::Update::Pre-Invoke",
    "APT::Update::Post-Invoke",
    "APT::Update::Post-Invoke-Success",
    "DPkg::Pre-Install-Pkgs",
  ];
  await writeFile(
    config,
    [...hooks.map((name) => `#clear ${name};`), ...Object.entries(settings).map(([key, value]) => `${key} "${value}";`), ""].join(
      "\n",
    ),
  );
  return config;
}

/** @returns whether it had to */
async function updateLists(home: string, config: string, maxAgeMs: number): Promise<boolean> {
  const stamp = join(home, "updated");
  const updatedMs = await stat(stamp).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  if (Date.now() - updatedMs <= maxAgeMs) {
    return false;
  }
  await runCommand(["apt-get", "-c", config, "-q", "update"], { timeoutMs: UPDATE_MS });
  await writeFile(stamp, "");
  return true;
}

async function machineSources(): Promise<SourceFile[]> {
  const root = "/etc/apt";
  const parts = await readdir(join(root, "sources.list.d")).catch(() => []);
  const files = ["sources.list", ...parts.map((name) => join("sources.list.d", name))];
  const read = files.map(async (file) => ({
    name: file.replaceAll("/", "-"),
    text: await readFile(join(root, file), "utf8").catch(() => ""),
  }));
  return (await Promise.all(read)).filter(({ name, text }) => /\.(?:list|sources)$/.test(name) && text !== "");
}

async function codename(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  return /^VERSION_CODENAME="?([\w.-]+)/m.exec(text)?.[1] ?? "";
}
