import type { IncomingMessage } from "node:http";
import { monotonicMs, sleep, withDeadline } from "../../../core/time.ts";
import type { FairleadError } from "../../../model/errors.ts";
import type { StoreOptions } from "../../store.ts";
import { createSlots } from "../slots.ts";
import { createEndpoints, type Endpoint } from "./endpoints.ts";
import {
  connectionFailure,
  type Failure,
  incomplete,
  pauseFailure,
  responseOf,
  statusFailure,
  timeoutFailure,
} from "./failures.ts";
import { type ConsulMethods, callMethod, createConsulClient, type MethodOptions } from "./library.ts";
import type { Timing } from "./timing.ts";

/** All connections to Consul, and how many of them blocking queries may hold. */
const MAX_CONNECTIONS = 4;
const MAX_BLOCKING = 3;

export interface Call {
  /** What is tried, as the end of "cannot …". */
  readonly what: string;
  /**
   * `read` may be tried again on another endpoint whatever happened, `write` only when Consul has not seen it; `long` is never tried
   * again, since its caller has to read afresh first.
   */
  readonly kind: "read" | "write" | "long";
  /** The whole time for one endpoint. */
  readonly ms: number;
  readonly run: (consul: ConsulMethods, options: MethodOptions) => Promise<unknown>;
  /** Statuses besides 2xx that are answers. */
  readonly accept?: readonly number[];
  /** Adds to the body what the library leaves out. */
  readonly body?: (body: unknown) => unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** `X-Consul-Index`, at least 1; undefined when the answer has none. */
  readonly index: number | undefined;
  /** The token saw only a part of it. */
  readonly isFiltered: boolean;
  /** Where it came from, for messages. */
  readonly url: string;
}

/** Speaks to one Consul: connections, credentials, deadlines, endpoints in turn, and errors that say what was tried. */
export interface Client {
  readonly timing: Timing;
  /** What the last call identified itself with: whether with anything, and the how many-th token it was. */
  readonly credentials: { readonly any: boolean; readonly serial: number };
  call(call: Call, signal: AbortSignal): Promise<Answer>;
  close(): void;
}

export function createClient(options: StoreOptions, timing: Timing): Client {
  const slots = createSlots({ total: MAX_CONNECTIONS, long: MAX_BLOCKING });
  const endpoints = createEndpoints(options, MAX_CONNECTIONS);
  let lastToken: string | undefined;
  let serial = 0;

  async function nextToken(): Promise<string | undefined> {
    const token = await options.token?.();
    serial += token === lastToken ? 0 : 1;
    lastToken = token;
    return token;
  }

  async function call(request: Call, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const failures: FairleadError[] = [];
    const tries = request.kind === "long" ? 1 : options.endpoints.length;
    for (;;) {
      const endpoint = endpoints.current();
      const result = await attempt(endpoint, request, signal);
      if (!("error" in result)) {
        return result;
      }
      signal.throwIfAborted();
      if (result.elsewhere) {
        endpoints.leave(endpoint);
      }
      failures.push(result.error);
      const mayRepeat = result.elsewhere && (request.kind === "read" || result.unsent);
      if (!mayRepeat || failures.length >= tries) {
        throw result.error;
      }
    }
  }

  async function attempt(endpoint: Endpoint, request: Call, signal: AbortSignal): Promise<Answer | Failure> {
    const place = { what: request.what, url: endpoint.url };
    const timedOut = timeoutFailure(place, request.ms);
    try {
      return await withDeadline({ ms: request.ms, signal, onTimeout: () => timedOut }, async (deadline) => {
        await pauseAsAsked(endpoint, request, deadline);
        const token = await nextToken();
        const headers = await loginHeaders(options);
        return await slots.use(request.kind === "long" ? "long" : "short", deadline, async () => {
          const client = await createConsulClient({ ...endpoint.address, headers, ...(request.body && { body: request.body }) });
          const [response, body] = await callMethod((common) => request.run(client, common), token, deadline);
          return readAnswer(place, response, body);
        });
      });
    } catch (error) {
      if (signal.aborted) {
        throw signal.reason;
      }
      return error === timedOut ? { error: timedOut, elsewhere: true, unsent: false } : judge(endpoint, request, error);
    }
  }

  function judge(endpoint: Endpoint, request: Call, error: unknown): Answer | Failure {
    const place = { what: request.what, url: endpoint.url };
    const response = responseOf(error);
    if (response?.statusCode === undefined) {
      return connectionFailure(place, error);
    }
    if (response.statusCode === 429) {
      endpoint.notBeforeMs = monotonicMs() + retryAfterMs(response);
    }
    return request.accept?.includes(response.statusCode) === true
      ? readAnswer(place, response, response.body)
      : statusFailure(place, response.statusCode, response.body);
  }

  return {
    timing,
    get credentials() {
      return { any: (lastToken ?? "") !== "" || options.login !== undefined, serial };
    },
    call,
    close: () => endpoints.close(),
  };
}

async function loginHeaders({ login }: StoreOptions): Promise<Readonly<Record<string, string>>> {
  if (login === undefined) {
    return {};
  }
  const pair = Buffer.from(`${login.username}:${await login.password()}`, "utf8");
  return { authorization: `Basic ${pair.toString("base64")}` };
}

function readAnswer(place: { readonly what: string; readonly url: string }, response: IncomingMessage, body: unknown): Answer {
  if (response.headers["x-consul-knownleader"] === "false") {
    throw incomplete(place, "Consul has no leader");
  }
  const index = response.headers["x-consul-index"];
  return {
    status: response.statusCode ?? 0,
    body,
    index: typeof index === "string" && /^\d+$/.test(index) ? Math.max(1, Number(index)) : undefined,
    isFiltered: response.headers["x-consul-results-filtered-by-acls"] === "true",
    url: place.url,
  };
}

const DEFAULT_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;

function retryAfterMs(response: IncomingMessage): number {
  const text = response.headers["retry-after"] ?? "";
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? DEFAULT_PAUSE_MS : Math.min(MAX_PAUSE_MS, Math.max(DEFAULT_PAUSE_MS, seconds * 1000));
}

async function pauseAsAsked(endpoint: Endpoint, request: Call, signal: AbortSignal): Promise<void> {
  const ms = endpoint.notBeforeMs - monotonicMs();
  if (ms >= request.ms) {
    throw pauseFailure({ what: request.what, url: endpoint.url }, ms);
  }
  if (ms > 0) {
    await sleep(ms, signal);
  }
}
