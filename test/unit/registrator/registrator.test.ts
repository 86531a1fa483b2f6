import { describe, expect, it } from "vitest";
import { untilAborted } from "../../../src/core/time.ts";
import { FairleadError } from "../../../src/model/errors.ts";
import type { Instance } from "../../../src/model/instance.ts";
import type { Source } from "../../../src/ports.ts";
import { createMemoryWorld } from "../../../src/registry/memory-world.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { delegate, idsIn, instance, type ProcessOptions, puppet, start } from "./world.ts";

const down = new FairleadError("SOURCE_UNAVAILABLE", "gone", { retryable: true, hint: "start it" });

function world(sources: readonly Source[], more: Omit<ProcessOptions, "sources"> = {}) {
  const store = createMemoryWorld();
  const process = start(store, { sources, ...more });
  return { ...process, store, ids: () => idsIn(process.registry) };
}

describe("the registrator", () => {
  it("joins its sources and follows each", async () => {
    const a = puppet("a");
    const b = puppet("b");
    a.say([instance("1")]);
    b.say([instance("2", "db")]);
    const { ids, end } = world([a.source, b.source]);
    await expect.poll(ids).toEqual(["db/2", "web/1"]);
    a.say([instance("1"), instance("3")]);
    await expect.poll(ids).toEqual(["db/2", "web/1", "web/3"]);
    a.say([]);
    await expect.poll(ids).toEqual(["db/2"]);
    await end();
  });

  it("keeps the last good answer of a source that fails, and takes the others' changes", async () => {
    const a = puppet("a");
    const b = puppet("b");
    a.say([instance("1")]);
    b.say([instance("2")]);
    const { ids, end, log } = world([a.source, b.source]);
    await expect.poll(ids).toEqual(["web/1", "web/2"]);
    a.say(down);
    b.say([instance("3")]);
    await expect.poll(ids).toEqual(["web/1", "web/3"]);
    const failure = log.lines.find((line) => line.message === "registration pass failed");
    expect(failure?.fields).toMatchObject({ code: "SOURCE_UNAVAILABLE", error: "gone", hint: "start it" });
    await end();
  });

  it("warns of a failure once, and again when it comes back after all was well", async () => {
    const a = puppet("a");
    a.say([instance("1")]);
    const { ids, end, log } = world([a.source]);
    const failures = (level: string): number =>
      log.lines.filter((line) => line.message === "registration pass failed" && line.level === level).length;
    await expect.poll(ids).toEqual(["web/1"]);
    a.say(down);
    await expect.poll(() => failures("debug")).toBeGreaterThan(1);
    expect(failures("warn")).toBe(1);
    a.say([instance("2")]);
    await expect.poll(ids).toEqual(["web/2"]);
    a.say(down);
    await expect.poll(() => failures("warn")).toBe(2);
    await end();
  });

  it("keeps no change of a source waiting for another one that hangs, and takes that one's answer when it comes (G7)", async () => {
    const a = puppet("a");
    const b = puppet("b");
    a.say([instance("1")]);
    let answer: (instances: readonly Instance[]) => void = () => undefined;
    let isHanging = false;
    const hanging: Source = {
      ...b.source,
      list: async (signal) =>
        isHanging
          ? await untilAborted(signal, () => new Promise<readonly Instance[]>((resolve) => void (answer = resolve)))
          : await b.source.list(signal),
    };
    b.say([instance("2")]);
    const { ids, end } = world([a.source, hanging]);
    await expect.poll(ids).toEqual(["web/1", "web/2"]);
    isHanging = true;
    a.say([instance("3")]);
    await expect.poll(ids, { timeout: 5000 * PATIENCE }).toEqual(["web/2", "web/3"]);
    answer([instance("2"), instance("5")]);
    await expect.poll(ids, { timeout: 5000 * PATIENCE }).toEqual(["web/2", "web/3", "web/5"]);
    isHanging = false;
    b.say([instance("4")]);
    answer([instance("2")]); // older than what it says now
    await expect.poll(ids, { timeout: 5000 * PATIENCE }).toEqual(["web/3", "web/4"]);
    await end();
  });

  it("removes nothing until every source has answered once", async () => {
    const first = puppet("a");
    first.say([instance("1"), instance("2")]);
    const before = world([first.source]);
    await expect.poll(before.ids).toEqual(["web/1", "web/2"]);
    await before.end();

    const a = puppet("a");
    const b = puppet("b");
    a.say([instance("1"), instance("3")]);
    b.say(down);
    const after = start(before.store, { sources: [a.source, b.source] });
    await expect.poll(before.ids).toEqual(["web/1", "web/2", "web/3"]);
    b.say([]);
    await expect.poll(before.ids).toEqual(["web/1", "web/3"]);
    await after.kill();
  });

  it("removes what a source no longer lists while another one has never answered", async () => {
    const a = puppet("a");
    const b = puppet("b");
    a.say([instance("1"), instance("2")]);
    b.say(down);
    const { ids, end } = world([a.source, b.source]);
    await expect.poll(ids).toEqual(["web/1", "web/2"]);
    a.say([instance("1")]);
    await expect.poll(ids).toEqual(["web/1"]);
    a.say([instance("1"), instance("2")]);
    await expect.poll(ids).toEqual(["web/1", "web/2"]);
    a.say([]);
    await expect.poll(ids).toEqual([]);
    await end();
  });

  it("leaves an entry of another owner alone, says so once for each, and takes it when its lease has ended", async () => {
    const a = puppet("a");
    const { registry, store, ids, end, log } = world([a.source], { resyncMs: 200 });
    const never = new AbortController().signal;
    const occupy = async (owner: string): Promise<void> => {
      await registry.keepAlive(owner, 60_000, never);
      await registry.write(owner, { put: [{ instance: instance("1") }], remove: [] }, never);
    };
    const conflicts = () => log.lines.filter(({ message }) => /another owner|ours now/.test(message)).map(({ fields }) => fields);
    await occupy("n2");
    a.say([instance("1"), instance("2")]);
    await expect.poll(ids).toEqual(["web/1", "web/2"]);
    a.say([instance("1"), instance("2"), instance("3")]);
    await expect.poll(ids).toEqual(["web/1", "web/2", "web/3"]);
    expect(conflicts()).toMatchObject([{ holder: "n2", id: "1" }]);
    store.expire("n2");
    await occupy("n3");
    await expect.poll(conflicts).toMatchObject([{ holder: "n2" }, { holder: "n3", id: "1" }]);
    store.expire("n3");
    await expect.poll(conflicts).toMatchObject([{ holder: "n2" }, { holder: "n3" }, { before: "n3", id: "1" }]);
    expect((await registry.owned("n1", never)).map(({ entry }) => entry.id)).toEqual(["1", "2", "3"]);
    await end();
  });

  it("tries an entry that cannot be written again alone, and lets it hold up no other (G4, G7)", async () => {
    const a = puppet("a");
    const tried: string[] = [];
    let isBroken = true;
    const { ids, end, log } = world([a.source], {
      wrap: (registry) => ({
        ...delegate(registry),
        async write(owner, change, signal) {
          tried.push(change.put.map((put) => put.instance.id).join());
          const put = change.put.filter((item) => !isBroken || item.instance.id !== "bad");
          const results = await registry.write(owner, { put, remove: change.remove }, signal);
          const bad = change.put.filter((item) => !put.includes(item)).map(({ instance: { service, id } }) => ({ service, id }));
          const error = new FairleadError("USAGE", "not this one");
          return [...results, ...bad.map((place) => ({ ...place, outcome: "failed" as const, error }))];
        },
      }),
    });
    a.say([instance("bad"), instance("1")]);
    await expect.poll(ids).toEqual(["web/1"]);
    await expect.poll(() => tried.filter((id) => id === "bad").length).toBeGreaterThan(1); // by itself, without a hint
    a.say([instance("bad"), instance("1"), instance("2")]);
    await expect.poll(ids).toEqual(["web/1", "web/2"]);
    expect(tried.filter((text) => text.includes("1"))).toEqual(["bad,1"]);
    expect(log.lines.filter(({ message }) => message === "registration pass failed")).toEqual([]);
    const shown = log.lines.filter(({ message }) => message === "entry could not be written");
    expect(shown[0]).toMatchObject({ level: "warn", fields: { id: "bad", code: "USAGE", error: "not this one" } });
    isBroken = false;
    await expect.poll(ids, { timeout: 5000 }).toEqual(["web/1", "web/2", "web/bad"]);
    await end();
  });

  it("takes a failure of all writes for the store's, and tries all of them again soon (G4)", async () => {
    const a = puppet("a");
    let outages = 3;
    const { ids, end, log } = world([a.source], {
      wrap: (registry) => ({
        ...delegate(registry),
        async write(owner, change, signal) {
          outages -= 1;
          const error = new FairleadError("REGISTRY_UNAVAILABLE", "no space", { retryable: true });
          return outages < 0
            ? await registry.write(owner, change, signal)
            : change.put.map(({ instance: { service, id } }) => ({ service, id, outcome: "failed" as const, error }));
        },
      }),
    });
    a.say([instance("1"), instance("2")]);
    await expect.poll(ids, { timeout: 5000 }).toEqual(["web/1", "web/2"]);
    expect(log.lines.filter(({ message }) => message === "registration pass failed")).toHaveLength(3);
    expect(log.lines.filter(({ message }) => message === "entry could not be written")).toEqual([]);
    await end();
  });

  it.each<["keep" | "deregister", readonly string[]]>([
    ["keep", ["web/1"]],
    ["deregister", []],
  ])("told to stop with onStop %s (G8)", async (onStop, left) => {
    const a = puppet("a");
    a.say([instance("1")]);
    const { ids, end } = world([a.source], { onStop });
    await expect.poll(ids).toEqual(["web/1"]);
    await end();
    expect(await ids()).toEqual(left);
  });
});
