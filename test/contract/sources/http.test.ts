import { describe, expect, it } from "vitest";
import type { FairleadError } from "../../../src/model/errors.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { waitFor } from "../../helpers/wait.ts";
import { A, B, failure, json, until, useListServer } from "./list-server.ts";

const desk = useListServer();

describe("an http source", () => {
  it("lists what the server says, sorted, when nobody follows it too", async () => {
    desk.answer = json([B, A]);
    expect(await desk.ids(desk.open())).toBe("a b");
  });

  it("hints once at first, and then only when an answer says something else", async () => {
    const source = desk.open();
    const { state, done } = desk.follow(source);
    await until(() => state.hints === 1, "the first hint");
    expect(await desk.ids(source)).toBe("a");
    const seen = desk.requests.length;
    await until(() => desk.requests.length >= seen + 3, "three more polls");
    desk.answer = (_, response) => response.end(` ${JSON.stringify([{ ...A, checkedAt: desk.requests.length }])}`); // other bytes, the same instances
    const noted = desk.requests.length;
    await until(() => desk.requests.length >= noted + 3, "three other polls");
    expect(state.hints).toBe(1);
    desk.answer = json([A, B]);
    await until(() => state.hints === 2, "the second hint");
    expect(await desk.ids(source)).toBe("a b");
    desk.stop.abort();
    await done;
  });

  it("asks whether there is something new, and keeps what it has when there is not", async () => {
    const source = desk.open();
    const { state } = desk.follow(source);
    await until(() => desk.statuses.length >= 5, "five polls");
    expect(desk.statuses.slice(0, 5)).toEqual([200, 304, 304, 304, 304]);
    expect(await desk.ids(source)).toBe("a");
    desk.answer = json([B]);
    await until(() => state.hints === 2, "the change");
    await until(() => desk.statuses.at(-1) === 304, "a 304 for the new one");
    expect(desk.statuses.filter((status) => status === 200)).toHaveLength(2);
    expect(await desk.ids(source)).toBe("b");
  });

  it("asks by time where a server gives no ETag", async () => {
    const modified = "Tue, 20 Jul 2027 09:12:11 GMT";
    desk.answer = (request, response) => {
      response.setHeader("last-modified", modified);
      const isKnown = request.headers["if-modified-since"] === modified;
      response.writeHead(isKnown ? 304 : 200).end(isKnown ? undefined : JSON.stringify([A]));
    };
    const source = desk.open();
    desk.follow(source);
    await until(() => desk.statuses.length >= 3, "three polls");
    expect(desk.statuses.slice(0, 3)).toEqual([200, 304, 304]);
    expect(await desk.ids(source)).toBe("a");
  });

  it("G4 sees what came while the server was away as soon as it answers again", async () => {
    const source = desk.open();
    const { state } = desk.follow(source);
    await until(() => state.hints === 1, "the first hint");
    const port = desk.port();
    await desk.end();
    const error = await waitFor(
      () =>
        source.list(desk.stop.signal).then(
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
    desk.answer = json([A, B]);
    await desk.start(port);
    await until(() => state.hints === 2, "a hint");
    expect(await desk.ids(source)).toBe("a b");
    expect(desk.log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      "warn http source cannot be read; what it said last stays",
      "info http source answers again",
    ]);
  });

  it("G7 that hangs holds nobody up: the list fails at once with what the newest poll found", async () => {
    desk.answer = () => undefined;
    const source = desk.open({ timeoutMs: 100 });
    const { state } = desk.follow(source);
    await until(() => state.hints === 1, "the end of the first poll");
    const startedAt = performance.now();
    for (let i = 0; i < 20; i += 1) {
      expect((await failure(source.list(desk.stop.signal))).message).toContain("no whole answer within 100 ms");
    }
    expect(performance.now() - startedAt).toBeLessThan(100 * PATIENCE);
  });

  it("G7 that hangs from the beginning is waited for one second, and its list is there when it comes", async () => {
    let release: () => void = () => undefined;
    desk.answer = (request, response) => {
      release = () => json([A])(request, response);
    };
    const source = desk.open();
    const { state } = desk.follow(source);
    await until(() => desk.requests.length === 1, "the request");
    const error = await failure(source.list(desk.stop.signal));
    expect(error).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    expect(error.message).toContain("the first answer has not come within 1000 ms");
    release();
    await until(() => state.hints === 1, "the first hint");
    expect(await desk.ids(source)).toBe("a");
  });

  it("ends at once when it is told to, in the middle of an answer", async () => {
    desk.answer = (_, response) => void response.write("[");
    const source = desk.open();
    const { done } = desk.follow(source);
    await until(() => desk.requests.length === 1, "the request");
    const listing = source.list(desk.stop.signal);
    const reason = new Error("stop");
    desk.stop.abort(reason);
    await expect(listing).rejects.toBe(reason);
    await done;
    await until(() => desk.requests[0]?.socket.destroyed, "the connection to end");
  });

  it("names an item that makes no sense once, however often it comes and wherever it stands", async () => {
    let polls = 0;
    desk.answer = (_, response) => {
      polls += 1;
      response.end(JSON.stringify([...Array.from({ length: polls }, (_x, i) => ({ ...B, id: `b${i}` })), { ...A, port: 0 }]));
    };
    const source = desk.open();
    desk.follow(source);
    await until(() => polls >= 4, "four polls");
    expect(desk.log.lines.filter(({ message }) => message === "left out of registration")).toEqual([
      {
        level: "info",
        message: "left out of registration",
        fields: {
          source: `http://127.0.0.1:${desk.port()}/tasks`,
          place: "/1",
          id: "a",
          reason: "port: what stands at /port is no number from 1 to 65535",
        },
      },
    ]);
  });

  it("does not fill the log with a list that is wrong throughout", async () => {
    desk.answer = json(Array.from({ length: 500 }, (_, i) => ({ ...A, id: `a${i}`, port: 0 })));
    await desk.open().list(desk.stop.signal);
    expect(desk.log.lines).toHaveLength(21);
    expect(desk.log.lines.at(-1)).toMatchObject({ message: "more was left out of registration", fields: { count: 480 } });
  });

  it("follows a redirect on the same host, and asks for the rest there", async () => {
    desk.answer = (request, response) => {
      if (request.url?.startsWith("/tasks") === true) {
        response.writeHead(307, { location: "/v2/tasks" }).end();
      } else {
        json([A])(request, response);
      }
    };
    expect(await desk.ids(desk.open())).toBe("a");
    expect(desk.requests.map(({ url }) => url)).toEqual(["/tasks?secret=hunter2", "/v2/tasks"]);
  });
});
