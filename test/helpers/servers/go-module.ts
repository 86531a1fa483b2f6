import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./command.ts";

const FETCH_MS = 240_000;
const BUILD_MS = 600_000;

export interface BuildOptions {
  readonly module: string;
  readonly version: string;
  /** An existing folder: the program becomes `into/bin/<program>`. */
  readonly into: string;
  readonly program: string;
}

/**
 * Builds a program from its Go module with a `go.mod` of its own, whatever Go settings the caller's shell has for its own projects.
 *
 * @throws when there is no Go, or one that is too old and may not fetch a newer one
 */
export async function buildGoModule(options: BuildOptions): Promise<void> {
  const cwd = join(options.into, "module");
  await mkdir(cwd, { recursive: true });
  const env = { GOFLAGS: "-buildvcs=false", GOWORK: "off", CGO_ENABLED: "0", GO111MODULE: "on" };
  await runCommand(["go", "mod", "init", "fairlead-test"], { timeoutMs: FETCH_MS, cwd, env });
  await runCommand(["go", "get", `${options.module}@${options.version}`], { timeoutMs: FETCH_MS, cwd, env });
  const program = join(options.into, "bin", options.program);
  await runCommand(["go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, options.module], {
    timeoutMs: BUILD_MS,
    cwd,
    env,
  });
  await rm(cwd, { recursive: true, force: true });
}
