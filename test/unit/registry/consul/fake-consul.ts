import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "../../../../src/ports.ts";
import type { Timing } from "../../../../src/registry/consul/api/timing.ts";
import { createConsulKvRegistry, createConsulRegistry } from "../../../../src/registry/consul/registry.ts";
import type { StoreOptions } from "../../../../src/registry/store.ts";

export interface Asked {
  readonly method: string;
  /** Without `/v1`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly atMs: number;
}

/** `cut`: the connection ends in the middle of the body. `never`: it stays open and nothing comes. */
export type Reply =
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
      readonly cut?: true;
    }
  | "never";

interface Item {
  readonly id: string;
  readonly port: number;
  readonly meta?: Readonly<Record<string, string>>;
  readonly checks?: readonly { readonly id: string; readonly status: string }[];
}

/**
 * An HTTP server that answers the questions of a reader as Consul would, blocking queries too, and lies when it is told to: `lie` sees
 * each request first.
 */
export class FakeConsul {
  readonly asked: Asked[] = [];
  index = 10;
  services: Readonly<Record<string, readonly Item[]>> = {};
  keys: Readonly<Record<string, string>> = {};
  lie: (asked: Asked) => Reply | undefined = () => undefined;
  connections = 0;
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #wakers = new Set<() => void>();

  async start(): Promise<this> {
    this.#server.on("connection", (socket) => {
      socket.setMaxListeners(0); // one for each blocking query that it carried
      this.connections += 1;
      socket.once("close", () => {
        this.connections -= 1;
      });
    });
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get endpoint(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Changes what there is, and wakes the blocking queries. */
  change(next: Partial<Pick<FakeConsul, "services" | "keys" | "index">>): void {
    Object.assign(this, { index: this.index + 1, ...next });
    this.wake();
  }

  wake(): void {
    this.#wakers.forEach((wake) => wake());
  }

  askedFor(start: string): readonly Asked[] {
    return this.asked.filter(({ path }) => path.startsWith(start));
  }

  async stop(): Promise<void> {
    this.wake();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    const url = new URL(request.url ?? "/", "http://fake");
    const path = decodeURIComponent(url.pathname).replace(/^\/v1/, "");
    const asked = {
      method: request.method ?? "",
      path,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
      atMs: performance.now(),
    };
    this.asked.push(asked);
    let reply = this.lie(asked);
    if (reply === undefined) {
      await this.#block(asked, request);
      reply = this.lie(asked) ?? this.#truth(asked);
    }
    if (reply === "never") {
      return;
    }
    const { status = 200, headers = {}, body = "", cut } = reply;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const length = Buffer.byteLength(text);
    response.writeHead(status, {
      "content-type": typeof body === "string" ? "text/plain" : "application/json",
      "content-length": length,
      "x-consul-index": String(this.index),
      "x-consul-knownleader": "true",
      ...headers,
    });
    if (cut) {
      response.write(text.slice(0, Math.max(1, Math.floor(length / 2))));
      setTimeout(() => response.destroy(), 20);
    } else {
      response.end(text);
    }
  }

  /** As Consul: until the index is greater than the one that was asked for, the wait is over or the client has gone. */
  async #block({ query }: Asked, request: IncomingMessage): Promise<void> {
    const after = Number(query.get("index") ?? 0);
    if (after === 0 || this.index > after) {
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Number.parseInt(query.get("wait") ?? "1000", 10));
      const wake = (): void => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      this.#wakers.add(wake);
      request.socket.once("close", wake);
    });
  }

  #truth({ path, query }: Asked): Reply {
    if (path === "/catalog/services") {
      return { body: { consul: [], ...Object.fromEntries(Object.keys(this.services).map((name) => [name, []])) } };
    }
    if (path === "/health/state/any") {
      const own = check("n1", "serfHealth", "passing");
      return { body: [own, ...Object.entries(this.services).flatMap(([name, items]) => checksOf(name, items))] };
    }
    const service = /^\/health\/service\/(.*)$/.exec(path)?.[1];
    if (service !== undefined) {
      return { body: (this.services[service] ?? []).map((item) => catalogItem(service, item)) };
    }
    const prefix = /^\/kv\/(.*)$/.exec(path)?.[1];
    if (prefix !== undefined) {
      const found = Object.entries(this.keys).filter(([key]) => key.startsWith(prefix));
      if (found.length === 0) {
        return { status: 404 };
      }
      return { body: query.has("keys") ? found.map(([key]) => key) : found.map(([key, value]) => pair(key, value, this.index)) };
    }
    return { status: 404, headers: { "x-consul-index": "" } };
  }
}

function check(node: string, id: string, status: string, service = "", serviceId = ""): object {
  return { Node: node, CheckID: id, Status: status, Notes: "", ServiceName: service, ServiceID: serviceId, ModifyIndex: 1 };
}

function checksOf(service: string, items: readonly Item[]): readonly object[] {
  return items.flatMap(({ id, checks = [] }) => checks.map((each) => check("n1", each.id, each.status, service, id)));
}

export function catalogItem(service: string, item: Item): object {
  const { id, port, meta = {} } = item;
  return {
    Node: { Node: "n1", Address: "10.0.0.1" },
    Service: {
      ID: id,
      Service: service,
      Address: "",
      Port: port,
      Tags: [],
      Meta: meta,
      Weights: { Passing: 1 },
      ModifyIndex: port,
    },
    Checks: [check("n1", "serfHealth", "passing"), ...checksOf(service, [item])],
  };
}

function pair(key: string, value: string, index: number): object {
  return { Key: key, Value: Buffer.from(value).toString("base64"), ModifyIndex: index, CreateIndex: 1, Flags: 0, LockIndex: 0 };
}

/** Short waits, so that a test need not be long. */
const QUICK: Partial<Timing> = { waitMs: 400, callMs: 1000, bulkMs: 1000, floorMs: 20, maxFloorMs: 100, sweepMs: 200 };

interface OpenOptions extends Partial<StoreOptions> {
  readonly kind?: "catalogue" | "kv";
  readonly timing?: Partial<Timing>;
}

export function openRegistry(fake: FakeConsul | undefined, { kind = "catalogue", timing, ...more }: OpenOptions = {}): Registry {
  const create = kind === "catalogue" ? createConsulRegistry : createConsulKvRegistry;
  const options: StoreOptions = {
    name: "consul://fake",
    endpoints: fake === undefined ? [] : [fake.endpoint],
    prefix: "fairlead",
    kvPrefix: "",
    layout: "json",
    ...more,
  };
  return create(options, { timing: { ...QUICK, ...timing } });
}
