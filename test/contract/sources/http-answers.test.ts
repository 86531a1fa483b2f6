import { describe, expect, it } from "vitest";
import type { HttpSourceOptions } from "../../../src/sources/http/source.ts";
import { A, type Answer, B, failure, json, useListServer } from "./list-server.ts";

const desk = useListServer();

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
    const source = desk.open(changes);
    desk.answer = bad;
    const error = await failure(source.list(desk.stop.signal));
    expect(error).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    expect(error.message).toBe(`cannot read the list at http://127.0.0.1:${desk.port()}/tasks: ${why}`);
    desk.answer = json(changes.path === undefined ? [A] : { tasks: [A] });
    expect(await desk.ids(source)).toBe("a");
  });

  it("a bad answer does not make the next good one an old one", async () => {
    const source = desk.open();
    expect(await desk.ids(source)).toBe("a");
    desk.answer = (_, response) => response.writeHead(200, { etag: '"next"' }).end("[");
    await failure(source.list(desk.stop.signal));
    expect(desk.requests.at(-1)?.headers["if-none-match"]).not.toBe('"next"');
    desk.answer = json([B]);
    expect(await desk.ids(source)).toBe("b");
  });
});
