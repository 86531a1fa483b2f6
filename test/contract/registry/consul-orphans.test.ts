import { expect, test } from "vitest";
import { EVERYTHING } from "../../../src/model/selector.ts";
import type { Owned, Registry } from "../../../src/ports.ts";
import { describeWith } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { instance, instancesOf, outcomesOf } from "./arena.ts";
import { consulStage, OWNER } from "./consul-stage.ts";
import { agentServices, catalogItems } from "./consul-world.ts";

describeWith(["consul"], "what Registrator left on an agent", () => {
  const stage = consulStage({ dev: true });

  /** As Registrator registers; its checks are critical where nothing answers. */
  async function registrator(id: string, more: object = {}): Promise<void> {
    const body = { ID: id, Name: "web", Address: "127.0.0.1", Port: 8080, Tags: ["x"], Meta: { version: "2" }, ...more };
    await stage.consul.json("/v1/agent/service/register", { method: "PUT", body });
    const isThere = async (): Promise<boolean> =>
      (await catalogItems(stage.consul, body.Name)).some(({ Service }) => Service.ID === id);
    await waitFor(isThere, { timeoutMs: 5000, what: `${id} to be in the catalogue` });
  }
  const httpCheck = { Check: { HTTP: "http://127.0.0.1:1/", Interval: "60s", Status: "passing" } };
  const idsOf = (owned: readonly Owned[]): readonly string[] => owned.map(({ entry }) => entry.id);
  async function opened(): Promise<Registry> {
    const registry = stage.open();
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    return registry;
  }
  const write = (registry: Registry, put: readonly Owned[], remove: readonly Owned[] = []): Promise<unknown> => {
    const puts = put.map((replaces) => ({ instance: instance("web", replaces.entry.id, { port: 9090 }), replaces }));
    return registry.write(OWNER, { put: puts, remove }, stage.signal).then(outcomesOf);
  };

  test("its entries for a host are found, whoever else has services there", async () => {
    const registry = await opened();
    await registrator("box:web.1:8080", httpCheck);
    await registrator("box:dns:53:udp", { Name: "dns" });
    await registrator("elsewhere:web:8080");
    await registrator("my-own-id");
    await stage.put(registry, instance("web", "box:ours:8080"));
    const orphans = await registry.orphans(["box", "nobody"], stage.signal);
    expect(orphans).toMatchObject([
      { entry: { id: "box:dns:53:udp", service: "dns", protocol: "udp", owner: "" }, unleased: true },
      {
        entry: {
          id: "box:web.1:8080",
          service: "web",
          address: "127.0.0.1",
          port: 8080,
          tags: ["x"],
          meta: { version: "2" },
          health: "passing",
        },
      },
    ]);
    expect(await registry.orphans([], stage.signal)).toEqual([]);
    expect(idsOf(await registry.owned(OWNER, stage.signal))).toEqual(["box:ours:8080"]);
  });

  test("one is taken over under its own id, never absent and never ill meanwhile, and its checks go", async () => {
    const registry = await opened();
    await registrator("box:web:8080", httpCheck);
    const [before] = await catalogItems(stage.consul, "web");
    const [orphan] = await registry.orphans(["box"], stage.signal);
    expect(await write(registry, orphan === undefined ? [] : [orphan])).toEqual(["written"]);
    const [after] = await catalogItems(stage.consul, "web");
    expect(after?.Service).toMatchObject({
      ID: "box:web:8080",
      CreateIndex: before?.Service.CreateIndex,
    });
    await waitFor(async () => !("service:box:web:8080" in (await stage.statuses("web"))), {
      timeoutMs: 5000,
      what: "its check to go",
    });
    expect(await stage.statuses("web")).toEqual({
      serfHealth: "passing",
      "fairlead-alive:box:web:8080": "passing",
      "fairlead-health:box:web:8080": "passing",
    });
    const snapshot = await registry.read(EVERYTHING, { signal: stage.signal });
    expect(instancesOf(snapshot, "web")).toMatchObject([{ id: "box:web:8080", port: 9090, owner: OWNER, health: "passing" }]);
    expect(await registry.orphans(["box"], stage.signal)).toEqual([]);
    const [owned] = await registry.owned(OWNER, stage.signal);
    expect(owned).toMatchObject({ entry: { id: "box:web:8080" }, unleased: false });
    expect(await registry.keepAlive(OWNER, 30_000, stage.signal)).toBe("kept");
  });

  test("one is removed; what changed since it was read is neither replaced nor removed", async () => {
    const registry = await opened();
    await registrator("box:gone:8080");
    await registrator("box:kept:8080");
    await registrator("box:taken:8080");
    const [gone, kept, taken] = await registry.orphans(["box"], stage.signal);
    await registrator("box:kept:8080", { Port: 8081 });
    const other = stage.open();
    await other.keepAlive("n2", 30_000, stage.signal);
    const theirs = { instance: instance("web", "box:taken:8080"), ...(taken && { replaces: taken }) };
    expect(outcomesOf(await other.write("n2", { put: [theirs], remove: [] }, stage.signal))).toEqual(["written"]);
    const all = [gone, kept, taken].flatMap((orphan) => orphan ?? []);
    expect(await write(registry, all.slice(1), all)).toEqual(["failed", "conflict", "removed", "failed", "conflict"]);
    const ports = Object.fromEntries((await catalogItems(stage.consul, "web")).map(({ Service }) => [Service.ID, Service.Port]));
    expect(ports).toEqual({ "box:kept:8080": 8081, "box:taken:8080": 8080 });
  });

  test("without being handed out, another program's entry is never touched", async () => {
    const registry = await opened();
    await registrator("box:web:8080");
    const results = await stage.put(registry, instance("web", "box:web:8080", { port: 1 }));
    expect(results).toMatchObject([{ outcome: "conflict", holder: "" }]);
    await registry.release(OWNER, stage.signal);
    expect((await agentServices(stage.consul)).map(({ ID }) => ID)).toEqual(["box:web:8080"]);
  });
});
