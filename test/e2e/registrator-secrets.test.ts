/** What a registering process prints at its most talkative, with everything going wrong. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { type Running, startFairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { type Consul, describeWith, type Etcd, startConsul, startEtcd } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { type FakeEngine, inspected, listed, startFakeEngine } from "../unit/sources/docker/fake-engine.ts";

const CANARY = "canary-7f3e9b21";

describeWith(["etcd34", "consul"], "a registering process that fails in every way", () => {
  let folder: string;
  let engine: FakeEngine;
  let started: Running[];
  const closers: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-secrets-"));
    started = [];
    engine = await startFakeEngine();
    closers.push(() => engine.stop());
    containers({ DB_PASSWORD: CANARY, SERVICE_NAME: "web" });
  });
  afterEach(async () => {
    await Promise.all(started.map((process) => process.kill()));
    await Promise.all(closers.splice(0).map((close) => close()));
    await rm(folder, { recursive: true, force: true });
  });

  /** Good ones, and one that cannot be registered, all with a secret in their environment. */
  function containers(env: Readonly<Record<string, string>>): void {
    const Env = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    engine.containers = [listed("a"), listed("b")];
    const bad = [...Env, `SERVICE_NAME=${"x".repeat(4000)}`, `SERVICE_80_WEIGHT=${CANARY}`];
    engine.details = { "id-a": inspected(Env), "id-b": inspected(bad) };
  }

  async function launch(registry: object, env: Readonly<Record<string, string>> = {}): Promise<Running> {
    const config = {
      node: "n1",
      stateDir: "state",
      registry,
      register: { ttl: "10s", resync: "1s", sources: { docker: { host: engine.host, address: "10.0.0.1" } } },
      log: { level: "debug", format: "json" },
    };
    const file = join(folder, "fairlead.yaml");
    await writeFile(file, stringify(config));
    const process = startFairlead(["run", "-c", file], { cwd: folder, env });
    started.push(process);
    return process;
  }

  /** An engine that cannot say what a container is, and whose stream of events is cut. */
  async function breakEngine(process: Running): Promise<void> {
    const failed = (): number => process.log().filter(({ msg }) => msg === "registration pass failed").length;
    const before = failed();
    engine.intercept = (path) =>
      path.includes("/containers/") ? { status: 500, body: { message: "cannot inspect" } } : undefined;
    engine.cut();
    await waitFor(() => failed() > before, { timeoutMs: 20_000 * PATIENCE, what: "a failed pass" });
    engine.intercept = () => undefined;
  }

  function expectSilence(secrets: readonly string[]): void {
    for (const process of started) {
      const output = process.stdout() + process.stderr();
      expect(output).toContain('"level":"warn"');
      for (const secret of secrets) {
        expect(output).not.toContain(secret);
      }
    }
  }

  it("shows neither etcd's password nor a value of a container's environment (G11)", async () => {
    const etcd: Etcd = await startEtcd({ version: "3.4", auth: true });
    closers.push(() => etcd.stop());
    const { username, password } = etcd.credentials as { readonly username: string; readonly password: string };
    await writeFile(join(folder, "password"), `${password}\n`);
    const registry = { type: "etcd", endpoints: [etcd.endpoint], username, passwordFile: "password" };
    const process = await launch(registry);
    await process.logged("registered", {}, 20_000 * PATIENCE);
    await breakEngine(process);
    await etcd.kill();
    await process.logged("lease could not be kept", {}, 20_000 * PATIENCE);
    await process.stop();
    await etcd.restart();
    await writeFile(join(folder, "password"), `${CANARY}-wrong\n`);
    const refused = await launch(registry);
    await waitFor(() => refused.log().some(({ level }) => level === "warn"), {
      timeoutMs: 20_000 * PATIENCE,
      what: "the wrong password to be told",
    });
    expectSilence([CANARY, password]);
  });

  it.each(["consul", "consul-kv"])("shows neither %s's token nor a value of a container's environment (G11)", async (type) => {
    const consul: Consul = await startConsul({ acl: true });
    closers.push(() => consul.stop());
    const token = consul.token ?? "";
    const registry = { type, endpoints: [`127.0.0.1:${consul.port}`] };
    const process = await launch(registry, { CONSUL_HTTP_TOKEN: token });
    await process.logged("registered", {}, 20_000 * PATIENCE);
    await breakEngine(process);
    await consul.kill();
    await process.logged("lease could not be kept", {}, 30_000 * PATIENCE);
    await process.stop();
    await consul.restart();
    const refused = await launch(registry, { CONSUL_HTTP_TOKEN: "5d1c0a7e-0000-4000-8000-canary000000" });
    await waitFor(() => refused.log().some(({ level }) => level === "warn"), {
      timeoutMs: 30_000 * PATIENCE,
      what: "the wrong token to be told",
    });
    expectSilence([CANARY, token, "5d1c0a7e-0000-4000-8000-canary000000"]);
  });
});
