/** The churn run's own reading of `docker inspect`, against hand-written answers. */
import { expect, it } from "vitest";
import { expectEntries, type Inspected, type Mode } from "../../churn/expected.ts";

interface Facts {
  readonly id?: string;
  readonly created?: string;
  readonly status?: string;
  readonly health?: string;
  readonly image?: string;
  readonly env?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: Inspected["NetworkSettings"]["Ports"];
  readonly networks?: Readonly<Record<string, string>>;
}

function container(facts: Facts): Inspected {
  const {
    id = "1",
    status = "running",
    health,
    image = "reg:5000/team/app:1.2",
    env = [],
    labels = {},
    ports = PUBLISHED,
  } = facts;
  const { networks = { bridge: "172.17.0.2" }, created = "2026-01-01T00:00:00.1Z" } = facts;
  return {
    Id: id,
    Name: "/c1",
    Created: created,
    State: { Status: status, StartedAt: "", Pid: 7, ...(health !== undefined && { Health: { Status: health } }) },
    Config: {
      Image: image,
      Labels: labels,
      Env: env,
      ExposedPorts: Object.fromEntries(Object.keys(ports ?? {}).map((port) => [port, {}])),
    },
    HostConfig: { RestartPolicy: { Name: "no" } },
    NetworkSettings: {
      Ports: ports,
      Networks: Object.fromEntries(Object.entries(networks).map(([name, ip]) => [name, { IPAddress: ip }])),
    },
  };
}

const PUBLISHED = {
  "8080/tcp": [
    { HostIp: "::", HostPort: "49001" },
    { HostIp: "0.0.0.0", HostPort: "49000" },
  ],
};
const TWO = { ...PUBLISHED, "53/udp": null };

const CASES: readonly [string, Mode, Facts, readonly string[]][] = [
  ["published: the node's address and the port of the IPv4 binding", "published", {}, ["app n:c1:8080 10.9.9.9:49000 passing"]],
  ["any: the only network's address", "any", {}, ["app n:c1:8080 172.17.0.2:8080 passing"]],
  [
    "any: published where there are several networks",
    "any",
    { networks: { a: "1.1.1.1", b: "2.2.2.2" } },
    ["app n:c1:8080 10.9.9.9:49000 passing"],
  ],
  [
    "any: nothing where nothing is published either",
    "any",
    { networks: { a: "1.1.1.1", b: "2.2.2.2" }, ports: { "8080/tcp": null } },
    [],
  ],
  [
    "several ports: suffixes, and the protocol in the id",
    "any",
    { ports: TWO },
    ["app-53 n:c1:53:udp 172.17.0.2:53 passing", "app-8080 n:c1:8080 172.17.0.2:8080 passing"],
  ],
  ["published: what is not published does not count", "published", { ports: TWO }, ["app n:c1:8080 10.9.9.9:49000 passing"]],
  [
    "a port's own name",
    "any",
    { ports: TWO, env: ["SERVICE_53_NAME=dns"] },
    ["dns n:c1:53:udp 172.17.0.2:53 passing", "app-8080 n:c1:8080 172.17.0.2:8080 passing"],
  ],
  [
    "our label before the other's variable",
    "any",
    { env: ["SERVICE_NAME=x"], labels: { "fairlead.service": "y" } },
    ["y n:c1:8080 172.17.0.2:8080 passing"],
  ],
  ["an id of its own", "any", { labels: { "fairlead.id": "z" } }, ["app z 172.17.0.2:8080 passing"]],
  ["ignored", "any", { env: ["SERVICE_IGNORE=yes"] }, []],
  ["not enabled", "any", { labels: { "fairlead.enable": "false" } }, []],
  ["stopped", "any", { status: "exited" }, []],
  ["restarting", "any", { status: "restarting" }, []],
  ["paused", "any", { status: "paused" }, ["app n:c1:8080 172.17.0.2:8080 critical"]],
  ["starting", "any", { health: "starting" }, ["app n:c1:8080 172.17.0.2:8080 critical"]],
  ["unhealthy", "any", { health: "unhealthy" }, ["app n:c1:8080 172.17.0.2:8080 critical"]],
  ["healthy", "any", { health: "healthy" }, ["app n:c1:8080 172.17.0.2:8080 passing"]],
];

it.each(CASES)("%s (%s)", (_what, mode, facts, lines) => {
  const found = expectEntries([container(facts)], { node: "n", address: "10.9.9.9", mode });
  expect(found.map(({ service, id, address, port, health }) => `${service} ${id} ${address}:${port} ${health}`)).toEqual(lines);
});

it("tags, weight and host are taken over, and a UDP port says so", () => {
  const facts = {
    env: ["SERVICE_TAGS=a,b"],
    labels: { "fairlead.weight": "2", "fairlead.host": "h" },
    ports: { "53/udp": null },
  };
  const [found] = expectEntries([container(facts)], { node: "n", address: "", mode: "any" });
  expect(found).toMatchObject({ tags: ["a", "b", "udp"], weight: 2, meta: { host: "h" }, protocol: "udp" });
});

it("of two that claim one id the older container has it, and in the same second the lower id", () => {
  const labels = { "fairlead.id": "z" };
  const setting = { node: "n", address: "", mode: "any" as const };
  const winner = (...all: readonly Inspected[]): readonly string[] => expectEntries(all, setting).map(({ container: id }) => id);
  const later = container({ id: "a", labels, created: "2026-01-01T00:00:01Z" });
  expect(winner(later, container({ id: "c", labels }))).toEqual(["c"]);
  expect(
    winner(later, container({ id: "c", labels }), container({ id: "b", labels, created: "2026-01-01T00:00:00.9Z" })),
  ).toEqual(["b"]);
});
