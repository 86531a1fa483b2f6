/** An engine, or whatever has taken its place behind the socket, that answers badly: what is registered stays as it is, and says why. */
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDockerClient } from "../../../src/sources/docker/engine/client.ts";
import { createDockerSource } from "../../../src/sources/docker/source.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { type RecordedLog, recordLog } from "../../helpers/quiet-log.ts";
import { waitFor } from "../../helpers/wait.ts";
import { type FakeEngine, inspected, listed, startFakeEngine } from "../../unit/sources/docker/fake-engine.ts";
import { type Registration, register } from "./registration.ts";

const CALL_MS = 500 * PATIENCE;
const STEP_MS = 5000 * PATIENCE;

let engine: FakeEngine;
let log: RecordedLog;
let registered: Registration;
beforeEach(async () => {
  engine = await startFakeEngine();
  setContainers("a", "b");
  log = recordLog();
  const client = createDockerClient({ host: engine.host, tlsVerify: false, callMs: CALL_MS, listMs: CALL_MS });
  const source = createDockerSource({
    client,
    node: "n1",
    address: "10.0.0.1",
    mode: "published",
    networks: [],
    register: "all",
    health: "honour",
    loopback: true,
    env: true,
    log,
  });
  registered = register({ sources: [source], log, resyncMs: 200 });
  await until("n1:a:80 n1:b:80");
});
afterEach(async () => {
  await registered.stop();
  await engine.stop();
});

function setContainers(...names: readonly string[]): void {
  engine.containers = names.map((name) => listed(name));
  engine.details = Object.fromEntries(names.map((name) => [`id-${name}`, inspected()]));
}

async function until(ids: string): Promise<void> {
  const idsIn = (): string =>
    registered
      .texts()
      .map((text) => text.split(" ")[0])
      .join(" "); // prettier than a diff
  await waitFor(() => idsIn() === ids, { timeoutMs: STEP_MS, what: ids }).catch((error: unknown) => {
    throw new Error(`${String(error)}, and not ${idsIn()}`);
  });
}

const WHOLE = JSON.stringify([listed("a"), listed("b")]);
const HALF = WHOLE.slice(0, WHOLE.length / 2);

function raw(response: ServerResponse, text: string): void {
  response.socket?.end(text);
}

/** A byte now and then, until the other side has enough. */
function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write(" "), 20);
  response.once("close", () => clearInterval(timer));
}

const answers: readonly [string, (response: ServerResponse) => void, RegExp][] = [
  ["drips for ever", drip, /no answer within/],
  ["says nothing", () => undefined, /no answer within/],
  ["says a head and nothing more", (response) => response.writeHead(200).flushHeaders(), /no answer within/],
  ["hangs up", (response) => response.socket?.destroy(), /the connection was cut/],
  ["hangs up in the middle", (response) => response.write(HALF, () => response.socket?.destroy()), /the connection was cut/],
  [
    "sends less than it says",
    (response) => raw(response, head(`content-length: ${WHOLE.length}`) + HALF),
    /the connection was cut/,
  ],
  [
    "sends more than it says",
    (response) => raw(response, head(`content-length: ${HALF.length}`) + WHOLE),
    /the answer is not JSON/,
  ],
  [
    "sends a broken chunk",
    (response) => raw(response, `${head("transfer-encoding: chunked")}zz\r\n${WHOLE}`),
    /not HTTP|the connection was cut/,
  ],
  [
    "never ends its chunks",
    (response) => raw(response, `${head("transfer-encoding: chunked")}2\r\n[]\r\n`),
    /the connection was cut/,
  ],
  ["speaks another protocol", (response) => raw(response, "220 mail.example ESMTP\r\n"), /not HTTP/],
  ["has an endless head", (response) => raw(response, head(`x: ${"y".repeat(100_000)}`)), /not HTTP.*Header/],
  ["sends half a list", (response) => response.end(HALF), /the answer is not JSON/],
  ["sends a list and something more", (response) => response.end(`${WHOLE}x`), /the answer is not JSON/],
  ["sends nothing", (response) => response.end(), /the answer is not JSON/],
  ["sends compressed bytes", (response) => response.end(Buffer.from([0x1f, 0x8b, 8, 0, 0xff, 0xfe])), /the answer is not JSON/],
  ["sends no list", (response) => response.end('{"message":"all is well"}'), /the answer is no list/],
  ["sends null", (response) => response.end("null"), /the answer is no list/],
  ["sends a list of something else", (response) => response.end('[7,"a",null,[]]'), /nothing in the answer makes sense/],
  ["sends a list without end", (response) => response.end(`${"[".repeat(200_000)}${"]".repeat(200_000)}`), /nothing in|not JSON/],
  ["fails", (response) => response.writeHead(500).end('{"message":"out of \\u001b[31mdisk"}'), /it answered 500: out of .*disk/],
  ["sends us elsewhere", (response) => response.writeHead(302, { location: "http://10.0.0.9/" }).end(), /it answered 302/],
  ["has nothing to say", (response) => response.writeHead(204).end(), /it answered 204/],
];

function head(field: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${field}\r\n\r\n`;
}

test.each(answers)("an engine that %s: nothing of that list is taken, and the last good one stays", async (_, answer, why) => {
  const before = registered.history.length;
  engine.intercept = (path, response) => {
    if (!path.includes("/containers/json")) {
      return undefined;
    }
    answer(response);
    return "handled";
  };
  setContainers("a", "c");
  const failures = (): readonly string[] =>
    log.lines.filter(({ message }) => message === "registration pass failed").map(({ fields }) => String(fields["error"]));
  await waitFor(() => failures().length >= 2, { timeoutMs: STEP_MS, what: "two passes to fail" });
  expect(failures()[0]).toMatch(why);
  expect(failures()[0]).toContain(`cannot list the containers of Docker at ${engine.host}: `);
  expect(failures()[0]).not.toContain("\u001b");
  expect(registered.history).toHaveLength(before);
  engine.intercept = () => undefined;
  await until("n1:a:80 n1:c:80");
});
