import type { TestProject } from "vitest/node";
import { type Available, acquire, type Unavailable } from "./acquire.ts";
import { explain, isCi, type Servers } from "./availability.ts";
import { recipes, type ServerName, serverNames } from "./recipes.ts";

/**
 * vitest's globalSetup: finds or fetches all servers before the first test file, once, and tells the test files what there is.
 * `FAIRLEAD_TEST_SERVERS=etcd34,nginx` limits it to those: the tests of all others are skipped.
 */
export default async function setUpServers(project: TestProject): Promise<() => void> {
  const started = performance.now();
  const chosen = (process.env["FAIRLEAD_TEST_SERVERS"] ?? "").split(",").filter((name) => name !== "");
  const found = await Promise.all(
    serverNames.map((name) => (chosen.length === 0 || chosen.includes(name) ? acquire(name) : leftOut(name))),
  );
  const servers = Object.fromEntries(found.map((server) => [server.name, server])) as unknown as Servers;
  project.provide("fairleadServers", servers);

  for (const server of found) {
    if (server.ok) {
      // The first place where a test file looks: it need not search again.
      process.env[recipes[server.name].variable] = server.path;
    }
  }
  const line = found
    .map((server) => (server.ok ? `${server.name} ${server.version} (${server.from})` : `${server.name} missing`))
    .join(", ");
  console.error(`servers after ${Math.round(performance.now() - started)} ms: ${line}`);

  return () => {
    const missing = found.filter((server) => !server.ok).filter(({ name }) => chosen.length === 0 || chosen.includes(name));
    if (missing.length > 0) {
      const what = isCi() ? "tests failed" : "tests were SKIPPED";
      console.error(`${what} for want of servers:\n  ${missing.map(explain).join("\n  ")}`);
    }
  };
}

async function leftOut(name: ServerName): Promise<Available | Unavailable> {
  return { ok: false, name, reason: "not in FAIRLEAD_TEST_SERVERS", hint: "add it there" };
}
