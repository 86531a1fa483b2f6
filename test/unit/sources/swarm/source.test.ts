import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createSwarmClient } from "../../../../src/sources/swarm/client.ts";
import { createSwarmSource, type SwarmSource, type SwarmSourceOptions } from "../../../../src/sources/swarm/source.ts";
import { PATIENCE } from "../../../helpers/patience.ts";
import { type RecordedLog, recordLog } from "../../../helpers/quiet-log.ts";
import { waitFor } from "../../../helpers/wait.ts";
import { type FakeEngine, startFakeEngine } from "../docker/fake-engine.ts";

type Json = Record<string, unknown>;

let engine: FakeEngine;
/** The answers by path; a number is a status without a body. */
let answers: Record<string, unknown>;
let log: RecordedLog;
let controller: AbortController;

beforeEach(async () => {
  engine = await startFakeEngine();
  answers = Object.fromEntries(["services", "tasks", "nodes", "networks"].map((name) => [`/${name}`, recorded(name)]));
  engine.intercept = (path) => {
    const answer = answers[path.replace(/^\/v[\d.]+/, "").replace(/\?.*$/, "")];
    return answer === undefined
      ? undefined
      : typeof answer === "number"
        ? { status: answer, body: { message: "no" } }
        : { body: answer };
  };
  log = recordLog();
  controller = new AbortController();
});
afterEach(async () => {
  controller.abort();
  await engine.stop();
});

function recorded(name: string): readonly Json[] {
  return JSON.parse(readFileSync(new URL(`../../../fixtures/swarm/api-1.41/${name}.json`, import.meta.url), "utf8")) as Json[];
}

function open(changes: Partial<SwarmSourceOptions> = {}): SwarmSource {
  return createSwarmSource({
    client: createSwarmClient({ host: engine.host, tlsVerify: false, callMs: 500, listMs: 500 }),
    mode: "tasks",
    networks: [],
    address: undefined,
    register: "all",
    loopback: true,
    pollMs: 30,
    log,
    ...changes,
  });
}

/** Counts hints until the test ends; with `list` it answers each with a list, as the registrator does. */
function follow(source: SwarmSource, list: boolean): { readonly hints: number; readonly ids: readonly string[] } {
  const seen = { hints: 0, ids: [] as readonly string[] };
  void (async () => {
    for await (const _ of source.changes(controller.signal)) {
      seen.hints += 1;
      if (list) {
        // It rejects where a test ends in the middle of it; what is seen then does not change.
        const listed = await source.list(controller.signal).catch(() => undefined);
        seen.ids = listed?.map(({ id }) => id) ?? seen.ids;
      }
    }
  })();
  return seen;
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  await waitFor(isSo, { timeoutMs: 3000 * PATIENCE, what });
}

function tasks(): Json[] {
  return structuredClone(answers["/tasks"]) as Json[];
}

describe("list", () => {
  test("all instances, sorted by service and id, and nothing but GETs (G12)", async () => {
    const ids = (await open({ mode: "tasks" }).list(controller.signal)).map(({ id }) => id.replace(/\.[a-z0-9]{25}/g, ""));
    expect(ids).toEqual(["hosty:80", "web.1:80", "web.2:80"]);
    await open({ mode: "vip" }).list(controller.signal);
    expect(engine.requests.filter((request) => !request.startsWith("GET "))).toEqual([]);
    expect(engine.requests.map((request) => request.replace(/^GET (\/v[\d.]+)?/, ""))).toContain("/networks");
  });

  test.each(["services", "tasks", "nodes", "networks"])("rejects whole when %s cannot be had or is nonsense", async (name) => {
    for (const answer of [500, { nodes: [] }, "[{"]) {
      answers[`/${name}`] = answer;
      await expect(open({ mode: "vip" }).list(controller.signal)).rejects.toMatchObject({
        code: "SOURCE_UNAVAILABLE",
        retryable: true,
        message: expect.stringContaining(`list the ${name} of the swarm`),
      });
    }
  });

  test("what makes no sense is left out and logged once (G7)", async () => {
    answers["/services"] = [...recorded("services"), { ID: "bad" }];
    const source = open();
    await source.list(controller.signal);
    expect(await source.list(controller.signal)).toHaveLength(3);
    expect(log.lines.filter(({ fields }) => fields["service"] === "bad")).toMatchObject([
      { level: "info", message: "left out of registration", fields: { reason: "it has no name" } },
    ]);
    expect((await source.inspect(controller.signal)).invalid).toEqual([{ kind: "service", id: "bad", reason: "it has no name" }]);
  });

  test("why a service is not registered is logged once, for all its tasks", async () => {
    const source = open();
    await source.list(controller.signal);
    await source.list(controller.signal);
    const lines = log.lines.filter(({ fields }) => fields["swarmService"] === "meshy");
    expect(lines.map(({ fields }) => fields["port"])).toEqual([53, 80]);
  });
});

describe("an engine that is no manager", () => {
  const refused = { status: 503, body: { message: "This node is not a swarm manager." } };
  const rows: readonly [what: string, swarm: Json, reason: string, hint: string][] = [
    [
      "is in no swarm",
      { LocalNodeState: "inactive", ControlAvailable: false },
      "this engine is not part of a swarm",
      "docker swarm init",
    ],
    [
      "is a worker",
      {
        LocalNodeState: "active",
        ControlAvailable: false,
        RemoteManagers: [{ Addr: "10.0.0.2:2377" }, { Addr: "10.0.0.1:2377" }],
      },
      "this engine is a worker of its swarm, and only managers can answer",
      "point `swarm.host` at a manager: 10.0.0.1, 10.0.0.2",
    ],
    ["is locked", { LocalNodeState: "locked" }, "its swarm is locked", "docker swarm unlock"],
    ["is joining", { LocalNodeState: "pending" }, "it is joining a swarm", "asked again"],
    ["has failed", { LocalNodeState: "error" }, "its part of the swarm has failed", "docker info"],
    [
      "says that it is one",
      { LocalNodeState: "active", ControlAvailable: true },
      "it answered 503: This node is not a swarm manager.",
      "",
    ],
  ];
  test.each(rows)("%s: one message with what to do", async (_, swarm, reason, hint) => {
    engine.intercept = (path) =>
      path.endsWith("/info") ? { body: { Swarm: swarm } } : /\/(tasks|services)$/.test(path) ? refused : undefined;
    await expect(open().list(controller.signal)).rejects.toMatchObject({
      code: "SOURCE_UNAVAILABLE",
      retryable: true,
      message: expect.stringContaining(reason),
      hint: hint === "" ? undefined : expect.stringContaining(hint),
    });
  });

  test("a proxy that does not allow it is told what to allow", async () => {
    answers["/tasks"] = 403;
    await expect(open().list(controller.signal)).rejects.toMatchObject({
      hint: expect.stringContaining("/services, /tasks, /nodes"),
    });
  });
});

describe("changes", () => {
  test("the first hint comes when the subscription stands, later ones with events of the swarm", async () => {
    const seen = follow(open({ pollMs: 60_000 }), true);
    await until("the subscription", () => seen.hints > 0);
    const [path = ""] = engine.requests.filter((request) => request.includes("/events"));
    expect(JSON.parse(new URLSearchParams(path.split("?")[1]).get("filters") ?? "")).toMatchObject({
      type: ["service", "node", "network", "container"],
    });
    answers["/tasks"] = [];
    engine.emit({ Type: "service", Action: "update", scope: "swarm", Actor: { ID: "s", Attributes: { name: "web" } } });
    await until("an empty list", () => seen.ids.length === 0 && seen.hints > 1);
  });

  test("a change of tasks that no event tells is found by looking (G9)", async () => {
    const seen = follow(open(), true);
    await until("the list", () => seen.ids.length === 3);
    const changed = tasks();
    for (const task of changed.filter(({ ServiceID }) => ServiceID === "xbfdchje7sn0ntb6eviex70gi")) {
      task["Status"] = { ...(task["Status"] as Json), State: "failed" };
    }
    answers["/tasks"] = changed;
    await until("the tasks to be gone", () => seen.ids.length === 1);
  });

  test("looking at tasks that have not changed makes no hint, and failing is no end", async () => {
    const seen = follow(open(), true);
    await until("the list", () => seen.ids.length === 3);
    const looks = (): number => engine.requests.filter((request) => request.endsWith("/tasks")).length;
    const [hints, before] = [seen.hints, looks()];
    await until("more looks", () => looks() > before + 3);
    expect(seen.hints).toBe(hints);
    const whole = answers["/tasks"];
    answers["/tasks"] = 500;
    const failing = looks();
    await until("failing looks", () => looks() > failing + 2);
    answers["/tasks"] = (whole as Json[]).slice(1);
    await until("the next change", () => seen.ids.length === 2);
  });

  test("it ends with its signal", async () => {
    const child = new AbortController();
    const ended = (async () => {
      for await (const _ of open().changes(child.signal)) {
        child.abort();
      }
    })();
    await ended;
    await until("the stream to be closed", () => engine.streams === 0);
  });
});
