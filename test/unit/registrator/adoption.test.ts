import { afterEach, describe, expect, it } from "vitest";
import { FairleadError } from "../../../src/model/errors.ts";
import type { Instance } from "../../../src/model/instance.ts";
import { EVERYTHING } from "../../../src/model/selector.ts";
import type { Source } from "../../../src/ports.ts";
import { createRegistrator } from "../../../src/registrator/registrator.ts";
import { createMemoryRegistry } from "../../../src/registry/memory.ts";
import { createMemoryWorld } from "../../../src/registry/memory-world.ts";
import { recordLog } from "../../helpers/quiet-log.ts";
import { puppet } from "./world.ts";

const never = new AbortController().signal;
let ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(ends.map((end) => end()));
  ends = [];
});

function instance(id: string, port = 80): Instance {
  return { id, service: "web", address: "10.0.0.1", port, protocol: "tcp", tags: [], meta: {}, health: "passing" };
}

function world(ids: readonly string[]) {
  const store = createMemoryWorld();
  const leave = (id: string): void => store.setEntryBytes(`web/${id}`, Buffer.from('{"address":"10.0.0.1","port":80}'));
  ids.forEach(leave);
  const registry = createMemoryRegistry({ world: store });
  const log = recordLog();
  function start(sources: readonly Source[], adopt?: readonly string[]): void {
    const stop = new AbortController();
    const registrator = createRegistrator({
      writer: registry,
      sources,
      owner: "n1",
      mark: "host/1",
      ttlMs: 3000,
      resyncMs: 60_000,
      onStop: "keep",
      settle: { quietMs: 0, maxMs: 0 },
      ...(adopt !== undefined && { adopt }),
      log,
    });
    const ended = registrator.run(stop.signal);
    ends.push(async () => {
      stop.abort();
      await ended;
    });
  }
  const entries = async (): Promise<readonly string[]> => {
    const snapshot = await registry.read(EVERYTHING, { signal: never });
    return (snapshot.services.get("web")?.instances ?? []).map(({ id, port, owner }) => `${id} ${port} ${owner}`.trim());
  };
  return { registry, log, entries, leave, start };
}

const LEFT = ["host:gone:80", "host:moved:80", "host:same:80", "other:web:80"];
const WANTED = [instance("host:same:80"), instance("host:moved:80", 81)];

describe("what Registrator left behind", () => {
  it("is taken over where an instance stands, and removed where none does; other hosts' entries stay", async () => {
    const { entries, start, log } = world(LEFT);
    const source = puppet("puppet");
    source.say(WANTED);
    start([source.source], ["host", "n1"]);
    await expect.poll(entries).toEqual(["host:moved:80 81 n1", "host:same:80 80 n1", "other:web:80 80"]);
    await expect
      .poll(() => log.lines.filter(({ message }) => message.includes("left behind")))
      .toMatchObject([{ fields: { hosts: ["host", "n1"], entries: 3 } }]);
    expect(log.lines.some(({ message }) => message.includes("held by another owner"))).toBe(false);
  });

  it("is left alone by default: a place that is wanted is a conflict, whose hint names --adopt", async () => {
    const { entries, start, log } = world(LEFT);
    const source = puppet("puppet");
    source.say([...WANTED, instance("host:new:80")]);
    start([source.source]);
    await expect.poll(entries).toContain("host:new:80 80 n1");
    expect(await entries()).toEqual([
      "host:gone:80 80",
      "host:moved:80 80",
      "host:new:80 80 n1",
      "host:same:80 80",
      "other:web:80 80",
    ]);
    const conflicts = log.lines.filter(({ message }) => message.includes("held by another owner"));
    expect(conflicts.map(({ fields }) => [fields["id"], String(fields["hint"]).includes("--adopt")])).toEqual([
      ["host:same:80", true],
      ["host:moved:80", true],
    ]);
  });

  it("is not removed before every source has answered once, and then no more: later entries of others stay", async () => {
    const { entries, start, leave, log } = world(LEFT);
    const a = puppet("puppet");
    const b = puppet("puppet");
    a.say(WANTED);
    b.say(new FairleadError("SOURCE_UNAVAILABLE", "gone", { retryable: true }));
    start([a.source, b.source], ["host"]);
    await expect.poll(entries).toEqual(["host:gone:80 80", "host:moved:80 81 n1", "host:same:80 80 n1", "other:web:80 80"]);
    b.say([]);
    await expect.poll(entries).toEqual(["host:moved:80 81 n1", "host:same:80 80 n1", "other:web:80 80"]);
    await expect.poll(() => log.lines.some(({ message }) => message.includes("left behind"))).toBe(true);
    leave("host:late:80");
    a.say([instance("host:same:80")]);
    await expect.poll(entries).toEqual(["host:late:80 80", "host:same:80 80 n1", "other:web:80 80"]);
  });

  it("is tried again when the first pass fails", async () => {
    const { registry, entries, start, log } = world(LEFT);
    const source = puppet("puppet");
    source.say(WANTED);
    let fails = 1;
    const write = registry.write.bind(registry);
    registry.write = async (...args) => {
      fails -= 1;
      if (fails >= 0) {
        throw new FairleadError("REGISTRY_UNAVAILABLE", "down", { retryable: true });
      }
      return await write(...args);
    };
    start([source.source], ["host"]);
    await expect.poll(entries).toEqual(["host:moved:80 81 n1", "host:same:80 80 n1", "other:web:80 80"]);
    expect(log.lines.some(({ message }) => message === "registration pass failed")).toBe(true);
  });
});
