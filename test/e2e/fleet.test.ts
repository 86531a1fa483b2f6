import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith, startConsul, startEtcd } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { createFleet, type Fleet, type Store } from "./fleet.ts";

const kinds: readonly {
  readonly name: string;
  readonly servers: Parameters<typeof describeWith>[0];
  readonly make: (folder: string) => Promise<Store>;
}[] = [
  {
    name: "file",
    servers: [],
    // A folder cannot be restarted; taken away and put back it is what a remounted disk is.
    make: async (folder) => {
      const dir = join(folder, "registry");
      return {
        registry: `file://${dir}`,
        restart: async () => {
          await rename(dir, `${dir}.away`);
          await rename(`${dir}.away`, dir);
        },
        stop: async () => undefined,
      };
    },
  },
  {
    name: "etcd 3.4",
    servers: ["etcd34"],
    make: async () => {
      const etcd = await startEtcd({ version: "3.4" });
      return { registry: `etcd://${etcd.endpoint}`, restart: () => etcd.restart(), stop: () => etcd.stop() };
    },
  },
  {
    name: "etcd 3.6",
    servers: ["etcd36"],
    make: async () => {
      const etcd = await startEtcd({ version: "3.6" });
      return { registry: `etcd://${etcd.endpoint}`, restart: () => etcd.restart(), stop: () => etcd.stop() };
    },
  },
  {
    name: "consul",
    servers: ["consul"],
    make: async () => {
      const consul = await startConsul();
      return { registry: `consul://127.0.0.1:${consul.port}`, restart: () => consul.restart(), stop: () => consul.stop() };
    },
  },
  {
    name: "consul-kv",
    servers: ["consul"],
    make: async () => {
      const consul = await startConsul();
      return { registry: `consul-kv://127.0.0.1:${consul.port}`, restart: () => consul.restart(), stop: () => consul.stop() };
    },
  },
];

for (const { name, servers, make } of kinds) {
  describeWith([...servers, "docker", "nginx"], `a fleet on ${name}`, () => {
    let fleet: Fleet;
    beforeAll(async () => {
      fleet = await createFleet(make);
      fleet.start();
    });
    afterAll(() => fleet?.stop());

    it("serves one container, then three, and not one that was killed (G4)", async () => {
      await fleet.up("web-1");
      await fleet.untilServed(["web-1"]);
      await fleet.up("web-2");
      await fleet.up("web-3");
      await fleet.untilServed(["web-1", "web-2", "web-3"]);
      expect(await fleet.registered()).toEqual(await fleet.running());
      await fleet.docker.killContainer("web-2");
      await fleet.untilServed(["web-1", "web-3"]);
      expect(await fleet.registered()).toEqual(await fleet.running());
    });

    it("is right again after the engine was restarted (G9)", async () => {
      await fleet.docker.restart();
      await waitFor(async () => (await fleet.running()).length >= 2, { timeoutMs: 20_000, what: "the containers to be back" });
      const running = await fleet.running();
      await fleet.untilServed(running.map((item) => item.split(":")[0] ?? ""));
      expect(await fleet.registered()).toEqual(await fleet.running());
    });

    it("goes on serving while the registry restarts (G3), and follows it again afterwards", async () => {
      const before = await fleet.answering();
      const restarted = fleet.store.restart();
      expect(await fleet.answering()).toEqual(before);
      await restarted;
      await fleet.up("web-4");
      await fleet.untilServed([...before, "web-4"]);
      expect(await fleet.registered()).toEqual(await fleet.running());
    });

    it("never had a file that nginx refuses (G1)", async () => {
      const contents = [...fleet.contents()];
      expect(contents.length).toBeGreaterThanOrEqual(4);
      for (const content of contents) {
        await writeFile(fleet.destination, content);
        await fleet.nginx.check();
      }
    });
  });
}
