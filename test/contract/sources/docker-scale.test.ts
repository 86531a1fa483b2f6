/** Five hundred containers on one engine, and ten thousand that come and go. */
import { getEventListeners } from "node:events";
import { availableParallelism, loadavg } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createDockerClient } from "../../../src/sources/docker/engine/client.ts";
import { createDockerSource, type DockerSource } from "../../../src/sources/docker/source.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { type Docker, describeWith, startDocker } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { type Crowd, startCrowd } from "./crowd.ts";
import { type Moment, type Registration, type RegistrationOptions, register } from "./registration.ts";

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
/** A resync that plays no part. */
const NEVER_MS = 600_000;
const STEP_MS = 10_000 * PATIENCE;

/** The bounds are for a machine that is free: with ten programs for each processor everything takes ten times as long. */
function isWithin(tookMs: number, boundMs: number): boolean {
  const [load = 1] = loadavg();
  return tookMs < boundMs * Math.max(PATIENCE, load / availableParallelism());
}

let crowd: Crowd | undefined;
let registration: Registration | undefined;
afterEach(async () => {
  await registration?.stop();
  await crowd?.stop();
  registration = undefined;
  crowd = undefined;
});

function dockerSource(host: string): DockerSource {
  return createDockerSource({
    client: createDockerClient({ host, tlsVerify: false }),
    node: "n1",
    address: "10.0.0.1",
    mode: "published",
    networks: [],
    register: "all",
    health: "honour",
    loopback: true,
    env: true,
    log: quiet,
  });
}

function registerFrom(host: string, more: Partial<RegistrationOptions> = {}): Registration {
  registration = register({ sources: [dockerSource(host)], log: quiet, resyncMs: NEVER_MS, ...more });
  return registration;
}

/** The names of the containers that have entries, sorted. */
function namesIn(registered: Registration): readonly string[] {
  return [...new Set(registered.texts().map((text) => text.split(":")[1] ?? ""))].sort();
}

/** @returns when it was first seen to */
async function untilHolds(registered: Registration, names: () => readonly string[]): Promise<number> {
  let looked: Moment | undefined;
  await waitFor(
    () => {
      const newest = registered.history.at(-1);
      const isNews = newest !== looked;
      looked = newest;
      return isNews && namesIn(registered).join() === names().join();
    },
    { timeoutMs: STEP_MS, what: "the registry to hold what runs", intervalMs: 5 },
  );
  return looked?.at ?? Number.NaN;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** From the change to the registry that holds it, with a calm before each: the middle one of several. */
async function timeChanges(
  registered: Registration,
  change: (round: number) => Promise<{ readonly begun: number; names(): readonly string[] }>,
): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    // Longer than the last echo of the change before.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const changed = await change(round);
    times.push((await untilHolds(registered, changed.names)) - changed.begun);
  }
  return median(times);
}

describe("an engine with 500 containers", () => {
  test("all are registered within two seconds, each inspected once, eight at a time", async () => {
    const engine = await startCrowd(500);
    crowd = engine;
    const begun = performance.now();
    const registered = registerFrom(engine.host);
    const took = (await untilHolds(registered, engine.names)) - begun;
    const { inspections, mostInspections } = engine.count();
    console.log(`500 containers: registered after ${took.toFixed(0)} ms`);
    expect(isWithin(took, 2000)).toBe(true);
    expect({ inspections, mostInspections }).toEqual({ inspections: 500, mostInspections: 8 });
  });

  test("one that starts is registered within 100 ms, and only it is inspected", async () => {
    const engine = await startCrowd(500);
    crowd = engine;
    const registered = registerFrom(engine.host);
    await untilHolds(registered, engine.names);
    engine.count();
    const took = await timeChanges(registered, async (round) => {
      const begun = performance.now();
      engine.start(`new${round}`);
      return { begun, names: engine.names };
    });
    console.log(`500 containers: one more is registered after ${took.toFixed(0)} ms`);
    expect(engine.count().inspections).toBe(5);
    expect(isWithin(took, 100)).toBe(true);
  });

  test("a storm of 1,000 events in a second makes no more than a list each 100 ms, and ends with the truth", async () => {
    const engine = await startCrowd(500);
    crowd = engine;
    const registered = registerFrom(engine.host);
    await untilHolds(registered, engine.names);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    engine.count();
    const begun = performance.now();
    for (let sent = 0; sent < 1000; ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const due = Math.min(1000, performance.now() - begun);
      for (; sent < due; sent += 1) {
        if (sent % 20 === 0) {
          engine.start(`new${sent}`);
        } else if (sent % 20 === 10) {
          engine.remove(`new${sent - 10}`);
          engine.start(`newer${sent}`);
        } else {
          engine.stir(`c${sent % 500}`);
        }
      }
    }
    const tookMs = performance.now() - begun;
    const during = engine.count();
    console.log(`a storm of ${tookMs.toFixed(0)} ms: ${during.lists} lists, ${during.inspections} inspections`);
    expect(during.lists).toBeLessThanOrEqual(Math.ceil(tookMs / 100));
    expect(during.mostLists).toBe(1);
    expect(during.mostInspections).toBeLessThanOrEqual(8);
    await untilHolds(registered, engine.names);
    // Nobody is inspected who was there before; nobody twice but for an event that came while it was.
    expect(during.inspections + engine.count().inspections).toBeLessThanOrEqual(150);
  });
});

describe("ten thousand containers that come and go", () => {
  test("leave nothing behind in memory, and no listeners", { timeout: 120_000 * PATIENCE }, async () => {
    const engine = await startCrowd(20);
    crowd = engine;
    const settle = { quietMs: 2, maxMs: 10 };
    const registered = registerFrom(engine.host, { settle, isBrief: true });
    await untilHolds(registered, engine.names);
    const begun = performance.now();
    const heaps: number[] = [];
    const listeners: number[] = [];
    const perRound = 250;
    for (let round = 0; round < 40; round += 1) {
      const names = Array.from({ length: perRound }, (_, i) => `r${round}-${i}`);
      // Every tenth has something about it that is told once.
      names.forEach((name, i) => engine.start(name, i % 10 === 0 ? { "fairlead.host": "no host" } : {}));
      await untilHolds(registered, engine.names);
      names.forEach((name) => engine.remove(name));
      await untilHolds(registered, engine.names);
      if (round % 5 === 4) {
        heaps.push(heapAfterGc());
        listeners.push(getEventListeners(registered.signal, "abort").length);
      }
    }
    const [first = 0] = heaps;
    const grown = (heaps.at(-1) ?? 0) - first;
    console.log(
      `10,000 containers in ${((performance.now() - begun) / 1000).toFixed(1)} s; heap in MB: ${heaps.map(mb).join(" ")}`,
    );
    expect(grown).toBeLessThan(2_000_000);
    expect(Math.max(...listeners)).toBeLessThanOrEqual(listeners[0] ?? 0);
  });
});

describeWith(["docker"], "sixty containers on a real engine", () => {
  let engine: Docker;
  const names = Array.from({ length: 60 }, (_, i) => `c${i}`);

  beforeAll(async () => {
    engine = await startDocker();
    await engine.importImage("web:1.0", { expose: [80], cmd: ["sleep", "1000"] });
    const queue = names.values();
    async function runSome(): Promise<void> {
      for (const name of queue) {
        await start(await create(name));
      }
    }
    await Promise.all(Array.from({ length: 4 }, runSome));
  });
  afterAll(() => engine?.stop());

  /** On the host's network: sixty bridges' ends take the engine a minute. */
  async function create(name: string): Promise<string> {
    const { text } = await engine.http(`/containers/create?name=${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ Image: "web:1.0", StopSignal: "KILL", HostConfig: { NetworkMode: "host" } }),
    });
    return JSON.parse(text).Id;
  }

  async function start(id: string): Promise<void> {
    await engine.http(`/containers/${id}/start`, { method: "POST" });
  }

  test("all are registered within two seconds; one more within 100 ms of its start", async () => {
    const begun = performance.now();
    const registered = registerFrom(engine.host);
    const running = [...names];
    const took = (await untilHolds(registered, () => [...running].sort())) - begun;
    const more = await timeChanges(registered, async (round) => {
      const id = await create(`new${round}`);
      running.push(`new${round}`);
      // The engine takes a while to start one, which is not ours: the time counts from when it has.
      await start(id);
      return { begun: performance.now(), names: () => [...running].sort() };
    });
    console.log(`60 real containers: registered after ${took.toFixed(0)} ms, one more ${more.toFixed(0)} ms after its start`);
    expect(isWithin(took, 2000)).toBe(true);
    expect(isWithin(more, 100)).toBe(true);
  });
});

function mb(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}

function heapAfterGc(): number {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}
