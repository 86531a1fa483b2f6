import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHttp } from "../../../src/compose/sources.ts";
import { createSecrets } from "../../../src/observe/secrets.ts";
import type { HttpSourceOptions } from "../../../src/sources/http/source.ts";
import { type Certificates, makeCertificates } from "../../helpers/servers/certificates.ts";
import { describeWith } from "../../helpers/servers/index.ts";
import { close, failure, listen, MAP, portOf, useListServer } from "./list-server.ts";

const desk = useListServer();

describe("the token of an http source", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-http-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("G11 is read for each poll, sent as a bearer, and shown nowhere", async () => {
    const tokenFile = join(folder, "token");
    const secrets = createSecrets();
    const config = {
      url: `http://127.0.0.1:${desk.port()}/`,
      interval: 1000,
      timeout: 5000,
      maxBytes: 1000,
      path: "",
      map: MAP,
      tokenFile,
    };
    const source = await createHttp(config, "n1", { env: {}, log: desk.log, secrets });

    expect((await failure(source.list(desk.stop.signal))).message).toContain(
      `cannot read the token of an http source in "${tokenFile}"`,
    );
    expect(desk.requests).toHaveLength(0);
    await writeFile(tokenFile, "first-token\n");
    expect(await desk.ids(source)).toBe("a");
    await writeFile(tokenFile, "second-token\n");
    desk.answer = (request, response) => response.writeHead(403).end(`no rights: ${request.headers.authorization}`);
    const error = await failure(source.list(desk.stop.signal));
    expect(desk.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer first-token", "Bearer second-token"]);
    expect(error.hint).toBe("look at the token in `tokenFile`");
    expect(secrets.redact(error.message)).toMatch(/it answered 403: no rights: Bearer \*\*\*$/);
    for (const bad of ["", "two words", "first\nsecond", "tök"]) {
      await writeFile(tokenFile, bad);
      expect((await failure(source.list(desk.stop.signal))).message).toMatch(
        /: its token is empty, or holds more than one word$/,
      );
    }
    expect(desk.requests).toHaveLength(2);
  });

  it("is asked for when the server wants one", async () => {
    desk.answer = (_, response) => response.writeHead(401).end();
    expect((await failure(desk.open().list(desk.stop.signal))).hint).toBe("give it a token: `tokenFile: FILE`");
  });

  it("is not taken from the URL", () => {
    expect(() => desk.open({ url: "http://user:hunter2@127.0.0.1/" })).toThrow(
      /^the URL of the http source holds a user or password$/,
    );
  });
});

describeWith(["openssl"], "an http source over TLS", () => {
  let folder: string;
  let tlsServer: Server;
  let files: Certificates;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-https-"));
    files = await makeCertificates(folder);
    const [ca, cert, key] = await Promise.all([files.ca, files.server.cert, files.server.key].map((file) => readFile(file)));
    tlsServer = createTlsServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true }, (request, response) =>
      desk.answer(request, response),
    );
    await listen(tlsServer, 0);
  });
  afterEach(async () => {
    await close(tlsServer);
    await rm(folder, { recursive: true, force: true });
  });
  const at = (tls: HttpSourceOptions["tls"]) => desk.open({ url: `https://127.0.0.1:${portOf(tlsServer)}/`, tls });

  it("is verified, and shows its own certificate", async () => {
    expect(await desk.ids(at(files.client))).toBe("a");
  });

  it("says what to do about an authority that it does not know", async () => {
    const { message, hint } = await failure(at({}).list(desk.stop.signal));
    expect(message).toContain("TLS: ");
    expect(hint).toContain("`tls.ca` has to be the authority that signed the server's certificate");
  });

  it("says what to do about a certificate that the server wants", async () => {
    const { message } = await failure(at({ ca: files.ca }).list(desk.stop.signal));
    expect(message).toMatch(/TLS: |the connection was cut/);
  });

  it("says what to do about a file that is not there, and about a server that speaks no TLS", async () => {
    expect(await failure(at({ ca: join(folder, "none.pem") }).list(desk.stop.signal))).toMatchObject({
      hint: "check the paths under `tls` and who may read them",
    });
    const plain = desk.open({ url: `https://127.0.0.1:${desk.port()}/` });
    expect((await failure(plain.list(desk.stop.signal))).hint).toContain("write http://");
  });
});
