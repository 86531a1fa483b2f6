import { expect, test } from "vitest";
import { EVERYTHING } from "../../../src/model/selector.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { describeWith } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { instance, outcomesOf } from "./arena.ts";
import { consulStage, OWNER, recordingLog } from "./consul-stage.ts";
import { grantRights } from "./consul-world.ts";

describeWith(["consul"], "who writes as an owner of the catalogue", () => {
  const stage = consulStage({ acl: true, dev: true });
  const TTL_MS = 30_000; // what a beat may take is a part of it

  async function endSessions(): Promise<void> {
    for (const { ID } of (await stage.consul.json("/v1/session/list")) as readonly { readonly ID: string }[]) {
      await stage.consul.json(`/v1/session/destroy/${ID}`, { method: "PUT" });
    }
  }

  test("is shown to every other process, for as long as a session of the owner lives", async () => {
    const [first, second] = [stage.open(), stage.open()];
    expect(await first.holder(OWNER, stage.signal)).toBeUndefined();
    await first.keepAlive(OWNER, 3000, stage.signal);
    await first.showHolder(OWNER, "host/1", stage.signal);
    expect(await second.holder(OWNER, stage.signal)).toBe("host/1");
    expect(await second.holder("n2", stage.signal)).toBeUndefined();
    expect(await stage.consul.json("/v1/session/list")).toMatchObject([{ TTL: "10s", Behavior: "delete", LockDelay: 0 }]);
    await endSessions();
    expect(await second.holder(OWNER, stage.signal)).toBeUndefined();
  });

  test("comes back with the next beat when the session was lost, and not over somebody else", async () => {
    const [first, second] = [stage.open(), stage.open()];
    await first.keepAlive(OWNER, TTL_MS, stage.signal);
    await first.showHolder(OWNER, "host/1", stage.signal);
    await endSessions();
    expect(await first.keepAlive(OWNER, TTL_MS, stage.signal)).toBe("kept");
    expect(await second.holder(OWNER, stage.signal)).toBe("host/1");
    await second.showHolder(OWNER, "host/2", stage.signal);
    expect(await first.holder(OWNER, stage.signal)).toBe("host/2");
    await first.keepAlive(OWNER, TTL_MS, stage.signal);
    expect(await first.holder(OWNER, stage.signal)).toBe("host/2");
    await endSessions();
    await second.keepAlive(OWNER, TTL_MS, stage.signal);
    await first.keepAlive(OWNER, TTL_MS, stage.signal);
    expect(await first.holder(OWNER, stage.signal)).toBe("host/2");
    expect(await stage.consul.json("/v1/session/list")).toHaveLength(1); // of all these, one lives
  });

  test("of a process that was killed goes within Consul's time for a session, however short entries live", {
    timeout: 60_000 * PATIENCE,
  }, async () => {
    const [killed, other] = [stage.open(), stage.open()];
    await killed.keepAlive(OWNER, 3000, stage.signal);
    await killed.showHolder(OWNER, "host/1", stage.signal);
    await killed.close();
    const isGone = async (): Promise<boolean> => (await other.holder(OWNER, stage.signal)) === undefined;
    await waitFor(isGone, { timeoutMs: 25_000 * PATIENCE, intervalMs: 500, what: "the holder to go" });
  });

  test("can be taken away after a clean end", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, TTL_MS, stage.signal);
    await registry.showHolder(OWNER, "host/1", stage.signal);
    await registry.release(OWNER, stage.signal);
    expect(await stage.open().holder(OWNER, stage.signal)).toBe("host/1");
    await registry.showHolder(OWNER, "", stage.signal);
    expect(await stage.open().holder(OWNER, stage.signal)).toBeUndefined();
  });

  test("is no entry, no key and no owner that anybody reads, and being shown moves none", async () => {
    const registry = stage.open();
    await registry.keepAlive(OWNER, TTL_MS, stage.signal);
    await stage.put(registry, instance("web", "1"));
    const index = async (): Promise<unknown> => (await stage.consul.http("/v1/health/service/web")).headers["x-consul-index"];
    const before = await index();
    const [owned] = await registry.owned(OWNER, stage.signal);
    await registry.showHolder(OWNER, "host/1", stage.signal);
    await registry.keepAlive(OWNER, TTL_MS, stage.signal);
    expect(await index()).toBe(before);
    expect(await registry.owned(OWNER, stage.signal)).toEqual([owned]);
    const snapshot = await registry.read(EVERYTHING, { signal: stage.signal });
    expect([...snapshot.keys.keys()]).toEqual([]);
    expect(snapshot.invalid).toEqual([]);
  });

  test.each<readonly [string, string]>([
    ["sessions", 'key_prefix "" { policy = "write" }'],
    ["keys", 'session_prefix "" { policy = "write" }'],
    ["either", ""],
  ])("without the right to write %s nobody is shown, which is told once, and all else goes on", async (_, more) => {
    const catalogue = 'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" }';
    const rights = await grantRights(stage.consul, `${catalogue} ${more}`);
    const { log, lines } = recordingLog();
    const registry = stage.open({ token: async () => rights.token }, { log });
    await registry.keepAlive(OWNER, TTL_MS, stage.signal);
    await registry.showHolder(OWNER, "host/1", stage.signal);
    await registry.showHolder(OWNER, "host/1", stage.signal);
    expect(await registry.holder(OWNER, stage.signal)).toBeUndefined();
    expect(outcomesOf(await stage.put(registry, instance("web", "1")))).toEqual(["written"]);
    expect(await registry.keepAlive(OWNER, TTL_MS, stage.signal)).toBe("kept");
    expect(lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);
    expect(lines.join()).not.toContain(rights.token);
  });
});
