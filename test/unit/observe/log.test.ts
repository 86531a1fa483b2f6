import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { createLog, type LogOptions } from "../../../src/observe/log.ts";
import { addEnvironmentSecrets, createSecrets } from "../../../src/observe/secrets.ts";

function record(more: Partial<LogOptions> & { readonly isTTY?: boolean } = {}) {
  const stream = Object.assign(new PassThrough(), { isTTY: more.isTTY ?? false });
  const secrets = createSecrets();
  const log = createLog({ level: "info", format: "auto", colour: false, secrets, ...more, stream });
  return { log, secrets, text: () => String(stream.read() ?? "") };
}

describe("the log", () => {
  it("is JSON lines where there is no terminal", () => {
    const { log, text } = record();
    log.warn("registry cannot be read", { code: "REGISTRY_UNAVAILABLE", retryInMs: 200 });
    expect(JSON.parse(text())).toMatchObject({
      level: "warn",
      msg: "registry cannot be read",
      code: "REGISTRY_UNAVAILABLE",
      retryInMs: 200,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  it("is for people on a terminal", () => {
    const { log, text } = record({ isTTY: true });
    log.info("target is live", { target: "nginx", files: ["/etc/a", "/etc/b"], error: "two words", ms: 5 });
    expect(text()).toMatch(
      /^\d\d:\d\d:\d\d info {3}target is live {2}target=nginx {2}files=\/etc\/a,\/etc\/b {2}error="two words" {2}ms=5\n$/,
    );
  });

  it.each([
    ["debug", 4],
    ["info", 3],
    ["warn", 2],
    ["error", 1],
  ] as const)("at level %s tells %s of four", (level, count) => {
    const { log, text } = record({ level });
    for (const each of ["debug", "info", "warn", "error"] as const) {
      log[each]("x");
    }
    expect(text().trim().split("\n")).toHaveLength(count);
  });

  it.each([false, true])("takes secrets out, on a terminal: %s", (isTTY) => {
    const { log, secrets, text } = record({ isTTY });
    secrets.add("hunter2-hunter2");
    log.error("refused by hunter2-hunter2", { error: "token hunter2-hunter2 is wrong" });
    expect(text()).not.toContain("hunter2");
  });
});

describe("secrets from the environment", () => {
  it.each([
    [{ CONSUL_HTTP_TOKEN: "canary-1" }, "canary-1"],
    [{ ETCDCTL_USER: "root:canary-2" }, "canary-2"],
    [{ ETCDCTL_PASSWORD: "canary-3" }, "canary-3"],
    [{ CONSUL_HTTP_AUTH: "user:canary:4" }, "canary:4"],
  ])("%j", (env, secret) => {
    const secrets = createSecrets();
    addEnvironmentSecrets(secrets, env);
    expect(secrets.redact(`x ${secret} y`)).toBe("x *** y");
  });

  it("leaves a user's name and short words alone", () => {
    const secrets = createSecrets();
    addEnvironmentSecrets(secrets, { ETCDCTL_USER: "root", CONSUL_HTTP_TOKEN: "abc" });
    expect(secrets.redact("root abc")).toBe("root abc");
  });
});
