/** A server with a list, and sources over it. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect } from "vitest";
import { FairleadError } from "../../../src/model/errors.ts";
import type { Source } from "../../../src/ports.ts";
import { createHttpSource, type HttpSource, type HttpSourceOptions } from "../../../src/sources/http/source.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { type RecordedLog, recordLog } from "../../helpers/quiet-log.ts";
import { waitFor } from "../../helpers/wait.ts";

export const MAP = { service: "/app", id: "/id", address: "/host", port: "/port" };
export const A = { app: "web", id: "a", host: "10.0.0.1", port: 80 };
export const B = { app: "web", id: "b", host: "10.0.0.2", port: 80 };

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface ListServer {
  /** What it does with each request; at first it lists A. */
  answer: Answer;
  readonly requests: IncomingMessage[];
  /** Of the answers that were whole. */
  readonly statuses: number[];
  readonly log: RecordedLog;
  /** Aborted when the test ends. */
  stop: AbortController;
  readonly port: () => number;
  readonly start: (port: number) => Promise<void>;
  readonly end: () => Promise<void>;
  readonly open: (changes?: Partial<HttpSourceOptions>) => HttpSource;
  /** Follows a source; `hints` counts. */
  readonly follow: (source: Source) => { readonly state: { hints: number }; readonly done: Promise<void> };
  readonly ids: (source: Source) => Promise<string>;
}

/** A fresh server for each test of the file. */
export function useListServer(): ListServer {
  const server = createServer((request, response) => {
    desk.requests.push(request);
    response.on("finish", () => desk.statuses.push(response.statusCode));
    desk.answer(request, response);
  });
  const desk: ListServer = {
    answer: json([A]),
    requests: [],
    statuses: [],
    log: recordLog(),
    stop: new AbortController(),
    port: () => portOf(server),
    start: (port) => listen(server, port),
    end: () => close(server),
    open: (changes) =>
      createHttpSource({
        url: `http://127.0.0.1:${portOf(server)}/tasks?secret=hunter2`,
        intervalMs: 30,
        timeoutMs: 5000,
        maxBytes: 1 << 20,
        path: "",
        map: MAP,
        node: "n1",
        log: desk.log,
        ...changes,
      }),
    follow: (source) => {
      const state = { hints: 0 };
      const done = (async () => {
        for await (const _ of source.changes(desk.stop.signal)) {
          state.hints += 1;
        }
      })();
      return { state, done };
    },
    ids: async (source) => (await source.list(desk.stop.signal)).map(({ id }) => id).join(" "),
  };
  beforeEach(async () => {
    desk.answer = json([A]);
    desk.requests.length = 0;
    desk.statuses.length = 0;
    desk.log.lines.length = 0;
    desk.stop = new AbortController();
    await desk.start(0);
  });
  afterEach(async () => {
    desk.stop.abort();
    await desk.end();
  });
  return desk;
}

export async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
}

export async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** As a careful server answers: with an ETag, and 304 to who has it. */
export function json(value: unknown): Answer {
  const text = JSON.stringify(value);
  const etag = `"${createHash("sha256").update(text).digest("hex").slice(0, 12)}"`;
  return (request, response) => {
    response.setHeader("etag", etag);
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304).end();
    } else {
      response.setHeader("content-type", "application/json").end(text);
    }
  };
}

export async function failure(work: Promise<unknown>): Promise<FairleadError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FairleadError);
  return error as FairleadError;
}

export function until(attempt: () => unknown, what: string): Promise<unknown> {
  return waitFor(async () => (await attempt()) === true, { timeoutMs: 5000 * PATIENCE, what });
}
