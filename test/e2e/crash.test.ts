/** `kill -9` at the worst moments, on real etcd and nginx. */
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { startFairlead } from "../helpers/fairlead.ts";
import { describeWith, type Etcd, http, type Nginx, reservePort, startEtcd, startNginx } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";

describeWith(["etcd34", "nginx"], "fairlead run, killed by SIGKILL", () => {
  let folder: string;
  let etcd: Etcd;
  let nginx: Nginx;
  let port: number;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-crash-"));
    etcd = await startEtcd({ version: "3.4" });
    nginx = await startNginx();
    port = await reservePort();
  });
  afterEach(async () => {
    await nginx?.stop();
    await etcd?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** While `gate` is there the reload waits before it tells nginx, and gives up when fairlead is gone. */
  async function configure(more: object = {}): Promise<string> {
    const template = `server { listen 127.0.0.1:${port}; location = /-/generation { return 200 "{{generation}} {{key "app/v"}}\\n"; } }\n`;
    await writeFile(join(folder, "site.hbs"), template);
    const wait = `while test -e ${folder}/gate; do kill -0 $PPID 2>/dev/null || { touch ${folder}/gone; exit 1; }; sleep 0.05; done`;
    const gate = `touch ${folder}/reloading; ${wait}; kill -HUP $(cat ${nginx.pidFile})`;
    await writeFile(
      join(folder, "fairlead.yaml"),
      stringify({
        node: "n1",
        stateDir: "state",
        registry: `etcd://${etcd.endpoint}`,
        render: {
          targets: {
            site: {
              files: [{ template: "site.hbs", dest: join(nginx.confFolder, "site.conf"), format: "nginx" }],
              check: [...nginx.argv, "-t"],
              reload: ["sh", "-c", gate],
              verify: { url: `http://127.0.0.1:${port}/-/generation` },
            },
          },
        },
        ...more,
      }),
    );
    return join(folder, "fairlead.yaml");
  }

  const served = async (): Promise<string> =>
    (await http(`http://127.0.0.1:${port}/-/generation`).catch(() => ({ text: "" }))).text.trim();

  it.each([
    ["the registry up", false],
    ["the registry down", true],
  ])("between rename and reload: a start with %s makes nginx run the new generation (G6)", async (_what, isDown) => {
    await etcd.put("/app/v", "one");
    const config = await configure();
    const first = startFairlead(["run", "-c", config]);
    await waitFor(async () => (await served()).endsWith(" one"), { timeoutMs: 15_000, what: "the first generation" });
    await rm(join(folder, "reloading"));
    await writeFile(join(folder, "gate"), "");
    await etcd.put("/app/v", "two");
    await waitFor(() => exists(join(folder, "reloading")), { timeoutMs: 15_000, what: "the reload to begin" });
    await first.kill();
    await waitFor(() => exists(join(folder, "gone")), { timeoutMs: 15_000, what: "the interrupted reload to give up" });
    expect(await served()).toMatch(/ one$/);
    if (isDown) {
      await etcd.kill();
    }
    await rm(join(folder, "gate"));
    const second = startFairlead(["run", "-c", config]);
    await waitFor(async () => (await served()).endsWith(" two"), { timeoutMs: 15_000, what: "the second generation" });
    await second.stop();
  });

  it("and started again within the TTL: no entry changed its revision in etcd (G8)", async () => {
    await writeFile(
      join(folder, "services.yaml"),
      "services: { web: [ { address: 10.0.0.1, port: 80 }, { address: 10.0.0.2, port: 80 } ] }\n",
    );
    const config = await configure({
      register: { ttl: "10s", sources: { static: { file: "services.yaml" } } },
      render: undefined,
    });
    const first = startFairlead(["run", "-c", config]);
    await waitFor(async () => Object.keys(await etcd.getPrefix("/fairlead/services/")).length === 2, {
      timeoutMs: 15_000,
      what: "both entries",
    });
    const before = await revisions();
    await first.kill();
    const second = startFairlead(["run", "-c", config]);
    await second.logged("started");
    // Longer than the TTL: the entries live only if the second process took the lease over.
    const until = performance.now() + 14_000;
    await waitFor(async () => performance.now() > until || JSON.stringify(await revisions()) !== JSON.stringify(before), {
      timeoutMs: 20_000,
      what: "the TTL to pass",
    });
    expect(await revisions()).toEqual(before);
    await second.stop();
  });

  async function revisions(): Promise<unknown> {
    const key = Buffer.from("/fairlead/services/").toString("base64");
    const end = Buffer.from("/fairlead/services0").toString("base64");
    const answer = (await etcd.call("/v3/kv/range", { key, range_end: end })) as {
      readonly kvs?: readonly { readonly key: string; readonly mod_revision: string }[];
    };
    return answer.kvs?.map((kv) => [kv.key, kv.mod_revision]);
  }
});

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
