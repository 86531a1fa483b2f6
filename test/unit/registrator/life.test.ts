/** A registrator's life on a store in memory, with a clock that the test moves. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FairleadError } from "../../../src/model/errors.ts";
import type { Registry } from "../../../src/ports.ts";
import { createMemoryRegistry } from "../../../src/registry/memory.ts";
import { createMemoryWorld, type MemoryWorld } from "../../../src/registry/memory-world.ts";
import { delegate, idsIn, instance, type Process, puppet, start } from "./world.ts";

const TTL_MS = 15_000;
const pass = async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms));

/** Cuts a process off from its registry, and back again. */
function cutter(): { readonly cut: (registry: Registry) => Registry; readonly set: (next: boolean) => void } {
  let isCut = false;
  const cut = (registry: Registry): Registry => {
    const guard = <A extends unknown[], T>(call: (...args: A) => Promise<T>) => {
      return async (...args: A): Promise<T> => {
        if (isCut) {
          throw new FairleadError("REGISTRY_UNAVAILABLE", "cut off", { retryable: true });
        }
        return await call(...args);
      };
    };
    const plain = delegate(registry);
    return {
      ...plain,
      owned: guard(plain.owned),
      write: guard(plain.write),
      keepAlive: guard(plain.keepAlive),
      holder: guard(plain.holder),
      showHolder: guard(plain.showHolder),
    };
  };
  return { cut, set: (next) => void (isCut = next) };
}

describe("a registrator's life", () => {
  let world: MemoryWorld;
  let reader: Registry;
  let started: Process[];
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
    world = createMemoryWorld();
    reader = createMemoryRegistry({ world });
    started = [];
  });
  afterEach(async () => {
    await Promise.all(started.map((process) => process.kill()));
    vi.useRealTimers();
  });

  function launch(mark: string, ids: readonly string[], wrap?: (registry: Registry) => Registry): Process {
    const source = puppet("static");
    source.say(ids.map((id) => instance(id)));
    const process = start(world, { mark, sources: [source.source], ttlMs: TTL_MS, ...(wrap !== undefined && { wrap }) });
    started.push(process);
    return process;
  }
  /** Remembers every state that a reader could see. */
  function watch(): string[] {
    const seen: string[] = [];
    world.subscribe({
      onEntry: () => void seen.push([...world.entryRefs()].sort().join()),
      onKey: () => undefined,
    });
    return seen;
  }
  const told = ({ log }: Process, text: string) => log.lines.filter(({ message }) => message.includes(text));

  it("in an hour without changes it writes heart-beats only, a third of the time to live apart (G8)", async () => {
    const beats: number[] = [];
    const others: string[] = [];
    launch("host/a", ["1", "2", "3"], (registry) => ({
      ...delegate(registry),
      keepAlive: (...args) => (beats.push(performance.now()), registry.keepAlive(...args)),
      write: (...args) => (others.push("write"), registry.write(...args)),
      showHolder: (...args) => (others.push("holder"), registry.showHolder(...args)),
    }));
    await pass(1000);
    expect(await idsIn(reader)).toEqual(["web/1", "web/2", "web/3"]);
    const seen = watch();
    beats.length = 0;
    others.length = 0;
    await pass(3_600_000);
    expect(others).toEqual([]);
    expect(seen).toEqual([]);
    expect(beats).toHaveLength(3_600_000 / (TTL_MS / 3));
    expect(new Set(beats.slice(1).map((at, i) => at - (beats[i] ?? 0)))).toEqual(new Set([TTL_MS / 3]));
  });

  it("a second process with the same node id waits and says who holds it; no entry changes (G8)", async () => {
    launch("host/a", ["1", "2"]);
    await pass(1000);
    const seen = watch();
    const b = launch("host/b", ["1", "other"]);
    await pass(10 * 60_000);
    expect(seen).toEqual([]);
    expect(told(b, "another fairlead registers for this node")).toMatchObject([
      { level: "warn", fields: { node: "n1", holder: "host/a" } },
    ]);
    expect(told(b, "registered")).toEqual([]);
  });

  it("when the first one is killed, the second takes over with the end of its lease (G8)", async () => {
    const a = launch("host/a", ["1"]);
    await pass(1000);
    const b = launch("host/b", ["1", "2"]);
    await pass(60_000);
    await a.kill();
    await pass(TTL_MS + TTL_MS / 3 + 1000);
    expect(await idsIn(reader)).toEqual(["web/1", "web/2"]);
    expect(told(b, "registers for the node from now on")).toMatchObject([{ fields: { before: "host/a" } }]);
  });

  it("when the first one is told to stop, the second takes over without a gap: an upgrade does not flap (G8)", async () => {
    const a = launch("host/a", ["1"]);
    await pass(1000);
    launch("host/b", ["1", "2"]);
    await pass(60_000);
    const seen = watch();
    await a.end();
    await pass(TTL_MS / 3 + 1000);
    expect(await idsIn(reader)).toEqual(["web/1", "web/2"]);
    await pass(10 * TTL_MS);
    expect(seen).toEqual(["web/1,web/2"]);
  });

  it("a predecessor that died elsewhere is asked for a third of the time to live; its entries live on meanwhile (G8)", async () => {
    const a = launch("host/a", ["1"]);
    await pass(1000);
    await a.kill();
    const seen = watch();
    const b = launch("host/b", ["1", "2"]);
    await pass(TTL_MS / 3 + 500);
    expect(told(b, "registered")).toEqual([]);
    await pass(1500);
    expect(await idsIn(reader)).toEqual(["web/1", "web/2"]);
    expect(seen).toEqual(["web/1,web/2"]);
  });

  it("the same process, killed and started again, goes on at once and writes nothing (G8)", async () => {
    const a = launch("host/a", ["1", "2"]);
    await pass(1000);
    await a.kill();
    const seen = watch();
    launch("host/a", ["1", "2"]);
    await pass(0);
    launch("host/b", ["3"]);
    await pass(10 * TTL_MS);
    expect(seen).toEqual([]);
    expect(await reader.holder("n1", new AbortController().signal)).toBe("host/a");
  });

  it("two that start at the same moment do not both register, and one does", async () => {
    launch("host/a", ["a"]);
    launch("host/b", ["b"]);
    await pass(5000);
    const [holder] = (await idsIn(reader)) as [string];
    await pass(60_000);
    expect(await idsIn(reader)).toEqual([holder]);
  });

  it("three wait for each other: when the holder goes, one of the two others takes over", async () => {
    const a = launch("host/a", ["a"]);
    await pass(1000);
    launch("host/b", ["b"]);
    launch("host/c", ["c"]);
    await pass(60_000);
    expect(await idsIn(reader)).toEqual(["web/a"]);
    await a.end();
    await pass(2 * TTL_MS);
    const after = await idsIn(reader);
    expect(after).toHaveLength(1);
    expect(["web/b", "web/c"]).toContain(after[0]);
    await pass(10 * TTL_MS);
    expect(await idsIn(reader)).toEqual(after);
  });

  it("a process that was cut off while another took over does not write when it is back", async () => {
    const { cut, set } = cutter();
    const a = launch("host/a", ["a"], cut);
    await pass(1000);
    set(true);
    await pass(1000);
    launch("host/b", ["b"]);
    await pass(60_000);
    expect(await idsIn(reader)).toEqual(["web/b"]);
    const seen = watch();
    set(false);
    await pass(60_000);
    expect(seen).toEqual([]);
    expect(told(a, "another fairlead registers for this node")).toMatchObject([{ fields: { holder: "host/b" } }]);
  });

  it("told to stop when another took over meanwhile, it takes none of that one's entries back (G8)", async () => {
    const { cut, set } = cutter();
    const source = puppet("static");
    source.say([instance("a")]);
    const a = start(world, { mark: "host/a", sources: [source.source], ttlMs: TTL_MS, onStop: "deregister", wrap: cut });
    await pass(1000);
    set(true);
    await pass(1000);
    launch("host/b", ["b"]);
    await pass(60_000);
    const seen = watch();
    set(false);
    await a.end();
    await pass(60_000);
    expect(await idsIn(reader)).toEqual(["web/b"]);
    expect(seen).toEqual([]);
  });

  it("who asked for the name and is told to stop leaves the holder its name", async () => {
    const a = launch("host/a", ["1"]);
    await pass(1000);
    const source = puppet("static");
    const b = start(world, { mark: "host/b", sources: [source.source], ttlMs: TTL_MS });
    await pass(100);
    expect(world.holder("n1")).toBe("?host/b");
    await b.end();
    expect(world.holder("n1")).toBe("?host/b");
    await pass(TTL_MS);
    expect(world.holder("n1")).toBe("host/a");
    expect(told(a, "another fairlead registers")).toEqual([]);
  });

  it.each<[string, Partial<Registry>]>([
    ["without a place for it", { holder: async () => undefined, showHolder: async () => undefined }],
    [
      "that does not allow to look",
      {
        holder: async () => {
          throw new FairleadError("REGISTRY_DENIED", "not you");
        },
      },
    ],
  ])("a registry %s is written as ever", async (_what, other) => {
    const a = launch("host/a", ["1"], (registry) => ({ ...delegate(registry), ...other }));
    await pass(10 * TTL_MS);
    expect(await idsIn(reader)).toEqual(["web/1"]);
    expect(told(a, "it cannot be seen who").length).toBe(other.showHolder === undefined ? 1 : 0);
  });

  it("a lost lease is found with the next beat, and everything is written again once", async () => {
    launch("host/a", ["1", "2"]);
    await pass(1000);
    const seen = watch();
    world.expire("n1");
    await pass(TTL_MS / 3 + 100);
    expect(await idsIn(reader)).toEqual(["web/1", "web/2"]);
    await pass(10 * TTL_MS);
    expect(seen).toEqual(["web/2", "", "web/1", "web/1,web/2"]);
  });

  it("with onStop deregister a process that waits takes nothing away", async () => {
    launch("host/a", ["1"]);
    await pass(1000);
    const source = puppet("static");
    const b = start(world, { mark: "host/b", sources: [source.source], ttlMs: TTL_MS, onStop: "deregister" });
    await pass(60_000);
    const seen = watch();
    await b.end();
    await pass(TTL_MS);
    expect(await idsIn(reader)).toEqual(["web/1"]);
    expect(seen).toEqual([]);
  });
});
