import { expect, test } from "vitest";
import { type Explanation, explainContainer } from "../../../../../src/sources/docker/mapping/explain.ts";
import { type MappingOptions, mapContainer } from "../../../../../src/sources/docker/mapping/mapping.ts";
import { withUniqueIds } from "../../../../../src/sources/docker/mapping/unique.ts";
import { readSketches, VERSIONS } from "../../../../helpers/docker-table/answers.ts";
import { TABLE } from "../../../../helpers/docker-table/index.ts";
import { type ContainerSketch, makeContainer, makeOptions } from "../build.ts";

function explain(sketch: ContainerSketch, changes: Partial<MappingOptions> = {}): Explanation {
  const container = makeContainer(sketch);
  const options = makeOptions(changes);
  return explainContainer({ container, ...mapContainer(container, options) }, options);
}

/** `key for port: decides; …` */
function wordTexts({ words }: Explanation): readonly string[] {
  return words.map(({ key, from, port, decides, beats, beatenBy, exceptPorts, problem }) =>
    [
      `${from} ${key}${port === undefined ? "" : ` for ${port}`} decides ${decides}`,
      beats.length > 0 && `beats ${beats.join(" ")}`,
      beatenBy !== undefined && `beaten by ${beatenBy}`,
      exceptPorts !== undefined && `except ${exceptPorts.join(" ")}`,
      problem !== undefined && problem,
    ]
      .filter((part) => part !== false)
      .join("; "),
  );
}

test("each word says what it decides, and which one it beats", () => {
  const explanation = explain(
    {
      ports: ["0.0.0.0:8080->80", "0.0.0.0:8443->443"],
      labels: {
        "fairlead.tags": "f",
        SERVICE_TAGS: "s",
        "fairlead.443.tags": "p",
        "fairlead.host": "a b",
        "com.docker.compose.service": "shop",
        "org.example.note": "not ours",
        "net.ip": "10.7.0.5",
      },
      env: { SERVICE_TAGS: "e", SERVICE_NAME: "own", SERVICE_CHECK_HTTP: "/", SERVICE_443_CHECK_SCRIPT: "x" },
    },
    { addressLabel: "net.ip" },
  );
  expect(wordTexts(explanation)).toEqual([
    "label fairlead.443.tags for 443 decides tags; beats fairlead.tags",
    "label fairlead.host decides meta.host; fairlead.host is no host name; it was left out",
    "label fairlead.tags decides tags; beats SERVICE_TAGS SERVICE_TAGS; except 443",
    "label SERVICE_TAGS decides tags; beaten by fairlead.tags",
    "variable SERVICE_443_CHECK_SCRIPT for 443 decides check.script; " +
      "SERVICE_443_CHECK_SCRIPT asks for a command, and commands of labels are never run; it was left out",
    "variable SERVICE_CHECK_HTTP decides check.http",
    "variable SERVICE_NAME decides service",
    "variable SERVICE_TAGS decides tags; beaten by fairlead.tags",
    "label com.docker.compose.service decides service; beaten by SERVICE_NAME",
    "label net.ip decides address",
  ]);
});

test("each port says whether it could be registered, and where each part comes from", () => {
  const { ports } = explain({
    ports: ["0.0.0.0:8080->80", "[::]:8080->80", "443", "127.0.0.1:53->53/udp"],
    labels: { "fairlead.service": "shop", "fairlead.80.id": "one", "fairlead.drain": "yes", SERVICE_CHECK_HTTP: "/h" },
  });
  expect(ports).toEqual([
    {
      port: 53,
      protocol: "udp",
      bindings: ["127.0.0.1:53"],
      eligible: true,
      service: { text: "shop-53", from: "fairlead.service, with the port since more than one could be registered" },
      id: { text: "n1:web1:53:udp", from: "node, container and port" },
      registered: false,
      reasons: [
        "SERVICE_CHECK_HTTP asks for a check over tcp, and the port is a udp one; it was left out",
        "it is published on 127.0.0.1:53, which only this machine can reach",
      ],
    },
    {
      port: 80,
      protocol: "tcp",
      bindings: ["0.0.0.0:8080", "[::]:8080"],
      eligible: true,
      service: { text: "shop-80", from: "fairlead.service, with the port since more than one could be registered" },
      id: { text: "one", from: "fairlead.80.id" },
      address: { text: "10.0.0.1:8080", from: "it is published on 0.0.0.0:8080: the node's address" },
      health: { text: "critical", from: "fairlead.drain" },
      check: { kind: "http", path: "/h", intervalMs: 10_000 },
      registered: true,
      reasons: [],
    },
    { port: 443, protocol: "tcp", bindings: [], eligible: false, registered: false, reasons: ["it is not published"] },
  ]);
});

test.each<[string, ContainerSketch, Partial<MappingOptions>, string]>([
  [
    "a network that is named",
    { networks: { blue: "172.18.0.2" } },
    { mode: "internal", networks: ["blue"] },
    "its address on network blue",
  ],
  ["the only network", {}, { mode: "internal" }, "its address on its only network, bridge"],
  ["the host's network", { network: { kind: "host" } }, {}, "it is on the host's network: the node's address"],
  ["one address", { ports: ["192.168.7.1:8080->80"] }, {}, "it is published on 192.168.7.1:8080"],
  ["an address that is set", {}, { isAddressSet: true }, "it is published on 0.0.0.0:8080: the address that is set"],
  [
    "a label",
    { labels: { "net.ip": "10.7.0.5/8" } },
    { addressLabel: "net.ip" },
    "it is published on 0.0.0.0:8080: the label net.ip says so",
  ],
  [
    "no known address",
    {},
    { address: undefined, loopback: true },
    "it is published on 0.0.0.0:8080: the node's address is not known, and all readers are on this machine",
  ],
])("the address comes from %s", (_, sketch, options, from) => {
  expect(explain(sketch, options).ports.map(({ address }) => address?.from)).toEqual([from]);
});

test.each<[ContainerSketch, string]>([
  [{}, "the image"],
  [{ labels: { "com.docker.compose.service": "a" } }, "the Compose service"],
  [{ labels: { "com.docker.swarm.service.name": "a" } }, "the Swarm service"],
  [{ env: { SERVICE_NAME: "a" } }, "SERVICE_NAME"],
  [{ labels: { "fairlead.80.service": "a" } }, "fairlead.80.service"],
])("the name of %o comes from %s", (sketch, from) => {
  expect(explain(sketch).ports.map(({ service }) => service?.from)).toEqual([from]);
});

test.each<[ContainerSketch, Partial<MappingOptions>, string]>([
  [{}, {}, "passing: it has no health check"],
  [{ health: "healthy" }, {}, "passing: healthy"],
  [{ health: "starting" }, {}, "critical: starting"],
  [{ health: "unhealthy" }, { health: "ignore" }, "passing: unhealthy, and `health` is `ignore`"],
  [{ state: "paused" }, {}, "critical: it is paused"],
  [{ isDraining: true }, {}, "critical: it was told to stop"],
])("the health of %o with %o is %s", (sketch, options, wanted) => {
  expect(explain(sketch, options).ports.map(({ health }) => `${health?.text}: ${health?.from}`)).toEqual([wanted]);
});

test("a port whose id another container has says so", () => {
  const labels = { "fairlead.id": "x" };
  const containers = [makeContainer({ labels }), makeContainer({ id: "c2", name: "web2", createdAt: 1_800_000_000, labels })];
  const mapped = withUniqueIds(containers.map((container) => ({ container, ...mapContainer(container, makeOptions()) })));
  const [winner, loser] = mapped.map((entry) => explainContainer(entry, makeOptions()));
  expect(winner?.ports).toMatchObject([{ registered: true, reasons: [] }]);
  expect(loser?.ports).toMatchObject([{ registered: false, reasons: ["its instance id is taken by another container or port"] }]);
  expect(loser?.skipped).toEqual([{ reason: 'the instance id "x" is taken by container web1' }]);
});

test("of a container that makes no sense only the reason is known", () => {
  const mapped = {
    container: { id: "bad", name: "", createdAt: 0 },
    instances: [],
    skipped: [{ reason: "its image is no text", kind: "problem" as const }],
  };
  expect(explainContainer(mapped, makeOptions())).toEqual({
    container: { id: "bad", name: "" },
    words: [],
    ports: [],
    instances: [],
    skipped: [{ reason: "its image is no text" }],
  });
});

test("no row of the contract table is explained otherwise than it is registered", () => {
  for (const { topic, name, container = {}, others = [], options } of TABLE) {
    const mapping = makeOptions(options);
    const [first = makeContainer()] = readSketches(VERSIONS[0], [container, ...others], mapping.mode);
    const mapped = withUniqueIds([{ container: first, ...mapContainer(first, mapping) }]);
    const [explained] = mapped.map((entry) => explainContainer(entry, mapping));
    const registered = explained?.ports.filter((port) => port.registered) ?? [];
    expect(
      registered.map(({ id }) => id?.text),
      `${topic}: ${name}`,
    ).toEqual(explained?.instances.map(({ id }) => id));
    expect(registered.map(({ health }) => health?.text)).toEqual(explained?.instances.map(({ health }) => health));
    // A port that is not registered has a reason of its own, or the container has one.
    const general = explained?.skipped.filter(({ port }) => port === undefined) ?? [];
    const silent = explained?.ports.filter((port) => !port.registered && port.reasons.length === 0 && general.length === 0);
    expect(silent, `${topic}: ${name}`).toEqual([]);
  }
});
