import { readFile } from "node:fs/promises";
import type { Etcd3, IOptions } from "etcd3";
import { FairleadError, messageOf } from "../../model/errors.ts";
import type { TlsFiles } from "../store.ts";

const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": -1,
  // A dead peer is found within 15 s. More often than every 5 s earns a GOAWAY.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5000,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 500,
  // A registry is an address on the local network; Consul and Docker are asked without a proxy too.
  "grpc.enable_http_proxy": 0,
  "grpc.enable_channelz": 0,
};

/** Neither retries nor a circuit breaker between us and the answer. Of the type only `execute` is ever called. */
type Policy = NonNullable<NonNullable<IOptions["faultHandling"]>["global"]>;
const noPolicy = { execute: async (work: (context: object) => unknown) => await work({}) } as unknown as Policy;

/** Reads the TLS files and loads etcd3 (150 ms, 20 MB), which is why nothing imports it before the first call. */
export async function createEtcd(endpoint: string, tls: TlsFiles | undefined): Promise<Etcd3> {
  const { Etcd3 } = await import("etcd3");
  const options = {
    ...(await transportOptions(endpoint, tls)),
    grpcOptions: CHANNEL_OPTIONS,
    faultHandling: { host: () => noPolicy, global: noPolicy },
  };
  try {
    return new Etcd3(options);
  } catch (error) {
    throw tlsError(`cannot use the TLS files for ${endpoint}`, error);
  }
}

async function transportOptions(endpoint: string, tls: TlsFiles | undefined): Promise<Pick<IOptions, "hosts" | "credentials">> {
  if (tls === undefined) {
    return { hosts: endpoint };
  }
  const { ca, cert, key } = tls;
  if (ca === undefined && cert === undefined && key === undefined) {
    return { hosts: `https://${endpoint}` };
  }
  const [rootCertificate, certChain, privateKey] = await Promise.all([ca, cert, key].map(readPem));
  const credentials = { rootCertificate, certChain, privateKey };
  // Without a CA gRPC takes the system's, which etcd3's type does not know.
  return { hosts: endpoint, credentials: credentials as NonNullable<IOptions["credentials"]> };
}

async function readPem(file: string | undefined): Promise<Buffer | undefined> {
  try {
    return file === undefined ? undefined : await readFile(file);
  } catch (error) {
    throw tlsError(`cannot read the TLS file "${file}"`, error);
  }
}

/** Retryable: files are being replaced when certificates are renewed. */
function tlsError(what: string, error: unknown): FairleadError {
  return new FairleadError("REGISTRY_UNAVAILABLE", `${what}: ${messageOf(error)}`, {
    retryable: true,
    cause: error,
    hint: "check `tls.ca`, `tls.cert` and `tls.key` of the registry: PEM files, the last two together",
  });
}
