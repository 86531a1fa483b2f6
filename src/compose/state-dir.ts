import { homedir } from "node:os";
import { join } from "node:path";
import type { Deps } from "./deps.ts";

/** Where state lives that a configuration gives no folder. */
export function defaultStateDir(env: Deps["env"]): string {
  if (process.getuid?.() === 0) {
    return "/var/lib/fairlead";
  }
  return join(env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state"), "fairlead");
}
