import type { Agent } from "node:http";
import type { StoreOptions } from "../../store.ts";
import { createConnections } from "./connections.ts";

export interface Endpoint {
  /** For messages. */
  readonly url: string;
  readonly address: { readonly secure: boolean; readonly host: string; readonly port: number; readonly connections: Agent };
  /** Consul has asked (429) to be left alone until then. */
  notBeforeMs: number;
}

/** Which of the addresses is spoken to: always the same one until it fails, then the next. */
export interface Endpoints {
  current(): Endpoint;
  /** It failed: the next one is the current one from now on. Does nothing when that has happened already. */
  leave(endpoint: Endpoint): void;
  close(): void;
}

const DEFAULT_PORT = 8500;
const DEFAULT_TLS_PORT = 8501;

export function createEndpoints(options: Pick<StoreOptions, "endpoints" | "tls">, maxConnections: number): Endpoints {
  const { tls } = options;
  const all = options.endpoints.map((text): Endpoint => {
    const secure = tls !== undefined;
    const url = new URL(`${secure ? "https" : "http"}://${text}`);
    const port = Number(explicitPort(text) ?? (secure ? DEFAULT_TLS_PORT : DEFAULT_PORT));
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    const connections = createConnections(tls, maxConnections);
    return { url: `${url.protocol}//${url.hostname}:${port}`, address: { secure, host, port, connections }, notBeforeMs: 0 };
  });
  const [first] = all;
  if (first === undefined) {
    throw new TypeError("a registry needs an endpoint");
  }
  let index = 0;
  return {
    current: () => all[index] ?? first,
    leave(endpoint) {
      if (all.length > 1 && all[index] === endpoint) {
        index = (index + 1) % all.length;
        endpoint.address.connections.destroy(); // the limit on connections holds for all endpoints together
      }
    },
    close() {
      for (const { address } of all) {
        address.connections.destroy();
      }
    },
  };
}

/** What stands after the last colon, unless that is inside of an IPv6 address; a URL forgets a port that is its scheme's default. */
function explicitPort(text: string): string | undefined {
  return /:(\d+)$/.exec(text.replace(/^\[[^\]]*\]/, ""))?.[1];
}
