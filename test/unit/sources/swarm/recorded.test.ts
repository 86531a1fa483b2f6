import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { mapSwarm, type SwarmMappingOptions } from "../../../../src/sources/swarm/mapping.ts";
import type { SwarmState } from "../../../../src/sources/swarm/state.ts";
import { type Read, readNetworks, readNodes, readServices, readTasks } from "../../../../src/sources/swarm/wire.ts";
import { makeOptions } from "./build.ts";

/** What a real manager answered. */
describe.each(["api-1.41"])("%s", (version) => {
  function read<T>(name: string, reader: (answer: unknown) => Read<T> | undefined): readonly T[] {
    const url = new URL(`../../../fixtures/swarm/${version}/${name}.json`, import.meta.url);
    const found = reader(JSON.parse(readFileSync(url, "utf8")));
    expect(found?.invalid).toEqual([]);
    return found?.items ?? [];
  }

  const state: SwarmState = {
    services: read("services", readServices),
    tasks: read("tasks", readTasks),
    nodes: read("nodes", readNodes),
    networks: read("networks", readNetworks),
    invalid: [],
  };

  function registered(options: Partial<SwarmMappingOptions>): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(
      mapSwarm(state, makeOptions({ loopback: true, ...options })).map(({ service, instances }) => [
        service.name,
        instances.map(({ id, address, port, protocol, health }) => `${id} ${address} ${port} ${protocol} ${health}`),
      ]),
    );
  }

  const NODE = "lodq1m2hd3qfzjau6hffxp3zs";

  test("by task", () => {
    expect(registered({})).toEqual({
      dns: [],
      hostnet: [],
      hosty: [`hosty.${NODE}.lsrsoi1hzioeuoy9m2b7vtqe2:80 127.0.0.1 18080 tcp passing`],
      meshy: [],
      web: [
        "web.1.pw0f31jbrwze2iwh6zm4ocosi:80 10.55.0.3 80 tcp passing",
        "web.2.j8xjd6l7afg15bcvwchz8s667:80 10.55.0.4 80 tcp passing",
      ],
    });
  });

  test("as a whole", () => {
    expect(registered({ mode: "vip" })).toEqual({
      dns: [],
      hostnet: [],
      hosty: [],
      meshy: [`meshy:${NODE}:53:udp 127.0.0.1 18053 udp passing`, `meshy:${NODE}:80 127.0.0.1 18081 tcp passing`],
      web: ["web:front:80 10.55.0.2 80 tcp passing"],
    });
  });

  test("services without a port say so, and those in the host's network are at their node", () => {
    const services = state.services.map((service) =>
      service.name === "hostnet" ? { ...service, labels: { "fairlead.port": "19090" } } : service,
    );
    const mapped = mapSwarm({ ...state, services }, makeOptions({ loopback: true }));
    expect(mapped.find(({ service }) => service.name === "hostnet")?.instances).toMatchObject([
      { address: "127.0.0.1", port: 19090 },
    ]);
    expect(mapped.find(({ service }) => service.name === "dns")?.skipped).toMatchObject([
      { reason: expect.stringContaining("fairlead.port") },
    ]);
  });

  test("labels and variables of the task count, and tags keep their order", () => {
    expect(mapSwarm(state, makeOptions()).find(({ service }) => service.name === "web")?.instances[0]).toMatchObject({
      tags: ["a", "b"],
      meta: { x: "y" },
    });
  });
});
