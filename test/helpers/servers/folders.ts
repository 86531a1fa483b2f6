import { spawn } from "node:child_process";
import { mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { runCommand } from "./command.ts";

const GUARDIAN = fileURLToPath(new URL("./guardian.mjs", import.meta.url));
const PREFIX = "fairlead-test-";
const SWEEP_MS = 60_000;

/** One guardian per test process, started with the first folder. */
const guardians: Writable[] = [];

/**
 * A new folder below the system's temporary one. When this process dies, also by SIGKILL, every process that names the folder on its
 * command line is killed and the folder removed.
 */
export async function makeFolder(kind: string): Promise<string> {
  // The real path, since the guardian compares text.
  const folder = await mkdtemp(join(await realpath(tmpdir()), `${PREFIX}${kind}-`));
  tellGuardian(`+${folder}`);
  return folder;
}

/** For a folder whose processes have been stopped. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  tellGuardian(`-${folder}`);
}

/** Kills every process that names the folder on its command line, with its descendants, releases mounts below it and removes it. */
export async function sweepFolder(folder: string): Promise<void> {
  await runCommand([process.execPath, GUARDIAN, "sweep", folder], { timeoutMs: SWEEP_MS });
}

/** All folders of that kind on this machine, whoever made them: call it only when none of them can be in use. */
export async function sweepLeftovers(kind: string): Promise<void> {
  const parent = await realpath(tmpdir());
  for (const name of await readdir(parent)) {
    if (name.startsWith(`${PREFIX}${kind}-`)) {
      await sweepFolder(join(parent, name));
    }
  }
}

function tellGuardian(line: string): void {
  const guardian = guardians[0] ?? startGuardian();
  guardian.write(`${line}\n`);
}

function startGuardian(): Writable {
  // Detached: Ctrl-C reaches the whole group of the terminal, and the guardian must outlive it to clean up.
  const child = spawn(process.execPath, [GUARDIAN, "watch"], { detached: true, stdio: ["pipe", "ignore", "inherit"] });
  child.unref();
  child.on("error", (error) => console.error(`cannot start the guardian: ${error.message}`));
  child.stdin.on("error", () => undefined);
  if (child.stdin instanceof Socket) {
    child.stdin.unref();
  }
  guardians.push(child.stdin);
  return child.stdin;
}
