import type { Etcd3, IDuplexStream } from "etcd3";
import { FairleadError, messageOf } from "../../model/errors.ts";
import type { StoreOptions } from "../store.ts";
import { RpcError, STATUS } from "./errors.ts";
import { type CallOptions, Tap } from "./tap.ts";
import { createEtcd } from "./transport.ts";

/** Of etcd3 only the RPC layer is used: its own watches lose events, its leases are not renewed when they were lost. */
export type Rpc = Pick<Etcd3, "kv" | "leaseClient" | "watchClient">;
export type Work<T> = (rpc: Rpc, options: CallOptions) => Promise<T>;

/** Opens one of etcd3's raw streams. */
export type OpenStream<Request, Response> = (rpc: Rpc, options: CallOptions) => Promise<IDuplexStream<Request, Response>>;

export interface StreamHandlers<Response> {
  readonly onResponse: (response: Response) => void;
  /** Called once, whatever ends the stream from outside. */
  readonly onEnd: (error: RpcError) => void;
}

export interface Stream<Request> {
  send(request: Request): void;
  cancel(): void;
}

/**
 * A channel to one endpoint, opened by the first call. It is given up at the first sign of trouble, so that a new one starts without
 * gRPC's waits.
 */
export class Connection {
  readonly endpoint: string;
  /** It has answered at least once. */
  isProven = false;
  readonly #options: StoreOptions;
  /** All calls under way, to end them when the client closes. */
  readonly #taps: Set<Tap>;
  #etcd: Promise<Etcd3> | undefined;
  #token: Promise<string | undefined> | undefined;

  constructor(endpoint: string, options: StoreOptions, taps: Set<Tap>) {
    this.endpoint = endpoint;
    this.#options = options;
    this.#taps = taps;
  }

  /** @throws RpcError, or the signal's reason */
  async call<T>(work: Work<T>, options: { readonly signal: AbortSignal; readonly ms: number }): Promise<T> {
    const deadline = Date.now() + options.ms;
    const token = await this.#currentToken(options.signal, deadline);
    return await this.#run(work, { signal: options.signal, deadline, headers: { ...token } });
  }

  /** Requests may be sent at once: they wait for the connection. */
  async stream<Request, Response>(
    open: OpenStream<Request, Response>,
    handlers: StreamHandlers<Response>,
    options: { readonly signal: AbortSignal; readonly ms: number },
  ): Promise<Stream<Request>> {
    const token = await this.#currentToken(options.signal, Date.now() + options.ms);
    const etcd = await this.#open();
    options.signal.throwIfAborted();
    // Without a leader a server would be silent and look alive.
    const tap = new Tap({ hasleader: "true", ...token });
    this.#taps.add(tap);
    const stream = await open(etcd, { interceptors: [tap.interceptor] }).catch((error: unknown) => {
      this.#taps.delete(tap);
      throw this.#toRpcError(error, tap);
    });
    let isOver = false;
    const end = (): void => {
      if (!isOver) {
        isOver = true;
        this.#taps.delete(tap);
        handlers.onEnd(
          new RpcError(tap.failure ?? { code: STATUS.unavailable, details: "etcd ended the stream" }, this.endpoint),
        );
      }
    };
    stream.on("data", (response) => {
      if (!isOver) {
        this.isProven = true;
        handlers.onResponse(response);
      }
    });
    stream.on("error", end);
    stream.on("end", end);
    return {
      send: (request) => stream.write(request),
      cancel: () => {
        isOver = true;
        this.#taps.delete(tap);
        tap.cancel();
      },
    };
  }

  forgetToken(): void {
    this.#token = undefined;
  }

  async close(): Promise<void> {
    const etcd = await this.#etcd?.catch(() => undefined); // it never opened: nothing to close
    etcd?.close();
  }

  async #open(): Promise<Etcd3> {
    this.#etcd ??= createEtcd(this.endpoint, this.#options.tls);
    try {
      return await this.#etcd;
    } catch (error) {
      this.#etcd = undefined;
      throw error;
    }
  }

  async #currentToken(signal: AbortSignal, deadline: number): Promise<{ readonly token: string } | undefined> {
    const { login } = this.#options;
    if (login === undefined) {
      return undefined;
    }
    const signingIn = (this.#token ??= this.#signIn(login, deadline));
    try {
      const token = await signingIn;
      signal.throwIfAborted();
      return token === undefined ? undefined : { token };
    } catch (error) {
      if (this.#token === signingIn) {
        this.#token = undefined;
      }
      throw error;
    }
  }

  /** Shared by all calls that wait for it, so it heeds no caller's signal, only the deadline. */
  async #signIn(login: NonNullable<StoreOptions["login"]>, deadline: number): Promise<string | undefined> {
    const request = { name: login.username, password: await readPassword(login) };
    const signal = new AbortController().signal;
    try {
      return (await this.#run(({ auth }, call) => auth.authenticate(request, call), { signal, deadline, headers: {} })).token;
    } catch (error) {
      if (error instanceof RpcError && error.details.includes("authentication is not enabled")) {
        return undefined; // as etcdctl does: without authentication everybody may do everything
      }
      throw error;
    }
  }

  async #run<T>(
    work: (etcd: Etcd3, options: CallOptions) => Promise<T>,
    options: { readonly signal: AbortSignal; readonly deadline: number; readonly headers: Readonly<Record<string, string>> },
  ): Promise<T> {
    const { signal, deadline, headers } = options;
    signal.throwIfAborted();
    const etcd = await this.#open();
    signal.throwIfAborted();
    const tap = new Tap(headers);
    const onAbort = (): void => tap.cancel();
    signal.addEventListener("abort", onAbort, { once: true });
    this.#taps.add(tap);
    try {
      const answer = await work(etcd, { deadline, interceptors: [tap.interceptor] });
      this.isProven = true;
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      throw this.#toRpcError(error, tap);
    } finally {
      this.#taps.delete(tap);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #toRpcError(error: unknown, tap: Tap): unknown {
    if (tap.failure !== undefined) {
      return new RpcError(tap.failure, this.endpoint);
    }
    // Another call has given the connection up in between.
    const isClosed = error instanceof Error && error.constructor.name === "ClientClosedError";
    return isClosed ? new RpcError({ code: STATUS.unavailable, details: "connection closed" }, this.endpoint) : error;
  }
}

async function readPassword({ username, password }: NonNullable<StoreOptions["login"]>): Promise<string> {
  try {
    return await password();
  } catch (error) {
    if (error instanceof FairleadError) {
      throw error;
    }
    const what = `cannot read the password of the etcd user "${username}"`;
    throw new FairleadError("REGISTRY_DENIED", `${what}: ${messageOf(error)}`, { retryable: true, cause: error });
  }
}
