/** What happens to a file when the registry loses its data, and when a node dies: the real command on real stores. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { sleep } from "../../src/core/time.ts";
import { fairlead, type Running, startFairlead } from "../helpers/fairlead.ts";
import { describeWith } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { STORES, type Store } from "./stores.ts";

const HOLD_MS = 3000;
const TEMPLATE = `db:{{#each (service "db")}} {{id}}{{/each}}
web:{{#each (service "web")}} {{id}}{{/each}}
`;

for (const { name, servers, make } of STORES) {
  describeWith([...servers], `what is guarded, from ${name}`, () => {
    let folder: string;
    let store: Store;
    let runs: Running[];
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "fairlead-guard-"));
      store = await make(folder);
      runs = [];
      await writeFile(join(folder, "services.hbs"), TEMPLATE);
    });
    afterEach(async () => {
      await Promise.all(runs.map((run) => run.kill()));
      await store?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    async function start(config: string, content: object): Promise<Running> {
      const file = join(folder, config);
      await writeFile(file, stringify({ registry: store.registry, ...content }));
      const run = startFairlead(["run", "-c", file], store.env === undefined ? {} : { env: store.env });
      runs.push(run);
      return run;
    }

    /** A node of its own that registers these. */
    async function node(owner: string, services: Readonly<Record<string, readonly string[]>>): Promise<Running> {
      await say(owner, services);
      return await start(`${owner}.yaml`, {
        node: owner,
        stateDir: `state-${owner}`,
        register: { ttl: "10s", resync: "2s", sources: { static: { file: `${owner}-services.yaml` } } },
      });
    }

    async function say(owner: string, services: Readonly<Record<string, readonly string[]>>): Promise<void> {
      const instances = Object.entries(services).map(([service, ids]) => [
        service,
        ids.map((id, i) => ({ id, address: "10.0.0.1", port: 8000 + i })),
      ]);
      await writeFile(join(folder, `${owner}-services.yaml`), stringify({ services: Object.fromEntries(instances) }));
    }

    async function render(): Promise<Running> {
      await mkdir(join(folder, "out"), { recursive: true });
      return await start("render.yaml", {
        node: "proxy",
        stateDir: "state",
        render: {
          targets: {
            list: { files: [{ template: "services.hbs", dest: "out/list" }], guard: { hold: `${HOLD_MS}ms` } },
          },
        },
      });
    }

    const content = (): Promise<string> => readFile(join(folder, "out/list"), "utf8").catch(() => "");

    async function holds(text: string, timeoutMs = 15_000): Promise<void> {
      await waitFor(async () => (await content()) === text, {
        timeoutMs,
        what: `${JSON.stringify(text)} instead of ${JSON.stringify(await content())}`,
      });
    }

    it("lets go at once of what a living node takes away, and after a hold of what died with its node (G3)", async () => {
      const web = await node("n1", { web: ["a", "b"] });
      await node("n2", { db: ["d"] });
      const proxy = await render();
      await holds("db: d\nweb: a b\n");

      await say("n1", { web: ["b"] });
      await holds("db: d\nweb: b\n", 6000);
      await say("n1", {});
      await holds("db: d\nweb:\n", 6000);
      await say("n1", { web: ["a", "b"] });
      await holds("db: d\nweb: a b\n", 6000);
      expect(proxy.log().filter((line) => line["code"] === "GUARD_HELD")).toEqual([]);

      await web.kill();
      const line = await proxy.logged("guard holds instances that vanished", { code: "GUARD_HELD", service: "web" }, 60_000);
      const heldAt = performance.now();
      expect(line).toMatchObject({ instances: ["a", "b"], reason: "no usable instance would be left" });
      await holds("db: d\nweb: a b\n"); // in Consul each of them runs out on its own
      await holds("db: d\nweb:\n", 30_000);
      expect(performance.now() - heldAt).toBeGreaterThan(HOLD_MS - 500);
    });

    it("keeps everything when the store loses all of it, until it comes back or a person says so (G3)", async () => {
      const web = await node("n1", { web: ["a", "b"] });
      await node("n2", { db: ["d"] });
      const proxy = await render();
      await holds("db: d\nweb: a b\n");
      const seen = watch();
      await store.wipe();
      await web.kill();
      await waitFor(() => proxy.log().some((line) => line["code"] === "GUARD_HELD") || undefined, {
        timeoutMs: 60_000,
        what: "the hold",
      });
      await holds("db: d\nweb:\n", 60_000); // the other node has written its entries again: what is left over is held for its time only
      const contents = await seen.stop();
      expect([contents[0], contents.at(-1)]).toEqual(["db: d\nweb: a b\n", "db: d\nweb:\n"]);
      // Where each entry runs out on its own, one of two may go before both are held.
      expect(contents.slice(0, -1).filter((text) => !/^db: d\nweb:( a| b| a b)\n$/.test(text))).toEqual([]);

      for (const run of runs.filter((other) => other !== proxy)) {
        await run.kill();
      }
      await store.wipe();
      await proxy.logged("guard holds instances that vanished", { code: "GUARD_HELD", service: "db" }, 60_000);
      const until = performance.now() + HOLD_MS + 2000;
      await waitFor(async () => performance.now() > until || (await content()) !== "db: d\nweb:\n", {
        timeoutMs: 20_000,
        what: "the hold to pass",
      });
      expect(await content()).toBe("db: d\nweb:\n");

      const options = store.env === undefined ? {} : { env: store.env };
      const held = await fairlead(["render", "-c", join(folder, "render.yaml"), "--json"], options);
      expect([held.code, JSON.parse(held.stdout)]).toMatchObject([3, { targets: [{ error: { code: "GUARD_HELD" } }] }]);
      const accepted = await fairlead(["render", "-c", join(folder, "render.yaml"), "--accept-shrink"], options);
      expect(accepted.code, accepted.stderr).toBe(0);
      expect(await content()).toBe("db:\nweb:\n");
      await proxy.stop();
    });

    /** Every content that the file has from now on, the last one included. */
    function watch(): { stop(): Promise<readonly string[]> } {
      const contents: string[] = [];
      const stopping = new AbortController();
      async function look(): Promise<void> {
        const text = await content();
        if (contents.at(-1) !== text) {
          contents.push(text);
        }
      }
      async function run(): Promise<void> {
        while (!stopping.signal.aborted) {
          await look();
          await sleep(5, stopping.signal).catch(() => undefined); // aborted: the last look follows
        }
        await look();
      }
      const watching = run();
      return { stop: async () => (stopping.abort(), await watching, contents) };
    }
  });
}
