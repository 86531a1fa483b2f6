import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { requireProgram } from "./acquire.ts";
import { runCommand } from "./command.ts";

/** Paths of PEM files, as a client needs them. */
export interface ClientFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: string;
  /** For 127.0.0.1, ::1, localhost and the extra names. */
  readonly server: { readonly cert: string; readonly key: string };
  /** The common name is "client". */
  readonly client: ClientFiles;
  /** Without a common name. */
  readonly nameless: ClientFiles;
}

export interface CertificateOptions {
  /** More names of the server. */
  readonly names?: readonly string[];
}

const OPENSSL_MS = 20_000;

const REQUEST = `[req]
distinguished_name = dn
prompt = no
x509_extensions = ca
[dn]
CN = test
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
`;

/** A throw-away certificate authority in `folder` with a server's and a client's certificate, valid for two days. */
export async function makeCertificates(folder: string, options: CertificateOptions = {}): Promise<Certificates> {
  const { path: openssl } = await requireProgram("openssl");
  await mkdir(folder, { recursive: true });
  function file(name: string): string {
    return join(folder, name);
  }
  async function run(...args: readonly string[]): Promise<void> {
    await runCommand([openssl, ...args], { timeoutMs: OPENSSL_MS });
  }
  // With a file of our own: the system's may be absent, or hold settings of the machine's owner.
  await writeFile(file("request.cnf"), REQUEST);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", file("request.cnf")];

  await run(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.pem"),
    "-days",
    "2",
    "-subj",
    "/CN=fairlead test ca",
  );
  const names = ["DNS:localhost", "IP:127.0.0.1", "IP:::1", ...(options.names ?? []).map((name) => `DNS:${name}`)];
  // etcd's own gateway dials the server with the server's certificate: it has to be good for both sides.
  const both = "extendedKeyUsage = serverAuth,clientAuth";
  for (const [name, subject, extensions] of [
    ["server", "/CN=server", `subjectAltName = ${names.join(",")}\n${both}\n`],
    ["client", "/CN=client", `${both}\n`],
    ["nameless", "/O=nameless", `${both}\n`],
  ] as const) {
    await writeFile(file(`${name}.cnf`), extensions);
    await run("req", ...newKey, "-keyout", file(`${name}.key`), "-out", file(`${name}.csr`), "-subj", subject);
    const signed = [
      "-CA",
      file("ca.pem"),
      "-CAkey",
      file("ca.key"),
      "-CAcreateserial",
      "-days",
      "2",
      "-extfile",
      file(`${name}.cnf`),
    ];
    await run("x509", "-req", "-in", file(`${name}.csr`), "-out", file(`${name}.pem`), ...signed);
  }
  return {
    ca: file("ca.pem"),
    server: { cert: file("server.pem"), key: file("server.key") },
    client: { ca: file("ca.pem"), cert: file("client.pem"), key: file("client.key") },
    nameless: { ca: file("ca.pem"), cert: file("nameless.pem"), key: file("nameless.key") },
  };
}
