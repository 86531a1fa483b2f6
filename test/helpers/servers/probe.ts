import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Recipe } from "./recipes.ts";

const PROBE_MS = 20_000;
const ELF_MAGIC = 0x7f454c46;
const ELF_64 = 2;
/** ELF program header of a program that needs a loader. */
const PT_INTERP = 3;

export type Probe = { readonly ok: true; readonly version: string } | { readonly ok: false; readonly reason: string };

/** Whether the program at `path` is what the recipe wants. Runs it. */
export function probe(recipe: Recipe, path: string): Probe {
  if (!isExecutable(path)) {
    return { ok: false, reason: `${path} is not an executable file` };
  }
  const { error, stdout, stderr } = spawnSync(path, recipe.versionArgs, { timeout: PROBE_MS, encoding: "utf8" });
  if (error !== undefined) {
    return { ok: false, reason: `${path} cannot be run: ${error.message}` };
  }
  // Some print it to stderr, some exit with 1 after it.
  const said = `${stdout}\n${stderr}`;
  const version = recipe.version.exec(said)?.[1];
  if (version === undefined) {
    return { ok: false, reason: `${path} is not ${recipe.wanted}, it says "${said.trim().split("\n")[0]}"` };
  }
  if (recipe.mustBeStatic === true && !isStatic(path)) {
    return { ok: false, reason: `${path} is not statically linked` };
  }
  return { ok: true, version };
}

export function findOnPath(program: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** A 64-bit ELF file that asks for no loader; a script is not one. */
function isStatic(path: string): boolean {
  const file = readFileSync(path);
  if (file.length < 64 || file.readUInt32BE(0) !== ELF_MAGIC || file[4] !== ELF_64) {
    return false;
  }
  const table = Number(file.readBigUInt64LE(32));
  const size = file.readUInt16LE(54);
  const count = file.readUInt16LE(56);
  return !Array.from({ length: count }, (_, index) => file.readUInt32LE(table + index * size)).includes(PT_INTERP);
}
