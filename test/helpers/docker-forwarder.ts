/** Stands in front of an engine's socket: keeps every request, and can do to the event stream what a bad connection does. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Forwarder {
  readonly socketPath: string;
  readonly host: string;
  /** `GET /v1.41/containers/json`, in the order they came. */
  readonly requests: readonly string[];
  /** True: event streams stand, and nothing ever comes through them. */
  isDeaf: boolean;
  /** Bytes of our own into all event streams. */
  inject(text: string): void;
  /** Ends all event streams without a word. */
  cut(): void;
  stop(): Promise<void>;
}

export async function startForwarder(engineSocket: string): Promise<Forwarder> {
  const folder = await mkdtemp(join(tmpdir(), "fairlead-forwarder-"));
  const socketPath = join(folder, "docker.sock");
  const requests: string[] = [];
  const streams = new Set<ServerResponse>();

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url: path = "" } = request;
    requests.push(`${method} ${path}`);
    const forwarded = httpRequest({ socketPath: engineSocket, method, path, headers: request.headers, agent: false });
    forwarded.once("error", () => response.socket?.destroy());
    response.once("close", () => {
      streams.delete(response);
      forwarded.destroy();
    });
    forwarded.once("response", (answer) => {
      const isStream = path.includes("/events");
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.on("data", (chunk: Buffer) => {
        if (!isStream || !forwarder.isDeaf) {
          response.write(chunk);
        }
      });
      answer.once("end", () => response.end());
      answer.once("error", () => response.socket?.destroy());
      if (isStream) {
        streams.add(response);
      }
    });
    forwarded.end();
  }

  const server = createServer(serve);
  server.listen(socketPath);
  await once(server, "listening");
  const forwarder: Forwarder = {
    socketPath,
    host: `unix://${socketPath}`,
    requests,
    isDeaf: false,
    inject(text) {
      for (const stream of streams) {
        stream.write(text);
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
  return forwarder;
}
