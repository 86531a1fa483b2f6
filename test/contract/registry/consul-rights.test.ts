import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sleep } from "../../../src/core/time.ts";
import type { Instance } from "../../../src/model/instance.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { describeWith } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { instance, outcomesOf } from "./arena.ts";
import { consulStage, OWNER, recordingLog } from "./consul-stage.ts";
import { agentServices, catalogItems, grantRights } from "./consul-world.ts";

describeWith(["consul"], "tokens for Consul's catalogue", () => {
  const stage = consulStage({ acl: true });
  const NODES = 'node_prefix "" { policy = "read" } agent_prefix "" { policy = "read" }';
  const ALL = `service_prefix "" { policy = "write" } ${NODES}`;
  const WEB = `service "web" { policy = "write" } service_prefix "" { policy = "read" } ${NODES}`;
  const TTL_MS = 3000;

  /** As the agent has it: what it may not write into the catalogue is not seen there. */
  async function isAlive(id: string): Promise<boolean> {
    const checks = (await stage.consul.json("/v1/agent/checks")) as Readonly<Record<string, { readonly Status: string }>>;
    return checks[`fairlead-alive:${id}`]?.Status === "passing";
  }

  test("G7 a token without rights for one service hurts only that one: it fails by name, the others are written and live", async () => {
    const rights = await grantRights(stage.consul, WEB);
    const registry = stage.open({ token: async () => rights.token });
    await registry.keepAlive(OWNER, TTL_MS, stage.signal);
    const results = await stage.put(registry, instance("web", "1"), instance("db", "2"), instance("web", "3"));
    expect(results).toMatchObject([
      { outcome: "written" },
      { service: "db", id: "2", outcome: "failed", error: { code: "REGISTRY_DENIED", message: expect.stringContaining('"db"') } },
      { outcome: "written" },
    ]);
    expect((await agentServices(stage.consul)).map(({ ID }) => ID).sort()).toEqual(["1", "3"]);
    expect(await registry.keepAlive(OWNER, TTL_MS, stage.signal)).toBe("kept");
  });

  test("G7 rights that are taken away for one service let the others live on; given back, all is well again", {
    timeout: 60_000 * PATIENCE,
  }, async () => {
    const rights = await grantRights(stage.consul, ALL);
    const { log, lines } = recordingLog();
    const registry = stage.open({ token: async () => rights.token }, { log });
    const beat = (): Promise<string> => registry.keepAlive(OWNER, TTL_MS, stage.signal);
    await beat();
    const wanted = [instance("db", "1"), instance("web", "2"), instance("web", "3")];
    expect(outcomesOf(await stage.put(registry, ...wanted))).toEqual(["written", "written", "written"]);
    await rights.change(WEB);
    const beats: string[] = [];
    await waitFor(
      async () => {
        beats.push(await beat());
        return !(await isAlive("1"));
      },
      { timeoutMs: 20_000 * PATIENCE, intervalMs: 300, what: "the entry without rights to lapse" },
    );
    expect(beats.filter((each) => each === "lost")).toHaveLength(1); // it is told once, and written again in vain
    expect(await Promise.all([isAlive("2"), isAlive("3")])).toEqual([true, true]);
    expect((await registry.owned(OWNER, stage.signal)).map(({ unleased }) => unleased)).toEqual([true, false, false]);
    expect(outcomesOf(await stage.put(registry, ...wanted))).toEqual(["failed", "written", "written"]);
    expect(lines.filter((line) => line.includes("no right to keep"))).toHaveLength(1);
    await rights.change(ALL);
    expect(outcomesOf(await stage.put(registry, ...wanted))).toEqual(["written", "written", "written"]);
    expect(await beat()).toBe("kept");
    expect(await isAlive("1")).toBe(true);
  });

  test("what may not be removed is told, and the rest of a clean end is done all the same", async () => {
    const rights = await grantRights(stage.consul, ALL);
    const registry = stage.open({ token: async () => rights.token });
    await registry.keepAlive(OWNER, 30_000, stage.signal);
    await stage.put(registry, ...["a", "b", "c", "d"].map((id) => instance("db", id)), instance("web", "z"));
    await rights.change(WEB);
    await expect(registry.release(OWNER, stage.signal)).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
    expect((await agentServices(stage.consul)).map(({ ID }) => ID).sort()).toEqual(["a", "b", "c", "d"]);
    await rights.change(ALL); // else the agent could never take them out of the catalogue
    await registry.release(OWNER, stage.signal);
    expect(await agentServices(stage.consul)).toEqual([]);
  });

  test("G8 a token file with another token, the old one revoked: beats and registrations go on within one resync, and nothing flaps", {
    timeout: 90_000 * PATIENCE,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "fairlead-token-"));
    const file = join(folder, "token");
    const [first, second] = [await grantRights(stage.consul, ALL), await grantRights(stage.consul, ALL)];
    await writeFile(file, first.token);
    const registry = stage.open({ token: async () => await readFile(file, "utf8") });
    const healthCheck = { kind: "ttl", ttlMs: 600_000, initialStatus: "passing" } as const;
    let instances: readonly Instance[] = [instance("web", "1", { healthCheck }), instance("web", "2")];
    const running = stage.register(registry, TTL_MS, () => instances);
    await waitFor(async () => (await catalogItems(stage.consul, "web")).length === 2, { timeoutMs: 10_000, what: "both" });

    await writeFile(file, second.token);
    await first.revoke();
    instances = [...instances, instance("web", "3")];
    const seen = new Set<string>();
    const endAt = performance.now() + 3 * TTL_MS;
    while (performance.now() < endAt) {
      for (const { Service, Checks } of await catalogItems(stage.consul, "web")) {
        seen.add(`${Service.ID} ${Checks.every(({ Status }) => Status === "passing") ? "well" : "ill"}`);
      }
      expect((await catalogItems(stage.consul, "web")).length).toBeGreaterThanOrEqual(2);
      await sleep(100, stage.signal);
    }
    expect([...seen].sort()).toEqual(["1 well", "2 well", "3 well"]);
    expect((await registry.owned(OWNER, stage.signal)).map(({ unleased }) => unleased)).toEqual([false, false, false]);
    // The agent itself writes it into the catalogue, with the token that the service was registered with.
    await stage.consul.json("/v1/agent/check/warn/service:1", { method: "PUT" });
    const isShown = async (): Promise<boolean> => (await stage.statuses("web"))["service:1"] === "warning";
    const what = "what the agent found to be in the catalogue"; // after a refusal it writes nothing for 15 s and more
    await waitFor(isShown, { timeoutMs: 40_000 * PATIENCE, what });
    await running.stop();
    await rm(folder, { recursive: true });
  });
});
