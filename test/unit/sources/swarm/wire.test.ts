import { describe, expect, test } from "vitest";
import { readNetworks, readNodes, readServices, readTasks } from "../../../../src/sources/swarm/wire.ts";

const service = { ID: "s1", Spec: { Name: "web", TaskTemplate: { ContainerSpec: { Image: "web:1" } } } };
const task = { ID: "t1", ServiceID: "s1", Slot: 1, NodeID: "n1", DesiredState: "running", Status: { State: "running" } };
const node = { ID: "n1", Spec: { Availability: "active" }, Status: { State: "ready", Addr: "10.0.0.1" } };

describe("an object that makes no sense is left out and named, its neighbours live on (G7)", () => {
  const rows: readonly [what: string, read: (answer: unknown) => unknown, good: object, bad: unknown, reason: string][] = [
    ["service", readServices, service, 7, "it is no object"],
    ["service", readServices, service, { ...service, ID: undefined }, "it has no id"],
    ["service", readServices, service, { ID: "b", Spec: {} }, "it has no name"],
    ["service", readServices, service, { ID: "b", Spec: { ...service.Spec, Labels: { a: 1 } } }, "its labels are no texts"],
    ["service", readServices, service, { ID: "b", Spec: { ...service.Spec, Labels: [] } }, "its labels are no texts"],
    [
      "service",
      readServices,
      service,
      { ID: "b", Spec: { Name: "x", TaskTemplate: { ContainerSpec: { Env: "A=b" } } } },
      "its container makes no sense",
    ],
    [
      "service",
      readServices,
      service,
      { ...service, ID: "b", Endpoint: { Ports: [{ TargetPort: 70_000 }] } },
      "its ports make no sense",
    ],
    [
      "service",
      readServices,
      service,
      { ...service, ID: "b", Endpoint: { Ports: [{ TargetPort: 80, PublishedPort: -1 }] } },
      "its ports make no sense",
    ],
    ["task", readTasks, task, { ...task, ID: "b", Status: {} }, "its service, node, slot or state makes no sense"],
    ["task", readTasks, task, { ...task, ID: "b", Slot: "1" }, "its service, node, slot or state makes no sense"],
    ["task", readTasks, task, { ...task, ID: "b", Spec: { ContainerSpec: { Labels: 1 } } }, "its container makes no sense"],
    ["node", readNodes, node, { ...node, ID: "b", Status: {} }, "its labels or its state makes no sense"],
    ["network", readNetworks, { Id: "x", Name: "front" }, { Id: "b" }, "it has no name"],
  ];
  test.each(rows)("%s (row %#)", (kind, read, good, bad, reason) => {
    expect(read([good, bad, good])).toMatchObject({
      items: [expect.anything(), expect.anything()],
      invalid: [{ kind, reason }],
    });
  });
});

test("what is no list is no answer, and null is an empty one", () => {
  for (const read of [readServices, readTasks, readNodes, readNetworks]) {
    expect([read({ message: "no" }), read("[]"), read(undefined)]).toEqual([undefined, undefined, undefined]);
    expect(read(null)).toEqual({ items: [], invalid: [] });
  }
});

test("variables that are no words are not even remembered, and of a doubled one the last counts", () => {
  const env = ["PASSWORD=secret", "SERVICE_NAME=a", "SERVICE_NAME=b=c", "SERVICE_TAGS", 7];
  const spec = { Name: "web", TaskTemplate: { ContainerSpec: { Env: env } } };
  expect(readServices([{ ID: "s1", Spec: spec }])?.items[0]?.container.env).toEqual({ SERVICE_NAME: "b=c" });
});

test("addresses without their mask, IPv4 before IPv6; what is none is none", () => {
  const attachments = [
    { Network: { Spec: { Name: "both" } }, Addresses: ["fd00::3/64", "10.0.0.3/24"] },
    { Network: { Spec: { Name: "six" } }, Addresses: ["fd00::3/64"] },
    { Network: { Spec: { Name: "bad" } }, Addresses: ["10.0.0.3;evil/24"] },
    { Network: { Spec: { Name: "host", DriverConfiguration: { Name: "host" } } } },
    { Network: { Spec: { Name: "ingress", Ingress: true } }, Addresses: ["10.0.0.4/24"] },
  ];
  expect(readTasks([{ ...task, NetworksAttachments: attachments }])?.items[0]?.attached).toEqual([
    { name: "both", kind: "own", address: "10.0.0.3" },
    { name: "six", kind: "own", address: "fd00::3" },
    { name: "bad", kind: "own", address: "" },
    { name: "host", kind: "host", address: "" },
    { name: "ingress", kind: "ingress", address: "10.0.0.4" },
  ]);
  const managers = ["10.0.0.7:2377", "[fd00::7]:2377", "evil name:2377"];
  expect(managers.map((Addr) => readNodes([{ ...node, ManagerStatus: { Addr } }])?.items[0]?.managerAddress)).toEqual([
    "10.0.0.7",
    "fd00::7",
    "",
  ]);
});
