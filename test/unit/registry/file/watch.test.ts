import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as Chokidar from "chokidar";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EVERYTHING } from "../../../../src/model/selector.ts";
import type { Log } from "../../../../src/ports.ts";
import { createFileRegistry } from "../../../../src/registry/file/registry.ts";
import { waitFor } from "../../../helpers/wait.ts";

const { loads, refuse } = vi.hoisted(() => ({ loads: { count: 0 }, refuse: { on: false } }));

/** The real one, counted; `refuse` makes it fail as at the system's limit: an error, then `ready` all the same. */
vi.mock("chokidar", async (importOriginal) => {
  loads.count += 1;
  const original = await importOriginal<typeof Chokidar>();
  class Refusing extends original.FSWatcher {
    override add(...args: Parameters<Chokidar.FSWatcher["add"]>): Chokidar.FSWatcher {
      if (!refuse.on) {
        return super.add(...args);
      }
      queueMicrotask(() => {
        this.emit(
          "error",
          Object.assign(new Error("ENOSPC: System limit for number of file watchers reached"), { code: "ENOSPC" }),
        );
        this.emit("ready");
      });
      return this;
    }
  }
  return { ...original, FSWatcher: Refusing };
});

const signal = new AbortController().signal;
const entry = (port: number): string => `{"address":"10.0.0.1","port":${port}}`;
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "fairlead-watch-"));
  await mkdir(join(dir, "services/web"), { recursive: true });
  await writeFile(join(dir, "services/web/1.json"), entry(1));
  refuse.on = false;
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const watches = (): number => process.getActiveResourcesInfo().filter((name) => name === "FSEventWrap").length;

test("reading once, owning and writing load no chokidar; waiting does", async () => {
  vi.resetModules();
  loads.count = 0;
  const registry = createFileRegistry({ dir });
  const { revision } = await registry.read(EVERYTHING, { signal });
  await registry.read(EVERYTHING, { signal, after: "another" });
  await registry.owned("node-1", signal);
  await registry.keepAlive("node-1", 60_000, signal);
  await registry.putKey("k", "v", signal);
  expect(loads.count).toBe(0);
  const next = await registry.read(EVERYTHING, { signal, after: revision });
  const waiting = registry.read(EVERYTHING, { signal, after: next.revision });
  await waitFor(() => watches() > 0, { timeoutMs: 2000, what: "the watch" });
  await registry.putKey("k", "w", signal);
  expect((await waiting).keys.get("k")).toBe("w");
  expect(loads.count).toBe(1);
  await registry.close();
});

test("close() ends a waiting read and leaves no watch behind; it may be called again", async () => {
  const registry = createFileRegistry({ dir });
  const { revision } = await registry.read(EVERYTHING, { signal });
  const waiting = registry.read(EVERYTHING, { signal, after: revision }).catch((error: unknown) => error);
  await waitFor(() => watches() >= 3, { timeoutMs: 2000, what: "the watches" });
  await registry.close();
  expect(await waiting).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
  await registry.close();
  await waitFor(() => watches() === 0, { timeoutMs: 2000, what: "the watches to go" });
});

test("another selector ends what was followed before", async () => {
  const registry = createFileRegistry({ dir });
  const { revision } = await registry.read(EVERYTHING, { signal });
  const waiting = registry.read(EVERYTHING, { signal, after: revision }).catch((error: unknown) => error);
  await waitFor(() => watches() >= 3, { timeoutMs: 2000, what: "the watches" });
  const narrow = await registry.read({ services: ["web"], keys: [] }, { signal });
  expect(narrow.services.size).toBe(1);
  expect(await waiting).toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
  await registry.close();
});

test("where the system refuses to watch, it is said once, and changes are seen within two seconds", async () => {
  refuse.on = true;
  const warnings: string[] = [];
  const nothing = (): void => undefined;
  const log: Log = { debug: nothing, info: nothing, error: nothing, warn: (message) => void warnings.push(message) };
  const registry = createFileRegistry({ dir, log });
  let { revision } = await registry.read(EVERYTHING, { signal });
  for (const port of [2, 3]) {
    const waiting = registry.read(EVERYTHING, { signal, after: revision });
    await writeFile(join(dir, "services/web/new"), entry(port));
    await rename(join(dir, "services/web/new"), join(dir, "services/web/1.json"));
    const startedAt = performance.now();
    const snapshot = await waiting;
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(snapshot.services.get("web")?.instances[0]?.port).toBe(port);
    revision = snapshot.revision;
  }
  expect(warnings).toEqual(["cannot watch the registry's folder, looking every second instead"]);
  await registry.close();
});

describe("ten thousand instances in one service", () => {
  test("a change costs what changed, not what there is", { timeout: 60_000 }, async () => {
    for (let i = 0; i < 10_000; i += 1) {
      await writeFile(join(dir, `services/web/id-${i}.json`), entry(1));
    }
    const registry = createFileRegistry({ dir });
    let { revision } = await registry.read(EVERYTHING, { signal });
    const first = registry.read(EVERYTHING, { signal, after: revision });
    await waitFor(() => watches() >= 3, { timeoutMs: 10_000, what: "the watches" });
    await new Promise((resolve) => setTimeout(resolve, 3000)); // the list after subscribing
    await writeFile(join(dir, "services/web/id-0.json"), entry(2));
    ({ revision } = await first);
    const before = process.cpuUsage();
    const rounds = 20;
    for (let i = 0; i < rounds; i += 1) {
      const waiting = registry.read(EVERYTHING, { signal, after: revision });
      await writeFile(join(dir, "services/web/.next"), entry(100 + i));
      await rename(join(dir, "services/web/.next"), join(dir, "services/web/id-0.json"));
      ({ revision } = await waiting);
    }
    const { user, system } = process.cpuUsage(before);
    const cpuMs = (user + system) / 1000 / rounds;
    console.log(`one change among 10,000: ${cpuMs.toFixed(1)} ms of CPU`);
    expect(cpuMs).toBeLessThan(40); // listing the folder again costs 150 ms
    await registry.close();
  });
});
