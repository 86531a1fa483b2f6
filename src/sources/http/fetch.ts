import { readFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { withDeadline } from "../../core/time.ts";
import { messageOf } from "../../model/errors.ts";
import type { Endpoint, TlsFiles } from "./endpoint.ts";
import { notAnswering, problem, redirected, refused, unreachable } from "./failures.ts";

const ERROR_LIMIT_BYTES = 4096;
const MAX_REDIRECTS = 3;

/** What the server gave with an answer, to be asked whether that is still the newest. */
export interface Validators {
  readonly etag?: string;
  readonly lastModified?: string;
}

export type Answer =
  | { readonly kind: "unchanged" }
  | { readonly kind: "changed"; readonly text: string; readonly validators: Validators };

/**
 * Asks for the document, or whether it is another one than that with these validators. The whole of it or a rejection: `SOURCE_UNAVAILABLE`,
 * retryable. One deadline is over everything, so that a server which drips its answer is given up too.
 */
export async function fetchDocument(endpoint: Endpoint, known: Validators | undefined, signal: AbortSignal): Promise<Answer> {
  try {
    return await withDeadline({ ms: endpoint.timeoutMs, signal, onTimeout: () => notAnswering(endpoint) }, (inner) =>
      ask(endpoint, known, inner),
    );
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(endpoint, error);
  }
}

async function ask(endpoint: Endpoint, known: Validators | undefined, signal: AbortSignal): Promise<Answer> {
  const options: RequestOptions = {
    method: "GET",
    agent: false, // a connection of its own: nothing that hung is ever used again
    signal,
    headers: await headersOf(endpoint, known),
    ...(endpoint.url.protocol === "https:" && (await readPem(endpoint))),
  };
  let url = endpoint.url;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const message = await send(url, options);
    const next = redirectOf(endpoint, url, message);
    if (next === undefined) {
      return await readAnswer(endpoint, known, message);
    }
    message.destroy();
    url = next;
  }
  throw problem(endpoint, `it redirects more than ${MAX_REDIRECTS} times`);
}

async function headersOf(endpoint: Endpoint, known: Validators | undefined): Promise<Record<string, string>> {
  const token = await endpoint.token?.();
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw problem(endpoint, "its token is empty, or holds more than one word", { hint: "look at the file named by `tokenFile`" });
  }
  return {
    accept: "application/json",
    "accept-encoding": "identity",
    "user-agent": "fairlead",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(known?.etag !== undefined && { "if-none-match": known.etag }),
    ...(known?.lastModified !== undefined && { "if-modified-since": known.lastModified }),
  };
}

async function readPem(endpoint: Endpoint): Promise<Readonly<Record<string, Buffer>>> {
  const pem: Record<string, Buffer> = {};
  for (const name of ["ca", "cert", "key"] as const satisfies readonly (keyof TlsFiles)[]) {
    const file = endpoint.tls[name];
    if (file !== undefined) {
      try {
        pem[name] = await readFile(file);
      } catch (error) {
        throw problem(endpoint, `cannot read the TLS file ${JSON.stringify(file)}: ${messageOf(error)}`, {
          hint: "check the paths under `tls` and who may read them",
          cause: error,
        });
      }
    }
  }
  return pem;
}

async function send(url: URL, options: RequestOptions): Promise<IncomingMessage> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return await new Promise((resolve, reject) => {
    const sent = request(url, options);
    sent.once("response", resolve);
    // Stays: a connection that breaks during the body says so here as well, and nobody else listens then.
    sent.on("error", reject);
    sent.end();
  });
}

/** Where to go on, on the same host only: nothing else is sent our token, or believed. */
function redirectOf(endpoint: Endpoint, from: URL, message: IncomingMessage): URL | undefined {
  const { statusCode = 0, headers } = message;
  if (![301, 302, 303, 307, 308].includes(statusCode)) {
    return undefined;
  }
  const { location } = headers;
  const to = location !== undefined && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || to.origin !== endpoint.url.origin) {
    message.destroy();
    throw redirected(endpoint, to);
  }
  return to;
}

async function readAnswer(endpoint: Endpoint, known: Validators | undefined, message: IncomingMessage): Promise<Answer> {
  const { statusCode: status = 0, headers } = message;
  const isAsked = known?.etag !== undefined || known?.lastModified !== undefined;
  if (status === 304 && isAsked) {
    message.resume();
    return { kind: "unchanged" };
  }
  if (status !== 200) {
    throw refused(endpoint, status, (await readBody(message, ERROR_LIMIT_BYTES)).bytes.toString("utf8"));
  }
  const { "content-encoding": encoding = "identity", etag, "last-modified": lastModified } = headers;
  if (encoding !== "identity") {
    message.destroy();
    throw problem(endpoint, "it answered in an encoding that was not asked for");
  }
  const { bytes, isCut } = await readBody(message, endpoint.maxBytes);
  if (isCut) {
    throw problem(endpoint, `the answer is larger than ${endpoint.maxBytes} bytes`, { hint: "raise `maxBytes` if it has to be" });
  }
  return {
    kind: "changed",
    text: decode(endpoint, bytes),
    validators: { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) },
  };
}

/** At most so many bytes; whatever comes after is not waited for. Rejects when the connection ends before the body does. */
async function readBody(
  message: IncomingMessage,
  limitBytes: number,
): Promise<{ readonly bytes: Buffer; readonly isCut: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limitBytes) {
      return { bytes: Buffer.concat(chunks).subarray(0, limitBytes), isCut: true };
    }
  }
  return { bytes: Buffer.concat(chunks), isCut: false };
}

function decode(endpoint: Endpoint, bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw problem(endpoint, "the answer is not UTF-8");
  }
}
