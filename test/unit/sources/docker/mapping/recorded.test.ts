import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Container, joinShared, withDetails } from "../../../../../src/sources/docker/container.ts";
import { readContainerList, readDetails } from "../../../../../src/sources/docker/engine/wire.ts";
import { type MappingOptions, mapContainer } from "../../../../../src/sources/docker/mapping/mapping.ts";
import { makeOptions } from "../build.ts";

/** What real engines answered, in the shapes of three API versions: the mapping must not see a difference. */
describe.each(["api-1.41", "api-1.51", "api-1.52"])("%s", (version) => {
  const containers = load(version);

  function registered(name: string, options: Partial<MappingOptions> = {}): readonly string[] {
    const container = containers.find((candidate) => candidate.name === name);
    if (container === undefined) {
      throw new Error(`no container ${name} was recorded`);
    }
    return mapContainer(container, makeOptions(options)).instances.map(
      ({ service, address, port, protocol, health }) => `${service} ${address} ${port} ${protocol} ${health}`,
    );
  }

  test("every container is understood", () => {
    expect(containers.map(({ name }) => name).sort()).toEqual(
      [
        "byid",
        "closed1",
        "crash",
        "gone1",
        "host1",
        "linked",
        "none1",
        "paused1",
        "side1",
        "sick1",
        "six1",
        "two",
        "two-bindings",
        "web1",
      ].sort(),
    );
  });

  const published: readonly [string, readonly string[]][] = [
    ["web1", ["shop-53 10.0.0.1 5353 udp passing", "shop-80 10.0.0.1 8080 tcp passing"]],
    ["two", ["web 10.0.0.1 32768 tcp passing"]],
    ["two-bindings", ["web 10.0.0.1 9000 tcp passing"]],
    ["sick1", ["sick 10.0.0.1 9100 tcp critical"]],
    ["paused1", ["web 10.0.0.1 9101 tcp critical"]],
    ["byid", ["other 10.0.0.1 32769 tcp passing"]],
    ["host1", ["web-53 10.0.0.1 53 udp passing", "web-80 10.0.0.1 80 tcp passing", "web-443 10.0.0.1 443 tcp passing"]],
    ["closed1", []],
    ["none1", []],
    ["side1", []],
    ["crash", []],
    ["gone1", []],
  ];
  test.each(published)("published: %s", (name, wanted) => {
    expect(registered(name)).toEqual(wanted);
  });

  const internal: readonly [string, readonly string[], readonly string[]][] = [
    [
      "web1",
      [],
      ["shop-53 172.17.0.2 53 udp passing", "shop-80 172.17.0.2 80 tcp passing", "shop-443 172.17.0.2 443 tcp passing"],
    ],
    ["two", [], []],
    [
      "two",
      ["blue"],
      ["web-53 172.18.0.2 53 udp passing", "web-80 172.18.0.2 80 tcp passing", "web-443 172.18.0.2 443 tcp passing"],
    ],
    [
      "closed1",
      [],
      ["web-53 172.19.0.2 53 udp passing", "web-80 172.19.0.2 80 tcp passing", "web-443 172.19.0.2 443 tcp passing"],
    ],
    ["side1", [], ["web-53 172.17.0.2 53 udp passing", "web-80 172.17.0.2 80 tcp passing", "web-443 172.17.0.2 443 tcp passing"]],
    ["six1", [], ["web-53 172.20.0.2 53 udp passing", "web-80 172.20.0.2 80 tcp passing", "web-443 172.20.0.2 443 tcp passing"]],
    ["none1", [], []],
  ];
  test.each(internal)("internal: %s, networks %o", (name, networks, wanted) => {
    expect(registered(name, { mode: "internal", networks })).toEqual(wanted);
  });

  test("tags come from the image's environment, metadata from its labels, the name from the container's own environment", () => {
    const container = containers.find(({ name }) => name === "web1");
    expect(container && mapContainer(container, makeOptions()).instances[1]).toMatchObject({
      id: "n1:web1:80",
      tags: ["a", "b"],
      meta: { host: "web.example" },
    });
  });
});

function load(version: string): readonly Container[] {
  const folder = new URL(`../../../../fixtures/docker/${version}/`, import.meta.url);
  const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), "utf8"));
  const list = readContainerList(read("containers.json"));
  expect(list?.invalid).toEqual([]);
  const details = read("inspect.json") as Record<string, unknown>;
  return joinShared(
    (list?.containers ?? []).map((container) => {
      const detail = readDetails(details[container.id]);
      if (detail === undefined) {
        throw new Error(`no details of ${container.name} were recorded`);
      }
      return withDetails(container, detail);
    }),
  );
}
