import { EventEmitter } from "node:events";
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from "node:http";

/** What every method of the consul client takes beside its own options. */
export type MethodOptions = Readonly<Record<string, unknown>>;
type Method = (options: MethodOptions) => Promise<unknown>;

/** The methods of the consul client that we use. Its own types know neither `ctx`, `index` nor what comes back. */
export interface ConsulMethods {
  readonly agent: {
    readonly services: Method;
    readonly checks: Method;
    readonly service: { readonly register: Method; readonly deregister: Method };
    readonly check: { readonly pass: Method; readonly warn: Method; readonly fail: Method; readonly deregister: Method };
  };
  readonly catalog: { readonly services: Method };
  readonly health: { readonly service: Method; readonly state: Method; readonly node: Method };
  readonly kv: { readonly get: Method; readonly keys: Method; readonly set: Method };
  readonly session: { readonly create: Method; readonly destroy: Method; readonly list: Method; readonly renew: Method };
  readonly transaction: { create(operations: readonly object[], options: MethodOptions): Promise<unknown> };
}

/** The client's own extension points (papi's `_ext`). */
interface Extensible {
  _ext(event: "onCreate" | "onRequest", hook: (request: PendingRequest, next: () => void) => void): void;
}

interface PendingRequest {
  readonly opts: { body?: unknown };
  readonly req: RequestOptions;
  transport: { request(options: RequestOptions): ClientRequest };
}

export interface ClientSettings {
  readonly secure: boolean;
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly connections: Agent;
  readonly headers: Readonly<Record<string, string>>;
  /** Adds to a request's body what the client's method leaves out. */
  readonly body?: (body: unknown) => unknown;
}

type Constructor = new (options: object) => ConsulMethods & Extensible;

/** A client for one call: it is cheap, and it holds the call's own headers. The library is loaded with the first one. */
export async function createConsulClient(settings: ClientSettings): Promise<ConsulMethods> {
  // CommonJS with weak types: they have neither the constructor as default nor the hook for extensions that we use.
  const { default: Consul } = (await import("consul")) as unknown as { readonly default: Constructor };
  const { secure, host, port, connections, headers, body } = settings;
  const name = host.includes(":") ? `[${host}]` : host;
  const client = new Consul({ secure, host: name, port, agent: connections, headers });
  if (body !== undefined) {
    client._ext("onCreate", (request, next) => {
      request.opts.body = body(request.opts.body);
      next();
    });
  }
  client._ext("onRequest", (request, next) => {
    const { transport } = request;
    request.req.hostname = host; // in brackets it would be looked up as a name
    request.transport = { request: (options) => failWhenCut(transport.request(options)) };
    next();
  });
  return client;
}

/** The client listens to the request alone: without this, an answer that is cut off in the middle would be waited for until the deadline. */
function failWhenCut(request: ClientRequest): ClientRequest {
  request.once("response", (response: IncomingMessage) => {
    response.once("error", (error) => request.emit("error", error));
  });
  return request;
}

/** Runs one method so that the answer comes with its headers, and ends it when the signal aborts. */
export async function callMethod(
  run: (options: MethodOptions) => Promise<unknown>,
  token: string | undefined,
  signal: AbortSignal,
): Promise<readonly [response: IncomingMessage, body: unknown]> {
  signal.throwIfAborted();
  const ctx = Object.assign(new EventEmitter(), { includeResponse: true });
  const cancel = (): void => void ctx.emit("cancel");
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const [response, body] = (await run({ ctx, ...(token !== undefined && { token }) })) as [IncomingMessage, unknown];
    return [response, body];
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
