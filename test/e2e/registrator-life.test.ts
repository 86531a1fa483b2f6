/** What happens to entries when the process that registers them is killed, stopped for a while, or loses its lease: on real stores. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Running } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { describeWith, type Etcd, startEtcd } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { etcdStoreOf, LIFE_STORES, type Life, type LifeStore, startLife, watch } from "./lives.ts";

let folder: string;
let started: Running[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-life-"));
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

async function until(store: LifeStore, ids: string, timeoutMs: number): Promise<void> {
  const what = `the entries ${ids === "" ? "to go" : ids}`;
  await waitFor(async () => Object.keys(await store.versions()).join() === ids, { timeoutMs: timeoutMs * PATIENCE, what });
}

async function pass(ms: number): Promise<void> {
  const end = performance.now() + ms;
  await waitFor(() => performance.now() > end, { timeoutMs: ms + 10_000, what: "the time to pass" });
}

for (const { name, servers, make } of LIFE_STORES) {
  const suite = servers.length === 0 ? describe : (title: string, body: () => void) => describeWith(servers, title, body);
  suite(`a registering process on ${name}`, () => {
    let store: LifeStore;
    beforeEach(async () => {
      store = await make(folder);
    });
    afterEach(() => store?.stop());

    it("killed: the next process with its state writes nothing; without one its entries go, and no other node's (G8)", async () => {
      await launch({ name: "other", store, node: "n2", ids: ["other"] });
      await until(store, "web/other", 15_000);
      const first = await launch({ name: "a", store, ids: ["1", "2"] });
      await until(store, "web/1,web/2,web/other", 15_000);
      const before = await store.versions();
      // It waits for the first one's end, so that a slow machine cannot make its start last longer than the time to live.
      const second = await launch({ name: "a", store, ids: ["1", "2"] });
      await second.logged("another process on this machine registers for this node", {}, 15_000 * PATIENCE);
      await first.kill();
      await pass(store.ttlMs + 2000); // the entries live only by the second process
      expect(await store.versions(), second.stderr()).toEqual(before);
      expect(second.log().filter(({ msg }) => /^registered|lost|lease could/.test(msg))).toEqual([]);

      const watcher = await watch(store);
      await waitFor(() => watcher.seen.at(-1) === "1,2,other", { timeoutMs: 10_000 * PATIENCE, what: "the reader" });
      await second.kill();
      const killedAt = performance.now();
      await waitFor(() => watcher.seen.at(-1) === "other", {
        timeoutMs: store.ttlMs + store.slackMs + 3000 * PATIENCE,
        what: "the entries to be unusable",
      });
      expect(performance.now() - killedAt).toBeLessThan(store.ttlMs + store.slackMs + 2000 * PATIENCE);
      expect((await store.versions())["web/other"]).toBe(before["web/other"]);
      await watcher.stop();
    });

    it("suspended for longer than its time to live: it is back with the next beat, each entry once, no ghost (G8)", async () => {
      const process = await launch({ name: "a", store, ids: ["1", "2"] });
      await until(store, "web/1,web/2", 15_000);
      const watcher = await watch(store);
      await waitFor(() => watcher.seen.at(-1) === "1,2", { timeoutMs: 10_000 * PATIENCE, what: "the reader" });
      suspend(process);
      await waitFor(() => watcher.seen.at(-1) === "", {
        timeoutMs: store.ttlMs + store.slackMs + 3000 * PATIENCE,
        what: "the entries to be unusable",
      });
      resume(process);
      await waitFor(() => watcher.seen.at(-1) === "1,2", {
        timeoutMs: store.ttlMs / 3 + 5000 * PATIENCE,
        what: "the entries to be back",
      });
      const after = await store.versions();
      await pass(store.ttlMs);
      expect(await store.versions()).toEqual(after);
      expect(Object.keys(after)).toEqual(["web/1", "web/2"]);
      expect(registeredBy(process)).toEqual(["1", "1", "2", "2"]);
      await watcher.stop();
    });
  });
}

describeWith(["etcd34"], "a registering process that loses its lease in etcd", () => {
  let etcd: Etcd;
  let store: LifeStore;
  beforeEach(async () => {
    etcd = await startEtcd({ version: "3.4" });
    store = etcdStoreOf(etcd);
  });
  afterEach(() => etcd?.stop());

  it("revoked by hand: the next beat tells, and everything is written again exactly once (G8)", async () => {
    const process = await launch({ name: "a", store, ids: ["1", "2"] });
    await until(store, "web/1,web/2", 15_000);
    const { leases } = (await etcd.call("/v3/lease/leases", {})) as { readonly leases: readonly { readonly ID: string }[] };
    for (const { ID } of leases) {
      await etcd.call("/v3/lease/revoke", { ID });
    }
    const revision = await etcd.revision();
    await until(store, "web/1,web/2", store.ttlMs / 3 + 5000);
    await process.logged("new etcd lease", {}, 10_000);
    await pass(store.ttlMs);
    expect(registeredBy(process)).toEqual(["1", "1", "2", "2"]);
    // The holder under the new lease, both entries in one transaction, and that what was lost is back.
    expect((await etcd.revision()) - revision).toBe(3);
  });

  it("with the whole store: everything is back within one beat, and written once", async () => {
    const process = await launch({ name: "a", store, ids: ["1", "2"] });
    await until(store, "web/1,web/2", 15_000);
    await etcd.wipe();
    await until(store, "web/1,web/2", store.ttlMs / 3 + 5000);
    await pass(store.ttlMs);
    expect(registeredBy(process)).toEqual(["1", "1", "2", "2"]);
  });

  it("while nothing changes the store's revision stands still: beats write nothing (G8)", async () => {
    await launch({ name: "a", store, ids: ["1", "2"] });
    await until(store, "web/1,web/2", 15_000);
    await pass(store.ttlMs);
    const revision = await etcd.revision();
    await pass(2 * store.ttlMs);
    expect(await etcd.revision()).toBe(revision);
  });
});

/** The id of each write that it told of. */
function registeredBy(process: Running): readonly string[] {
  const writes = process.log().filter(({ msg }) => msg === "registered");
  return writes.map(({ id }) => String(id)).sort();
}

/** By its process id. */
function suspend({ pid }: Running): void {
  process.kill(pid, "SIGSTOP");
}

function resume({ pid }: Running): void {
  process.kill(pid, "SIGCONT");
}
