import { rename, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDockerClient, type DockerClient } from "../../../../../src/sources/docker/engine/client.ts";
import type { EngineEvent } from "../../../../../src/sources/docker/engine/event-lines.ts";
import { type FakeEngine, inspected, listed, startFakeEngine } from "../fake-engine.ts";

let engine: FakeEngine;
const signal = new AbortController().signal;

beforeEach(async () => {
  engine = await startFakeEngine();
});
afterEach(() => engine.stop());

function open(changes: { readonly host?: string; readonly callMs?: number; readonly listMs?: number } = {}): DockerClient {
  return createDockerClient({ host: engine.host, tlsVerify: false, ...changes });
}

function unavailable(message: RegExp, retryable = true): unknown {
  return expect.objectContaining({ code: "SOURCE_UNAVAILABLE", retryable, message: expect.stringMatching(message) });
}

describe("the API version", () => {
  test.each([
    ["1.41", "v1.41"],
    ["1.51", "v1.51"],
    ["1.52", "v1.51"],
    ["2.0", "v1.51"],
    ["1.24", "v1.24"],
  ])("an engine that offers %s is spoken to in %s", async (offered, spoken) => {
    engine.apiVersion = offered;
    await open().containers({ all: false }, signal);
    expect(engine.requests).toEqual(["GET /_ping", `GET /${spoken}/containers/json`]);
  });

  test("it is asked for once, and again after a failure", async () => {
    const client = open();
    await client.engineId(signal);
    await client.engineId(signal);
    engine.apiVersion = "1.44";
    engine.intercept = (path) => (path === "/v1.41/info" ? { body: "half" } : undefined);
    await expect(client.engineId(signal)).rejects.toThrow("not JSON");
    engine.intercept = (_, response) => {
      response.socket?.destroy();
      return "handled";
    };
    await expect(client.engineId(signal)).rejects.toEqual(unavailable(/the connection was cut/));
    engine.intercept = () => undefined;
    await client.engineId(signal);
    expect(engine.requests.slice(-2)).toEqual(["GET /_ping", "GET /v1.44/info"]);
  });

  test("another engine that refuses the version is asked for its own", async () => {
    const client = open();
    await client.engineId(signal);
    engine.apiVersion = "1.30";
    engine.intercept = (path) =>
      path.startsWith("/v1.41")
        ? { status: 400, body: { message: "client version 1.41 is too new. Maximum supported API version is 1.30" } }
        : undefined;
    expect(await client.engineId(signal)).toBe("ENGINE:ID");
    expect(engine.requests.slice(-3)).toEqual(["GET /v1.41/info", "GET /_ping", "GET /v1.30/info"]);
  });

  test.each([
    ["old. Minimum supported API version is 1.60, please upgrade your client to a newer version", /update fairlead$/],
    ["new. Maximum supported API version is 1.23", /older than it says/],
  ])("an engine that says that we are too %s is refused for good, and asked twice at most", async (said, hint) => {
    engine.intercept = (path) =>
      path.startsWith("/v1.") ? { status: 400, body: { message: `client version 1.41 is too ${said}` } } : undefined;
    const client = open();
    for (const asked of [2, 4]) {
      const call = client.containers({ all: false }, signal);
      await expect(call).rejects.toEqual(unavailable(/it answered 400: client version 1\.41 is too/, false));
      await expect(call).rejects.toMatchObject({ hint: expect.stringMatching(hint) });
      expect(engine.requests).toHaveLength(asked);
    }
  });

  test("an engine that is too old is refused for good", async () => {
    engine.apiVersion = "1.12";
    await expect(open().engineId(signal)).rejects.toEqual(unavailable(/it offers "1\.12", at least 1\.24 is needed/, false));
  });

  test.each([[undefined], ["new"]])("something that answers %s is refused", async (version) => {
    engine.apiVersion = version;
    await expect(open().engineId(signal)).rejects.toEqual(expect.objectContaining({ code: "SOURCE_UNAVAILABLE" }));
  });
});

describe("answers", () => {
  test("the list is read, and what makes no sense in it is named", async () => {
    engine.containers = [listed("web"), { Id: "bad", Names: [] }, 7];
    const list = await open().containers({ all: true }, signal);
    expect(list.containers.map(({ name }) => name)).toEqual(["web"]);
    expect(list.invalid).toEqual([{ id: "bad", reason: "it has no name" }, { reason: "it is no object" }]);
    expect(engine.requests.at(-1)).toBe("GET /v1.41/containers/json?all=1");
  });

  test.each([
    ["no list", { message: "hello" }, /the answer is no list/],
    ["no JSON", "<html>", /the answer is not JSON/],
    ["half a list", '[{"Id":"a"', /the answer is not JSON/],
  ])("%s: rejected, never a part of it", async (_, body, message) => {
    engine.containers = body;
    await expect(open().containers({ all: false }, signal)).rejects.toEqual(unavailable(message));
  });

  test("a body that is cut off is rejected", async () => {
    engine.intercept = (path, response) => {
      if (!path.includes("/containers")) {
        return undefined;
      }
      response.writeHead(200, { "content-length": "100" });
      response.write("[]");
      setTimeout(() => response.socket?.destroy(), 20);
      return "handled";
    };
    await expect(open().containers({ all: false }, signal)).rejects.toEqual(unavailable(/the connection was cut/));
  });

  test("a container's details", async () => {
    engine.details = {
      a: inspected(["SERVICE_A=1", "SERVICE_A=2", "SERVICE_B", "VIRTUAL_C=x=y", "PASSWORD=z", "=q"], ["80/tcp", "53/udp", "9"]),
    };
    expect(await open().inspect("a", signal)).toEqual({
      image: "nginx:1.25",
      env: { SERVICE_A: "2", VIRTUAL_C: "x=y" },
      exposed: [
        { port: 9, protocol: "tcp" },
        { port: 80, protocol: "tcp" },
        { port: 53, protocol: "udp" },
      ],
      life: { stopSignal: undefined, startedAt: undefined },
    });
  });

  test("how a container ends, and when it was started", async () => {
    const { Config } = inspected();
    const config = { ...(Config as object), StopSignal: "SIGQUIT" };
    engine.details = {
      a: { Config: config, State: { StartedAt: "2026-11-24T06:44:32.768632373Z" } },
      b: { Config: { ...config, StopSignal: 7 }, State: { StartedAt: "yesterday" } },
      c: { Config, State: 7 },
    };
    expect(await open().inspect("a", signal)).toMatchObject({
      life: { stopSignal: 3, startedAt: Date.UTC(2026, 10, 24, 6, 44, 32, 768) },
    });
    for (const id of ["b", "c"]) {
      expect(await open().inspect(id, signal)).toMatchObject({ life: { stopSignal: undefined, startedAt: undefined } });
    }
  });

  test("no such container is gone; nonsense is invalid; an engine that fails says why", async () => {
    engine.details = { odd: { Config: 7 } };
    engine.intercept = (path) => (path.includes("sick") ? { status: 500, body: { message: "layer does not exist" } } : undefined);
    expect(await open().inspect("none", signal)).toBe("gone");
    expect(await open().inspect("odd", signal)).toEqual({ failed: unavailable(/makes no sense/), isNonsense: true });
    const failed = unavailable(/it answered 500: layer does not exist/);
    expect(await open().inspect("sick", signal)).toEqual({ failed, isNonsense: false });
  });

  test("an answer without end is cut: of one container it is about that one, of all it is no list", async () => {
    engine.intercept = (path, response) => {
      if (!path.includes("/containers")) {
        return undefined;
      }
      const part = Buffer.alloc(1024 * 1024, " ");
      const send = (): void => void (response.destroyed || (response.write(part), setImmediate(send)));
      send();
      return "handled";
    };
    const client = open({ callMs: 20_000, listMs: 20_000 });
    expect(await client.inspect("a", signal)).toEqual({ failed: unavailable(/larger than 8388608 bytes/), isNonsense: false });
    await expect(client.containers({ all: false }, signal)).rejects.toEqual(unavailable(/larger than 67108864 bytes/));
  });

  test("a proxy without the inspect call does not make containers vanish", async () => {
    engine.intercept = (path) => (path.includes("/containers/") ? { status: 404, body: "404 page not found" } : undefined);
    await expect(open().inspect("a", signal)).rejects.toEqual(unavailable(/it answered 404: 404 page not found/));
  });

  test("a proxy that forbids a call is told apart", async () => {
    engine.intercept = (path) => (path.includes("/info") ? { status: 403, body: "Forbidden" } : undefined);
    await expect(open().engineId(signal)).rejects.toMatchObject({
      hint: expect.stringContaining("/_ping, /info, /events and /containers"),
    });
  });

  test("an id that is no path stays in its segment", async () => {
    await open().inspect("../../info?x", signal);
    expect(engine.requests.at(-1)).toBe("GET /v1.41/containers/..%2F..%2Finfo%3Fx/json");
  });
});

describe("an engine that is not there", () => {
  test("no socket", async () => {
    const client = open({ host: "unix:///nowhere/docker.sock" });
    await expect(client.engineId(signal)).rejects.toEqual(
      unavailable(/^cannot read the id of Docker at unix:\/\/\/nowhere\/docker\.sock: there is no such socket$/),
    );
    await expect(client.engineId(signal)).rejects.toMatchObject({ hint: expect.stringContaining("DOCKER_HOST") });
  });

  test("a socket on which nobody listens", async () => {
    const path = `${engine.socketPath}.old`;
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once("listening", resolve));
    await rename(path, `${path}.left`);
    await new Promise((resolve) => server.close(resolve));
    await expect(open({ host: `unix://${path}.left` }).engineId(signal)).rejects.toMatchObject({
      message: expect.stringContaining("connection refused"),
      hint: expect.stringContaining("start Docker"),
    });
  });

  test("no permission", { skip: process.getuid?.() !== 0 }, async () => {
    process.seteuid?.(65_534);
    try {
      await expect(open().engineId(signal)).rejects.toMatchObject({
        message: expect.stringContaining("permission denied"),
        hint: expect.stringContaining("--group-add"),
      });
    } finally {
      process.seteuid?.(0);
    }
  });

  test("a folder, as it is made by a mount when there is no socket", async () => {
    await expect(open({ host: `unix://${dirname(engine.socketPath)}` }).engineId(signal)).rejects.toMatchObject({
      message: expect.stringContaining(`${dirname(engine.socketPath)} is a folder`),
      hint: expect.stringContaining("remove it, start Docker"),
    });
  });

  test("a file", async () => {
    const path = `${engine.socketPath}.txt`;
    await writeFile(path, "");
    await expect(open({ host: `unix://${path}` }).engineId(signal)).rejects.toMatchObject({
      message: expect.stringContaining(`${path} is no socket`),
      hint: expect.stringContaining("DOCKER_HOST"),
    });
  });

  test.each([
    ["that has no such path", { status: 404, body: "not found" }, /it has no \/_ping/],
    ["that says OK to everything", { body: "OK" }, /it did not say one/],
  ])("a web server %s", async (_, answer, message) => {
    engine.apiVersion = undefined;
    engine.intercept = () => answer;
    await expect(open().engineId(signal)).rejects.toEqual(unavailable(message));
    await expect(open().engineId(signal)).rejects.toMatchObject({
      hint: expect.stringContaining("does not look like a Docker engine"),
    });
  });

  test("something that speaks another protocol", async () => {
    engine.intercept = (_, response) => {
      response.socket?.end("220 mail.example ESMTP\r\n");
      return "handled";
    };
    await expect(open().engineId(signal)).rejects.toMatchObject({
      message: expect.stringContaining("the answer is not HTTP"),
      hint: expect.stringContaining("does not look like a Docker engine"),
    });
  });

  test("an engine that hangs: every call has a deadline", async () => {
    engine.intercept = () => "handled";
    const client = open({ callMs: 100, listMs: 150 });
    await expect(client.engineId(signal)).rejects.toEqual(unavailable(/no answer within 100 ms/));
    await expect(client.containers({ all: false }, signal)).rejects.toEqual(unavailable(/no answer within 150 ms/));
    expect(await client.inspect("a", signal)).toEqual({ failed: unavailable(/no answer within 100 ms/), isNonsense: false });
    await expect(client.events({ onOpen: () => undefined, onEvent: () => undefined }, signal)).rejects.toEqual(
      unavailable(/cannot follow the events .* no answer within 100 ms/),
    );
  });

  test("an engine that stops in the middle of its answer", async () => {
    engine.intercept = (path, response) => {
      if (!path.includes("/containers")) {
        return undefined;
      }
      response.writeHead(200).write("[");
      return "handled";
    };
    await expect(open({ listMs: 100 }).containers({ all: false }, signal)).rejects.toEqual(
      unavailable(/no answer within 100 ms/),
    );
  });

  test("abort ends a call at once, with the signal's reason", async () => {
    engine.intercept = () => "handled";
    const controller = new AbortController();
    const calling = open().engineId(controller.signal);
    controller.abort(new Error("over"));
    await expect(calling).rejects.toThrow("over");
  });
});

describe("events", () => {
  function follow(
    client: DockerClient,
    signal: AbortSignal,
  ): { readonly seen: (string | undefined)[]; readonly end: Promise<unknown> } {
    const seen: (string | undefined)[] = [];
    const end = client
      .events({ onOpen: () => seen.push("open"), onEvent: ({ container }) => seen.push(container) }, signal)
      .catch((error: unknown) => error);
    return { seen, end };
  }

  test("only those that matter are asked for", async () => {
    const controller = new AbortController();
    const { seen, end } = follow(open(), controller.signal);
    await expect.poll(() => seen).toEqual(["open"]);
    const url = new URL(engine.requests.at(-1)?.replace("GET ", "http://docker") ?? "");
    const filters = JSON.parse(url.searchParams.get("filters") ?? "") as { readonly type: string[]; readonly event: string[] };
    expect(filters.type).toEqual(["container", "network"]);
    expect(filters.event).toContain("health_status");
    expect(filters.event.filter((action) => action.startsWith("exec"))).toEqual([]);
    expect(Number(url.searchParams.get("since"))).toBeCloseTo(Date.now() / 1000 - 30, -1);
    controller.abort(new Error("over"));
    expect(await end).toEqual(new Error("over"));
    await expect.poll(() => engine.streams).toBe(0);
  });

  test("each line names its container, whatever the chunks, in the shape of any API version", async () => {
    const { seen, end } = follow(open(), signal);
    await expect.poll(() => engine.streams).toBe(1);
    engine.emit({ Type: "container", Action: "start", Actor: { ID: "a" }, id: "a", status: "start" });
    const line = JSON.stringify({ Type: "network", Action: "connect", Actor: { ID: "net", Attributes: { container: "bä" } } });
    engine.emit(line.slice(0, 40));
    engine.emit(`${line.slice(40)}\n\n{"Type":"container"}\n`);
    await expect.poll(() => seen).toEqual(["open", "a", "bä", undefined]);
    engine.cut();
    expect(await end).toEqual(unavailable(/cannot follow the events .* the connection was cut/));
  });

  test("an event tells what happened to whom and when, as far as it says so", async () => {
    const seen: EngineEvent[] = [];
    const end = open()
      .events({ onOpen: () => undefined, onEvent: (event) => seen.push(event) }, signal)
      .catch(() => undefined);
    await expect.poll(() => engine.streams).toBe(1);
    const Actor = { ID: "a", Attributes: { signal: "15" } };
    engine.emit({ Type: "container", Action: "kill", Actor, time: 1_700_000_000, timeNano: 1_700_000_000_250_000_000 });
    engine.emit({ Type: "container", Action: "die", Actor: { ID: "a" }, time: 1_700_000_001 });
    engine.emit({ Type: "container", Action: 7, Actor: { ID: 7, Attributes: { signal: 15 } }, time: "now" });
    await expect
      .poll(() => seen)
      .toEqual([
        { container: "a", action: "kill", signal: "15", at: 1_700_000_000_250 },
        { container: "a", action: "die", signal: undefined, at: 1_700_000_001_999 },
        { container: undefined, action: "", signal: undefined, at: undefined },
      ]);
    engine.cut();
    await end;
  });

  test.each([
    ["an end", "", /the stream ended/],
    ["garbage", "<html>\n", /something that is no event/],
    ["a list", "[]\n", /something that is no event/],
    ["a line without end", "x".repeat(1_100_000), /something that is no event/],
  ])("%s ends the stream", async (_, text, message) => {
    engine.intercept = (path, response) => {
      if (!path.includes("/events")) {
        return undefined;
      }
      response.writeHead(200);
      response.end(text);
      return "handled";
    };
    const { seen, end } = follow(open(), signal);
    expect(await end).toEqual(unavailable(message));
    expect(seen).toEqual(["open"]);
  });

  test("a refused subscription never stood", async () => {
    engine.intercept = (path) => (path.includes("/events") ? { status: 500, body: { message: "no" } } : undefined);
    const { seen, end } = follow(open(), signal);
    expect(await end).toEqual(unavailable(/it answered 500: no/));
    expect(seen).toEqual([]);
  });
});

test("nothing but GET was ever sent", async () => {
  const client = open();
  await client.engineId(signal);
  await client.containers({ all: true }, signal);
  await client.inspect("a", signal);
  expect(engine.requests.every((request) => request.startsWith("GET "))).toBe(true);
});
