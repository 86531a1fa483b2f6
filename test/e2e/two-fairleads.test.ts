/** Two processes with one node id: one registers, the other waits. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Running } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { describeWith } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { LIFE_STORES, type Life, type LifeStore, markOf, startLife, watch } from "./lives.ts";

const WAITS = "another fairlead registers for this node";

let folder: string;
let started: Running[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-two-"));
  started = [];
});
afterEach(async () => {
  await Promise.all(started.map((process) => process.kill()));
  await rm(folder, { recursive: true, force: true });
});

async function launch(life: Omit<Life, "folder">): Promise<Running> {
  const process = await startLife({ ...life, folder });
  started.push(process);
  return process;
}

for (const { name, servers, make } of LIFE_STORES) {
  const suite = servers.length === 0 ? describe : (title: string, body: () => void) => describeWith(servers, title, body);
  suite(`two fairleads with one node id, on ${name}`, () => {
    let store: LifeStore;
    beforeEach(async () => {
      store = await make(folder);
    });
    afterEach(() => store?.stop());

    const until = (what: string, ids: string, timeoutMs: number): Promise<unknown> =>
      waitFor(async () => Object.keys(await store.versions()).join() === ids, { timeoutMs: timeoutMs * PATIENCE, what });

    it("the second waits and says who registers; it takes over without a gap when told, with the lease after a kill (G8)", async () => {
      const first = await launch({ name: "a", store, ids: ["1", "2"] });
      await until("the first one's entries", "web/1,web/2", 15_000);
      const before = await store.versions();
      const watcher = await watch(store);

      const second = await launch({ name: "b", store, ids: ["1", "2", "b"] });
      const told = await second.logged(WAITS, {}, (store.ttlMs + 10_000) * PATIENCE);
      expect(told).toMatchObject({ level: "warn", node: "n1", holder: await markOf(folder, "a") });
      const waitUntil = performance.now() + store.ttlMs + 1000;
      await waitFor(() => performance.now() > waitUntil, { timeoutMs: 60_000, what: "a time to live and more" });
      expect(await store.versions()).toEqual(before);

      await first.stop();
      await until("the second one's entries", "web/1,web/2,web/b", store.ttlMs / 3 + 5000);
      expect(await store.versions()).toMatchObject(before); // adopted, not written
      await waitFor(() => watcher.seen.length > 1, { timeoutMs: 10_000 * PATIENCE, what: "the reader" });
      expect(watcher.seen).toEqual(["1,2", "1,2,b"]);
      expect(second.log().filter(({ msg }) => msg === WAITS)).toHaveLength(1);

      const third = await launch({ name: "a", store, ids: ["1", "2", "c"] });
      await third.logged(WAITS, { holder: await markOf(folder, "b") }, (store.ttlMs + 10_000) * PATIENCE);
      await second.kill();
      await until("the third one's entries", "web/1,web/2,web/c", store.ttlMs + store.slackMs + store.ttlMs / 3 + 10_000);
      expect(watcher.seen.filter((ids) => ids.includes("b") && ids.includes("c"))).toEqual([]);
      await watcher.stop();
    });
  });
}

describe("two fairleads with one state folder", () => {
  it("the second waits, says which process registers, renders all the same, and goes on where the first one ends (G8)", async () => {
    const store = await (LIFE_STORES[0] as (typeof LIFE_STORES)[0]).make(folder);
    await writeFile(join(folder, "web.hbs"), '{{#each (service "web")}}{{id}} {{/each}}\n');
    const render = { targets: { web: { files: [{ template: "web.hbs", dest: "web.txt" }], guard: "off" } } };
    const first = await launch({ name: "a", store, ids: ["1"] });
    await waitFor(async () => "web/1" in (await store.versions()), { timeoutMs: 15_000 * PATIENCE, what: "the entry" });
    const before = await store.versions();
    const second = await launch({ name: "a", store, ids: ["1", "2"], more: { render } });
    const told = await second.logged("another process on this machine registers for this node", {}, 15_000 * PATIENCE);
    expect(told).toMatchObject({ level: "warn", code: "LOCKED" });
    expect(told["error"]).toContain(`(pid ${first.pid})`);
    const rendered = async (): Promise<string> => await readFile(join(folder, "web.txt"), "utf8").catch(() => "");
    await waitFor(async () => (await rendered()).startsWith("1 "), { timeoutMs: 15_000 * PATIENCE, what: "the file" });
    await first.kill();
    await waitFor(async () => "web/2" in (await store.versions()), { timeoutMs: 15_000 * PATIENCE, what: "its own entry" });
    expect(await store.versions()).toMatchObject(before);
    await second.stop();
  });
});
