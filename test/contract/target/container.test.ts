import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createContainerSignaller } from "../../../src/sources/docker/engine/signal.ts";
import { createTarget } from "../../../src/target/target.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { noProvenance } from "../../helpers/provenance.ts";
import { recordLog } from "../../helpers/quiet-log.ts";
import { type Docker, describeWith, startDocker } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";

const options = { signal: new AbortController().signal, lockTimeoutMs: 500, provenance: noProvenance };

describeWith(["docker"], "a reload of a container on a real engine", () => {
  let folder: string;
  let engine: Docker;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-container-"));
    engine = await startDocker();
  });
  afterEach(async () => {
    await engine?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("reaches its first process, and is owed while the container is stopped or not there", async () => {
    const signalContainer = createContainerSignaller({ host: engine.host, tlsVerify: false });
    const app = createTarget({
      name: "t",
      stateDir: join(folder, "state"),
      log: recordLog(),
      environment: process.env,
      reload: { container: "proxy", signal: "SIGHUP", timeoutMs: 5000, signalContainer },
    });
    const apply = (text: string) => app.apply([{ dest: join(folder, "app.conf"), text }], options);
    const image = await engine.importImage("proxy:1.0");
    expect((await apply("one")).outcome).toMatchObject({
      kind: "rolled-back",
      error: { code: "RELOAD_FAILED", message: expect.stringContaining("there is no such container") },
    });

    const script = "trap 'echo reloaded' HUP; echo ready; while true; do sleep 0.1; done";
    const id = await engine.run(["--name", "proxy", image, "sh", "-c", script]);
    await waitFor(async () => (await engine.docker(["logs", id])).includes("ready"), {
      timeoutMs: 20_000 * PATIENCE,
      what: "the container",
    });
    expect((await apply("one")).outcome.kind).toBe("written");
    await waitFor(async () => (await engine.docker(["logs", id])).includes("reloaded"), {
      timeoutMs: 5000 * PATIENCE,
      what: "the signal",
    });

    await engine.stopContainer(id);
    expect((await apply("two")).outcome).toMatchObject({ error: { message: expect.stringContaining("it is not running") } });
  });
});
