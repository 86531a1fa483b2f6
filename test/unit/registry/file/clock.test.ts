/** Leases in files end by the clock on the wall, which every process sees and anybody may set. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EVERYTHING } from "../../../../src/model/selector.ts";
import type { Registry } from "../../../../src/ports.ts";
import { createFileRegistry } from "../../../../src/registry/file/registry.ts";
import { instance } from "../../registrator/world.ts";

const { signal } = new AbortController();
const HOUR_MS = 3_600_000;
const TTL_MS = 15_000;

describe("when the clock of the machine is set", () => {
  let dir: string;
  let opened: Registry[];
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "fairlead-clock-"));
    opened = [];
    vi.useFakeTimers({ toFake: ["Date", "performance"] });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await Promise.all(opened.map((registry) => registry.close()));
    await rm(dir, { recursive: true, force: true });
  });

  function open(): Registry {
    const registry = createFileRegistry({ dir });
    opened.push(registry);
    return registry;
  }
  /** One that has registered an entry. */
  async function register(): Promise<Registry> {
    const registry = open();
    await registry.showHolder("n1", "host/a", signal);
    await registry.keepAlive("n1", TTL_MS, signal);
    await registry.write("n1", { put: [{ instance: instance("1") }], remove: [] }, signal);
    return registry;
  }
  const setClock = (byMs: number): void => void vi.setSystemTime(Date.now() + byMs);
  const written = async (): Promise<unknown> => (await stat(join(dir, "services/web/1.json"), { bigint: true })).mtimeNs;
  const usable = async (): Promise<number> => (await open().read(EVERYTHING, { signal })).services.size;
  const expiry = async (): Promise<number> => {
    const lease = JSON.parse(await readFile(join(dir, "owners/n1.json"), "utf8")) as { readonly expiresAt: string };
    return Date.parse(lease.expiresAt) - Date.now();
  };

  it("forward, the entries are back with the next beat, and nothing is written again (G8)", async () => {
    const registry = await register();
    const before = await written();
    setClock(HOUR_MS);
    expect(await usable()).toBe(0);
    expect(await registry.keepAlive("n1", TTL_MS, signal)).toBe("kept");
    expect([await usable(), await written(), await expiry()]).toEqual([1, before, TTL_MS]);
    expect(await open().holder("n1", signal)).toBe("host/a");
  });

  it("forward, and another process has come meanwhile: its lease counts", async () => {
    const registry = await register();
    setClock(HOUR_MS);
    const other = open();
    await other.showHolder("n1", "host/b", signal);
    expect(await other.keepAlive("n1", TTL_MS, signal)).toBe("lost");
    setClock(HOUR_MS);
    expect(await registry.keepAlive("n1", TTL_MS, signal)).toBe("lost");
  });

  it("back, the next beat corrects the lease; until then a process that died counts as living", async () => {
    const registry = await register();
    setClock(-HOUR_MS);
    expect(await expiry()).toBe(HOUR_MS + TTL_MS);
    expect(await registry.keepAlive("n1", TTL_MS, signal)).toBe("kept");
    expect(await expiry()).toBe(TTL_MS);
  });

  it("a process that was away for longer than its lease has lost it, whatever the clock says", async () => {
    const registry = await register();
    vi.advanceTimersByTime(TTL_MS + 1);
    expect(await usable()).toBe(0);
    expect(await registry.keepAlive("n1", TTL_MS, signal)).toBe("lost");
    expect(await registry.owned("n1", signal)).toEqual([]);
  });
});
