import { describe, expect, test } from "vitest";
import { joinShared } from "../../../../src/sources/docker/container.ts";
import { type MappingOptions, mapContainer } from "../../../../src/sources/docker/mapping.ts";
import { type ContainerSketch, makeContainer, makeOptions } from "./build.ts";

interface Row {
  readonly name: string;
  readonly container?: ContainerSketch;
  /** Other containers on the node. */
  readonly others?: readonly ContainerSketch[];
  readonly options?: Partial<MappingOptions>;
  /** `address port` of each instance. */
  readonly at: readonly string[];
  readonly skipped?: readonly (string | RegExp)[];
}

function check(rows: readonly Row[]): void {
  test.each(rows)("$name", ({ container, others = [], options, at, skipped = [] }) => {
    const [first = makeContainer()] = joinShared([container ?? {}, ...others].map(makeContainer));
    const mapped = mapContainer(first, makeOptions(options));
    expect(mapped.instances.map(({ address, port }) => `${address} ${port}`)).toEqual(at);
    const texts = mapped.skipped.map(({ port, reason }) => (port === undefined ? reason : `${port}: ${reason}`));
    expect(texts).toEqual(skipped.map((text) => (typeof text === "string" ? text : expect.stringMatching(text))));
  });
}

const LOOPBACK = /^80: it is published on 127\.0\.0\.1:8080, which only this machine can reach$/;

describe("published", () => {
  check([
    { name: "a wildcard is the node's address", at: ["10.0.0.1 8080"] },
    { name: "an IPv6 wildcard too", container: { ports: ["[::]:8080->80"] }, at: ["10.0.0.1 8080"] },
    {
      name: "a wildcard's twin is not worth a word",
      container: { ports: ["[::]:8080->80", "0.0.0.0:8080->80"] },
      at: ["10.0.0.1 8080"],
    },
    { name: "a single address is kept", container: { ports: ["192.168.7.1:8080->80"] }, at: ["192.168.7.1 8080"] },
    { name: "a single IPv6 address is kept", container: { ports: ["[2001:db8::1]:8080->80"] }, at: ["2001:db8::1 8080"] },
    { name: "loopback is skipped", container: { ports: ["127.0.0.1:8080->80"] }, at: [], skipped: [LOOPBACK] },
    { name: "so is IPv6 loopback", container: { ports: ["[::1]:8080->80"] }, at: [], skipped: [/\[::1\]:8080/] },
    {
      name: "loopback counts when all readers are on this machine",
      options: { loopback: true },
      container: { ports: ["127.0.0.1:8080->80"] },
      at: ["127.0.0.1 8080"],
    },
    {
      name: "an address that is set wins over all",
      options: { address: "203.0.113.9", isAddressSet: true },
      container: { ports: ["127.0.0.1:8080->80", "192.168.7.1:8443->443", "0.0.0.0:8022->22"] },
      at: ["203.0.113.9 8022", "203.0.113.9 8080", "203.0.113.9 8443"],
    },
    {
      name: "of several bindings the lowest host port, the rest is reported",
      container: { ports: ["0.0.0.0:9090->80", "0.0.0.0:8080->80", "[::]:9090->80", "[::]:8080->80"] },
      at: ["10.0.0.1 8080"],
      skipped: ["80: it is also published on 0.0.0.0:9090; 0.0.0.0:8080 is used"],
    },
    {
      name: "IPv4 before IPv6",
      container: { ports: ["[2001:db8::1]:80->80", "192.168.7.1:8080->80"] },
      at: ["192.168.7.1 8080"],
      skipped: ["80: it is also published on [2001:db8::1]:80; 192.168.7.1:8080 is used"],
    },
    {
      name: "a reachable binding beats loopback",
      container: { ports: ["127.0.0.1:8080->80", "0.0.0.0:9090->80"] },
      at: ["10.0.0.1 9090"],
      skipped: [LOOPBACK],
    },
    {
      name: "a port that is only exposed is skipped",
      container: { ports: ["0.0.0.0:8080->80", "443"] },
      at: ["10.0.0.1 8080"],
      skipped: ["443: it is not published"],
    },
    { name: "no port at all", container: { ports: [] }, at: [], skipped: ["it exposes and publishes no port"] },
    {
      name: "an unknown node address skips what needs it",
      options: { address: undefined },
      container: { ports: ["0.0.0.0:8080->80", "192.168.7.1:8443->443"] },
      at: ["192.168.7.1 8443"],
      skipped: ["80: the node's address is not known; set `address` of the docker source"],
    },
    {
      name: "without a node address this machine's readers use loopback",
      options: { address: undefined, loopback: true },
      at: ["127.0.0.1 8080"],
    },
    {
      name: "sctp cannot be registered",
      container: { ports: ["0.0.0.0:8080->80/sctp"] },
      at: [],
      skipped: ["80: 80/sctp: neither tcp nor udp"],
    },
  ]);
});

describe("internal and any", () => {
  const internal = { mode: "internal" } as const;
  const any = { mode: "any" } as const;
  const two = { blue: "172.18.0.2", green: "172.19.0.2" };
  check([
    { name: "internal is the container's address and port", options: internal, at: ["172.17.0.2 80"] },
    {
      name: "unpublished ports count",
      options: internal,
      container: { ports: ["80", "443"] },
      at: ["172.17.0.2 80", "172.17.0.2 443"],
    },
    {
      name: "several networks and none named is skipped, naming them",
      options: internal,
      container: { networks: two },
      at: [],
      skipped: ["it is on several networks, and `networks` names none of them: blue, green"],
    },
    {
      name: "a named network is used",
      options: { ...internal, networks: ["green"] },
      container: { networks: two },
      at: ["172.19.0.2 80"],
    },
    {
      name: "of several named ones their order decides",
      options: { ...internal, networks: ["none", "green", "blue"] },
      container: { networks: two },
      at: ["172.19.0.2 80"],
    },
    {
      name: "a container that is on none of the named networks is skipped",
      options: { ...internal, networks: ["red"] },
      at: [],
      skipped: ["it is on none of the networks red, but on bridge"],
    },
    { name: "no network", options: internal, container: { networks: {} }, at: [], skipped: ["it has no address on any network"] },
    { name: "an IPv6 address", options: internal, container: { networks: { six: "fd00::2" } }, at: ["fd00::2 80"] },
    {
      name: "a set address does not replace a container's own",
      options: { ...internal, isAddressSet: true },
      at: ["172.17.0.2 80"],
    },
    { name: "any is internal where that is possible", options: any, at: ["172.17.0.2 80"] },
    { name: "any falls back to the published port", options: any, container: { networks: two }, at: ["10.0.0.1 8080"] },
    { name: "any with networks that it is not on", options: { ...any, networks: ["red"] }, at: ["10.0.0.1 8080"] },
  ]);
});

describe("host networking and shared networks", () => {
  const host: ContainerSketch = { network: { kind: "host" }, ports: ["80", "443"] };
  const shared: ContainerSketch = { id: "s", name: "side", network: { kind: "shared", with: "m" }, ports: ["9000"] };
  const main: ContainerSketch = { id: "m", name: "main", networks: { bridge: "172.17.0.9" } };
  check([
    ...(["published", "internal", "any"] as const).map((mode) => ({
      name: `host networking is the node's address and the exposed port (${mode})`,
      options: { mode },
      container: host,
      at: ["10.0.0.1 80", "10.0.0.1 443"],
    })),
    {
      name: "a named port counts on the host's network although it is not exposed",
      container: { network: { kind: "host" }, ports: [], labels: { "fairlead.port": "9000" } },
      at: ["10.0.0.1 9000"],
    },
    {
      name: "container:X with internal has the address of X",
      options: { mode: "internal" },
      container: shared,
      others: [main],
      at: ["172.17.0.9 9000"],
    },
    { name: "and with any", options: { mode: "any" }, container: shared, others: [main], at: ["172.17.0.9 9000"] },
    {
      name: "container:X is skipped when published ports count",
      container: shared,
      others: [main],
      at: [],
      skipped: ["it lives in the network of container main, to which its published ports belong"],
    },
    {
      name: "container:X by name",
      options: { mode: "internal" },
      container: { ...shared, network: { kind: "shared", with: "main" } },
      others: [main],
      at: ["172.17.0.9 9000"],
    },
    {
      name: "a chain of containers is followed",
      options: { mode: "internal" },
      container: { ...shared, network: { kind: "shared", with: "k" } },
      others: [{ id: "k", name: "link", network: { kind: "shared", with: "m" } }, main],
      at: ["172.17.0.9 9000"],
    },
    {
      name: "a circle ends",
      options: { mode: "internal" },
      container: { ...shared, network: { kind: "shared", with: "s" } },
      at: [],
      skipped: ["it lives in the network of container s, which is not running"],
    },
    {
      name: "X is gone",
      options: { mode: "any" },
      container: shared,
      at: [],
      skipped: ["it lives in the network of container m, which is not running"],
    },
    {
      name: "X is on the host's network",
      options: { mode: "internal" },
      container: shared,
      others: [{ ...host, id: "m", name: "main" }],
      at: ["10.0.0.1 9000"],
    },
  ]);
});

describe("state and health", () => {
  test.each([
    ["running", "none", "passing"],
    ["running", "healthy", "passing"],
    ["running", "starting", "critical"],
    ["running", "unhealthy", "critical"],
    ["paused", "none", "critical"],
    ["paused", "healthy", "critical"],
  ] as const)("%s, health %s: %s, and passing when health is ignored", (state, health, wanted) => {
    const container = makeContainer({ state, health });
    expect(mapContainer(container, makeOptions()).instances).toMatchObject([{ health: wanted }]);
    expect(mapContainer(container, makeOptions({ health: "ignore" })).instances).toMatchObject([{ health: "passing" }]);
  });

  test.each(["created", "restarting", "removing", "exited", "dead"])("%s: gone, with that reason", (state) => {
    const mapped = mapContainer(makeContainer({ state }), makeOptions());
    expect(mapped).toEqual({ instances: [], skipped: [{ kind: "wish", reason: `it is not running but ${state}` }] });
  });
});
