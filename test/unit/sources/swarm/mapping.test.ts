import { describe, expect, test } from "vitest";
import { hostPort } from "../../../../src/model/instance.ts";
import { createJudge, type PolicyRule } from "../../../../src/sources/policy.ts";
import { mapSwarm, type SwarmMappingOptions } from "../../../../src/sources/swarm/mapping.ts";
import type { SwarmState } from "../../../../src/sources/swarm/state.ts";
import { makeNode, makeOptions, makeService, makeState, makeTask, type ServiceSketch, type TaskSketch } from "./build.ts";

interface Row {
  readonly title: string;
  readonly service?: ServiceSketch;
  readonly task?: TaskSketch;
  readonly options?: Partial<SwarmMappingOptions>;
  readonly state?: Partial<SwarmState>;
  /** `service address:port health id`. */
  readonly wanted?: readonly string[];
  readonly skipped?: readonly string[];
}

function run({ service = {}, task = {}, options = {}, state = {} }: Row): ReturnType<typeof mapSwarm> {
  return mapSwarm(makeState({ services: [makeService(service)], tasks: [makeTask(task)], ...state }), makeOptions(options));
}

function texts(mapped: ReturnType<typeof mapSwarm>): {
  readonly instances: readonly string[];
  readonly skipped: readonly string[];
} {
  return {
    instances: mapped.flatMap(({ instances }) =>
      instances.map(({ service, address, port, health, id }) => `${service} ${hostPort(address, port)} ${health} ${id}`),
    ),
    skipped: mapped.flatMap(({ skipped }) =>
      skipped.map(({ port, reason }) => (port === undefined ? reason : `${port}: ${reason}`)),
    ),
  };
}

function check(row: Row): void {
  expect(texts(run(row))).toEqual({ instances: row.wanted ?? [], skipped: row.skipped ?? [] });
}

const NO_PORT = expect.stringContaining("it publishes no port and its labels name none");
const noNetwork =
  "80: it is on no network but those of Docker's own, and it is published in the routing mesh, which `mode: vip` registers";

describe("by task: where", () => {
  const rows: readonly Row[] = [
    { title: "on its only network", wanted: ["web 10.1.0.3:80 passing web.1.t1:80"] },
    {
      title: "on its only network beside ingress",
      task: { networks: { ingress: "10.0.0.9", front: "10.1.0.3" } },
      wanted: ["web 10.1.0.3:80 passing web.1.t1:80"],
    },
    {
      title: "on the first network that is named",
      task: { networks: { front: "10.1.0.3", back: "10.2.0.3" } },
      options: { networks: ["none", "back", "front"] },
      wanted: ["web 10.2.0.3:80 passing web.1.t1:80"],
    },
    {
      title: "on several networks, and none is named",
      task: { networks: { front: "10.1.0.3", back: "10.2.0.3" } },
      skipped: ["80: it is on several networks, and `networks` names none of them: front, back, and the port is not published"],
    },
    {
      title: "on none of the networks that are named",
      options: { networks: ["back", "deep"] },
      skipped: ["80: it is on none of the networks back, deep, but on front, and the port is not published"],
    },
    {
      title: "published in the mesh alone",
      service: { ports: ["8080->80"], labels: {} },
      task: { networks: { ingress: "10.0.0.9" } },
      skipped: [noNetwork],
    },
    {
      title: "published in host mode: the node's address and the port as the node has published it",
      service: { ports: ["8080->80 host"], labels: {} },
      task: { networks: {}, ports: ["8080->80 host", "8080->80 host"] },
      wanted: ["web 192.168.0.1:8080 passing web.1.t1:80"],
    },
    {
      title: "published in host mode on a number of the engine's choice",
      service: { ports: ["0->80 host"], labels: {} },
      task: { networks: {}, ports: ["32768->80 host"] },
      wanted: ["web 192.168.0.1:32768 passing web.1.t1:80"],
    },
    {
      title: "published in host mode, and the node has not said where yet",
      service: { ports: ["8080->80 host"], labels: {} },
      task: { networks: {}, state: "starting" },
      skipped: ["80: its node has not published it yet"],
    },
    {
      title: "published in host mode on several numbers: the lowest",
      service: { ports: ["9090->80 host", "8080->80 host"], labels: {} },
      task: { networks: {}, ports: ["9090->80 host", "8080->80 host"] },
      wanted: ["web 192.168.0.1:8080 passing web.1.t1:80"],
      skipped: ["80: it is also published on 9090; 8080 is used"],
    },
    {
      title: "published in host mode and in the mesh too: the number on the node",
      service: { ports: ["7070->80", "8080->80 host"], labels: {} },
      task: { networks: {}, ports: ["7070->80", "8080->80 host"] },
      wanted: ["web 192.168.0.1:8080 passing web.1.t1:80"],
    },
    {
      title: "published in host mode by an older spec, whose task still runs",
      service: { ports: ["8081->80 host"], labels: {} },
      task: { networks: {}, ports: ["8080->80 host"] },
      wanted: ["web 192.168.0.1:8080 passing web.1.t1:80"],
    },
    {
      title: "host mode beats the only network, since it was published for others",
      service: { ports: ["8080->80 host"], labels: {} },
      task: { ports: ["8080->80 host"] },
      wanted: ["web 192.168.0.1:8080 passing web.1.t1:80"],
    },
    {
      title: "a network that is named beats host mode",
      service: { ports: ["8080->80 host"], labels: {} },
      task: { ports: ["8080->80 host"] },
      options: { networks: ["front"] },
      wanted: ["web 10.1.0.3:80 passing web.1.t1:80"],
    },
    {
      title: "in the host's network",
      task: { networks: { host: "" } },
      wanted: ["web 192.168.0.1:80 passing web.1.t1:80"],
    },
    {
      title: "at IPv6",
      task: { networks: { front: "fd00::3" } },
      wanted: ["web [fd00::3]:80 passing web.1.t1:80"],
    },
    {
      title: "UDP",
      service: { ports: ["5353->53/udp"], labels: {} },
      wanted: ["web 10.1.0.3:53 passing web.1.t1:53:udp"],
    },
    {
      title: "neither tcp nor udp",
      service: { ports: ["5353->53/sctp"], labels: {} },
      skipped: ["53: 53/sctp: neither tcp nor udp"],
    },
    {
      title: "a global service: the node's id in place of the slot",
      task: { slot: 0, nodeId: "n2" },
      wanted: ["web 10.1.0.3:80 passing web.n2.t1:80"],
    },
  ];
  test.each(rows.map((row) => [row.title, row] as const))("%s", (_, row) => check(row));
});

describe("a node's address", () => {
  const hosted: Pick<Row, "service" | "task"> = {
    service: { ports: ["8080->80 host"], labels: {} },
    task: { networks: {}, ports: ["8080->80 host"] },
  };
  const rows: readonly (Row & { readonly node: Parameters<typeof makeNode>[0] })[] = [
    { title: "as the swarm knows it", node: {}, wanted: ["192.168.0.1"] },
    { title: "the one for all", node: {}, options: { address: "203.0.113.1" }, wanted: ["203.0.113.1"] },
    { title: "its label", node: { labels: { "fairlead.address": "10.9.9.9" } }, wanted: ["10.9.9.9"] },
    { title: "its label, a name", node: { labels: { "fairlead.address": "one.example" } }, wanted: ["one.example"] },
    {
      title: "a label that is none",
      node: { labels: { "fairlead.address": "a b" } },
      skipped: ["80: the label fairlead.address of node one is no address"],
    },
    {
      title: "a manager that knows itself as 0.0.0.0",
      node: { address: "0.0.0.0", managerAddress: "10.0.0.7" },
      wanted: ["10.0.0.7"],
    },
    {
      title: "loopback where all readers are here",
      node: { address: "127.0.0.1" },
      options: { loopback: true },
      wanted: ["127.0.0.1"],
    },
    {
      title: "loopback elsewhere",
      node: { address: "127.0.0.1", managerAddress: "127.0.0.1" },
      skipped: [expect.stringContaining("the swarm knows no address of node one that others can reach")],
    },
  ];
  test.each(rows.map((row) => [row.title, row] as const))("%s", (_, row) => {
    const { instances, skipped } = texts(run({ ...row, ...hosted, state: { nodes: [makeNode(row.node)] } }));
    expect(instances.map((text) => text.split(" ")[1])).toEqual((row.wanted ?? []).map((address) => `${address}:8080`));
    expect(skipped).toEqual(row.skipped ?? []);
  });
});

describe("by task: whether, and how well", () => {
  const states: readonly [state: string, desired: string, health: string | undefined][] = [
    ["running", "running", "passing"],
    ["running", "shutdown", "critical"],
    ["running", "remove", "critical"],
    ["running", "complete", "passing"],
    ["starting", "running", "critical"],
    ["preparing", "running", undefined],
    ["pending", "running", undefined],
    ["ready", "ready", undefined],
    ["complete", "shutdown", undefined],
    ["failed", "shutdown", undefined],
    ["rejected", "running", undefined],
    ["orphaned", "running", undefined],
  ];
  test.each(states)("state %s, desired %s: %s", (state, desired, health) => {
    const [mapped] = run({ title: "", task: { state, desired } });
    expect(mapped?.instances.map((instance) => instance.health)).toEqual(health === undefined ? [] : [health]);
  });

  const nodes: readonly [Parameters<typeof makeNode>[0], string][] = [
    [{}, "passing"],
    [{ availability: "pause" }, "passing"],
    [{ availability: "drain" }, "critical"],
    [{ state: "down" }, "critical"],
    [{ state: "disconnected" }, "critical"],
    [{ state: "unknown" }, "passing"],
    [{ id: "another" }, "critical"],
  ];
  test.each(nodes)("its node is %o: %s", (node, health) => {
    const [mapped] = run({ title: "", state: { nodes: [makeNode(node)] } });
    expect(mapped?.instances.map((instance) => instance.health)).toEqual([health]);
  });

  test("a task without its service is no instance: the service was removed", () => {
    expect(mapSwarm(makeState({ services: [] }), makeOptions())).toEqual([]);
  });

  test("a rolling update: the old task is critical, the new one passing, each with its own words", () => {
    const mapped = run({
      title: "",
      state: {
        tasks: [
          makeTask({ id: "old", desired: "shutdown", containerLabels: { "fairlead.version": "1" } }),
          makeTask({ id: "new", containerLabels: { "fairlead.version": "2" }, networks: { front: "10.1.0.4" } }),
        ],
      },
    });
    expect(mapped[0]?.instances.map(({ id, health, meta }) => ({ id, health, meta }))).toEqual([
      { id: "web.1.new:80", health: "passing", meta: { version: "2" } },
      { id: "web.1.old:80", health: "critical", meta: { version: "1" } },
    ]);
  });

  test("a port in host mode is handed on: of two tasks at one place the one that can be used, whatever their order", () => {
    const service = makeService({ ports: ["8080->80 host"], labels: {} });
    const old = makeTask({ id: "a", desired: "shutdown", ports: ["8080->80 host"], networks: {} });
    const young = makeTask({ id: "b", ports: ["8080->80 host"], networks: {} });
    for (const tasks of [
      [old, young],
      [young, old],
      [{ ...old, id: "c" }, young],
    ]) {
      const [mapped] = mapSwarm(makeState({ services: [service], tasks }), makeOptions());
      expect(mapped?.instances.map(({ id }) => id)).toEqual(["web.1.b:80"]);
      expect(mapped?.skipped).toEqual([]);
    }
  });

  test("one address for all nodes is of no use to tasks on several", () => {
    const [mapped] = run({
      title: "",
      service: { ports: ["8080->80 host"], labels: {} },
      options: { address: "203.0.113.1" },
      state: { tasks: ["n1", "n2"].map((nodeId, i) => makeTask({ id: `t${i}`, slot: 0, nodeId, ports: ["8080->80 host"] })) },
    });
    expect(mapped?.instances.map(({ id }) => id)).toEqual(["web.n1.t0:80"]);
    expect(mapped?.skipped.map(({ reason }) => reason)).toEqual([
      "another of its tasks stands at 203.0.113.1:8080 too; `address` is one for all nodes",
    ]);
  });

  test("a service of which nothing runs says in which states its tasks are", () => {
    const tasks = [makeTask({ state: "pending" }), makeTask({ id: "t2", state: "failed", desired: "shutdown" })];
    expect(texts(run({ title: "", state: { tasks } })).skipped).toEqual(["none of its tasks is running, but pending"]);
    expect(texts(run({ title: "", state: { tasks: [] } })).skipped).toEqual(["none of its tasks is running"]);
  });

  test("what all tasks lack is said once", () => {
    const tasks = [1, 2, 3].map((slot) => makeTask({ id: `t${slot}`, slot, networks: { ingress: `10.0.0.${slot}` } }));
    const service = { ports: ["8080->80"] };
    expect(texts(run({ title: "", service, state: { tasks } })).skipped).toEqual([noNetwork]);
  });
});

describe("words", () => {
  const rows: readonly Row[] = [
    { title: "no port at all", service: { labels: {} }, skipped: [NO_PORT] },
    {
      title: "no port, and it is not wanted",
      service: { labels: { "fairlead.enable": "no" } },
      skipped: ["fairlead.enable says so"],
    },
    { title: "a port that is none", service: { labels: { "fairlead.port": "http" } }, skipped: ["fairlead.port is no port"] },
    {
      title: "VIRTUAL_PORT of the container's environment",
      service: { labels: {} },
      task: { env: { VIRTUAL_PORT: "8080" } },
      wanted: ["web 10.1.0.3:8080 passing web.1.t1:8080"],
    },
    {
      title: "ports that words name, beside one that is published",
      service: { labels: { "fairlead.9090.service": "metrics", "fairlead.service": "shop" }, ports: ["8080->80"] },
      wanted: ["shop-80 10.1.0.3:80 passing web.1.t1:80", "metrics 10.1.0.3:9090 passing web.1.t1:9090"],
    },
    {
      title: "only one of those that are published",
      service: { labels: { "fairlead.port": "80" }, ports: ["8080->80", "8443->443"] },
      wanted: ["web 10.1.0.3:80 passing web.1.t1:80"],
      skipped: ["443: fairlead.port names another port"],
    },
    {
      title: "several ports: each with its number, whether it is at a place or not",
      service: { labels: {}, ports: ["8080->80 host", "8443->443"] },
      task: { networks: { ingress: "10.0.0.3" }, ports: ["8080->80 host"] },
      wanted: ["web-80 192.168.0.1:8080 passing web.1.t1:80"],
      skipped: [noNetwork.replace("80", "443")],
    },
    {
      title: "one port that is not wanted",
      service: { labels: { SERVICE_443_IGNORE: "yes" }, ports: ["8080->80", "8443->443"] },
      wanted: ["web-80 10.1.0.3:80 passing web.1.t1:80"],
      skipped: ["443: SERVICE_443_IGNORE says so"],
    },
    {
      title: "the stack's name stays in front of the service's",
      service: { name: "shop_web", labels: { "fairlead.port": "80", "com.docker.stack.namespace": "shop" } },
      wanted: ["shop_web 10.1.0.3:80 passing shop_web.1.t1:80"],
    },
    {
      title: "a name that a stack file left on the container for Compose is not the service's",
      task: { containerLabels: { "com.docker.compose.service": "other" } },
      wanted: ["web 10.1.0.3:80 passing web.1.t1:80"],
    },
    {
      title: "an id of one's own stands for the service's name, since all tasks have it",
      service: { labels: { "fairlead.port": "80", "fairlead.id": "front" } },
      wanted: ["web 10.1.0.3:80 passing front.1.t1:80"],
    },
    {
      title: "a label of the service beats the container's, also in another case",
      service: { labels: { "fairlead.port": "80", "fairlead.service": "strong" } },
      task: { containerLabels: { "fairlead.Service": "weak", "fairlead.port": "90" } },
      wanted: ["strong 10.1.0.3:80 passing web.1.t1:80"],
    },
    {
      title: "an empty label of the service counts as not given",
      service: { labels: { "fairlead.port": "" } },
      task: { containerLabels: { "fairlead.port": "90" } },
      wanted: ["web 10.1.0.3:90 passing web.1.t1:90"],
    },
    {
      title: "drained by a label of the service",
      service: { labels: { "fairlead.port": "80", "fairlead.drain": "true" } },
      wanted: ["web 10.1.0.3:80 critical web.1.t1:80"],
    },
    {
      title: "not drained",
      service: { labels: { "fairlead.port": "80", "fairlead.drain": "false" } },
      wanted: ["web 10.1.0.3:80 passing web.1.t1:80"],
    },
    {
      title: "only what asks for it",
      options: { register: "labelled" },
      skipped: [expect.stringContaining("`register` is `labelled`")],
    },
    {
      title: "what asks for it",
      options: { register: "labelled" },
      service: { labels: { "fairlead.port": "80", "fairlead.enable": "true" } },
      wanted: ["web 10.1.0.3:80 passing web.1.t1:80"],
    },
    {
      title: "a name that cannot be stored",
      service: { labels: { "fairlead.port": "80", "fairlead.service": "x".repeat(300) } },
      skipped: [expect.stringContaining("its service name is too long to be stored")],
    },
    {
      title: "an id that cannot be stored",
      service: { labels: { "fairlead.port": "80", "fairlead.id": "x".repeat(195) } },
      skipped: [expect.stringContaining("its instance id is too long to be stored")],
    },
  ];
  test.each(rows.map((row) => [row.title, row] as const))("%s", (_, row) => check(row));

  test("a policy is asked about each, with the image, the labels and the networks of the task or the service (G2)", () => {
    const rules: readonly [PolicyRule["from"], boolean][] = [
      [{ project: "shop", image: "web:*", network: "front" }, true],
      [{ network: "back" }, false],
      [{ network: "swarm" }, false],
      [{ project: "other" }, false],
      [{ image: "db:*" }, false],
    ];
    const service = { name: "shop_web", labels: { "fairlead.port": "80", "com.docker.stack.namespace": "shop" } };
    for (const [from, isAllowed] of rules) {
      const judge = createJudge([{ from, services: ["shop_*"], hosts: [] }]);
      for (const mode of ["tasks", "vip"] as const) {
        const { instances, skipped } = texts(run({ title: "", service, options: { judge, mode } }));
        expect(instances).toHaveLength(isAllowed ? 1 : 0);
        expect(skipped).toEqual(isAllowed ? [] : ["80: no rule of the policy is for it"]);
      }
    }
    const strict = createJudge([{ from: {}, services: ["other"], hosts: [] }]);
    expect(texts(run({ title: "", options: { judge: strict } })).skipped).toEqual([
      '80: policy: rule 1 does not allow the service "web"',
    ]);
  });

  test("a check for Consul that words ask for", () => {
    const labels = { "fairlead.port": "80", SERVICE_CHECK_HTTP: "/health", SERVICE_CHECK_INTERVAL: "5s" };
    expect(run({ title: "", service: { labels } })[0]?.instances[0]?.healthCheck).toMatchObject({
      kind: "http",
      path: "/health",
    });
  });

  test("tags, weight and metadata, without what is a word of its own", () => {
    const [mapped] = run({
      title: "",
      service: { labels: { "fairlead.port": "53", "fairlead.host": "a.example", "fairlead.drain": "no" }, ports: ["53->53/udp"] },
      task: { containerLabels: { "fairlead.tags": "a,b\\,c", "fairlead.weight": "2" }, env: { SERVICE_ZONE: "east" } },
    });
    expect(mapped?.instances).toEqual([
      {
        id: "web.1.t1:53:udp",
        service: "web",
        address: "10.1.0.3",
        port: 53,
        protocol: "udp",
        tags: ["a", "b,c", "udp"],
        meta: { host: "a.example", zone: "east" },
        weight: 2,
        health: "passing",
      },
    ]);
  });
});

describe("as a whole", () => {
  const vip = { mode: "vip" } as const;
  const rows: readonly Row[] = [
    { title: "at the virtual address on its only network", options: vip, wanted: ["web 10.1.0.2:80 passing web:front:80"] },
    {
      title: "at the virtual address on the first network that is named, ingress set aside",
      service: { vips: { ingress: "10.0.0.2", front: "10.1.0.2", back: "10.2.0.2" } },
      options: { ...vip, networks: ["none", "back", "front"] },
      wanted: ["web 10.2.0.2:80 passing web:back:80"],
    },
    {
      title: "on several networks, and none is named",
      service: { vips: { front: "10.1.0.2", back: "10.2.0.2" } },
      options: vip,
      skipped: ["80: it is on several networks, and `networks` names none of them: front, back, and the port is not published"],
    },
    {
      title: "a port that is not in the mesh, of a service that is: on its only network beside ingress",
      service: { ports: ["8443->443"], vips: { ingress: "10.0.0.2", front: "10.1.0.2" } },
      options: vip,
      wanted: ["web 10.1.0.2:80 passing web:front:80"],
      skipped: ["443: fairlead.port names another port"],
    },
    {
      title: "in the routing mesh: every node",
      service: { labels: {}, ports: ["8080->80"], vips: { ingress: "10.0.0.2" } },
      options: vip,
      wanted: ["web 192.168.0.1:8080 passing web:n1:80", "web 192.168.0.2:8080 passing web:n2:80"],
    },
    {
      title: "in the routing mesh behind one address",
      service: { labels: {}, ports: ["8080->80"], vips: {} },
      options: { ...vip, address: "203.0.113.1" },
      wanted: ["web 203.0.113.1:8080 passing web:ingress:80"],
    },
    {
      title: "in the routing mesh, on nodes that take part in it",
      service: { labels: {}, ports: ["8080->80/udp"], vips: {} },
      options: vip,
      state: {
        nodes: [
          makeNode({ availability: "drain" }),
          makeNode({ id: "n2", state: "down" }),
          makeNode({ id: "n3", availability: "pause", address: "192.168.0.3" }),
          makeNode({ id: "n4", state: "unknown", address: "192.168.0.4" }),
        ],
        tasks: [makeTask({ nodeId: "n3" })],
      },
      wanted: ["web 192.168.0.3:8080 passing web:n3:80:udp", "web 192.168.0.4:8080 passing web:n4:80:udp"],
    },
    {
      title: "in the routing mesh without a node",
      service: { labels: {}, ports: ["8080->80"], vips: {} },
      options: vip,
      state: { nodes: [] },
      skipped: ["80: no node of the swarm is ready and active"],
    },
    {
      title: "a network that is named beats the mesh, which beats the only network",
      service: { labels: {}, ports: ["8080->80"] },
      options: { ...vip, networks: ["front"] },
      wanted: ["web 10.1.0.2:80 passing web:front:80"],
    },
    {
      title: "published in host mode alone",
      service: { labels: {}, ports: ["8080->80 host"], vips: {} },
      options: vip,
      skipped: [
        "80: it is on no network but those of Docker's own, and it is published with mode=host, which `mode: tasks` registers",
      ],
    },
    {
      title: "without a virtual address",
      service: { endpointMode: "dnsrr", vips: {} },
      options: vip,
      skipped: ["80: its endpoint mode is dnsrr, so that it has no virtual address; `mode: tasks` registers its tasks"],
    },
    {
      title: "no task that can be used: critical",
      options: vip,
      task: { state: "starting" },
      wanted: ["web 10.1.0.2:80 critical web:front:80"],
    },
    {
      title: "drained",
      options: vip,
      service: { labels: { "fairlead.port": "80", "fairlead.drain": "yes" } },
      wanted: ["web 10.1.0.2:80 critical web:front:80"],
    },
    {
      title: "words of the newest spec",
      options: vip,
      service: { containerLabels: { "fairlead.service": "shop" } },
      task: { containerLabels: { "fairlead.service": "old" } },
      wanted: ["shop 10.1.0.2:80 passing web:front:80"],
    },
  ];
  test.each(rows.map((row) => [row.title, row] as const))("%s", (_, row) => check(row));

  test("of two services that claim one id the older one wins", () => {
    const labels = { "fairlead.port": "80", "fairlead.id": "x" };
    const services = [
      makeService({ id: "young", name: "a", createdAt: "2026-02-01T00:00:00Z", labels, vips: { front: "10.1.0.9" } }),
      makeService({ labels }),
    ];
    const mapped = texts(mapSwarm(makeState({ services }), makeOptions({ mode: "vip" })));
    expect(mapped).toEqual({
      instances: ["web 10.1.0.2:80 passing x:front:80"],
      skipped: ['the instance id "x:front:80" is taken by service web'],
    });
  });
});
