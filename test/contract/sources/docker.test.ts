import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Instance } from "../../../src/model/instance.ts";
import type { Log } from "../../../src/ports.ts";
import { createDockerClient, type DockerClient } from "../../../src/sources/docker/engine/client.ts";
import { engineId } from "../../../src/sources/docker/engine/engine-id.ts";
import { createDockerSource, type DockerSource, type DockerSourceOptions } from "../../../src/sources/docker/source.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { type Docker, describeWith, startDocker, startProxy } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { type ClientFolder, makeClientFolder } from "./client-folder.ts";

const log: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describeWith(["docker", "openssl"], "the docker source on a real engine", () => {
  let engine: Docker;
  let client: DockerClient;
  let certificates: ClientFolder;
  let controller: AbortController;

  beforeAll(async () => {
    engine = await startDocker({ tcp: "tls" });
    certificates = await makeClientFolder(engine);
    client = createDockerClient({ host: engine.host, tlsVerify: false });
    await engine.importImage("web:1.0", {
      expose: [80, 443],
      labels: { "fairlead.version": "1" },
      env: { SERVICE_TAGS: "http,public" },
    });
    await engine.importImage("sick:1.0", { expose: [80], healthcheck: "--interval=200ms --retries=1 CMD test -f /healthy" });
  });
  afterAll(() => engine?.stop());
  beforeEach(() => {
    controller = new AbortController();
  });
  afterEach(async () => {
    controller.abort();
    engine.resume();
    const all = await engine.docker(["ps", "-aq"]);
    if (all !== "") {
      await engine.docker(["rm", "-f", "-v", ...all.split("\n")]);
    }
    await engine.docker(["network", "prune", "-f"]);
  });

  function open(changes: Partial<DockerSourceOptions> = {}): DockerSource {
    return createDockerSource({
      client,
      node: "n1",
      address: "auto",
      findAddress: async () => "10.9.8.7",
      mode: "published",
      networks: [],
      register: "all",
      health: "honour",
      loopback: false,
      env: true,
      log,
      ...changes,
    });
  }

  /** `docker run`, as on a command line. @returns the container's id */
  function run(line: string): Promise<string> {
    return engine.run(line.split(" "));
  }

  /** Reads again on hints only, never by itself: what is seen here came through events. */
  function follow(source: DockerSource): { readonly hints: number; readonly texts: readonly string[] } {
    const seen = { hints: 0, texts: [] as readonly string[] };
    const { signal } = controller;
    void (async () => {
      for await (const _ of source.changes(signal)) {
        seen.hints += 1;
        await source.list(signal).then(
          (instances) => {
            seen.texts = instances.map(text);
          },
          () => undefined, // the engine restarts: the next hint comes when it is back
        );
      }
    })();
    return seen;
  }

  async function until(seen: { readonly texts: readonly string[] }, wanted: readonly string[], timeoutMs = 3000): Promise<void> {
    const what = `${JSON.stringify(wanted)}, and not ${JSON.stringify(seen.texts)}`;
    await waitFor(() => JSON.stringify(seen.texts) === JSON.stringify(wanted), { timeoutMs, what });
  }

  async function followed(source: DockerSource): Promise<ReturnType<typeof follow>> {
    const seen = follow(source);
    await waitFor(() => seen.hints > 0, { timeoutMs: 5000, what: "the subscription" });
    return seen;
  }

  test("the list is what docker ps says", async () => {
    await run("--name one -p 18080:80 -p 18443:443 web:1.0");
    await run("--name two -p 127.0.0.1::80 -e SERVICE_NAME=shop web:1.0");
    await run("--name three -p 80 -l fairlead.80.service=api -l com.docker.compose.service=never web:1.0");
    const port = (await engine.docker(["port", "three", "80"])).split("\n")[0]?.split(":").at(-1);
    const instances = await open().list(controller.signal);
    expect(instances.map(text)).toEqual([
      `api 10.9.8.7:${port} passing`,
      "web-443 10.9.8.7:18443 passing",
      "web-80 10.9.8.7:18080 passing",
    ]);
    expect(instances[2]).toEqual({
      id: "n1:one:80",
      service: "web-80",
      address: "10.9.8.7",
      port: 18080,
      protocol: "tcp",
      tags: ["http", "public"],
      meta: { version: "1" },
      health: "passing",
    });
    const local = await open({ loopback: true }).list(controller.signal);
    expect(local.map(text)).toContainEqual(expect.stringMatching(/^shop 127\.0\.0\.1:\d+ passing$/));
    const { containers } = await open().inspect(controller.signal);
    expect(containers.map(({ name }) => name)).toEqual(["one", "three", "two"]);
    expect(containers[2]?.skipped).toContainEqual({
      port: 80,
      reason: expect.stringContaining("which only this machine can reach"),
    });
  });

  test("a start is seen within a second; kill, start again and removal are seen too", async () => {
    const seen = await followed(open());
    for (let round = 0; round < 3; round += 1) {
      const id = await run("--name one -p 18080:80 web:1.0");
      await until(seen, ["web 10.9.8.7:18080 passing"], 1000);
      await engine.killContainer(id);
      await until(seen, []);
      await engine.docker(["start", id]);
      await until(seen, ["web 10.9.8.7:18080 passing"], 1000);
      await engine.removeContainer(id);
      await until(seen, []);
    }
  });

  test("a paused container is critical until it goes on", async () => {
    const seen = await followed(open());
    const id = await run("--name one -p 18080:80 web:1.0");
    for (let round = 0; round < 3; round += 1) {
      await until(seen, ["web 10.9.8.7:18080 passing"]);
      await engine.docker(["pause", id]);
      await until(seen, ["web 10.9.8.7:18080 critical"]);
      await engine.docker(["unpause", id]);
    }
    await until(seen, ["web 10.9.8.7:18080 passing"]);
  });

  test("a health check decides, and its probes are no hints", async () => {
    const seen = await followed(open());
    const id = await run("--name ill -p 18080:80 sick:1.0");
    await until(seen, ["sick 10.9.8.7:18080 critical"], 3000);
    await engine.docker(["exec", id, "touch", "/healthy"]);
    await until(seen, ["sick 10.9.8.7:18080 passing"], 3000);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { hints } = seen;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(seen.hints).toBe(hints);
    await engine.docker(["exec", id, "rm", "/healthy"]);
    await until(seen, ["sick 10.9.8.7:18080 critical"], 3000);
  });

  test("networks: internal addresses, connect, disconnect, rename", async () => {
    await engine.docker(["network", "create", "--subnet", "10.213.0.0/24", "blue"]);
    await engine.docker(["network", "create", "--internal", "closed"]);
    const seen = await followed(open({ mode: "internal", networks: ["blue"] }));
    const id = await run("--name one -l fairlead.port=80 web:1.0");
    expect(seen.texts).toEqual([]);
    await engine.docker(["network", "connect", "--ip", "10.213.0.77", "blue", id]);
    await until(seen, ["web 10.213.0.77:80 passing"]);
    await engine.docker(["rename", "one", "uno"]);
    await waitFor(async () => (await open({ mode: "any" }).list(controller.signal)).length === 0, {
      timeoutMs: 1000,
      what: "two networks",
    });
    await engine.docker(["network", "disconnect", "blue", id]);
    await until(seen, []);
    await run("--name shut --network closed web:1.0");
    await run("--name side --network container:shut -l fairlead.service=side -l fairlead.port=9000 web:1.0 sleep 100");
    await run("--name host --network host -l fairlead.service=host -l fairlead.port=9001 web:1.0 sleep 100");
    const instances = await open({ mode: "internal", networks: ["closed"] }).list(controller.signal);
    expect(instances.map(text)).toEqual([
      "host 10.9.8.7:9001 passing",
      expect.stringMatching(/^side 172\.\d+\.0\.2:9000 passing$/),
      expect.stringMatching(/^web-443 172\.\d+\.0\.2:443 passing$/),
      expect.stringMatching(/^web-80 172\.\d+\.0\.2:80 passing$/),
    ]);
  });

  test("TLS with client certificates, and what is said without", async () => {
    const host = engine.tcpHost ?? "";
    const id = await engineId(client, controller.signal);
    expect(await engineId(createDockerClient({ host, certPath: certificates.all, tlsVerify: true }), controller.signal)).toBe(id);
    const refusals: readonly [Parameters<typeof createDockerClient>[0], RegExp][] = [
      [{ host, tlsVerify: false }, /DOCKER_TLS_VERIFY=1/],
      [{ host, certPath: certificates.authorityOnly, tlsVerify: true }, /refused our client certificate/],
      [{ host, certPath: certificates.none, tlsVerify: true }, /ca\.pem/],
    ];
    for (const [options, hint] of refusals) {
      await expect(createDockerClient(options).engineId(controller.signal)).rejects.toMatchObject({
        code: "SOURCE_UNAVAILABLE",
        hint: expect.stringMatching(hint),
      });
    }
  });

  test("a cut connection is made again, and what happened meanwhile is seen", async () => {
    const proxy = await startProxy({ socketPath: engine.socketPath });
    try {
      const seen = await followed(
        open({ client: createDockerClient({ host: `tcp://${proxy.host}:${proxy.port}`, tlsVerify: false }) }),
      );
      await proxy.set({ kind: "refuse" });
      await run("--name one -p 18080:80 web:1.0");
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(seen.texts).toEqual([]);
      await proxy.set({ kind: "pass" });
      await until(seen, ["web 10.9.8.7:18080 passing"], 6000);
      await proxy.set({ kind: "limit", bytes: 700 });
      await expect(
        open({ client: createDockerClient({ host: `tcp://${proxy.host}:${proxy.port}`, tlsVerify: false }) }).list(
          controller.signal,
        ),
      ).rejects.toMatchObject({
        code: "SOURCE_UNAVAILABLE",
        retryable: true,
      });
    } finally {
      controller.abort();
      await proxy.stop();
    }
  });

  test("an engine that hangs: the list rejects by its deadline, and is right again afterwards", async () => {
    await run("--name one -p 18080:80 web:1.0");
    const source = open({ client: createDockerClient({ host: engine.host, tlsVerify: false, callMs: 500, listMs: 700 }) });
    expect(await source.list(controller.signal)).toHaveLength(1);
    engine.pause();
    const startedAt = performance.now();
    await expect(source.list(controller.signal)).rejects.toThrow("no answer within 700 ms");
    expect(performance.now() - startedAt).toBeLessThan(2000 * PATIENCE);
    engine.resume();
    expect(await source.list(controller.signal)).toHaveLength(1);
  });

  test.each(["restart", "crash"])("after a %s of the engine there is a hint, and the list is right", async (kind) => {
    await run("--name stays --restart always -p 18080:80 web:1.0");
    await run("--name goes -p 18081:80 web:1.0");
    const seen = await followed(open());
    await until(seen, ["web 10.9.8.7:18081 passing", "web 10.9.8.7:18080 passing"]);
    if (kind === "crash") {
      await engine.kill();
    }
    await engine.restart();
    await until(seen, ["web 10.9.8.7:18080 passing"], 10_000);
    await run("--name new -p 18082:80 web:1.0");
    await until(seen, ["web 10.9.8.7:18082 passing", "web 10.9.8.7:18080 passing"]);
  });
});

function text(instance: Instance): string {
  return `${instance.service} ${instance.address}:${instance.port} ${instance.health}`;
}
