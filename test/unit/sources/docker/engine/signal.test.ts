import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createContainerSignaller } from "../../../../../src/sources/docker/engine/signal.ts";
import { runReload } from "../../../../../src/target/reload.ts";
import { type FakeEngine, startFakeEngine } from "../fake-engine.ts";

let engine: FakeEngine;
beforeEach(async () => {
  engine = await startFakeEngine();
});
afterEach(() => engine.stop());

const abort = new AbortController().signal;

function reload(container = "proxy", host = engine.host) {
  const signalContainer = createContainerSignaller({ host, tlsVerify: false, callMs: 1000 });
  const form = { container, signal: "SIGHUP", timeoutMs: 1000, signalContainer } as const;
  return runReload(form, { signal: abort, environment: {}, target: "t" });
}

function answerKill(status: number, body: unknown = ""): void {
  engine.intercept = (path) => (path.includes("/kill") ? { status, body } : undefined);
}

describe("a reload by a container's signal", () => {
  it("asks the engine for exactly that, in the version that both speak", async () => {
    answerKill(204);
    await reload();
    expect(engine.requests).toEqual(["GET /_ping", "POST /v1.41/containers/proxy/kill?signal=SIGHUP"]);
  });

  it("puts no name into the path as it is", async () => {
    answerKill(204);
    await reload("../x?y#z");
    expect(engine.requests.at(-1)).toBe("POST /v1.41/containers/..%2Fx%3Fy%23z/kill?signal=SIGHUP");
  });

  it.each([
    [404, { message: "No such container: proxy" }, "there is no such container"],
    [409, { message: "Container 123 is not running" }, "it is not running"],
    [403, "forbidden", "it answered 403"],
    [500, { message: "cannot kill" }, "it answered 500: cannot kill"],
  ])("that is answered with %i fails, and is tried again", async (status, body, why) => {
    answerKill(status, body);
    await expect(reload()).rejects.toMatchObject({
      code: "RELOAD_FAILED",
      retryable: true,
      message: expect.stringMatching(new RegExp(`cannot send SIGHUP to container "proxy".*${why}`)),
    });
  });

  it("fails when the engine is down, or hangs", async () => {
    engine.intercept = (path) => (path.includes("/kill") ? "handled" : undefined);
    await expect(reload()).rejects.toMatchObject({
      code: "RELOAD_FAILED",
      message: expect.stringContaining("no answer within 1000 ms"),
    });
    await expect(reload("proxy", "unix:///nonexistent/docker.sock")).rejects.toMatchObject({
      code: "RELOAD_FAILED",
      retryable: true,
      message: expect.stringContaining("there is no such socket"),
    });
  });
});
