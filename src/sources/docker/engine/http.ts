import { readFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { systemCode } from "../../../model/errors.ts";
import type { Endpoint } from "./host.ts";

/** A quiet event stream over TCP must notice that the other side is gone. */
const TCP_KEEPALIVE_MS = 10_000;

/**
 * Sends a request without a body and resolves with the head of the answer. Each call has a connection of its own: nothing that hangs is ever used again.
 * The signal ends the connection, also while the body is read.
 */
export async function openRequest(
  endpoint: Endpoint,
  { method, path }: { readonly method: "GET" | "POST"; readonly path: string },
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const common: RequestOptions = { method, agent: false, signal, headers: { accept: "application/json" } };
  const send = await prepare(endpoint, path, common);
  return await new Promise((resolve, reject) => {
    const request = send();
    request.once("response", resolve);
    // Stays: a connection that breaks during the body says so here as well, and nobody else listens then.
    request.on("error", reject);
    request.once("socket", (socket) => socket.setKeepAlive(true, TCP_KEEPALIVE_MS));
    request.end();
  });
}

async function prepare(endpoint: Endpoint, path: string, common: RequestOptions): Promise<() => ReturnType<typeof httpRequest>> {
  if (endpoint.kind === "unix") {
    return () => httpRequest({ ...common, socketPath: endpoint.socketPath, host: "localhost", path });
  }
  const { hostname: host, port, basePath, tls } = endpoint;
  const options = { ...common, host, port, path: basePath + path };
  if (tls === undefined) {
    return () => httpRequest(options);
  }
  // Read for each connection, so that renewed certificates are used.
  const [ca, cert, key] = await Promise.all(["ca.pem", "cert.pem", "key.pem"].map((name) => readIfThere(tls.certPath, name)));
  return () =>
    httpsRequest({
      ...options,
      rejectUnauthorized: tls.verify,
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
}

async function readIfThere(folder: string | undefined, name: string): Promise<string | undefined> {
  if (folder === undefined) {
    return undefined;
  }
  try {
    return await readFile(join(folder, name), "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return undefined; // a server may do without client certificates; if it does not, it says so
    }
    throw error;
  }
}

/** @throws `BodyTooLarge`, or what broke the connection: a body that is cut off is never returned */
export async function readBody(message: IncomingMessage, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) {
      throw new BodyTooLarge(limitBytes);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

export class BodyTooLarge extends Error {
  constructor(limitBytes: number) {
    super(`the answer is larger than ${limitBytes} bytes`);
  }
}
