import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sleep } from "../../../src/core/time.ts";
import type { Instance } from "../../../src/model/instance.ts";
import type { Snapshot } from "../../../src/model/snapshot.ts";
import { follow } from "../../../src/registry/follow.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { type Consul, describeWith, startConsul } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { instance, instancesOf, outcomesOf } from "./arena.ts";
import { consulStage, OWNER } from "./consul-stage.ts";
import { catalogItems } from "./consul-world.ts";

describeWith(["consul"], "an agent of Consul that restarts, and another agent", () => {
  describe.each<readonly [string, boolean]>([
    ["forgets all", true],
    ["keeps its data", false],
  ])("one that %s", (_, dev) => {
    const stage = consulStage({ dev });

    test("G9 has every entry back within one resync, under its id and once", { timeout: 60_000 * PATIENCE }, async () => {
      const instances = [
        instance("web", "n1:web:80", { tags: ["x"], meta: { a: "b" } }),
        instance("web", "n1:web:81", { health: "critical" }),
        instance("db", "n1:db:5432", { weight: 3 }),
      ];
      const running = stage.register(stage.open(), 3000, () => instances);
      const shown = async (): Promise<readonly unknown[]> => {
        const items = [...(await catalogItems(stage.consul, "web")), ...(await catalogItems(stage.consul, "db"))];
        return items.map(({ Service, Checks }) => [
          Service.ID,
          Service.Tags,
          Checks.map(({ CheckID, Status }) => `${CheckID}=${Status}`).sort(),
        ]);
      };
      await waitFor(async () => (await shown()).length === 3, { timeoutMs: 10_000 * PATIENCE, what: "all" });
      const before = await shown();
      await stage.consul.restart();
      const isBack = async (): Promise<boolean> => JSON.stringify(await shown()) === JSON.stringify(before);
      await waitFor(isBack, { timeoutMs: 10_000 * PATIENCE, what: "all to be as before" });
      const snapshot = await stage.open().read({ services: ["web", "db"], keys: [] }, { signal: stage.signal });
      expect(instancesOf(snapshot, "web").map(({ id, owner }) => [id, owner])).toEqual([
        ["n1:web:80", OWNER],
        ["n1:web:81", OWNER],
      ]);
      await running.stop();
    });
  });

  describe("of a cluster", () => {
    const stage = consulStage();
    let second: Consul;

    beforeAll(async () => {
      const { DebugConfig } = (await stage.consul.json("/v1/agent/self")) as { readonly DebugConfig: Record<string, unknown> };
      const config = {
        node_name: "second",
        server: false,
        bootstrap_expect: 0,
        start_join: [`127.0.0.1:${String(DebugConfig["SerfPortLAN"])}`],
      };
      second = await startConsul({ config });
    });
    afterAll(async () => {
      await second?.stop();
    });

    const at = (consul: Consul): { readonly endpoints: readonly string[] } => ({ endpoints: [`127.0.0.1:${consul.port}`] });
    const idsAndPorts = (snapshot: Snapshot): string =>
      instancesOf(snapshot, "web")
        .map(({ id, port, health }) => `${id}=${port} ${health}`)
        .join();

    test("entries that move to it keep their ids, are seen once at every moment, and the newer one counts", {
      timeout: 90_000 * PATIENCE,
    }, async () => {
      const old = [instance("web", "1", { port: 1 }), instance("web", "2", { port: 2 })];
      const next: readonly Instance[] = [instance("web", "1", { port: 11 }), instance("web", "2", { port: 12 })];
      const first = stage.register(stage.open(at(stage.consul)), 3000, () => old);
      const seen: string[] = [];
      const options = {
        signal: stage.signal,
        backoff: { minMs: 50, maxMs: 500 },
        minIntervalMs: 5,
        resyncMs: Number.POSITIVE_INFINITY,
        onStale: () => undefined,
      };
      void (async () => {
        for await (const snapshot of follow(stage.open(), { services: ["web"], keys: [] }, options)) {
          seen.push(idsAndPorts(snapshot));
        }
      })();
      const until = (text: string): Promise<unknown> =>
        waitFor(() => seen.at(-1) === text, { timeoutMs: 15_000 * PATIENCE, what: `${text}, not ${String(seen.at(-1))}` });
      await until("1=1 passing,2=2 passing");
      await first.stop(); // its address is the other agent's from now on

      const moved = stage.register(stage.open(at(second)), 3000, () => next);
      await until("1=11 passing,2=12 passing");
      const nodes = async (): Promise<readonly string[]> =>
        (await catalogItems(stage.consul, "web")).map(({ Node, Service }) => `${Node.Node} ${Service.ID}`).sort();
      expect(await nodes()).toEqual(["second 1", "second 2", "test 1", "test 2"]);
      const lapsed = async (): Promise<boolean> =>
        (await catalogItems(stage.consul, "web"))
          .filter(({ Node }) => Node.Node === "test")
          .every(({ Checks }) =>
            Checks.some(({ CheckID, Status }) => CheckID.startsWith("fairlead-alive:") && Status === "critical"),
          );
      await waitFor(lapsed, { timeoutMs: 15_000 * PATIENCE, what: "what the old agent has to lapse" });
      await sleep(500, stage.signal);
      expect(seen.at(-1)).toBe("1=11 passing,2=12 passing");
      // They are registered side by side, so that either may be there first.
      const complete = seen.slice(seen.indexOf("1=1 passing,2=2 passing"));
      expect(complete.filter((text) => !/^1=1?1 passing,2=1?2 passing$/.test(text))).toEqual([]);
      const snapshot = await stage.open().read({ services: ["web"], keys: [] }, { signal: stage.signal });
      expect(idsAndPorts(snapshot)).toBe("1=11 passing,2=12 passing");
      await moved.stop();
      const left = stage.open(at(second));
      await left.release(OWNER, stage.signal);
    });

    test("a newer entry on an agent that died does not hide the older one of the agent that lives", {
      timeout: 90_000 * PATIENCE,
    }, async () => {
      const [living, dying] = [stage.open(at(stage.consul)), stage.open(at(second))];
      for (const registry of [living, dying]) {
        await registry.keepAlive(OWNER, 600_000, stage.signal);
        const port = registry === living ? 1 : 2;
        const change = { put: [{ instance: instance("web", "1", { port }) }], remove: [] };
        expect(outcomesOf(await registry.write(OWNER, change, stage.signal))).toEqual(["written"]);
      }
      const reader = stage.open();
      const read = async (): Promise<string> =>
        idsAndPorts(await reader.read({ services: ["web"], keys: [] }, { signal: stage.signal }));
      await waitFor(async () => (await read()) === "1=2 passing", { timeoutMs: 5000 * PATIENCE, what: "the newer one" });
      await second.kill();
      await waitFor(async () => (await read()) === "1=1 passing", { timeoutMs: 60_000 * PATIENCE, what: "the one that lives" });
    });
  });
});
