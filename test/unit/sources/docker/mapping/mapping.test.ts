import { describe, expect, test } from "vitest";
import type { Instance } from "../../../../../src/model/instance.ts";
import { decide, mapContainer } from "../../../../../src/sources/docker/mapping/mapping.ts";
import { readSketches, VERSIONS } from "../../../../helpers/docker-table/answers.ts";
import { TABLE } from "../../../../helpers/docker-table/index.ts";
import { makeContainer, makeOptions } from "../build.ts";

test("everything about an instance, once in full", () => {
  const labels = {
    "fairlead.service": "shop",
    "fairlead.tags": "b,a",
    "fairlead.weight": "3",
    "fairlead.host": "shop.example",
    SERVICE_CHECK_HTTP: "/health",
    note: "x",
  };
  expect(mapContainer(makeContainer({ labels, health: "healthy" }), makeOptions())).toEqual({
    instances: [
      {
        id: "n1:web1:80",
        service: "shop",
        address: "10.0.0.1",
        port: 8080,
        protocol: "tcp",
        tags: ["b", "a"],
        meta: { host: "shop.example" },
        health: "passing",
        weight: 3,
        healthCheck: { kind: "http", path: "/health", intervalMs: 10_000 },
      },
    ],
    skipped: [],
  });
});

test("the contract table has not shrunk, and no two rows have one name", () => {
  expect(TABLE.length).toBeGreaterThanOrEqual(250);
  expect(TABLE.filter(({ real }) => real).length).toBeGreaterThanOrEqual(45);
  const names = TABLE.map(({ topic, name }) => `${topic}: ${name}`);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

/** Each row as the answers of the engine in that version's shape. */
describe.each(VERSIONS)("the contract table on %s", (version) => {
  test.each(TABLE)("$topic: $name", ({ container = {}, others = [], options, wanted, skipped = [] }) => {
    const mapping = makeOptions(options);
    const [first = makeContainer()] = readSketches(version, [container, ...others], mapping.mode);
    const mapped = mapContainer(first, mapping);
    expect(mapped.instances.map((instance, i) => pick(instance, Object.keys(wanted[i] ?? {})))).toEqual(wanted);
    const texts = mapped.skipped.map(({ port, reason }) => (port === undefined ? reason : `${port}: ${reason}`));
    expect(texts).toEqual(skipped.map((text) => (typeof text === "string" ? text : expect.stringMatching(text))));
    const { instances, skipped: again } = decide(first, mapping);
    expect({ instances, skipped: again }).toEqual(mapped);
  });
});

function pick(instance: Instance, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(instance).filter(([key]) => keys.includes(key)));
}
