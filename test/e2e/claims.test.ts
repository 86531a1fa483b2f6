/** Two nodes of which each has a service that asks for one host, with the real command. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { openRegistry } from "../../src/compose/registry.ts";
import { parseRegistryUrl } from "../../src/config/registry.ts";
import { EVERYTHING } from "../../src/model/selector.ts";
import { createSecrets } from "../../src/observe/secrets.ts";
import type { Registry } from "../../src/ports.ts";
import { fairlead, type Running, startFairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { recordLog } from "../helpers/quiet-log.ts";
import { describeWith } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { etcdStore, type Store } from "./stores.ts";

const TIMEOUT_MS = 15_000 * PATIENCE;

describeWith(["etcd36"], "exclusive hosts over etcd", () => {
  let folder: string;
  let store: Store;
  let reader: Registry;
  const running: Running[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-claims-"));
    store = await etcdStore("3.6");
    reader = await openRegistry(parseRegistryUrl(store.registry, folder), {
      env: {},
      log: recordLog(),
      secrets: createSecrets(),
    });
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.kill()));
    await reader.close();
    await store.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function want(node: string, ...services: readonly string[]): Promise<void> {
    const entries = services.map((name) => [name, [{ address: "10.0.0.1", port: 80, meta: { host: "shop.example" } }]]);
    await writeFile(join(folder, node, "services.yaml"), stringify({ services: Object.fromEntries(entries) }));
  }

  async function start(node: string, hosts: "shared" | "exclusive", ...services: readonly string[]): Promise<Running> {
    await mkdir(join(folder, node), { recursive: true });
    await want(node, ...services);
    // Long: entries have to outlive the restart of a process, however slow the machine is.
    const register = { ttl: "60s", policy: { hosts }, sources: { static: { file: "services.yaml" } } };
    const config = { node, stateDir: "state", registry: store.registry, register };
    await writeFile(join(folder, node, "fairlead.yaml"), stringify(config));
    const one = startFairlead(["run"], { cwd: join(folder, node), ...(store.env !== undefined && { env: store.env }) });
    running.push(one);
    return one;
  }

  async function holds(...services: readonly string[]): Promise<void> {
    let seen = "";
    const look = async (): Promise<boolean> => {
      const { services: found } = await reader.read(EVERYTHING, { signal: new AbortController().signal });
      seen = [...found.keys()].join(" ");
      return seen === services.join(" ");
    };
    await waitFor(look, { timeoutMs: TIMEOUT_MS, what: `only ${services.join(" ")}` }).catch((error: unknown) => {
      throw new Error(`there is ${seen}; ${running.map((one) => one.stderr()).join("\n")}`, { cause: error });
    });
  }

  it("the first keeps it, the next gets it when the first is gone, and of two at once the first name", async () => {
    await start("n1", "exclusive", "web");
    await holds("web");
    const second = await start("n2", "exclusive", "api");
    const refusal = "host belongs to another service; the instance is not registered";
    await second.logged(refusal, { service: "api", host: "shop.example", holder: "web" }, TIMEOUT_MS);
    await holds("web");
    await want("n1"); // nothing
    await holds("api");

    // At once: the two nodes know nothing of each other's wish until both are written.
    await Promise.all(running.splice(0).map((one) => one.stop()));
    await start("n1", "shared", "web");
    await start("n2", "shared", "api");
    await holds("api", "web");
    const inspected = await fairlead(["inspect", "hosts", "--registry", store.registry, "--json"]);
    expect(JSON.parse(inspected.stdout)).toEqual({
      hosts: [
        {
          host: "shop.example",
          path: "/",
          services: [
            { name: "api", nodes: ["n2"], instances: 1 },
            { name: "web", nodes: ["n1"], instances: 1 },
          ],
        },
      ],
    });
    await Promise.all(running.splice(0).map((one) => one.stop()));
    const again = await Promise.all([start("n1", "exclusive", "web"), start("n2", "exclusive", "api")]);
    await again[0].logged(refusal, { service: "web", holder: "api" }, TIMEOUT_MS);
    await holds("api");
    expect(again[1].log().filter(({ msg }) => msg === refusal)).toEqual([]);
  });
});
