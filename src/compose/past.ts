/** The targets that left a state behind, whether a configuration still names them or not. */
import { readdir } from "node:fs/promises";
import { systemCode } from "../model/errors.ts";
import type { Target, TargetHistory } from "../ports.ts";
import type { Deps } from "./deps.ts";
import { createTargetFrom, targetsFolder } from "./render.ts";

/** For looking only: they know no commands. Sorted by name. */
export async function listPastTargets(stateDir: string, deps: Deps): Promise<readonly (Target & TargetHistory)[]> {
  const names = await readdir(targetsFolder(stateDir)).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") {
      return []; // nothing was ever applied
    }
    throw error;
  });
  return names
    .flatMap((name) => nameOf(name) ?? [])
    .sort()
    .map((name) => createTargetFrom(name, {}, stateDir, deps));
}

function nameOf(folder: string): string | undefined {
  try {
    return decodeURIComponent(folder);
  } catch {
    return undefined; // no name of ours
  }
}
