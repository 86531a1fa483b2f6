import type { Available, Unavailable } from "./acquire.ts";
import { recipes, type ServerName } from "./recipes.ts";

export type Servers = Readonly<Record<ServerName, Available | Unavailable>>;

declare module "vitest" {
  interface ProvidedContext {
    fairleadServers: Servers;
  }
}

/** Under CI a server that is missing is a failure: tests that nobody runs prove nothing. */
export function isCi(): boolean {
  return /^(?:true|1)$/i.test(process.env["CI"] ?? "");
}

/** In words, for a message. */
export function explain({ name, reason, hint }: Unavailable): string {
  return `${recipes[name].title}: ${reason.replaceAll("\n", "\n    ")}\n    → ${hint}`;
}
