import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Log } from "../../../../src/ports.ts";
import { createDockerClient } from "../../../../src/sources/docker/engine/client.ts";
import { createDockerSource, type DockerSource, type DockerSourceOptions } from "../../../../src/sources/docker/source.ts";
import { type FakeEngine, inspected, listed, startFakeEngine } from "./fake-engine.ts";

let engine: FakeEngine;
let logged: string[];
const controllers: AbortController[] = [];

beforeEach(async () => {
  engine = await startFakeEngine();
  logged = [];
});
afterEach(async () => {
  for (const controller of controllers.splice(0)) {
    controller.abort();
  }
  await engine.stop();
});

function makeSignal(): AbortSignal {
  const controller = new AbortController();
  controllers.push(controller);
  return controller.signal;
}

function makeLog(): Log {
  const write =
    (level: string) =>
    (message: string, fields: object = {}): void => {
      logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function open(changes: Partial<DockerSourceOptions> = {}): DockerSource {
  return createDockerSource({
    client: createDockerClient({ host: engine.host, tlsVerify: false, callMs: 1000, listMs: 1000 }),
    node: "n1",
    address: "10.0.0.1",
    mode: "published",
    networks: [],
    register: "all",
    health: "honour",
    loopback: false,
    env: true,
    log: makeLog(),
    ...changes,
  });
}

function setContainers(...items: readonly Record<string, unknown>[]): void {
  engine.containers = items;
  engine.details = Object.fromEntries(items.map((item) => [item["Id"], engine.details[String(item["Id"])] ?? inspected()]));
}

const inspections = (): readonly string[] => engine.requests.filter((request) => request.includes("/containers/id-"));

/** Counts hints until the test ends. */
function countHints(source: DockerSource): { readonly count: number; readonly end: Promise<void> } {
  const seen = { count: 0, end: Promise.resolve() };
  seen.end = (async () => {
    for await (const _ of source.changes(makeSignal())) {
      seen.count += 1;
    }
  })();
  return seen;
}

describe("list", () => {
  test("all instances, sorted by service and id", async () => {
    setContainers(listed("b"), listed("a", { Labels: { "fairlead.service": "zoo" } }), listed("c"));
    expect((await open().list(makeSignal())).map(({ service, id }) => `${service} ${id}`)).toEqual([
      "nginx n1:b:80",
      "nginx n1:c:80",
      "zoo n1:a:80",
    ]);
  });

  test("environment variables count, and cost one inspect call for each container, once", async () => {
    setContainers(listed("a"), listed("b"));
    engine.details["id-a"] = inspected(["SERVICE_NAME=shop"]);
    const source = open();
    for (let i = 0; i < 3; i += 1) {
      expect((await source.list(makeSignal())).map(({ service }) => service)).toEqual(["nginx", "shop"]);
    }
    expect(inspections()).toHaveLength(2);
  });

  test("without env nothing is inspected but what the list does not tell", async () => {
    setContainers(
      listed("plain"),
      listed("host", { HostConfig: { NetworkMode: "host" }, Ports: [], Labels: { "fairlead.service": "host" } }),
      listed("moved", { Image: `sha256:${"a".repeat(64)}` }),
    );
    engine.details["id-host"] = inspected(["SERVICE_NAME=not-read"], ["9000/tcp"]);
    const instances = await open({ env: false }).list(makeSignal());
    expect(instances.map(({ service, port }) => `${service} ${port}`)).toEqual(["host 9000", "nginx 8080", "nginx 8080"]);
    expect([...inspections()].sort()).toEqual(["GET /v1.41/containers/id-host/json", "GET /v1.41/containers/id-moved/json"]);
  });

  test("a new container is inspected, a known one is not, a gone one is forgotten", async () => {
    const source = open();
    setContainers(listed("a"));
    await source.list(makeSignal());
    setContainers(listed("a"), listed("b"));
    await source.list(makeSignal());
    setContainers(listed("b"));
    await source.list(makeSignal());
    setContainers(listed("a"), listed("b"));
    await source.list(makeSignal());
    expect(inspections().map((request) => request.at(-6))).toEqual(["a", "b", "a"]);
  });

  test("a container that is gone between list and inspect is simply gone", async () => {
    setContainers(listed("a"), listed("b"));
    delete engine.details["id-a"];
    expect((await open().list(makeSignal())).map(({ id }) => id)).toEqual(["n1:b:80"]);
  });

  test("an object that makes no sense hurts only itself", async () => {
    setContainers(listed("a"), listed("b", { Ports: 7 }), listed("c"));
    engine.details["id-c"] = { nonsense: true };
    expect((await open().list(makeSignal())).map(({ id }) => id)).toEqual(["n1:a:80"]);
    expect(logged.filter((line) => line.startsWith("info"))).toHaveLength(2);
  });

  test("a failing inspect call rejects the list; a container that fails for good is given up alone", async () => {
    setContainers(listed("a"), listed("b"));
    engine.intercept = (path) => (path.includes("id-a") ? { status: 500, body: { message: "layer does not exist" } } : undefined);
    const source = open();
    await expect(source.list(makeSignal())).rejects.toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    await expect(source.list(makeSignal())).rejects.toThrow("layer does not exist");
    expect((await source.list(makeSignal())).map(({ id }) => id)).toEqual(["n1:b:80"]);
    const asked = inspections().length;
    expect(await source.list(makeSignal())).toHaveLength(1);
    expect(inspections()).toHaveLength(asked);
    expect(logged.at(-1)).toContain("the engine cannot inspect it");
  });

  test("a container that was given up is asked about again when something happens to it", async () => {
    setContainers(listed("a"), listed("b"));
    engine.details["id-a"] = { nonsense: true };
    const source = open();
    const hints = countHints(source);
    await expect.poll(() => hints.count).toBe(1);
    expect(await source.list(makeSignal())).toHaveLength(1);
    engine.details["id-a"] = inspected();
    expect(await source.list(makeSignal())).toHaveLength(1);
    engine.emit({ Type: "container", Action: "start", Actor: { ID: "id-a" } });
    await expect.poll(() => hints.count).toBe(2);
    expect(await source.list(makeSignal())).toHaveLength(2);
  });

  test("an engine that hangs in one inspect call rejects the list by the deadline, and then that container alone is given up", async () => {
    setContainers(...Array.from({ length: 40 }, (_, i) => listed(`c${i}`)));
    engine.intercept = (path) => (path.includes("id-c20/") ? "handled" : undefined);
    const source = open();
    await expect(source.list(makeSignal())).rejects.toThrow("no answer within 1000 ms");
    await expect(source.list(makeSignal())).rejects.toThrow("no answer within 1000 ms");
    expect(await source.list(makeSignal())).toHaveLength(39);
    expect(inspections()).toHaveLength(42);
  });

  test("what was known of a container stands when it cannot be inspected again", async () => {
    setContainers(listed("a"));
    engine.details["id-a"] = inspected(["SERVICE_NAME=shop"]);
    const source = open();
    const hints = countHints(source);
    await expect.poll(() => hints.count).toBe(1);
    await source.list(makeSignal());
    for (const answer of ["handled", { status: 500, body: "no" }, { body: { nonsense: true } }] as const) {
      engine.intercept = (path) => (path.includes("/id-a/") ? answer : undefined);
      const asked = inspections().length;
      engine.emit({ Type: "container", Action: "update", Actor: { ID: "id-a" } });
      await expect
        .poll(async () => {
          expect(await source.list(makeSignal())).toMatchObject([{ service: "shop" }]);
          return inspections().length;
        })
        .toBe(asked + 1);
    }
  });

  test.each([
    ["fails", 2, { status: 500, body: { message: "no" } }],
    ["fails", 20, { status: 500, body: { message: "no" } }],
    ["talks nonsense", 2, { body: {} }],
    ["talks nonsense", 20, { body: {} }],
  ])("an engine that %s whichever of %i containers it is asked about makes none vanish", async (_, size, answer) => {
    setContainers(...Array.from({ length: size }, (_, i) => listed(`c${i}`)));
    engine.intercept = (path) => (path.includes("/containers/id-") ? answer : undefined);
    const source = open();
    for (let i = 0; i < 10; i += 1) {
      await expect(source.list(makeSignal())).rejects.toMatchObject({ code: "SOURCE_UNAVAILABLE" });
    }
    engine.intercept = () => undefined;
    expect(await source.list(makeSignal())).toHaveLength(size);
  });

  test("many containers that cannot be inspected are given up too, as long as one can", async () => {
    setContainers(...Array.from({ length: 20 }, (_, i) => listed(`c${i}`)));
    engine.intercept = (path) => (/id-c\d+\//.test(path) && !path.includes("id-c7/") ? { status: 500, body: "no" } : undefined);
    const source = open();
    for (let i = 0; i < 8; i += 1) {
      await source.list(makeSignal()).catch(() => undefined);
    }
    expect((await source.list(makeSignal())).map(({ id }) => id)).toEqual(["n1:c7:80"]);
  });

  test("an answer that was under way when something happened is used once and asked for again", async () => {
    setContainers(listed("a"));
    const source = open();
    const hints = countHints(source);
    await expect.poll(() => hints.count).toBe(1);
    const held: (() => void)[] = [];
    engine.intercept = (path, response) => {
      if (!path.includes("/id-a/")) {
        return undefined;
      }
      held.push(() => response.end(JSON.stringify(inspected(["SERVICE_NAME=before"]))));
      return "handled";
    };
    const listing = source.list(makeSignal());
    await expect.poll(() => held).toHaveLength(1);
    engine.emit({ Type: "container", Action: "start", Actor: { ID: "id-a" } });
    await expect.poll(() => hints.count).toBe(2);
    held[0]?.();
    expect(await listing).toMatchObject([{ service: "before" }]);
    engine.intercept = () => undefined;
    engine.details["id-a"] = inspected(["SERVICE_NAME=after"]);
    expect(await source.list(makeSignal())).toMatchObject([{ service: "after" }]);
  });

  test("a known container that cannot be inspected again keeps what was said about it, and nobody waits for it twice (G7)", async () => {
    setContainers(listed("a"));
    engine.details["id-a"] = inspected(["SERVICE_NAME=shop"]);
    const source = open();
    const hints = countHints(source);
    await expect.poll(() => hints.count).toBe(1);
    const services = async (): Promise<string> => (await source.list(makeSignal())).map(({ service }) => service).join(" ");
    expect(await services()).toBe("shop");
    engine.intercept = (path) => (path.includes("id-a/") ? "handled" : undefined);
    engine.emit({ Type: "container", Action: "restart", Actor: { ID: "id-a" } });
    await expect.poll(() => hints.count).toBe(2);
    setContainers(listed("a"), listed("b"));
    expect(await services()).toBe("nginx shop");
    expect(await services()).toBe("nginx shop");
    expect(inspections().map((request) => request.at(-6))).toEqual(["a", "a", "b"]);
  });

  test("a container that always hangs is given up alone, and then asked for only now and then (G7)", async () => {
    setContainers(listed("a"), listed("b"));
    engine.intercept = (path) => (path.includes("id-a/") ? "handled" : undefined);
    const source = open();
    await expect(source.list(makeSignal())).rejects.toThrow("no answer within 1000 ms");
    await expect(source.list(makeSignal())).rejects.toThrow("no answer within 1000 ms");
    for (let i = 0; i < 3; i += 1) {
      expect((await source.list(makeSignal())).map(({ id }) => id)).toEqual(["n1:b:80"]);
    }
    expect(inspections().filter((request) => request.includes("id-a/"))).toHaveLength(3);
  });

  test("no more than eight inspect calls at once", async () => {
    setContainers(...Array.from({ length: 40 }, (_, i) => listed(`c${i}`)));
    let now = 0;
    let most = 0;
    engine.intercept = (path, response) => {
      if (!path.includes("id-c")) {
        return undefined;
      }
      now += 1;
      most = Math.max(most, now);
      setTimeout(() => {
        now -= 1;
        response.end(JSON.stringify(inspected()));
      }, 5);
      return "handled";
    };
    expect(await open().list(makeSignal())).toHaveLength(40);
    expect(most).toBe(8);
  });

  test("abort rejects with the signal's reason", async () => {
    setContainers(listed("a"));
    engine.intercept = (path) => (path.includes("id-a") ? "handled" : undefined);
    const controller = new AbortController();
    const listing = open().list(controller.signal);
    await expect.poll(() => inspections()).toHaveLength(1);
    controller.abort(new Error("over"));
    await expect(listing).rejects.toThrow("over");
  });

  test("auto is looked up in each pass", async () => {
    setContainers(listed("a"));
    const addresses = ["10.0.0.7", "10.0.0.8"];
    const source = open({ address: "auto", findAddress: async () => addresses.shift() });
    expect(await source.list(makeSignal())).toMatchObject([{ address: "10.0.0.7" }]);
    expect(await source.list(makeSignal())).toMatchObject([{ address: "10.0.0.8" }]);
    expect(await source.list(makeSignal())).toEqual([]);
  });

  test("reasons are logged once, and again when they change; never a value", async () => {
    setContainers(
      listed("a", {
        Labels: { "fairlead.host": "s3cret value" },
        Ports: [...(listed("a")["Ports"] as []), { PrivatePort: 443, Type: "tcp" }],
      }),
    );
    const source = open();
    await source.list(makeSignal());
    await source.list(makeSignal());
    expect(logged).toEqual([
      expect.stringContaining(
        'info left out of registration {"container":"a","id":"id-a","reason":"fairlead.host is no host name; it was left out"}',
      ),
      expect.stringContaining(
        'debug left out of registration {"container":"a","id":"id-a","port":443,"reason":"it is not published"}',
      ),
    ]);
    setContainers(listed("a"));
    await source.list(makeSignal());
    expect(logged).toHaveLength(2);
    expect(logged.join()).not.toContain("s3cret");
  });
});

test("inspect tells of all containers, the stopped ones too, and why", async () => {
  setContainers(
    listed("stopped", { State: "exited", Status: "Exited (0) 3 days ago", Ports: [] }),
    listed("a", { Ports: [...(listed("a")["Ports"] as []), { PrivatePort: 443, Type: "tcp" }] }),
    listed("odd", { State: 7 }),
  );
  expect(await open().inspect(makeSignal())).toEqual({
    containers: [
      { id: "id-odd", name: "", instances: [], skipped: [{ reason: "its state is no text" }] },
      {
        id: "id-a",
        name: "a",
        instances: [expect.objectContaining({ id: "n1:a:80" })],
        skipped: [{ port: 443, reason: "it is not published" }],
      },
      { id: "id-stopped", name: "stopped", instances: [], skipped: [{ reason: "it is not running but exited" }] },
    ],
  });
  expect(engine.requests).toContain("GET /v1.41/containers/json?all=1");
  expect(logged).toEqual([]);
});

describe("changes", () => {
  test("the first hint comes when the subscription stands", async () => {
    const held: (() => void)[] = [];
    engine.intercept = (path, response) => {
      if (!path.includes("/events")) {
        return undefined;
      }
      held.push(() => response.writeHead(200).flushHeaders());
      return "handled";
    };
    const hints = countHints(open());
    await expect.poll(() => held).toHaveLength(1);
    expect(hints.count).toBe(0);
    held[0]?.();
    await expect.poll(() => hints.count).toBe(1);
  });

  test("an event is a hint at once, and has echoes, since the engine's list is late", async () => {
    const hints = countHints(open());
    await expect.poll(() => engine.streams).toBe(1);
    await expect.poll(() => hints.count).toBe(1);
    engine.emit({ Type: "container", Action: "pause", Actor: { ID: "id-a" } });
    await expect.poll(() => hints.count).toBeGreaterThanOrEqual(2);
    await expect.poll(() => hints.count, { timeout: 3000 }).toBe(4);
  });

  test("a container of an event is inspected again", async () => {
    setContainers(listed("a"), listed("b"));
    const source = open();
    const hints = countHints(source);
    await source.list(makeSignal());
    await expect.poll(() => hints.count).toBe(1);
    engine.emit({ Type: "container", Action: "update", Actor: { ID: "id-b" } });
    await expect.poll(() => hints.count).toBe(2);
    await source.list(makeSignal());
    expect(inspections().map((request) => request.at(-6))).toEqual(["a", "b", "b"]);
  });

  test("a container that is told to stop is critical until it runs anew; a reload changes nothing", async () => {
    setContainers(listed("a"), listed("b"));
    engine.details["id-b"] = inspected();
    const source = open({ health: "ignore" });
    const hints = countHints(source);
    await expect.poll(() => hints.count).toBe(1);
    const health = async (): Promise<string> => (await source.list(makeSignal())).map((instance) => instance.health).join(" ");
    const kill = (signal: string): unknown => ({
      Type: "container",
      Action: "kill",
      Actor: { ID: "id-a", Attributes: { signal } },
    });
    expect(await health()).toBe("passing passing");
    engine.emit(kill("1"));
    await expect.poll(() => hints.count).toBe(2);
    expect(await health()).toBe("passing passing");
    engine.emit(kill("15"));
    await expect.poll(health).toBe("critical passing");
    engine.emit({ Type: "container", Action: "die", Actor: { ID: "id-a" } });
    engine.emit({ Type: "container", Action: "stop", Actor: { ID: "id-b" } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await health()).toBe("critical passing");
    engine.emit({ Type: "container", Action: "start", Actor: { ID: "id-a" } });
    await expect.poll(health).toBe("passing passing");
  });

  test("a stop and a start that nobody told of are found when the stream is back", async () => {
    setContainers(listed("a"));
    const source = open();
    const hints = countHints(source);
    await expect.poll(() => hints.count).toBe(1);
    engine.details["id-a"] = { ...inspected(), State: { StartedAt: new Date(1_700_000_000_000).toISOString() } };
    const health = async (): Promise<string> => (await source.list(makeSignal())).map((instance) => instance.health).join(" ");
    const Actor = { ID: "id-a", Attributes: { signal: "15" } };
    engine.emit({ Type: "container", Action: "kill", Actor, time: 1_700_000_001 });
    await expect.poll(health).toBe("critical");
    engine.details["id-a"] = { ...inspected(), State: { StartedAt: new Date(1_700_000_002_000).toISOString() } };
    expect(await health()).toBe("critical");
    engine.cut();
    await expect.poll(health, { timeout: 3000 }).toBe("passing");
  });

  test("what the list tells all of is no reason to inspect", async () => {
    setContainers(listed("a"));
    const source = open();
    const hints = countHints(source);
    await source.list(makeSignal());
    await expect.poll(() => hints.count).toBe(1);
    for (const Action of ["pause", "unpause", "die", "stop", "health_status: healthy"]) {
      engine.emit({ Type: "container", Action, Actor: { ID: "id-a" } });
    }
    await expect.poll(() => hints.count).toBeGreaterThan(1);
    await source.list(makeSignal());
    expect(inspections()).toHaveLength(1);
  });

  test("a stream that is silent is opened anew without a word, and that is a hint", async () => {
    const hints = countHints(open({ silenceMs: 200 }));
    await expect.poll(() => hints.count, { timeout: 5000 }).toBeGreaterThan(3);
    expect(engine.streams).toBeLessThanOrEqual(1);
    expect(logged).toEqual([]);
  });

  test("a stream that tells something now and then is not", async () => {
    const hints = countHints(open({ silenceMs: 1000 }));
    await expect.poll(() => hints.count).toBe(1);
    const begun = performance.now();
    while (performance.now() - begun < 2000) {
      engine.emit({ Type: "container", Action: "update", Actor: { ID: "id-a" } });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(engine.requests.filter((request) => request.includes("/events"))).toHaveLength(1);
  });

  test("a broken stream is opened again, which is a hint; the failure is told once", async () => {
    const hints = countHints(open());
    await expect.poll(() => engine.streams).toBe(1);
    engine.intercept = (_, response) => {
      response.socket?.destroy();
      return "handled";
    };
    engine.cut();
    await expect.poll(() => engine.requests.length, { timeout: 5000 }).toBeGreaterThan(5);
    expect(hints.count).toBe(1);
    engine.intercept = () => undefined;
    await expect.poll(() => hints.count, { timeout: 5000 }).toBe(2);
    expect(engine.streams).toBe(1);
    expect(logged.filter((line) => line.startsWith("warn"))).toEqual([
      expect.stringContaining("docker events cannot be followed"),
    ]);
    expect(logged.at(-1)).toContain("info docker events are followed again");
  });

  test("an engine that is not there yet is waited for", async () => {
    const path = engine.socketPath;
    await engine.stop();
    const hints = countHints(open({ client: createDockerClient({ host: `unix://${path}`, tlsVerify: false }) }));
    await expect.poll(() => logged.length).toBeGreaterThan(1);
    expect(hints.count).toBe(0);
    engine = await startFakeEngine();
  });

  test("a storm of events is drained while nobody reads, and is one hint then", async () => {
    const source = open();
    const reading = source.changes(makeSignal())[Symbol.asyncIterator]();
    await reading.next();
    const line = `${JSON.stringify({ Type: "container", Action: "start", Actor: { ID: "x".repeat(64), Attributes: { pad: "y".repeat(2000) } } })}\n`;
    for (let i = 0; i < 5000; i += 1) {
      engine.emit(line);
    }
    // The reader comes late, and reads until there is nothing more: on a busy machine an echo may still be to come.
    await new Promise((resolve) => setTimeout(resolve, 1800));
    let hints = 0;
    const over = Symbol("over");
    for (let next = reading.next(); ; next = reading.next()) {
      const late = new Promise((resolve) => setTimeout(() => resolve(over), 500));
      if ((await Promise.race([next, late])) === over) {
        break;
      }
      hints += 1;
    }
    expect(hints).toBeGreaterThanOrEqual(1);
    expect(hints).toBeLessThanOrEqual(4);
  });

  test("it ends with the signal, and leaves no connection", async () => {
    const hints = countHints(open());
    await expect.poll(() => engine.streams).toBe(1);
    controllers.at(-1)?.abort();
    await hints.end;
    await expect.poll(() => engine.streams).toBe(0);
  });

  test("a reader that leaves ends it too", async () => {
    for await (const _ of open().changes(makeSignal())) {
      break;
    }
    await expect.poll(() => engine.streams).toBe(0);
  });
});
