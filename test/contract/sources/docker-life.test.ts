/** From a real engine into a registry, while both sides live: what is seen when a container ends, and when something in between breaks. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Source } from "../../../src/ports.ts";
import { createDockerClient } from "../../../src/sources/docker/engine/client.ts";
import { createDockerSource } from "../../../src/sources/docker/source.ts";
import { type Forwarder, startForwarder } from "../../helpers/docker-forwarder.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { type RecordedLog, recordLog } from "../../helpers/quiet-log.ts";
import { type Docker, describeWith, startDocker } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { type Registration, register } from "./registration.ts";

/** An event that came through is registered by then. */
const SOON_MS = 500 * PATIENCE;
const STEP_MS = 8000 * PATIENCE;
/** A resync that plays no part. */
const NEVER_MS = 600_000;
const NEXT = ["-p", "127.0.0.1:18099:80"];

describeWith(["docker"], "the life of containers on a real engine", () => {
  let engine: Docker;
  let forwarder: Forwarder;
  let log: RecordedLog;
  let registration: Registration | undefined;

  beforeAll(async () => {
    engine = await startDocker();
    forwarder = await startForwarder(engine.socketPath);
    await engine.importImage("web:1.0", { expose: [80] });
    // Takes its time to end when it is told to, as a server does that has connections open.
    await engine.importImage("slow:1.0", {
      expose: [80],
      cmd: ["sh", "-c", "trap 'sleep 2; exit 0' TERM; trap : HUP; touch /ready; while :; do sleep 0.1; done"],
    });
    await engine.importImage("sick:1.0", { expose: [80], healthcheck: "--interval=200ms --retries=1 CMD test ! -f /ill" });
  });
  afterAll(async () => {
    await forwarder?.stop();
    await engine?.stop();
  });
  beforeEach(() => {
    log = recordLog();
  });
  afterEach(async () => {
    engine.resume();
    forwarder.isDeaf = false;
    await registration?.stop();
    registration = undefined;
    const all = await engine.docker(["ps", "-aq"]);
    if (all !== "") {
      await engine.docker(["rm", "-f", "-v", ...all.split("\n")]);
    }
  });

  function dockerSource(): Source {
    return createDockerSource({
      client: createDockerClient({ host: forwarder.host, tlsVerify: false, callMs: 1000, listMs: 1000 }),
      node: "n1",
      address: "127.0.0.1",
      mode: "published",
      networks: [],
      register: "all",
      health: "honour",
      loopback: true,
      env: true,
      log,
    });
  }

  async function follow({ resyncMs = NEVER_MS, ttlMs = 10_000, more = [] as readonly Source[] } = {}): Promise<Registration> {
    const before = forwarder.requests.length;
    const started = register({ sources: [dockerSource(), ...more], log, resyncMs, ttlMs });
    registration = started;
    const isFollowed = (): boolean => forwarder.requests.slice(before).some((request) => request.includes("/events"));
    await waitFor(isFollowed, { timeoutMs: STEP_MS, what: "the subscription" });
    return started;
  }

  async function until(registered: Registration, wanted: readonly string[], timeoutMs = STEP_MS): Promise<void> {
    await waitFor(() => JSON.stringify(registered.texts()) === JSON.stringify(wanted), {
      timeoutMs,
      what: JSON.stringify(wanted),
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}, and not ${JSON.stringify(registered.texts())}`);
    });
  }

  /** Returns the container's id once its program listens to signals. */
  async function runSlow(name: string, flags: readonly string[] = [], command: readonly string[] = []): Promise<string> {
    const published = ["-p", "127.0.0.1:18080:80"];
    const id = await engine.run(["--name", name, ...published, "--stop-signal", "TERM", ...flags, "slow:1.0", ...command]);
    const isReady = (): Promise<boolean> => engine.docker(["exec", id, "test", "-f", "/ready"]).then(() => true);
    await waitFor(isReady, { timeoutMs: STEP_MS, what: "the program to listen to signals" });
    return id;
  }

  function post(path: string): Promise<{ readonly status: number }> {
    return engine.http(path, { method: "POST" });
  }

  async function stateOf(id: string): Promise<{ readonly Running: boolean; readonly Health?: { readonly Status: string } }> {
    const { text } = await engine.http(`/containers/${id}/json`);
    return JSON.parse(text).State;
  }

  /** What became of one entry, each state once. */
  function statesOf(registered: Registration, id: string): readonly string[] {
    const states = registered.history.map((moment) => moment.texts().find((text) => text.startsWith(id)) ?? "none");
    return states.map((text) => text.split(" ").at(-1) ?? "").filter((state, i, all) => state !== all[i - 1]);
  }

  test("a container that is told to stop is critical within half a second, before it dies; told to reload it stays as it is", async () => {
    const registered = await follow();
    const id = await runSlow("slow");
    await until(registered, ["n1:slow:80 127.0.0.1:18080 passing"]);
    await post(`/containers/${id}/kill?signal=HUP`);
    // A pass after the signal: the next container is seen in it.
    await engine.run(["--name", "next", ...NEXT, "web:1.0"]);
    await until(registered, ["n1:next:80 127.0.0.1:18099 passing", "n1:slow:80 127.0.0.1:18080 passing"]);
    const startedAt = performance.now();
    const stopping = post(`/containers/${id}/stop`);
    await until(registered, ["n1:next:80 127.0.0.1:18099 passing", "n1:slow:80 127.0.0.1:18080 critical"]);
    const criticalAt = registered.history.at(-1)?.at ?? Number.NaN;
    expect((await stateOf(id)).Running).toBe(true);
    expect(criticalAt - startedAt).toBeLessThan(SOON_MS);
    await stopping;
    await until(registered, ["n1:next:80 127.0.0.1:18099 passing"]);
    expect(statesOf(registered, "n1:slow:80")).toEqual(["none", "passing", "critical", "none"]);
  });

  test("a container that was told to stop shortly before this process started is critical too", async () => {
    const stubborn = ["sh", "-c", "trap 'sleep 60' TERM; touch /ready; while :; do sleep 0.1; done"];
    const id = await runSlow("slow", [], stubborn);
    await engine.run(["--name", "next", ...NEXT, "web:1.0"]);
    await post(`/containers/${id}/kill?signal=TERM`);
    const registered = await follow();
    await until(registered, ["n1:next:80 127.0.0.1:18099 passing", "n1:slow:80 127.0.0.1:18080 critical"]);
  });

  test("a container that is restarted is critical while it ends, and passing again when it runs", async () => {
    const registered = await follow();
    const id = await runSlow("slow");
    await until(registered, ["n1:slow:80 127.0.0.1:18080 passing"]);
    await post(`/containers/${id}/restart`);
    await until(registered, ["n1:slow:80 127.0.0.1:18080 passing"]);
    const states = statesOf(registered, "n1:slow:80");
    expect(states.slice(0, 3)).toEqual(["none", "passing", "critical"]);
    // Whether the moment without the container is caught depends on the engine's haste.
    expect(["passing", "none,passing"]).toContain(states.slice(3).join());
  });

  test("a container whose health check fails is critical as soon as the engine says so", async () => {
    const registered = await follow();
    const id = await engine.run(["--name", "sick", "-p", "127.0.0.1:18080:80", "sick:1.0"]);
    await until(registered, ["n1:sick:80 127.0.0.1:18080 passing"]);
    await engine.docker(["exec", id, "touch", "/ill"]);
    await waitFor(async () => (await stateOf(id)).Health?.Status === "unhealthy", {
      timeoutMs: STEP_MS,
      what: "the probe to fail",
    });
    await until(registered, ["n1:sick:80 127.0.0.1:18080 critical"], SOON_MS);
  });

  test("a renamed container has a new entry and no old one; a name that is used again has one entry", async () => {
    const registered = await follow();
    const id = await engine.run(["--name", "one", "-p", "127.0.0.1:18080:80", "web:1.0"]);
    await until(registered, ["n1:one:80 127.0.0.1:18080 passing"]);
    await engine.docker(["rename", id, "two"]);
    await until(registered, ["n1:two:80 127.0.0.1:18080 passing"]);
    await engine.docker(["rename", id, "one"]);
    for (const port of [18081, 18082, 18083]) {
      await engine.docker(["rm", "-f", "one"]);
      await engine.run(["--name", "one", "-p", `127.0.0.1:${port}:80`, "web:1.0"]);
    }
    await until(registered, ["n1:one:80 127.0.0.1:18083 passing"]);
    // The name changes hands while both run.
    await engine.docker(["rename", "one", "old"]);
    await engine.run(["--name", "one", "-p", "127.0.0.1:18084:80", "web:1.0"]);
    await until(registered, ["n1:old:80 127.0.0.1:18083 passing", "n1:one:80 127.0.0.1:18084 passing"]);
    await engine.docker(["rm", "-f", "old"]);
    await until(registered, ["n1:one:80 127.0.0.1:18084 passing"]);
  });

  test("containers that start and end while no event comes through are found by the next resync (G9)", async () => {
    await engine.run(["--name", "goes", "-p", "127.0.0.1:18080:80", "web:1.0"]);
    const registered = await follow({ resyncMs: 1000 });
    await until(registered, ["n1:goes:80 127.0.0.1:18080 passing"]);
    forwarder.isDeaf = true;
    await engine.removeContainer("goes");
    await engine.run(["--name", "comes", "-p", "127.0.0.1:18081:80", "web:1.0"]);
    await until(registered, ["n1:comes:80 127.0.0.1:18081 passing"], 1200 + SOON_MS);
  });

  const broken: readonly [string, () => void][] = [
    ["is cut in the middle of a line", () => forwarder.inject('{"Type":"container","Action":"sta')],
    ["holds a line of 10 MB", () => forwarder.inject("x".repeat(10 * 1024 * 1024))],
    ["holds something that is no event", () => forwarder.inject("<html>\n")],
  ];
  test.each(broken)(
    "an event stream that %s is opened again, and what happened meanwhile is seen (G9)",
    async (_, breakStream) => {
      const registered = await follow();
      await engine.run(["--name", "one", "-p", "127.0.0.1:18080:80", "web:1.0"]);
      await until(registered, ["n1:one:80 127.0.0.1:18080 passing"]);
      const subscriptions = (): number => forwarder.requests.filter((request) => request.includes("/events")).length;
      const before = subscriptions();
      forwarder.isDeaf = true;
      breakStream();
      await engine.run(["--name", "two", "-p", "127.0.0.1:18081:80", "web:1.0"]);
      forwarder.isDeaf = false;
      forwarder.cut();
      await until(registered, ["n1:one:80 127.0.0.1:18080 passing", "n1:two:80 127.0.0.1:18081 passing"]);
      await waitFor(() => subscriptions() > before, { timeoutMs: STEP_MS, what: "another subscription" });
      await engine.removeContainer("one");
      await until(registered, ["n1:two:80 127.0.0.1:18081 passing"]);
    },
  );

  test("an engine that hangs takes nothing away and holds nothing else up; it goes on where it was (G9)", async () => {
    const other = { port: 1 };
    const instance = {
      id: "x",
      service: "x",
      address: "10.0.0.1",
      protocol: "tcp",
      tags: [],
      meta: {},
      health: "passing",
    } as const;
    const still: Source = {
      name: "still",
      list: async () => [{ ...instance, port: other.port }],
      async *changes() {
        // nothing ever
      },
    };
    const id = await engine.run(["--name", "one", "-p", "127.0.0.1:18080:80", "web:1.0"]);
    const registered = await follow({ resyncMs: 500, ttlMs: 1500, more: [still] });
    await until(registered, ["n1:one:80 127.0.0.1:18080 passing", "x 10.0.0.1:1 passing"]);
    engine.pause();
    const hungAt = registered.history.length;
    other.port = 2;
    await until(registered, ["n1:one:80 127.0.0.1:18080 passing", "x 10.0.0.1:2 passing"]);
    // Longer than entries live without a beat.
    await waitFor(() => log.lines.filter(({ message }) => message === "registration pass failed").length >= 3, {
      timeoutMs: STEP_MS * 2,
      what: "several passes to fail",
    });
    expect(registered.history.slice(hungAt).every((moment) => moment.texts().length === 2)).toBe(true);
    expect(JSON.stringify(log.lines)).toContain("no answer within 1000 ms");
    engine.resume();
    await engine.run(["--name", "two", "-p", "127.0.0.1:18081:80", "web:1.0"]);
    await engine.removeContainer(id);
    await until(registered, ["n1:two:80 127.0.0.1:18081 passing", "x 10.0.0.1:2 passing"]);
  });

  test("a container that was told to stop when the engine crashed serves again when both are back (G9)", async () => {
    const registered = await follow();
    const id = await runSlow("stays", ["--restart", "always"]);
    await until(registered, ["n1:stays:80 127.0.0.1:18080 passing"]);
    await post(`/containers/${id}/kill?signal=TERM`);
    await until(registered, ["n1:stays:80 127.0.0.1:18080 critical"]);
    await engine.kill();
    await engine.restart();
    await until(registered, ["n1:stays:80 127.0.0.1:18080 passing"], STEP_MS * 2);
    await engine.run(["--name", "next", ...NEXT, "web:1.0"]);
    await until(registered, ["n1:next:80 127.0.0.1:18099 passing", "n1:stays:80 127.0.0.1:18080 passing"]);
  });
});
