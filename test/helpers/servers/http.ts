import { readFileSync } from "node:fs";
import { request as requestHttp } from "node:http";
import { type RequestOptions, request as requestHttps } from "node:https";
import type { ClientFiles } from "./certificates.ts";

export interface HttpInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Anything but text is sent as JSON. */
  readonly body?: unknown;
  readonly tls?: ClientFiles;
  /** Of a unix socket. */
  readonly socketPath?: string;
  readonly timeoutMs?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const TIMEOUT_MS = 10_000;

/**
 * One request on a connection of its own, so that none is reused across a restart of the server. Any status is an answer.
 *
 * @throws when there is no complete answer within `timeoutMs` (10 s)
 */
export async function http(url: string, init: HttpInit = {}): Promise<HttpAnswer> {
  const { method = "GET", headers = {}, body, tls, socketPath, timeoutMs = TIMEOUT_MS } = init;
  const payload = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const options: RequestOptions = {
    method,
    headers: { ...headers, ...(payload === undefined ? {} : { "content-length": String(Buffer.byteLength(payload)) }) },
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(tls === undefined ? {} : { ca: readFileSync(tls.ca), cert: readFileSync(tls.cert), key: readFileSync(tls.key) }),
  };
  return new Promise((resolve, reject) => {
    const request = url.startsWith("https:") ? requestHttps(url, options) : requestHttp(url, options);
    request.once("error", (error) => reject(new Error(`${method} ${url}: ${error.message}`, { cause: error })));
    request.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", (error) => reject(new Error(`${method} ${url}: ${error.message}`, { cause: error })));
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }),
      );
    });
    request.end(payload);
  });
}

/** @throws when the status is not 2xx; the message holds the answer */
export async function httpJson(url: string, init: HttpInit = {}): Promise<unknown> {
  const { status, text } = await http(url, init);
  if (status < 200 || status > 299) {
    throw new Error(`${init.method ?? "GET"} ${url}: ${status} ${text.trim()}`);
  }
  return text === "" ? undefined : JSON.parse(text);
}
