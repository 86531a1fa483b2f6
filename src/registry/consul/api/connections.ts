import { readFile } from "node:fs/promises";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";
import { FairleadError, messageOf } from "../../../model/errors.ts";
import type { TlsFiles } from "../../store.ts";

/** Connections that are kept open between calls, at most `max` of them. With `tls` each is encrypted and verified. */
export function createConnections(tls: TlsFiles | undefined, max: number): HttpAgent {
  const options = { keepAlive: true, maxSockets: max, maxFreeSockets: max };
  // Without cached sessions every connection is made with the files as they are now.
  return tls === undefined ? new HttpAgent(options) : new TlsAgent(tls, { ...options, maxCachedSessions: 0 });
}

type Created = (error: Error | null, stream: Duplex) => void;

/** Reads the files anew for each connection, so that renewed certificates are used. */
class TlsAgent extends HttpsAgent {
  readonly #files: TlsFiles;

  constructor(files: TlsFiles, options: ConstructorParameters<typeof HttpsAgent>[0]) {
    super(options);
    this.#files = files;
  }

  override createConnection(options: Parameters<HttpsAgent["createConnection"]>[0], created?: Created): undefined {
    readAll(this.#files).then(
      (pem) => created?.(null, super.createConnection({ ...options, ...pem }) as Duplex),
      // Node's callback takes an error alone, its type does not say so.
      (error: Error) => (created as ((error: Error) => void) | undefined)?.(error),
    );
  }
}

async function readAll(files: TlsFiles): Promise<Readonly<Record<string, Buffer>>> {
  const pem: Record<string, Buffer> = {};
  for (const [name, path] of Object.entries(files)) {
    try {
      pem[name] = await readFile(path);
    } catch (error) {
      throw new FairleadError("REGISTRY_UNAVAILABLE", `cannot read the TLS file ${JSON.stringify(path)}: ${messageOf(error)}`, {
        hint: "check the paths under tls and who may read them",
        retryable: true,
        cause: error,
      });
    }
  }
  return pem;
}
