/** A few poisoned entries among many good ones, with the real command and a real nginx. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { fairlead, startFairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { describeWith, http, type Nginx, reservePort, startNginx } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";

const GOOD = 1000;
/** nginx has no escape for `$`: no text of these can stand in a configuration. */
const POISON = ["/$host", "/a$", "/${x}", "$1", "/$$/", "/$request_uri;", "/x\n$a", '/"$b', "/\\$c", "/é$"];
/** What no entry can be read from. */
const BROKEN = [
  "",
  "{",
  "[]",
  "null",
  '{"address":"10.0.0.1"}',
  '{"address":"10.0.0.1","port":70000}',
  "\u0000",
  '"x"',
  "{}",
  "true",
];

describeWith(["nginx"], "ten bad instances and ten broken entries among a thousand good ones", () => {
  let folder: string;
  let nginx: Nginx;
  let port: number;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-poison-"));
    nginx = await startNginx();
    port = await reservePort();
    const web = join(folder, "registry/services/web");
    await mkdir(web, { recursive: true });
    for (let i = 0; i < GOOD; i++) {
      await writeFile(join(web, `good-${i}.json`), JSON.stringify({ address: "127.0.0.1", port: 80, meta: { path: `/p${i}` } }));
    }
    for (const [i, path] of POISON.entries()) {
      await writeFile(join(web, `poison-${i}.json`), JSON.stringify({ address: "127.0.0.1", port: 80, meta: { path } }));
    }
    for (const [i, text] of BROKEN.entries()) {
      await writeFile(join(web, `broken-${i}.json`), text);
    }
    await writeFile(
      join(folder, "site.hbs"),
      `server {
  listen 127.0.0.1:${port};
  location = /-/generation { return 200 "{{generation}}"; }
{{#each (service "web")}}
  location = {{meta.path}} { return 200 {{id}}; }
{{/each}}
}
`,
    );
    await writeFile(
      join(folder, "fairlead.yaml"),
      stringify({
        node: "n1",
        stateDir: "state",
        registry: "file:registry",
        render: {
          targets: {
            site: {
              files: [
                { template: "site.hbs", dest: join(nginx.confFolder, "site.conf"), format: "nginx", onUnsafe: "skip-instance" },
              ],
              check: [...nginx.argv, "-t"],
              reload: { signal: "HUP", pidFile: nginx.pidFile },
              verify: { url: `http://127.0.0.1:${port}/-/generation` },
            },
          },
        },
      }),
    );
  });
  afterEach(async () => {
    await nginx?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("hold back nobody else: every good one is served, every bad one is named, and comes back when it is put right (G7)", async () => {
    const startedAt = performance.now();
    const running = startFairlead(["run"], { cwd: folder });
    await running.logged("target is live", { target: "site" });
    expect(performance.now() - startedAt).toBeLessThan(5000 * PATIENCE);
    for (const i of [0, 1, 499, GOOD - 1]) {
      expect((await http(`http://127.0.0.1:${port}/p${i}`)).text).toBe(`good-${i}`);
    }
    const named = (message: RegExp): readonly unknown[] => running.log().filter((line) => message.test(line.msg));
    expect(named(/^instance is left out/)).toHaveLength(POISON.length);
    expect(named(/^registry entry is left out/)).toHaveLength(BROKEN.length);
    expect(running.stderr()).not.toContain("$host");

    const explained = await fairlead(["explain", join(nginx.confFolder, "site.conf"), "--json"], { cwd: folder });
    const asides = (JSON.parse(explained.stdout) as { readonly setAside: readonly { readonly id: string }[] }).setAside;
    expect(asides.map(({ id }) => id).sort()).toEqual(POISON.map((_, i) => `poison-${i}`).sort());
    const services = await fairlead(["services", "web"], { cwd: folder });
    expect(services.stderr.match(/is set aside from/g)).toHaveLength(POISON.length);

    const healed = JSON.stringify({ address: "127.0.0.1", port: 80, meta: { path: "/healed" } });
    await writeFile(join(folder, "registry/services/web/poison-0.json"), healed);
    await waitFor(async () => (await http(`http://127.0.0.1:${port}/healed`)).text === "poison-0", {
      timeoutMs: 5000 * PATIENCE,
      what: "the healed instance to be served",
    });
    await running.stop();
  });

  it("fail the whole file by name where that is what was asked for, and the old file stays", async () => {
    const file = join(folder, "fairlead.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replace("skip-instance", "fail"));
    const { code, stdout } = await fairlead(["render", "--json"], { cwd: folder });
    expect([code, JSON.parse(stdout)]).toMatchObject([
      3,
      { targets: [{ error: { code: "TEMPLATE_UNSAFE", line: 5, column: 14 } }] },
    ]);
    expect(stdout).not.toContain("$host");
  });
});
