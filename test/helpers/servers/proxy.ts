import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { reservePort } from "./ports.ts";

/**
 * What happens to the bytes:
 * - `pass`: nothing.
 * - `refuse`: nobody listens, open connections are reset. An engine or server that is down.
 * - `blackhole`: connections are accepted and stay open, no byte gets through. A network that is gone; with `pass` the bytes that were
 *   held go on their way, as TCP would send them again.
 * - `delay`: each chunk arrives that much later, in both directions, in order.
 * - `limit`: each connection ends once it has carried that many bytes from the server, counted from now or from its beginning. Half a
 *   body.
 */
export type ProxyMode =
  | { readonly kind: "pass" | "refuse" | "blackhole" }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "limit"; readonly bytes: number };

export interface FaultProxy {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly connections: number;
  /** Holds for connections that are open and those to come. */
  set(mode: ProxyMode): Promise<void>;
  /** Resets all open connections, once; new ones are served. */
  cut(): void;
  stop(): Promise<void>;
}

export type ProxyTarget = { readonly port: number; readonly host?: string } | { readonly socketPath: string };

/** A TCP proxy on 127.0.0.1 between a client and a real server that breaks when it is told to. */
export async function startProxy(target: ProxyTarget): Promise<FaultProxy> {
  const port = await reservePort();
  const pairs = new Set<Pair>();
  let mode: ProxyMode = { kind: "pass" };
  let server: Server | undefined;

  function accept(client: Socket): void {
    const upstream =
      "port" in target
        ? connect({ port: target.port, host: target.host ?? "127.0.0.1", allowHalfOpen: true })
        : connect({ path: target.socketPath, allowHalfOpen: true });
    const pair = new Pair(client, upstream, () => mode);
    pairs.add(pair);
    client.once("close", () => pairs.delete(pair));
  }
  function cut(): void {
    for (const pair of pairs) {
      pair.reset();
    }
  }
  async function listen(): Promise<void> {
    if (server === undefined) {
      const opened = createServer({ allowHalfOpen: true }, accept);
      opened.listen(port, "127.0.0.1");
      await once(opened, "listening");
      server = opened;
    }
  }
  async function close(): Promise<void> {
    const closing = server;
    server = undefined;
    if (closing !== undefined) {
      const closed = once(closing, "close");
      closing.close();
      cut();
      await closed;
    }
  }

  await listen();
  return {
    host: "127.0.0.1",
    port,
    get connections() {
      return pairs.size;
    },
    cut,
    async set(next) {
      mode = next;
      if (next.kind === "refuse") {
        await close();
        return;
      }
      await listen();
      for (const pair of pairs) {
        pair.modeChanged();
      }
    },
    stop: close,
  };
}

/** One client's connection and the one to the server that belongs to it. */
class Pair {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #mode: () => ProxyMode;
  #carried = 0;

  constructor(client: Socket, upstream: Socket, mode: () => ProxyMode) {
    this.#client = client;
    this.#upstream = upstream;
    this.#mode = mode;
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    this.#pump(client, upstream, false);
    this.#pump(upstream, client, true);
    this.modeChanged();
  }

  reset(): void {
    this.#client.resetAndDestroy();
    // It may still be connecting, or be a unix socket: neither can be reset.
    this.#upstream.destroy();
  }

  modeChanged(): void {
    this.#carried = 0;
    for (const socket of [this.#client, this.#upstream]) {
      if (this.#mode().kind === "blackhole") {
        socket.pause();
      } else {
        socket.resume();
      }
    }
  }

  #pump(from: Socket, to: Socket, fromServer: boolean): void {
    let last: Promise<void> = Promise.resolve();
    const inOrder = (step: () => void): void => {
      const mode = this.#mode();
      if (mode.kind === "delay") {
        const due = new Promise<void>((resolve) => setTimeout(resolve, mode.ms));
        last = last.then(() => due);
      }
      last = last.then(step);
    };
    from.on("data", (chunk: Buffer) => inOrder(() => this.#carry(chunk, to, fromServer)));
    from.on("end", () => inOrder(() => void to.end()));
    from.on("error", () => this.reset());
    from.on("close", () => inOrder(() => void to.end()));
  }

  #carry(chunk: Buffer, to: Socket, fromServer: boolean): void {
    const mode = this.#mode();
    const part = fromServer && mode.kind === "limit" ? chunk.subarray(0, Math.max(0, mode.bytes - this.#carried)) : chunk;
    this.#carried += fromServer ? part.length : 0;
    if (part.length === chunk.length) {
      to.write(chunk);
    } else {
      // An orderly end delivers what was sent; a reset might not.
      to.end(part);
      this.#upstream.destroy();
    }
  }
}
