/** fairlead in the place of Registrator, with the configuration that it makes of Registrator's command line: what others read stays. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { fairlead, type Running, startFairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import {
  type Consul,
  type Docker,
  describeWith,
  type Etcd,
  startConsul,
  startDocker,
  startEtcd,
} from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { consulKeys, etcdKeys, type Keys } from "./registrator-keys.ts";

const HOST = hostname();
const IP = "192.0.2.1";
const SETTLED_MS = 15_000 * PATIENCE;

describeWith(["docker", "etcd34", "etcd36", "consul"], "in the place of Registrator", () => {
  let engine: Docker;
  let consul: Consul;
  let etcd34: Etcd;
  let etcd36: Etcd;
  let folder: string;
  let running: Running[];

  beforeAll(async () => {
    [engine, consul, etcd34, etcd36] = await Promise.all([
      startDocker(),
      startConsul(),
      startEtcd({ version: "3.4" }),
      startEtcd({ version: "3.6" }),
    ]);
    await engine.importImage("web:1.0", { expose: [80], labels: { SERVICE_TAGS: "http" } });
  });
  afterAll(async () => {
    await Promise.all([engine, consul, etcd34, etcd36].map((server) => server?.stop()));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-registrator-"));
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((process) => process.stop()));
    const all = await engine.docker(["ps", "-aq"]);
    if (all !== "") {
      await engine.docker(["rm", "-f", "-v", ...all.split("\n")]);
    }
    await rm(folder, { recursive: true, force: true });
  });

  /** `docker run` of a container of that name, whose port 80 is published. @returns `ip:port`, as Registrator would write it */
  async function startContainer(name: string, ...args: readonly string[]): Promise<string> {
    const id = await engine.run(["--name", name, "-p", "80", ...args, "web:1.0"]);
    return `${IP}:${(await engine.publishedPort(id, 80)).split(":").at(-1)}`;
  }

  /** Writes the configuration that is made of this command line of Registrator. */
  async function migrate(...commandLine: readonly string[]): Promise<void> {
    const migrated = await fairlead(["migrate", "registrator", "--", ...commandLine]);
    expect(migrated.code, migrated.stderr).toBe(0);
    await writeFile(join(folder, "fairlead.yaml"), `${migrated.stdout}stateDir: state\n`);
    const checked = await fairlead(["check"], { cwd: folder });
    expect(checked.code, checked.stderr).toBe(0);
  }

  function start(...args: readonly string[]): Running {
    const started = startFairlead(["run", ...args], { cwd: folder, env: { DOCKER_HOST: engine.host } });
    running.push(started);
    return started;
  }

  const stores: readonly (readonly [string, () => Keys])[] = [
    ["etcd 3.4", () => etcdKeys(etcd34)],
    ["etcd 3.6", () => etcdKeys(etcd36)],
    ["Consul's key-value store", () => consulKeys(consul)],
  ];

  it.each(stores)(
    "readers of ip:port notice nothing; what Registrator left behind stays, and is taken over or removed with --adopt: %s",
    async (_, open) => {
      const store = open();
      const under = async (prefix: string): Promise<Readonly<Record<string, string>>> =>
        Object.fromEntries(
          [...(await store.all())].filter(([key]) => key.startsWith(prefix)).map(([key, { value }]) => [key, value]),
        );
      const settled = (wanted: Readonly<Record<string, string>>): Promise<unknown> =>
        waitFor(async () => sameRecords(await under("services/"), wanted), {
          timeoutMs: SETTLED_MS,
          what: `the entries to be ${JSON.stringify(wanted)}`,
        });
      const same = await startContainer("same");
      const moved = await startContainer("moved");
      const others = {
        "services/web/other-host:same:80": "10.1.1.1:8080",
        [`services/web/${HOST}-2:same:80`]: "10.1.1.2:8080",
        [`services/web/x-${HOST}:same:80`]: "10.1.1.3:8080",
        [`services/web/${HOST}:not-registrator`]: "10.1.1.4:8080",
        "services/web/note": "by a person",
        "app/db/host": "db1",
      };
      const left = {
        [`services/web/${HOST}:same:80`]: same,
        [`services/web/${HOST}:moved:80`]: "192.0.2.1:1",
        [`services/web/${HOST}:gone:80`]: "192.0.2.1:2",
        [`services/old/${HOST}:gone:53:udp`]: "192.0.2.1:3",
      };
      for (const [key, value] of Object.entries({ ...others, ...left })) {
        await store.put(key, value);
      }
      const before = await store.all();

      await migrate("-ip", IP, "-cleanup", "-resync", "2", store.uri);
      const careful = start();
      const conflict = await careful.logged(
        "entry is held by another owner and left alone",
        { id: `${HOST}:moved:80` },
        SETTLED_MS,
      );
      expect(conflict).toMatchObject({ hint: expect.stringContaining("--adopt") });
      expect(conflict).not.toHaveProperty("holder"); // nobody who could be named
      const added = await startContainer("added");
      const otherServices = Object.fromEntries(Object.entries(others).filter(([key]) => key.startsWith("services/")));
      await settled({ ...otherServices, ...left, [`services/web/${HOST}:added:80`]: added });
      const beside = await store.all();
      expect([...before].filter(([key, { revision }]) => beside.get(key)?.revision !== revision)).toEqual([]);
      expect((await careful.stop()).code).toBe(0);

      const adopting = start("--adopt");
      const mine = {
        [`services/web/${HOST}:added:80`]: added,
        [`services/web/${HOST}:moved:80`]: moved,
        [`services/web/${HOST}:same:80`]: same,
      };
      await settled({ ...otherServices, ...mine });
      await adopting.logged("entries that Registrator left behind are taken over or removed", { entries: 4 }, SETTLED_MS);
      expect(adopting.log().filter(({ msg }) => msg.includes("held by another owner"))).toEqual([]);
      const after = await store.all();
      expect(Object.keys(others).filter((key) => after.get(key)?.revision !== before.get(key)?.revision)).toEqual([]);

      const taken = [`services/web/${HOST}:same:80`, `services/web/${HOST}:moved:80`];
      expect(taken.filter((key) => after.get(key)?.created !== before.get(key)?.created)).toEqual([]); // they were never gone

      // A reader such as confd asks for everything below one prefix, and takes the values as they are.
      const values = Object.entries(await under(`services/web/${HOST}:`)).map(([, value]) => value);
      expect(values.sort()).toEqual([added, moved, same, "10.1.1.4:8080"].sort());
      await engine.removeContainer("moved");
      const { [`services/web/${HOST}:moved:80`]: _gone, ...rest } = mine;
      await settled({ ...otherServices, ...rest });
    },
    180_000 * PATIENCE,
  );

  it("users of Consul's catalogue see names, ids, addresses, ports and tags as before, beside what Registrator wrote", async () => {
    const left = { ID: "other-host:web:80", Name: "shop", Address: "10.1.1.1", Port: 8080, Tags: ["http"] };
    await consul.json("/v1/agent/service/register", { method: "PUT", body: left });
    const shop = await startContainer("shop", "-l", "SERVICE_NAME=shop", "-l", "SERVICE_REGION=eu");
    await migrate("-ip", IP, "-tags", "prod", `consul://127.0.0.1:${consul.port}`);
    start();
    const mine = await waitFor(
      async () => (await catalogue(consul, "shop")).find(({ ServiceID }) => ServiceID === `${HOST}:shop:80`),
      { timeoutMs: SETTLED_MS, what: "the service to be in the catalogue" },
    );
    expect(mine).toMatchObject({
      ServiceName: "shop",
      ServiceAddress: IP,
      ServicePort: Number(shop.split(":").at(-1)),
      ServiceTags: ["http", "prod"],
      ServiceMeta: { region: "eu" },
    });
    const others = Object.keys(mine.ServiceMeta).filter((key) => key !== "region" && !key.startsWith("fairlead-"));
    expect(others).toEqual([]);
    expect((await catalogue(consul, "shop")).map(({ ServiceID }) => ServiceID).sort()).toEqual(
      ["other-host:web:80", `${HOST}:shop:80`].sort(),
    );
    // What is passing, as a load balancer would ask.
    const passing = (await consul.json("/v1/health/service/shop?passing")) as readonly {
      readonly Service: { readonly ID: string };
    }[];
    expect(passing.map(({ Service }) => Service.ID)).toContain(`${HOST}:shop:80`);
  });

  it("what Registrator left in Consul's catalogue stays, and is taken over or removed with --adopt", async () => {
    const same = await startContainer("same", "-l", "SERVICE_NAME=api");
    const register = (id: string, port: number, name = "api"): Promise<unknown> =>
      consul.json("/v1/agent/service/register", {
        method: "PUT",
        body: { ID: id, Name: name, Address: IP, Port: port, Tags: ["http"], Meta: {} },
      });
    const port = Number(same.split(":").at(-1));
    await register(`${HOST}:same:80`, port);
    await register(`${HOST}:gone:80`, 1);
    await register(`${HOST}:gone:53:udp`, 2, "old");
    await register("other-host:same:80", 3);
    await register(`${HOST}:not-registrator`, 4);
    const idsOf = async (service: string): Promise<readonly string[]> =>
      (await catalogue(consul, service)).map(({ ServiceID }) => ServiceID).sort();
    await waitFor(async () => (await idsOf("api")).length === 4, { timeoutMs: SETTLED_MS, what: "what Registrator left" });

    await migrate("-ip", IP, `consul://127.0.0.1:${consul.port}`);
    const careful = start();
    const conflict = await careful.logged("entry is held by another owner and left alone", { id: `${HOST}:same:80` }, SETTLED_MS);
    expect(conflict).toMatchObject({ hint: expect.stringContaining("--adopt") });
    expect(conflict).not.toHaveProperty("holder"); // nobody who could be named
    await careful.stop();
    expect((await idsOf("api")).length + (await idsOf("old")).length).toBe(5);

    const adopting = start("--adopt");
    await adopting.logged("entries that Registrator left behind are taken over or removed", { entries: 3 }, SETTLED_MS);
    await waitFor(async () => (await idsOf("old")).length === 0, { timeoutMs: SETTLED_MS, what: "the old entry to go" });
    expect(await idsOf("api")).toEqual([`${HOST}:not-registrator`, `${HOST}:same:80`, "other-host:same:80"].sort());
    const taken = (await catalogue(consul, "api")).find(({ ServiceID }) => ServiceID === `${HOST}:same:80`);
    expect(taken).toMatchObject({ ServiceAddress: IP, ServicePort: port, ServiceTags: ["http"] });
    expect(taken?.ServiceMeta["fairlead-owner"]).toBe(HOST);
  });
});

interface CatalogueItem {
  readonly ServiceID: string;
  readonly ServiceName: string;
  readonly ServiceAddress: string;
  readonly ServicePort: number;
  readonly ServiceTags: readonly string[];
  readonly ServiceMeta: Readonly<Record<string, string>>;
}

async function catalogue(consul: Consul, service: string): Promise<readonly CatalogueItem[]> {
  return (await consul.json(`/v1/catalog/service/${service}`)) as readonly CatalogueItem[];
}

function sameRecords(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value);
}
