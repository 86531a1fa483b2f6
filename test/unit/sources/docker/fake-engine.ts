import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Reply {
  readonly status?: number;
  /** A text is sent as it is, anything else as JSON. */
  readonly body: unknown;
}

/** A socket that answers as an engine does, and badly when it is told to. */
export interface FakeEngine {
  readonly host: string;
  readonly socketPath: string;
  /** `GET /v1.41/…`, in the order they came. */
  readonly requests: string[];
  /** What `Api-Version` says; undefined: no such header. */
  apiVersion: string | undefined;
  containers: unknown;
  /** By id; a missing one is 404. */
  details: Record<string, unknown>;
  /** The first word of all: undefined leaves the answer to the fake. */
  intercept: (path: string, response: ServerResponse) => Reply | "handled" | undefined;
  readonly streams: number;
  /** To all open event streams; a text as it is, anything else as a line of JSON. */
  emit(event: unknown): void;
  /** Breaks all event streams, as a restarting engine does. */
  cut(): void;
  stop(): Promise<void>;
}

export async function startFakeEngine(): Promise<FakeEngine> {
  const folder = await mkdtemp(join(tmpdir(), "fairlead-fake-engine-"));
  const socketPath = join(folder, "docker.sock");
  const streams = new Set<ServerResponse>();
  const engine: FakeEngine = {
    host: `unix://${socketPath}`,
    socketPath,
    requests: [],
    apiVersion: "1.41",
    containers: [],
    details: {},
    intercept: () => undefined,
    get streams() {
      return streams.size;
    },
    emit(event) {
      for (const stream of streams) {
        stream.write(typeof event === "string" ? event : `${JSON.stringify(event)}\n`);
      }
    },
    cut() {
      for (const stream of streams) {
        stream.socket?.destroy();
      }
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await rm(folder, { recursive: true, force: true });
    },
  };

  function answer(path: string): Reply {
    const [route = ""] = path.replace(/^\/v[\d.]+/, "").split("?");
    if (route === "/_ping") {
      return { body: "OK" };
    }
    if (route === "/info") {
      return { body: { ID: "ENGINE:ID" } };
    }
    if (route === "/containers/json") {
      return { body: engine.containers };
    }
    const id = decodeURIComponent(/^\/containers\/(.+)\/json$/.exec(route)?.[1] ?? "");
    return Object.hasOwn(engine.details, id)
      ? { body: engine.details[id] }
      : { status: 404, body: { message: `No such container: ${id}` } };
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    engine.requests.push(`${request.method} ${path}`);
    const special = engine.intercept(path, response);
    if (special === "handled") {
      return;
    }
    if (special === undefined && /^\/v[\d.]+\/events\?/.test(path)) {
      streams.add(response);
      response.once("close", () => streams.delete(response));
      response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
      return;
    }
    const { status = 200, body } = special ?? answer(path);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const version = engine.apiVersion === undefined ? {} : { "api-version": engine.apiVersion };
    response.writeHead(status, { "content-type": "application/json", ...version }).end(text);
  }

  const server = createServer(serve);
  server.listen(socketPath);
  await once(server, "listening");
  return engine;
}

/** An item of `/containers/json`. */
export function listed(name: string, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    Id: `id-${name}`,
    Names: [`/${name}`],
    Image: "nginx:1.25",
    Created: 1_700_000_000,
    State: "running",
    Status: "Up 3 seconds",
    Labels: {},
    Ports: [{ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }],
    HostConfig: { NetworkMode: "default" },
    NetworkSettings: { Networks: { bridge: { IPAddress: "172.17.0.2", GlobalIPv6Address: "" } } },
    ...changes,
  };
}

/** An answer of `/containers/{id}/json`. */
export function inspected(env: readonly string[] = [], exposed: readonly string[] = ["80/tcp"]): Record<string, unknown> {
  return { Config: { Image: "nginx:1.25", Env: env, ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])) } };
}
