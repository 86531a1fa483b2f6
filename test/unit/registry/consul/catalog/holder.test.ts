import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Registry } from "../../../../../src/ports.ts";
import { PATIENCE } from "../../../../helpers/patience.ts";
import { type Asked, FakeConsul, openRegistry, type Reply } from "../fake-consul.ts";

const signal = new AbortController().signal;

describe("a beat of the catalogue while Consul has no sessions to give", () => {
  let fake: FakeConsul;
  let registry: Registry;
  let sessions: Reply | undefined;
  beforeEach(async () => {
    fake = await new FakeConsul().start();
    sessions = { body: { ID: "s1" } };
    fake.lie = ({ path }: Asked): Reply | undefined => {
      if (path.startsWith("/agent/")) {
        return { body: {} };
      }
      if (path === "/txn") {
        return { body: { Results: [], Errors: null } };
      }
      return path.startsWith("/session/") ? sessions : undefined;
    };
    registry = openRegistry(fake, { timing: { callMs: 60_000 } });
    await registry.keepAlive("n1", 30_000, signal);
    await registry.showHolder("n1", "host/1", signal);
  });
  afterEach(async () => {
    await registry.close();
    await fake.stop();
  });

  test("is kept in time: the record of who writes has a part of it at most", async () => {
    sessions = "never";
    const startedAt = performance.now();
    expect(await registry.keepAlive("n1", 6000, signal)).toBe("kept");
    expect(performance.now() - startedAt).toBeLessThan(1900 * PATIENCE); // a third of the time is a beat's
    expect(fake.askedFor("/session/").length).toBeGreaterThan(1);
  });

  test.each<readonly [string, Reply]>([
    ["no leader", { status: 500, body: "No cluster leader" }],
    ["no rights any more", { status: 403, body: "Permission denied" }],
  ])("is kept with %s", async (_, reply) => {
    sessions = reply;
    expect(await registry.keepAlive("n1", 1200, signal)).toBe("kept");
  });
});
