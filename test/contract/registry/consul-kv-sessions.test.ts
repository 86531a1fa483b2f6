import { expect, test } from "vitest";
import { sleep } from "../../../src/core/time.ts";
import type { Registry } from "../../../src/ports.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { describeWith } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { instance, outcomesOf } from "./arena.ts";
import { consulStage, OWNER } from "./consul-stage.ts";

const TTL_MS = 10_000; // Consul has none that is shorter

describeWith(["consul"], "the session of a process in Consul's key-value store", () => {
  const stage = consulStage({ dev: true });

  interface Session {
    readonly ID: string;
    readonly Name: string;
  }
  interface Pair {
    readonly Key: string;
    readonly CreateIndex: number;
    readonly ModifyIndex: number;
    readonly Session?: string;
  }
  const sessions = async (): Promise<readonly Session[]> => (await stage.consul.json("/v1/session/list")) as readonly Session[];
  const createSession = async (body: object): Promise<string> =>
    ((await stage.consul.json("/v1/session/create", { method: "PUT", body })) as { readonly ID: string }).ID;
  const destroy = (id: string): Promise<unknown> => stage.consul.json(`/v1/session/destroy/${id}`, { method: "PUT" });
  async function pairs(): Promise<readonly Pair[]> {
    const { status, text } = await stage.consul.http("/v1/kv/fairlead/?recurse");
    return status === 404 ? [] : (JSON.parse(text) as readonly Pair[]);
  }
  async function opened(): Promise<Registry> {
    const registry = stage.openKv();
    await registry.keepAlive(OWNER, TTL_MS, stage.signal);
    return registry;
  }

  test("that was ended by hand is made anew with the next beat: everything is written again, once, and nobody calls it a conflict", {
    timeout: 60_000 * PATIENCE,
  }, async () => {
    const instances = Array.from({ length: 40 }, (_, i) => instance(`svc-${i % 7}`, `id-${i}`));
    const running = stage.register(stage.openKv(), TTL_MS, () => instances);
    const isThere = async (): Promise<boolean> => (await pairs()).length === 41; // and the owner's record
    await waitFor(isThere, { timeoutMs: 10_000 * PATIENCE, what: "all" });
    const [session] = await sessions();
    await destroy(session?.ID ?? "");
    expect(await pairs()).toEqual([]);
    await waitFor(isThere, { timeoutMs: 10_000 * PATIENCE, what: "all to be back" });
    const [next, ...more] = await sessions();
    expect(more).toEqual([]);
    const back = await pairs();
    expect(new Set(back.map((pair) => pair.Session))).toEqual(new Set([next?.ID]));
    expect(back.filter(({ CreateIndex, ModifyIndex }) => CreateIndex !== ModifyIndex)).toEqual([]);
    await sleep(TTL_MS / 3 + 1500, stage.signal); // a beat and more than one resync
    expect(await pairs()).toEqual(back);
    const warnings = running.lines.filter((line) => line.startsWith("warn") && !line.includes("the lease has ended"));
    expect(warnings).toEqual([]);
    await running.stop();
  });

  test("a key that a lock-delay keeps from everybody is waited for: it fails, is tried again, and is no conflict", {
    timeout: 30_000 * PATIENCE,
  }, async () => {
    const theirs = await createSession({ Name: "theirs", TTL: "10s", Behavior: "delete", LockDelay: "3s" });
    await stage.consul.json(`/v1/kv/fairlead/services/web/1?acquire=${theirs}`, { method: "PUT", body: "x" });
    const registry = await opened();
    await destroy(theirs);
    const outcomes: string[] = [];
    await waitFor(
      async () => {
        const [free, delayed] = await stage.put(registry, instance("web", "2"), instance("web", "1"));
        expect(free).toMatchObject({ outcome: "written" });
        if (delayed?.outcome === "failed") {
          expect(delayed.error.retryable).toBe(true);
        }
        outcomes.push(delayed?.outcome ?? "none");
        return delayed?.outcome === "written";
      },
      { timeoutMs: 10_000 * PATIENCE, intervalMs: 200, what: "the delay to be over" },
    );
    expect(new Set(outcomes)).toEqual(new Set(["failed", "written"]));
  });

  test.each<readonly [string, object]>([
    ["leaves its keys behind", { Behavior: "release", LockDelay: "0s" }],
    ["locks its keys up when it ends", { Behavior: "delete", LockDelay: "15s" }],
  ])("one of the same name that %s is not taken for ours", async (_, more) => {
    await opened();
    const [ours] = await sessions();
    const name = ours?.Name;
    await destroy(ours?.ID ?? "");
    const strange = await createSession({ Name: name, TTL: "10s", NodeChecks: [], ...more });
    const registry = stage.openKv();
    expect(await registry.keepAlive(OWNER, TTL_MS, stage.signal)).toBe("lost");
    expect(outcomesOf(await stage.put(registry, instance("web", "1")))).toEqual(["written"]);
    const before = await pairs();
    await destroy(strange);
    expect(await pairs()).toEqual(before);
    expect((await sessions()).map(({ Name }) => Name)).toEqual([name]);
  });

  test("renewing it writes nothing: a process that only beats moves no index", async () => {
    const registry = await opened();
    await stage.put(registry, instance("web", "1"));
    const index = async (): Promise<unknown> => (await stage.consul.http("/v1/kv/fairlead/?recurse")).headers["x-consul-index"];
    await registry.keepAlive(OWNER, TTL_MS, stage.signal);
    const before = await index();
    for (let beat = 0; beat < 5; beat += 1) {
      expect(await registry.keepAlive(OWNER, TTL_MS, stage.signal)).toBe("kept");
    }
    expect(await index()).toBe(before);
  });
});
