import { existsSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  describeWith,
  http,
  reservePort,
  type Server,
  type ServerName,
  type StoreServer,
  startConsul,
  startDocker,
  startEtcd,
  startNginx,
  startProxy,
} from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";

interface Store {
  readonly server: StoreServer;
  readonly put: (key: string, value: string) => Promise<unknown>;
  readonly get: (key: string) => Promise<string | undefined>;
}

interface Row {
  readonly title: string;
  readonly needs: readonly ServerName[];
  readonly start: () => Promise<Store>;
}

function etcd(title: string, needs: ServerName, options: Parameters<typeof startEtcd>[0]): Row {
  return { title, needs: [needs, "openssl"], start: async () => withStore(await startEtcd(options)) };
}

function consul(title: string, options: Parameters<typeof startConsul>[0]): Row {
  return { title, needs: ["consul", "openssl"], start: async () => withStore(await startConsul(options)) };
}

function withStore(server: StoreServer & Pick<Store, "put" | "get">): Store {
  return { server, put: server.put, get: server.get };
}

const rows: readonly Row[] = [
  etcd("etcd 3.4", "etcd34", { version: "3.4" }),
  etcd("etcd 3.4 with TLS on both sides", "etcd34", { version: "3.4", tls: "mutual" }),
  etcd("etcd 3.4 with authentication", "etcd34", { version: "3.4", auth: true }),
  etcd("etcd 3.6", "etcd36", { version: "3.6" }),
  etcd("etcd 3.6 with TLS on both sides and authentication", "etcd36", { version: "3.6", tls: "mutual", auth: true }),
  consul("Consul", {}),
  consul("Consul with ACLs", { acl: true }),
  consul("Consul with TLS on both sides", { tls: "mutual" }),
];

for (const { title, needs, start } of rows) {
  describeWith(needs, title, () => {
    test.each([1, 2])(
      "keeps its data across a restart and a crash, loses it in a wipe, and leaves nothing (round %i)",
      async () => {
        const { server, put, get } = await start();
        owned(server);
        onTestFinished(() => server.stop());
        await put("a/b", "one");
        await server.restart();
        expect(await get("a/b")).toBe("one");
        await server.kill();
        expect(server.pid).toBeUndefined();
        await server.restart();
        expect(await get("a/b")).toBe("one");
        await server.wipe();
        expect(await get("a/b")).toBeUndefined();
        await put("a/b", "two");
        expect(await get("a/b")).toBe("two");
        await expectNothingLeft(server);
      },
    );
  });
}

describeWith(["etcd34", "etcd36"], "etcd's helpers", () => {
  test.each(["3.4", "3.6"] as const)("%s: put, list, delete, compact, lease", async (version) => {
    const server = owned(await startEtcd({ version }));
    const first = await server.put("/a", "1");
    await server.put("/a/ü", "2");
    expect(await server.getPrefix("/a")).toEqual({ "/a": "1", "/a/ü": "2" });
    expect(await server.del("/a/", { prefix: true })).toBe(first + 2);
    expect(await server.compact()).toBe(first + 2);
    const old = Buffer.from("/a").toString("base64");
    await expect(server.call("/v3/kv/range", { key: old, revision: first })).rejects.toThrow("compacted");
    const lease = await server.call("/v3/lease/grant", { TTL: 60 });
    await server.put("/leased", "x", { lease: String(lease["ID"]) });
    await server.call("/v3/lease/revoke", { ID: lease["ID"] });
    expect(await server.get("/leased")).toBeUndefined();
    await expectNothingLeft(server);
  });

  test("a paused server answers nothing and keeps its connections, then goes on", async () => {
    const server = owned(await startEtcd({ version: "3.4" }));
    server.pause();
    await expect(http(`${server.url}/health`, { timeoutMs: 300 })).rejects.toThrow("aborted");
    server.resume();
    expect((await http(`${server.url}/health`)).text).toContain("true");
    server.pause();
    await expectNothingLeft(server);
  });

  test("a server that cannot start says why and leaves nothing", async () => {
    await expect(startEtcd({ version: "3.4", args: ["--no-such-flag"] })).rejects.toThrow(
      /ended before it was ready.*no-such-flag/s,
    );
  });
});

describeWith(["consul"], "Consul's helpers", () => {
  test("a dev server serves, and forgets everything at a restart", async () => {
    const server = owned(await startConsul({ dev: true }));
    await server.put("a b/c", "x");
    expect(await server.get("a b/c")).toBe("x");
    await server.restart();
    expect(await server.get("a b/c")).toBeUndefined();
    await expectNothingLeft(server);
  });

  test("with ACLs nothing works without the token", async () => {
    const server = owned(await startConsul({ acl: true }));
    expect((await http(`${server.url}/v1/kv/x`)).status).toBe(403);
    expect(await server.json("/v1/agent/self")).toHaveProperty("Config.Version");
    await expectNothingLeft(server);
  });
});

describeWith(["nginx"], "nginx", () => {
  test.each([1, 2])("serves, checks, reloads, crashes with its workers, and leaves nothing (round %i)", async () => {
    const port = await reservePort();
    const site = (word: string): string => `server { listen 127.0.0.1:${port}; location / { return 200 "${word}"; } }\n`;
    const server = owned(await startNginx({ files: { "conf.d/site.conf": site("one") } }));
    const url = `http://127.0.0.1:${port}/`;
    expect((await http(url)).text).toBe("one");
    await writeFile(join(server.confFolder, "site.conf"), site("two"));
    await server.check();
    server.reload();
    await waitFor(async () => (await http(url)).text === "two", { timeoutMs: 5000, what: "the new word" });
    await writeFile(join(server.confFolder, "site.conf"), "nonsense;\n");
    await expect(server.check()).rejects.toThrow('unknown directive "nonsense"');
    await writeFile(join(server.confFolder, "site.conf"), site("three"));
    await server.kill();
    await server.restart();
    expect((await http(url)).text).toBe("three");
    await expectNothingLeft(server);
    await expect(http(url)).rejects.toThrow("ECONNREFUSED");
  });
});

describeWith(["docker"], "Docker", () => {
  test.each([1, 2])(
    "runs containers on bridges with published ports, survives a crash, and leaves nothing (round %i)",
    async () => {
      const engine = owned(await startDocker());
      await engine.importImage("web:1", {
        expose: [80, "53/udp"],
        labels: { "fairlead.service": 'we"b $x \\' },
        env: { SERVICE_NAME: "$web" },
        healthcheck: "--interval=200ms --retries=1 CMD wget -q -O /dev/null http://127.0.0.1/",
      });
      const web = await engine.run(["-p", "127.0.0.1:0:80", "web:1"]);
      const [inspected] = JSON.parse(await engine.docker(["inspect", web])) as [
        { Config: { Labels: unknown; Env: string[]; ExposedPorts: unknown } },
      ];
      expect(inspected.Config.Labels).toEqual({ "fairlead.service": 'we"b $x \\' });
      expect(inspected.Config.Env).toContain("SERVICE_NAME=$web");
      expect(inspected.Config.ExposedPorts).toEqual({ "53/udp": {}, "80/tcp": {} });
      expect((await http(`http://${await engine.publishedPort(web, 80)}/`)).text).toBe("hello\n");
      await waitFor(async () => (await state(web, "{{.State.Health.Status}}")) === "healthy", {
        timeoutMs: 10_000,
        what: "healthy",
      });

      const bridge = `/sys/class/net/br-${(await engine.docker(["network", "create", "extra"])).slice(0, 12)}`;
      expect(existsSync(bridge)).toBe(true);
      const other = await engine.run(["--network", "extra", "web:1", "sleep", "1000"]);
      const address = await state(other, "{{.NetworkSettings.Networks.extra.IPAddress}}");
      expect(address).toMatch(/^172\./);
      await engine.stopContainer(other);
      expect(await state(other, "{{.State.Status}}")).toBe("exited");
      await engine.removeContainer(other);

      engine.pause();
      await expect(engine.http("/_ping", { timeoutMs: 300 })).rejects.toThrow("aborted");
      engine.resume();
      expect((await engine.http("/_ping")).text).toBe("OK");

      await engine.kill();
      expect(processesNaming(engine.folder).join("\n")).toContain("containerd-shim");
      await engine.restart();
      await engine.docker(["start", web]);
      expect((await http(`http://${await engine.publishedPort(web, 80)}/`)).text).toBe("hello\n");
      // Taken down from the worst state: a crashed engine with a container that still runs.
      await engine.kill();
      await expectNothingLeft(engine);
      expect(existsSync(bridge)).toBe(false);
      expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(engine.folder);

      function state(id: string, format: string): Promise<string> {
        return engine.docker(["inspect", "--format", format, id]);
      }
    },
  );

  test("a swarm with a service is taken down too, and TCP with certificates works", async () => {
    const engine = owned(await startDocker({ tcp: "tls" }));
    await engine.importImage("web:1");
    const url = (engine.tcpHost ?? "").replace("tcp:", "https:");
    expect((await http(`${url}/_ping`, engine.tls === undefined ? {} : { tls: engine.tls })).text).toBe("OK");
    await engine.docker(["swarm", "init", "--advertise-addr", "127.0.0.1"]);
    await engine.docker(["service", "create", "-d", "--name", "s", "--replicas", "2", "--no-resolve-image", "web:1"]);
    await waitFor(async () => (await engine.docker(["ps", "-q"])).split("\n").length === 2, {
      timeoutMs: 30_000,
      what: "two tasks",
    });
    await expectNothingLeft(engine);
  });
});

describeWith(["nginx"], "the fault proxy", () => {
  test("passes, delays, limits, cuts, refuses and holds", async () => {
    const port = await reservePort();
    const body = "x".repeat(100_000);
    const server = owned(
      await startNginx({
        files: { "www/body": body, "conf.d/site.conf": `server { listen 127.0.0.1:${port}; root www; }\n` },
      }),
    );
    const proxy = await startProxy({ port });
    const url = `http://127.0.0.1:${proxy.port}/body`;
    expect((await http(url)).text).toBe(body);

    await proxy.set({ kind: "delay", ms: 150 });
    const started = performance.now();
    expect((await http(url)).text).toBe(body);
    expect(performance.now() - started).toBeGreaterThan(290);

    await proxy.set({ kind: "limit", bytes: 50_000 });
    await expect(http(url)).rejects.toThrow("aborted");

    await proxy.set({ kind: "refuse" });
    await expect(http(url)).rejects.toThrow("ECONNREFUSED");

    await proxy.set({ kind: "blackhole" });
    await expect(http(url, { timeoutMs: 300 })).rejects.toThrow("aborted");
    await proxy.set({ kind: "pass" });
    await waitFor(() => proxy.connections === 0, { timeoutMs: 2000, what: "no connection" });

    await proxy.set({ kind: "blackhole" });
    const held = http(url);
    await waitFor(() => proxy.connections === 1, { timeoutMs: 2000, what: "one connection" });
    await proxy.set({ kind: "pass" });
    expect((await held).text).toBe(body);
    await waitFor(() => proxy.connections === 0, { timeoutMs: 2000, what: "no connection" });

    await proxy.set({ kind: "blackhole" });
    const cut = http(url);
    await waitFor(() => proxy.connections === 1, { timeoutMs: 2000, what: "one connection" });
    proxy.cut();
    await expect(cut).rejects.toThrow("ECONNRESET");

    await proxy.stop();
    await expect(http(url)).rejects.toThrow("ECONNREFUSED");
    await expectNothingLeft(server);
  });
});

describe("reservePort()", () => {
  test("gives ports below the ephemeral ones, all different", async () => {
    const ports = await Promise.all(Array.from({ length: 50 }, reservePort));
    expect(new Set(ports).size).toBe(50);
    const [first] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split(/\s/);
    expect(Math.max(...ports)).toBeLessThan(Number(first));
  });
});

/** Also stopped when the test fails: the next one may need its place. */
function owned<T extends Server>(server: T): T {
  onTestFinished(() => server.stop());
  return server;
}

async function expectNothingLeft(server: Server): Promise<void> {
  await server.stop();
  expect(processesNaming(server.folder)).toEqual([]);
  expect(existsSync(server.folder)).toBe(false);
  expect(server.pid).toBeUndefined();
}

/** Command lines. */
function processesNaming(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return command.includes(folder) ? [command.replaceAll("\0", " ")] : [];
      } catch {
        // It has ended since the listing.
        return [];
      }
    });
}
