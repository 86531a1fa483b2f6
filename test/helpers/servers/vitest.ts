import { describe, inject, test } from "vitest";
import { explain, isCi, type Servers } from "./availability.ts";
import type { ServerName } from "./recipes.ts";

/**
 * `describe` for tests that need real servers. Where one is not to be had, the tests are skipped and stderr says which, why and what to
 * do; with CI=true one test fails instead. "docker" brings BusyBox for images.
 */
export function describeWith(names: readonly ServerName[], title: string, body: () => void): void {
  const servers: Servers | undefined = inject("fairleadServers");
  if (servers === undefined) {
    throw new Error(`"${title}" needs servers: add test/helpers/servers/global-setup.ts to globalSetup of this vitest project`);
  }
  const needed = names.includes("docker") ? [...names, "busybox" as const] : names;
  const missing = needed.map((name) => servers[name]).filter((server) => !server.ok);
  if (missing.length === 0) {
    describe(title, body);
    return;
  }
  const why = missing.map(explain).join("\n  ");
  if (isCi()) {
    describe(title, () => {
      test("its servers are available", () => {
        throw new Error(`servers are missing, and CI is set:\n  ${why}`);
      });
    });
    return;
  }
  console.warn(`SKIPPED "${title}": servers are missing\n  ${why}`);
  describe.skip(title, body);
}
