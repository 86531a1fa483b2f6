import { childAbort, monotonicMs } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import type { StoreOptions } from "../store.ts";
import { Connection, type OpenStream, type Stream, type Work } from "./connection.ts";
import { RpcError, STATUS, toFairleadError } from "./errors.ts";
import type { Failure, Tap } from "./tap.ts";

/** How long a connection that never answered gets, while other endpoints wait for their turn. */
const FIRST_ANSWER_MS = 2000;

export interface Task {
  /** What is tried, as the begin of a message: `cannot read etcd range "/fairlead/services/"`. */
  readonly what: string;
  readonly signal: AbortSignal;
  /** The deadline of the whole: while other endpoints wait for their turn, a try gets a part of it. */
  readonly ms: number;
  /** Doing it twice does no harm, so another endpoint may be asked when the first one does not answer. */
  readonly isRepeatable: boolean;
}

export interface ClientStream<Request> extends Stream<Request> {
  /** The error for something that the stream's owner noticed, such as silence; the connection is given up where that says so. */
  fail(status: Failure): FairleadError;
}

/** Speaks to the endpoints: one at a time, the next one when it fails. Every call has a deadline and ends with its signal. */
export class EtcdClient {
  readonly #options: StoreOptions;
  readonly #taps = new Set<Tap>();
  #connection: Connection | undefined;
  #endpoint = 0;
  #isClosed = false;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  /** @throws FairleadError, or the signal's reason at once */
  async call<T>(task: Task, work: Work<T>): Promise<T> {
    task.signal.throwIfAborted();
    // Everything below listens to a signal of this call's own, so that the caller's has one listener for each call.
    const child = childAbort(task.signal);
    try {
      return await untilAborted(child.signal, this.#call({ ...task, signal: child.signal }, work));
    } finally {
      child.dispose();
    }
  }

  /** A raw stream. The signal and the deadline are for opening it; `onEnd` is told what ended it later. */
  async stream<Request, Response>(
    task: Pick<Task, "what" | "signal" | "ms">,
    open: OpenStream<Request, Response>,
    handlers: { readonly onResponse: (response: Response) => void; readonly onEnd: (error: FairleadError) => void },
  ): Promise<ClientStream<Request>> {
    const connection = this.#connect(task);
    const { onResponse } = handlers;
    const fail = (error: RpcError): FairleadError => {
      this.#learn(connection, error);
      return toFairleadError(task.what, error);
    };
    try {
      const stream = await connection.stream(open, { onResponse, onEnd: (error) => handlers.onEnd(fail(error)) }, task);
      return { ...stream, fail: (status) => fail(new RpcError(status, connection.endpoint)) };
    } catch (error) {
      throw error instanceof RpcError ? fail(error) : error;
    }
  }

  /** Where the next call goes, for messages. */
  get endpoint(): string {
    return this.#options.endpoints[this.#endpoint % this.#options.endpoints.length] ?? "";
  }

  /** Ends every call and stream at once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const tap of this.#taps) {
      tap.cancel();
    }
    await this.#connection?.close();
    this.#connection = undefined;
  }

  async #call<T>(task: Task, work: Work<T>): Promise<T> {
    const endpoints = this.#options.endpoints.length;
    const end = monotonicMs() + task.ms;
    let mayTry = endpoints;
    let hasSignedIn = this.#options.login === undefined;
    for (let tried = 1; ; tried += 1) {
      const connection = this.#connect(task);
      const wasProven = connection.isProven;
      const shareMs = wasProven ? task.ms / 2 : FIRST_ANSWER_MS;
      const leftMs = end - monotonicMs();
      try {
        return await connection.call(work, { signal: task.signal, ms: tried < endpoints ? Math.min(leftMs, shareMs) : leftMs });
      } catch (error) {
        if (!(error instanceof RpcError)) {
          throw error;
        }
        this.#learn(connection, error);
        if (error.isStaleToken && !hasSignedIn) {
          hasSignedIn = true;
          mayTry += 1;
        } else if (!error.isUnreachable || (!task.isRepeatable && !error.isUnsent)) {
          throw toFairleadError(task.what, error);
        } else if (wasProven && error.code === STATUS.unavailable) {
          mayTry = endpoints + 1; // it worked before and may have died unseen: its endpoint is worth one more try
        }
        if (tried >= mayTry || monotonicMs() >= end) {
          throw toFairleadError(task.what, error);
        }
      }
    }
  }

  #connect({ what, signal }: Pick<Task, "what" | "signal">): Connection {
    signal.throwIfAborted();
    if (this.#isClosed) {
      throw new FairleadError("REGISTRY_UNAVAILABLE", `${what}: the registry "${this.#options.name}" was closed`);
    }
    return (this.#connection ??= new Connection(this.endpoint, this.#options, this.#taps));
  }

  #learn(connection: Connection, error: RpcError): void {
    if (error.isStaleToken) {
      connection.forgetToken();
    }
    if (error.isUnreachable && this.#connection === connection) {
      // The next call goes to the next endpoint, over a new connection. Streams that still work on the old one go on.
      this.#connection = undefined;
      this.#endpoint += 1;
      void connection.close();
    }
  }
}

/** The signal's reason as soon as it aborts, however long `work` goes on. */
async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return await Promise.race([work, aborted]);
}
