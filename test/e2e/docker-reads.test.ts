/** What a registering process asks of a real engine, from its start to its end. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Forwarder, startForwarder } from "../helpers/docker-forwarder.ts";
import { fairlead, startFairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { type Docker, describeWith, startDocker } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";

const STEP_MS = 15_000 * PATIENCE;

describeWith(["docker"], "a registering process and its engine", () => {
  let engine: Docker;
  let forwarder: Forwarder;
  let folder: string;
  beforeAll(async () => {
    engine = await startDocker();
    forwarder = await startForwarder(engine.socketPath);
    await engine.importImage("web:1.0", { expose: [80], healthcheck: "--interval=200ms CMD true" });
    folder = await mkdtemp(join(tmpdir(), "fairlead-reads-"));
    await writeFile(
      join(folder, "fairlead.yaml"),
      "stateDir: state\nregistry: file:registry\nregister: { onStop: deregister, resync: 1s, sources: { docker: { address: 127.0.0.1 } } }\n",
    );
  });
  afterAll(async () => {
    await forwarder?.stop();
    await engine?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function entries(): Promise<readonly string[]> {
    return readdir(join(folder, "registry/services/web")).catch(() => []);
  }

  async function untilEntries(...names: readonly string[]): Promise<void> {
    const wanted = [...names].sort().join();
    // `<node>:<name>:<port>`, and an engine's own id, which is the node here, holds colons too.
    const nameOf = (file: string): string => decodeURIComponent(file).split(":").at(-2) ?? file;
    const found = async (): Promise<string> => (await entries()).map(nameOf).sort().join();
    await waitFor(async () => (await found()) === wanted, { timeoutMs: STEP_MS, what: `entries of ${wanted || "nobody"}` });
  }

  it("over its whole life it sends nothing but GET, and only to five paths (G12)", async () => {
    const options = { cwd: folder, env: { DOCKER_HOST: forwarder.host } };
    const running = startFairlead(["run"], options);
    const one = await engine.run(["--name", "one", "-p", "127.0.0.1::80", "web:1.0"]);
    await untilEntries("one");
    await engine.run(["--name", "two", "-p", "127.0.0.1::80", "--stop-signal", "TERM", "web:1.0"]);
    await untilEntries("one", "two");
    await engine.docker(["rename", one, "uno"]);
    await untilEntries("two", "uno");
    await engine.docker(["pause", "two"]);
    await engine.docker(["unpause", "two"]);
    expect((await fairlead(["inspect", "docker", "--json"], options)).code).toBe(0);
    forwarder.cut();
    await engine.docker(["stop", "-t", "1", "two"]);
    await engine.removeContainer("uno");
    await untilEntries();
    await engine.run(["--name", "three", "-p", "127.0.0.1::80", "web:1.0"]);
    await untilEntries("three");
    await running.stop();
    await untilEntries();
    const kinds = new Set(
      forwarder.requests.map((request) =>
        request
          .replace(/\?.*$/, "")
          .replace(/ \/v[\d.]+\//, " /")
          .replace(/[0-9a-f]{64}/, "<id>"),
      ),
    );
    expect([...kinds].sort()).toEqual([
      "GET /_ping",
      "GET /containers/<id>/json",
      "GET /containers/json",
      "GET /events",
      "GET /info",
    ]);
  });
});
