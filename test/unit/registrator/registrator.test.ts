import { describe, expect, it } from "vitest";
import { createHints } from "../../../src/core/hints.ts";
import { FairleadError } from "../../../src/model/errors.ts";
import type { Instance } from "../../../src/model/instance.ts";
import { EVERYTHING } from "../../../src/model/selector.ts";
import type { Source } from "../../../src/ports.ts";
import { createRegistrator } from "../../../src/registrator/registrator.ts";
import { createMemoryRegistry } from "../../../src/registry/memory.ts";
import { recordLog } from "../../helpers/quiet-log.ts";

function instance(id: string, service = "web"): Instance {
  return { id, service, address: "10.0.0.1", port: 80, protocol: "tcp", tags: [], meta: {}, health: "passing" };
}

/** A source that says what it is told to say. */
function puppet(name: string) {
  const hints = createHints();
  let answer: readonly Instance[] | Error = [];
  hints.notify();
  const source: Source = {
    name,
    list: async () => {
      if (answer instanceof Error) {
        throw answer;
      }
      return answer;
    },
    changes: (signal) => hints.read(signal),
  };
  return {
    source,
    say(next: readonly Instance[] | Error) {
      answer = next;
      hints.notify();
    },
  };
}

const down = new FairleadError("SOURCE_UNAVAILABLE", "gone", { retryable: true });

function world(sources: readonly Source[], more: { onStop?: "keep" | "deregister" } = {}) {
  const registry = createMemoryRegistry();
  const log = recordLog();
  const stop = new AbortController();
  const registrator = createRegistrator({
    writer: registry,
    sources,
    owner: "n1",
    mark: "host/1",
    ttlMs: 3000,
    resyncMs: 60_000,
    onStop: more.onStop ?? "keep",
    settle: { quietMs: 0, maxMs: 0 },
    log,
  });
  const ended = registrator.run(stop.signal);
  const ids = async (): Promise<readonly string[]> => {
    const snapshot = await registry.read(EVERYTHING, { signal: new AbortController().signal });
    return [...snapshot.services.values()]
      .flatMap((service) => service.instances.map((entry) => `${service.name}/${entry.id}`))
      .sort();
  };
  return { registry, log, ids, end: async () => (stop.abort(), await ended, await registrator.leave()) };
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
    expect(log.lines.some((line) => line.message === "registration pass failed")).toBe(true);
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
    const registrator = createRegistrator({
      writer: before.registry,
      sources: [a.source, b.source],
      owner: "n1",
      mark: "host/1",
      ttlMs: 3000,
      resyncMs: 60_000,
      onStop: "keep",
      settle: { quietMs: 0, maxMs: 0 },
      log: recordLog(),
    });
    const stop = new AbortController();
    const ended = registrator.run(stop.signal);
    await expect.poll(before.ids).toEqual(["web/1", "web/2", "web/3"]);
    b.say([]);
    await expect.poll(before.ids).toEqual(["web/1", "web/3"]);
    stop.abort();
    await ended;
  });

  it("leaves an entry of another owner alone and says so once", async () => {
    const a = puppet("a");
    const { registry, ids, end, log } = world([a.source]);
    const never = new AbortController().signal;
    await registry.keepAlive("n2", 3000, never);
    await registry.write("n2", { put: [{ instance: instance("1") }], remove: [] }, never);
    a.say([instance("1"), instance("2")]);
    await expect.poll(ids).toEqual(["web/1", "web/2"]);
    a.say([instance("1"), instance("2"), instance("3")]);
    await expect.poll(ids).toEqual(["web/1", "web/2", "web/3"]);
    expect(log.lines.filter((line) => line.message.includes("held by another owner"))).toMatchObject([
      { fields: { holder: "n2", id: "1" } },
    ]);
    await end();
  });

  it.each<["keep" | "deregister", readonly string[]]>([
    ["keep", ["web/1"]],
    ["deregister", []],
  ])("with onStop %s", async (onStop, left) => {
    const a = puppet("a");
    a.say([instance("1")]);
    const { ids, end } = world([a.source], { onStop });
    await expect.poll(ids).toEqual(["web/1"]);
    await end();
    expect(await ids()).toEqual(left);
  });
});
