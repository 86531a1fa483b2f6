import type { IncomingMessage } from "node:http";
import { childAbort, withDeadline } from "../../../core/time.ts";
import { isVersionRefusal, NO_ENGINE, notAnswering, problem, refused, unavailable } from "./failures.ts";
import type { Endpoint } from "./host.ts";
import { openRequest, readBody } from "./http.ts";
import { negotiate, OLDEST_API } from "./version.ts";

/** One container, or the engine itself: eight such answers are read at once. */
const ANSWER_LIMIT_BYTES = 8 * 1024 * 1024;
const ERROR_LIMIT_BYTES = 64 * 1024;

export interface Call {
  readonly path: string;
  /** For messages: `cannot <what> of Docker at …`. */
  readonly what: string;
  readonly ms: number;
  /** The most that an answer may be; the default is 8 MiB. */
  readonly limitBytes?: number;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Requests with a deadline, in the API version that both sides speak. All rejections are `SOURCE_UNAVAILABLE`. */
export interface Connection {
  /** Any status is an answer. */
  get(call: Call, signal: AbortSignal): Promise<Answer>;
  /** For the one thing that is done to a container: `signal.ts`. */
  post(call: Call, signal: AbortSignal): Promise<Answer>;
  /**
   * The deadline holds until the head of the answer is there; then `read` gets the body for as long as it likes. `path` gets the engine's
   * clock in seconds, if it told the time.
   */
  stream(
    call: Omit<Call, "path"> & { readonly path: (clock: number | undefined) => string },
    read: (body: AsyncIterable<Buffer>) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
}

export function createConnection(endpoint: Endpoint): Connection {
  /** What the last ping said; forgotten with every failure, since another engine may sit behind the socket then. */
  let known: { readonly version: string; readonly clock: number | undefined } | undefined;

  async function ping(signal: AbortSignal): Promise<NonNullable<typeof known>> {
    const what = "find the API version";
    const message = await openRequest(endpoint, { method: "GET", path: "/_ping" }, signal);
    const body = await readBody(message, ERROR_LIMIT_BYTES);
    if (message.statusCode === 404) {
      throw problem(endpoint, what, "it has no /_ping", { hint: NO_ENGINE });
    }
    if (message.statusCode !== 200) {
      throw refused(endpoint, what, { status: message.statusCode ?? 0, body });
    }
    const header = message.headers["api-version"];
    const offered = typeof header === "string" ? header : undefined;
    const version = negotiate(offered);
    if (offered === undefined) {
      throw problem(endpoint, what, "it did not say one", { hint: NO_ENGINE });
    }
    if (version === undefined) {
      const why = `it offers "${offered.slice(0, 20)}", at least ${OLDEST_API} is needed`;
      throw problem(endpoint, what, why, { retryable: false, hint: "update the engine" });
    }
    const clock = Date.parse(message.headers.date ?? "") / 1000;
    known = { version, clock: Number.isFinite(clock) ? clock : undefined };
    return known;
  }

  async function guard<T>(call: Omit<Call, "path">, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { what, ms } = call;
    try {
      return await withDeadline({ ms, signal, onTimeout: () => notAnswering(endpoint, what, ms) }, work);
    } catch (error) {
      throw failed(what, error, signal);
    }
  }

  function failed(what: string, error: unknown, signal: AbortSignal): Error {
    signal.throwIfAborted();
    known = undefined;
    return unavailable(endpoint, what, error);
  }

  async function ask(method: "GET" | "POST", call: Call, signal: AbortSignal): Promise<Answer> {
    async function send({ version }: NonNullable<typeof known>, signal: AbortSignal): Promise<Answer> {
      const message = await openRequest(endpoint, { method, path: `/v${version}${call.path}` }, signal);
      const status = message.statusCode ?? 0;
      const body = await readBody(message, status === 200 ? (call.limitBytes ?? ANSWER_LIMIT_BYTES) : ERROR_LIMIT_BYTES);
      return { status, body };
    }
    return await guard(call, signal, async (signal) => {
      const before = known;
      const answer = await send(before ?? (await ping(signal)), signal);
      if (answer.status !== 400) {
        return answer;
      }
      known = undefined; // perhaps another engine, which does not speak this version
      return before !== undefined && isVersionRefusal(answer.body) ? await send(await ping(signal), signal) : answer;
    });
  }

  async function stream(
    call: Omit<Call, "path"> & { readonly path: (clock: number | undefined) => string },
    read: (body: AsyncIterable<Buffer>) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    // The stream outlives the deadline for its head, so its connection needs a signal of its own.
    const connection = childAbort(signal);
    try {
      const message = await guard(call, signal, async (headSignal): Promise<IncomingMessage> => {
        // Always afresh: a new stream is what follows the restart of an engine.
        const { version, clock } = await ping(headSignal);
        const message = await openRequest(
          endpoint,
          { method: "GET", path: `/v${version}${call.path(clock)}` },
          connection.signal,
        );
        const status = message.statusCode ?? 0;
        if (status !== 200) {
          throw refused(endpoint, call.what, { status, body: await readBody(message, ERROR_LIMIT_BYTES) });
        }
        return message;
      });
      await read(message);
    } catch (error) {
      throw failed(call.what, error, signal);
    } finally {
      connection.abort();
      connection.dispose();
    }
  }

  return {
    get: (call, signal) => ask("GET", call, signal),
    post: (call, signal) => ask("POST", call, signal),
    stream,
  };
}
