/** What goes over the wire beside the questions: credentials, endpoints, connections, and what an error says. */

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FairleadError } from "../../../../../src/model/errors.ts";
import { EVERYTHING } from "../../../../../src/model/selector.ts";
import { createEndpoints } from "../../../../../src/registry/consul/api/endpoints.ts";
import { FakeConsul, openRegistry } from "../fake-consul.ts";

const signal = new AbortController().signal;
const KEYS = { services: [], keys: ["app/"] } as const;
const SECRET = "0f1e2d3c-secret";

let fake: FakeConsul;
beforeEach(async () => {
  fake = await new FakeConsul().start();
  fake.services = { web: [{ id: "a", port: 1 }] };
  fake.keys = { "app/a": "1" };
});
afterEach(async () => {
  await fake.stop();
});

async function failureOf(work: Promise<unknown>): Promise<FairleadError> {
  const error = await work.catch((reason: unknown) => reason);
  if (error instanceof FairleadError) {
    return error;
  }
  throw new Error("a FairleadError was expected", { cause: error });
}

test("the token is asked for before each call, and goes in a header, never in the address", async () => {
  let asked = 0;
  const registry = openRegistry(fake, {
    token: async () => {
      asked += 1;
      return `${SECRET}-${asked}`;
    },
  });
  await registry.read(EVERYTHING, { signal });
  const tokens = fake.asked.map(({ headers }) => headers["x-consul-token"]);
  expect(asked).toBe(fake.asked.length);
  expect(new Set(tokens).size).toBe(fake.asked.length);
  expect(tokens.every((token) => String(token).startsWith(SECRET))).toBe(true);
  expect(fake.asked.map(({ query }) => query.toString()).join()).not.toContain(SECRET);
  await registry.close();
});

test("a login is HTTP basic authentication", async () => {
  const registry = openRegistry(fake, { login: { username: "ann", password: async () => `${SECRET}:ü` } });
  await registry.read(KEYS, { signal });
  const header = String(fake.asked[0]?.headers.authorization);
  expect(Buffer.from(header.replace("Basic ", ""), "base64").toString()).toBe(`ann:${SECRET}:ü`);
  await registry.close();
});

test("an error says what was tried, where and why, and never holds a secret or a value", async () => {
  const registry = openRegistry(fake, { token: async () => SECRET });
  fake.lie = () => ({ status: 403, body: "ACL not found" });
  const denied = await failureOf(registry.read(KEYS, { signal }));
  expect(denied.message).toBe(`cannot read the keys below "app/" from Consul: 403: ACL not found (http://${fake.endpoint})`);
  fake.lie = () => ({ headers: { "content-type": "application/json" }, body: '[{"Value":"top-secret' });
  const garbled = await failureOf(registry.read(KEYS, { signal }));
  for (const error of [denied, garbled]) {
    const all = `${error.stack} ${String(error.hint)} ${JSON.stringify(error)} ${String(error.cause)}`;
    expect(all).not.toContain(SECRET);
    expect(all).not.toContain("top-secret");
  }
  await registry.close();
});

test("the next endpoint is used when one fails, and stays in use", async () => {
  const closed = `127.0.0.1:${await closedPort()}`;
  const registry = openRegistry(fake, { endpoints: [closed, fake.endpoint] });
  expect((await registry.read(EVERYTHING, { signal })).services.has("web")).toBe(true);
  const second = await new FakeConsul().start();
  second.services = { other: [{ id: "x", port: 1 }] };
  const both = openRegistry(fake, { endpoints: [fake.endpoint, second.endpoint] });
  await both.read(EVERYTHING, { signal });
  expect(second.asked).toEqual([]);
  fake.lie = () => ({ status: 500 });
  expect([...(await both.read(EVERYTHING, { signal })).services.keys()]).toContain("other");
  fake.lie = () => undefined;
  expect([...(await both.read(EVERYTHING, { signal })).services.keys()]).toContain("other");
  await Promise.all([registry.close(), both.close(), second.stop()]);
});

test("with no endpoint left the error is the last one's", async () => {
  const [one, two] = [await closedPort(), await closedPort()];
  const registry = openRegistry(undefined, { endpoints: [`127.0.0.1:${one}`, `127.0.0.1:${two}`] });
  const error = await failureOf(registry.read(KEYS, { signal }));
  expect(error).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
  expect(error.message).toContain("connection refused");
  await registry.close();
});

test("two hundred services are read and followed over four connections, and a call finds one free", async () => {
  fake.services = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`svc-${i}`, [{ id: "a", port: i + 1 }]]));
  let most = 0;
  fake.lie = () => {
    most = Math.max(most, fake.connections);
    return undefined;
  };
  const registry = openRegistry(fake, { timing: { waitMs: 5000, callMs: 5000 } });
  const first = await registry.read(EVERYTHING, { signal });
  expect(first.services.size).toBe(200);
  const waiting = registry.read(EVERYTHING, { signal, after: first.revision });
  await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      await registry.owned(`n${i}`, signal).catch(() => undefined); // the fake knows no agent; it answers
    }),
  );
  expect(fake.askedFor("/agent/services")).toHaveLength(30);
  fake.change({ services: { ...fake.services, more: [{ id: "a", port: 7 }] } });
  expect((await waiting).services.size).toBe(201);
  expect(most).toBeLessThanOrEqual(4);
  await registry.close();
});

test("addresses: default ports, IPv6", async () => {
  const options = { endpoints: ["consul.example", "10.0.0.1:80", "[::1]:8500", "[fe80::1]"] };
  const urls: string[] = [];
  const endpoints = createEndpoints(options, 4);
  for (let i = 0; i < 4; i += 1) {
    const { url, address } = endpoints.current();
    urls.push(`${url} ${address.host} ${address.port}`);
    endpoints.leave(endpoints.current());
  }
  expect(urls).toEqual([
    "http://consul.example:8500 consul.example 8500",
    "http://10.0.0.1:80 10.0.0.1 80",
    "http://[::1]:8500 ::1 8500",
    "http://[fe80::1]:8500 fe80::1 8500",
  ]);
  expect(createEndpoints({ endpoints: ["c"], tls: {} }, 4).current().url).toBe("https://c:8501");
  endpoints.close();
});

test("a closed registry refuses to read", async () => {
  const registry = openRegistry(fake);
  await registry.close();
  await expect(registry.read(KEYS, { signal })).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
});

test("a TLS file that cannot be read is named, with a hint", async () => {
  const registry = openRegistry(fake, { tls: { ca: "/nowhere/ca.pem" } });
  const error = await failureOf(registry.read(KEYS, { signal }));
  expect(error.message).toContain('cannot read the TLS file "/nowhere/ca.pem"');
  expect(error.retryable).toBe(true);
  await registry.close();
});

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server: Server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
