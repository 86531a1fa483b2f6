import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHttp } from "../../../src/compose/sources.ts";
import { FairleadError } from "../../../src/model/errors.ts";
import { createSecrets } from "../../../src/observe/secrets.ts";
import type { Source } from "../../../src/ports.ts";
import { createHttpSource, type HttpSource, type HttpSourceOptions } from "../../../src/sources/http/source.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { recordLog } from "../../helpers/quiet-log.ts";
import { type Certificates, makeCertificates } from "../../helpers/servers/certificates.ts";
import { describeWith } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";

const MAP = { service: "/app", id: "/id", address: "/host", port: "/port" };
const A = { app: "web", id: "a", host: "10.0.0.1", port: 80 };
const B = { app: "web", id: "b", host: "10.0.0.2", port: 80 };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let answer: Answer;
let requests: IncomingMessage[];
let statuses: number[];
let stop: AbortController;
const log = recordLog();

beforeEach(async () => {
  requests = [];
  statuses = [];
  log.lines.length = 0;
  stop = new AbortController();
  answer = json([A]);
  server = createServer((request, response) => {
    requests.push(request);
    response.on("finish", () => statuses.push(response.statusCode));
    answer(request, response);
  });
  await listen(server, 0);
});
afterEach(async () => {
  stop.abort();
  await close(server);
});

async function listen(who: Server, port: number): Promise<void> {
  await new Promise<void>((resolve) => who.listen(port, "127.0.0.1", resolve));
}

async function close(who: Server): Promise<void> {
  who.closeAllConnections();
  await new Promise((resolve) => who.close(resolve));
}

function portOf(who: Server): number {
  return (who.address() as AddressInfo).port;
}

/** As a careful server answers: with an ETag, and 304 to who has it. */
function json(value: unknown): Answer {
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

function open(changes: Partial<HttpSourceOptions> = {}): HttpSource {
  return createHttpSource({
    url: `http://127.0.0.1:${portOf(server)}/tasks?secret=hunter2`,
    intervalMs: 30,
    timeoutMs: 5000,
    maxBytes: 1 << 20,
    path: "",
    map: MAP,
    node: "n1",
    log,
    ...changes,
  });
}

const ids = async (source: Source): Promise<string> => (await source.list(stop.signal)).map(({ id }) => id).join(" ");

async function failure(work: Promise<unknown>): Promise<FairleadError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FairleadError);
  return error as FairleadError;
}

/** Follows a source; `hints` counts. */
function follow(source: Source) {
  const state = { hints: 0 };
  const done = (async () => {
    for await (const _ of source.changes(stop.signal)) {
      state.hints += 1;
    }
  })();
  return { state, done };
}

function until(attempt: () => unknown, what: string): Promise<unknown> {
  return waitFor(async () => (await attempt()) === true, { timeoutMs: 5000 * PATIENCE, what });
}

describe("an http source", () => {
  it("lists what the server says, sorted, when nobody follows it too", async () => {
    answer = json([B, A]);
    expect(await ids(open())).toBe("a b");
  });

  it("hints once at first, and then only when an answer says something else", async () => {
    const source = open();
    const { state, done } = follow(source);
    await until(() => state.hints === 1, "the first hint");
    expect(await ids(source)).toBe("a");
    const seen = requests.length;
    await until(() => requests.length >= seen + 3, "three more polls");
    answer = (_, response) => response.end(` ${JSON.stringify([{ ...A, checkedAt: requests.length }])}`); // other bytes, the same instances
    const noted = requests.length;
    await until(() => requests.length >= noted + 3, "three other polls");
    expect(state.hints).toBe(1);
    answer = json([A, B]);
    await until(() => state.hints === 2, "the second hint");
    expect(await ids(source)).toBe("a b");
    stop.abort();
    await done;
  });

  it("asks whether there is something new, and keeps what it has when there is not", async () => {
    const source = open();
    const { state } = follow(source);
    await until(() => statuses.length >= 5, "five polls");
    expect(statuses.slice(0, 5)).toEqual([200, 304, 304, 304, 304]);
    expect(await ids(source)).toBe("a");
    answer = json([B]);
    await until(() => state.hints === 2, "the change");
    await until(() => statuses.at(-1) === 304, "a 304 for the new one");
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
    expect(await ids(source)).toBe("b");
  });

  it("asks by time where a server gives no ETag", async () => {
    const modified = "Tue, 20 Jul 2027 09:12:11 GMT";
    answer = (request, response) => {
      response.setHeader("last-modified", modified);
      const isKnown = request.headers["if-modified-since"] === modified;
      response.writeHead(isKnown ? 304 : 200).end(isKnown ? undefined : JSON.stringify([A]));
    };
    const source = open();
    follow(source);
    await until(() => statuses.length >= 3, "three polls");
    expect(statuses.slice(0, 3)).toEqual([200, 304, 304]);
    expect(await ids(source)).toBe("a");
  });

  it("G4 sees what came while the server was away as soon as it answers again", async () => {
    const source = open();
    const { state } = follow(source);
    await until(() => state.hints === 1, "the first hint");
    const port = portOf(server);
    await close(server);
    const error = await waitFor(
      () =>
        source.list(stop.signal).then(
          () => undefined,
          (thrown: FairleadError) => thrown,
        ),
      {
        timeoutMs: 5000 * PATIENCE,
        what: "the list to fail",
      },
    );
    expect(error).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    expect(error.message).toBe(`cannot read the list at http://127.0.0.1:${port}/tasks: connection refused`);
    answer = json([A, B]);
    await listen(server, port);
    await until(() => state.hints === 2, "a hint");
    expect(await ids(source)).toBe("a b");
    expect(log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      "warn http source cannot be read; what it said last stays",
      "info http source answers again",
    ]);
  });

  it("G7 that hangs holds nobody up: the list fails at once with what the newest poll found", async () => {
    answer = () => undefined;
    const source = open({ timeoutMs: 100 });
    const { state } = follow(source);
    await until(() => state.hints === 1, "the end of the first poll");
    const startedAt = performance.now();
    for (let i = 0; i < 20; i += 1) {
      expect((await failure(source.list(stop.signal))).message).toContain("no whole answer within 100 ms");
    }
    expect(performance.now() - startedAt).toBeLessThan(100 * PATIENCE);
  });

  it("ends at once when it is told to, in the middle of an answer", async () => {
    answer = (_, response) => void response.write("[");
    const source = open();
    const { done } = follow(source);
    await until(() => requests.length === 1, "the request");
    const listing = source.list(stop.signal);
    const reason = new Error("stop");
    stop.abort(reason);
    await expect(listing).rejects.toBe(reason);
    await done;
    await until(() => requests[0]?.socket.destroyed, "the connection to end");
  });

  it("names an item that makes no sense once, however often it comes and wherever it stands", async () => {
    let polls = 0;
    answer = (_, response) => {
      polls += 1;
      response.end(JSON.stringify([...Array.from({ length: polls }, (_x, i) => ({ ...B, id: `b${i}` })), { ...A, port: 0 }]));
    };
    const source = open();
    follow(source);
    await until(() => polls >= 4, "four polls");
    expect(log.lines.filter(({ message }) => message === "left out of registration")).toEqual([
      {
        level: "info",
        message: "left out of registration",
        fields: {
          source: `http://127.0.0.1:${portOf(server)}/tasks`,
          place: "/1",
          id: "a",
          reason: "port: what stands at /port is no number from 1 to 65535",
        },
      },
    ]);
  });

  it("does not fill the log with a list that is wrong throughout", async () => {
    answer = json(Array.from({ length: 500 }, (_, i) => ({ ...A, id: `a${i}`, port: 0 })));
    await open().list(stop.signal);
    expect(log.lines).toHaveLength(21);
    expect(log.lines.at(-1)).toMatchObject({ message: "more was left out of registration", fields: { count: 480 } });
  });

  it("follows a redirect on the same host, and asks for the rest there", async () => {
    answer = (request, response) => {
      if (request.url?.startsWith("/tasks") === true) {
        response.writeHead(307, { location: "/v2/tasks" }).end();
      } else {
        json([A])(request, response);
      }
    };
    expect(await ids(open())).toBe("a");
    expect(requests.map(({ url }) => url)).toEqual(["/tasks?secret=hunter2", "/v2/tasks"]);
  });
});

const LONG = JSON.stringify([{ ...A, note: "x".repeat(2000) }]);

describe("an answer is taken as a whole or not at all", () => {
  it.each<[string, Answer, string, Partial<HttpSourceOptions>?]>([
    ["an error", (_, response) => response.writeHead(500).end("out of\ncheese"), "it answered 500: out of cheese"],
    ["a page that is an error", (_, response) => response.writeHead(404).end("<html>"), "it answered 404"],
    ["no content", (_, response) => response.writeHead(204).end(), "it answered 204"],
    ["a 304 that nobody asked for", (_, response) => response.writeHead(304).end(), "it answered 304"],
    ["nothing", (_, response) => response.end(), "it is not JSON"],
    ["half a body", (_, response) => response.end('[{"app": "web"'), "it is not JSON"],
    ["a page", (_, response) => response.end("<html></html>"), "it is not JSON"],
    [
      "a body that is cut off before its length, although it is a list by then",
      (_, response) => {
        response.writeHead(200, { "content-length": "100" }).write("[]");
        setTimeout(() => response.destroy(), 50);
      },
      "the connection was cut before the answer was whole",
    ],
    [
      "a body in chunks without the last one",
      (_, response) => {
        response.write("[]");
        setTimeout(() => response.destroy(), 50);
      },
      "the connection was cut before the answer was whole",
    ],
    [
      "a connection that is cut before the answer",
      (request) => request.socket.destroy(),
      "the connection was cut before the answer was whole",
    ],
    [
      "bytes that are no text",
      (_, response) => response.end(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])),
      "the answer is not UTF-8",
    ],
    [
      "compressed",
      (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("x"),
      "it answered in an encoding that was not asked for",
    ],
    ["no list", json({ tasks: [] }), "it is no list"],
    ["nothing at its path", json({ task: [] }), 'there is nothing at path "/tasks"', { path: "/tasks" }],
    ["something else at its path", json({ tasks: {} }), 'what stands at path "/tasks" is no list', { path: "/tasks" }],
    ["larger than it may be", (_, response) => response.end(LONG), "the answer is larger than 1000 bytes", { maxBytes: 1000 }],
    [
      "without end",
      (_, response) => {
        const write = (): void => {
          while (!response.destroyed && response.write("[".repeat(10_000))) {
            // until the other side has enough
          }
        };
        response.on("drain", write);
        write();
      },
      "the answer is larger than 1000 bytes",
      { maxBytes: 1000 },
    ],
    [
      "dripping",
      (_, response) => {
        const timer = setInterval(() => response.write(" "), 20);
        response.on("close", () => clearInterval(timer));
      },
      "no whole answer within 200 ms",
      { timeoutMs: 200 },
    ],
    ["never", () => undefined, "no whole answer within 100 ms", { timeoutMs: 100 }],
    [
      "somewhere else",
      (_, response) => response.writeHead(302, { location: "http://user:hunter2@other.example:1/x?hunter2" }).end(),
      "it redirects to another host, http://other.example:1, which is not followed",
    ],
    [
      "on another port",
      (_, response) => response.writeHead(301, { location: "http://127.0.0.1:1/" }).end(),
      "it redirects to another host, http://127.0.0.1:1, which is not followed",
    ],
    ["in circles", (_, response) => response.writeHead(302, { location: "/" }).end(), "it redirects more than 3 times"],
    ["nowhere", (_, response) => response.writeHead(302).end(), "it redirects to an address that is none"],
  ])("%s", async (_what, bad, why, changes = {}) => {
    const source = open(changes);
    answer = bad;
    const error = await failure(source.list(stop.signal));
    expect(error).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    expect(error.message).toBe(`cannot read the list at http://127.0.0.1:${portOf(server)}/tasks: ${why}`);
    answer = json(changes.path === undefined ? [A] : { tasks: [A] });
    expect(await ids(source)).toBe("a");
  });

  it("a bad answer does not make the next good one an old one", async () => {
    const source = open();
    expect(await ids(source)).toBe("a");
    answer = (_, response) => response.writeHead(200, { etag: '"next"' }).end("[");
    await failure(source.list(stop.signal));
    expect(requests.at(-1)?.headers["if-none-match"]).not.toBe('"next"');
    answer = json([B]);
    expect(await ids(source)).toBe("b");
  });
});

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
      url: `http://127.0.0.1:${portOf(server)}/`,
      interval: 1000,
      timeout: 5000,
      maxBytes: 1000,
      path: "",
      map: MAP,
      tokenFile,
    };
    const source = await createHttp(config, "n1", { env: {}, log, secrets });

    expect((await failure(source.list(stop.signal))).message).toContain(
      `cannot read the token of an http source in "${tokenFile}"`,
    );
    expect(requests).toHaveLength(0);
    await writeFile(tokenFile, "first-token\n");
    expect(await ids(source)).toBe("a");
    await writeFile(tokenFile, "second-token\n");
    answer = (request, response) => response.writeHead(403).end(`no rights: ${request.headers.authorization}`);
    const error = await failure(source.list(stop.signal));
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer first-token", "Bearer second-token"]);
    expect(error.hint).toBe("look at the token in `tokenFile`");
    expect(secrets.redact(error.message)).toMatch(/it answered 403: no rights: Bearer \*\*\*$/);
    for (const bad of ["", "two words", "first\nsecond", "tök"]) {
      await writeFile(tokenFile, bad);
      expect((await failure(source.list(stop.signal))).message).toMatch(/: its token is empty, or holds more than one word$/);
    }
    expect(requests).toHaveLength(2);
  });

  it("is asked for when the server wants one", async () => {
    answer = (_, response) => response.writeHead(401).end();
    expect((await failure(open().list(stop.signal))).hint).toBe("give it a token: `tokenFile: FILE`");
  });

  it("is not taken from the URL", () => {
    expect(() => open({ url: "http://user:hunter2@127.0.0.1/" })).toThrow(
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
      answer(request, response),
    );
    await listen(tlsServer, 0);
  });
  afterEach(async () => {
    await close(tlsServer);
    await rm(folder, { recursive: true, force: true });
  });
  const at = (tls: HttpSourceOptions["tls"]) => open({ url: `https://127.0.0.1:${portOf(tlsServer)}/`, tls });

  it("is verified, and shows its own certificate", async () => {
    expect(await ids(at(files.client))).toBe("a");
  });

  it("says what to do about an authority that it does not know", async () => {
    const { message, hint } = await failure(at({}).list(stop.signal));
    expect(message).toContain("TLS: ");
    expect(hint).toContain("`tls.ca` has to be the authority that signed the server's certificate");
  });

  it("says what to do about a certificate that the server wants", async () => {
    const { message } = await failure(at({ ca: files.ca }).list(stop.signal));
    expect(message).toMatch(/TLS: |the connection was cut/);
  });

  it("says what to do about a file that is not there, and about a server that speaks no TLS", async () => {
    expect(await failure(at({ ca: join(folder, "none.pem") }).list(stop.signal))).toMatchObject({
      hint: "check the paths under `tls` and who may read them",
    });
    const plain = open({ url: `https://127.0.0.1:${portOf(server)}/` });
    expect((await failure(plain.list(stop.signal))).hint).toContain("write http://");
  });
});
