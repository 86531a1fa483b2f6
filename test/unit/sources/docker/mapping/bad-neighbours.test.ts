import { afterEach, beforeEach, expect, test } from "vitest";
import { createDockerClient } from "../../../../../src/sources/docker/engine/client.ts";
import { createDockerSource, type DockerSource } from "../../../../../src/sources/docker/source.ts";
import { recordLog } from "../../../../helpers/quiet-log.ts";
import { type FakeEngine, inspected, listed, startFakeEngine } from "../fake-engine.ts";

let engine: FakeEngine;
beforeEach(async () => {
  engine = await startFakeEngine();
});
afterEach(() => engine.stop());

function open(): DockerSource {
  return createDockerSource({
    client: createDockerClient({ host: engine.host, tlsVerify: false }),
    node: "n1",
    address: "10.0.0.1",
    mode: "published",
    networks: [],
    register: "all",
    health: "honour",
    loopback: false,
    env: true,
    log: recordLog(),
  });
}

const GOOD = ["a", "b", "c", "d", "e"];

/** What is wrong with a container, and the beginning of what is said about it. */
const BAD: readonly (readonly [name: string, changes: Readonly<Record<string, unknown>>, reason: string])[] = [
  ["line", { Labels: { "fairlead.service": "web\nserver {" } }, "its service name holds a control character"],
  ["long", { Labels: { "fairlead.service": "x".repeat(10_240) } }, "its service name is too long"],
  ["half", { Labels: { "fairlead.service": "web\ud800" } }, "its service name is no UTF-8"],
  ["half-id", { Labels: { "fairlead.id": "\udfff" } }, "its instance id is no UTF-8"],
  ["port", { Labels: { "fairlead.port": "65536" } }, "fairlead.port is no port"],
  ["twin", { Labels: { "fairlead.id": "n1:a:80" }, Created: 1_700_000_001 }, "the instance id"],
  ["range", { Ports: [{ IP: "0.0.0.0", PrivatePort: 70_000, PublicPort: 8080, Type: "tcp" }] }, "its ports make no sense"],
  ["labels", { Labels: ["a"] }, "its labels are no texts"],
  ["image", { Image: 7 }, "its image is no text"],
  ["details", {}, "what the engine says about it makes no sense"],
];

test("G7: a container with bad labels, ports or details is left out and named, and its neighbours are registered", async () => {
  const good = GOOD.map((name) => listed(name));
  engine.containers = [...BAD.map(([name, changes]) => listed(name, changes)), ...good, 7, null, { Id: "id-nobody" }];
  engine.details = {
    ...Object.fromEntries([...GOOD, ...BAD.map(([name]) => name)].map((name) => [`id-${name}`, inspected()])),
    "id-details": { Config: "none" },
  };
  const source = open();
  const { signal } = new AbortController();
  expect((await source.list(signal)).map(({ id }) => id)).toEqual(GOOD.map((name) => `n1:${name}:80`));
  const { containers } = await source.inspect(signal);
  for (const [name, , reason] of BAD) {
    const found = containers.find(({ id }) => id === `id-${name}`);
    expect(found?.instances, name).toEqual([]);
    expect(
      found?.skipped.map((skipped) => skipped.reason),
      name,
    ).toContainEqual(expect.stringContaining(reason));
  }
  expect(containers).toHaveLength(GOOD.length + BAD.length + 3);
});

test("G7: bytes that are no UTF-8 are no part of a name or of metadata, and hurt nobody else", async () => {
  const body = Buffer.concat(
    JSON.stringify([
      listed("a", { Labels: { "fairlead.note": "@", "fairlead.version": "2" } }),
      listed("b", { Labels: { "fairlead.service": "web@" } }),
      listed("c"),
    ])
      .split("@")
      .flatMap((part, i) => (i === 0 ? [Buffer.from(part)] : [Buffer.from([0xff, 0xc0]), Buffer.from(part)])),
  );
  engine.details = Object.fromEntries(["a", "b", "c"].map((name) => [`id-${name}`, inspected()]));
  engine.intercept = (path, response) => {
    if (!path.endsWith("/containers/json")) {
      return undefined;
    }
    response.writeHead(200, { "api-version": "1.41" }).end(body);
    return "handled";
  };
  const instances = await open().list(new AbortController().signal);
  expect(instances.map(({ id, meta }) => [id, meta])).toEqual([
    ["n1:a:80", { version: "2" }],
    ["n1:c:80", {}],
  ]);
});
