import { expect, test } from "vitest";
import type { Container } from "../../../../../src/sources/docker/container.ts";
import { readContainerList, readDetails } from "../../../../../src/sources/docker/engine/wire.ts";
import { listed } from "../fake-engine.ts";

function read(changes: Readonly<Record<string, unknown>>): Container | string | undefined {
  const list = readContainerList([listed("web", changes)]);
  return list?.containers[0] ?? list?.invalid[0]?.reason;
}

test.each([
  ["Up 3 minutes", undefined, "none"],
  ["Up 3 minutes (health: starting)", undefined, "starting"],
  ["Up 3 minutes (starting)", undefined, "starting"],
  ["Up 3 minutes (healthy)", undefined, "healthy"],
  ["Up 3 minutes (unhealthy)", undefined, "unhealthy"],
  ["Up 3 minutes (Paused)", undefined, "none"],
  ["Up 3 minutes", { Status: "unhealthy" }, "unhealthy"],
  ["Up 3 minutes (healthy)", { Status: "none" }, "none"],
])("health of %s and %o is %s", (status, health, wanted) => {
  expect(read({ Status: status, Health: health })).toMatchObject({ health: wanted });
});

test.each([
  [["/web"], "web"],
  [["/front/alias", "/web"], "web"],
  [["web"], "web"],
])("the name of %o is %s", (names, wanted) => {
  expect(read({ Names: names })).toMatchObject({ name: wanted });
});

test.each([
  ["host", { NetworkMode: "host" }, { host: { IPAddress: "" } }, { kind: "host" }],
  ["host, told by the networks alone", {}, { host: { IPAddress: "" } }, { kind: "host" }],
  ["another container's", { NetworkMode: "container:abc" }, {}, { kind: "shared", with: "abc" }],
  ["none", { NetworkMode: "none" }, { none: { IPAddress: "" } }, { kind: "own", attached: [] }],
  [
    "its own, IPv4 before IPv6, sorted",
    { NetworkMode: "b" },
    { b: { IPAddress: "10.1.0.2", GlobalIPv6Address: "fd00::2" }, a: { IPAddress: "", GlobalIPv6Address: "fd00::3" }, c: null },
    {
      kind: "own",
      attached: [
        { network: "a", address: "fd00::3" },
        { network: "b", address: "10.1.0.2" },
      ],
    },
  ],
  ["nonsense for an address", {}, { a: { IPAddress: "10.0.0.1; rm" } }, { kind: "own", attached: [] }],
])("network: %s", (_, host, networks, wanted) => {
  expect(read({ HostConfig: host, NetworkSettings: { Networks: networks } })).toMatchObject({ network: wanted });
});

test("ports are gathered by port and protocol; what is not published has no binding", () => {
  const ports = [
    { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { PrivatePort: 53, Type: "udp" },
    { PrivatePort: 443, PublicPort: 0, Type: "tcp" },
    { IP: "", PrivatePort: 9, PublicPort: 9 },
  ];
  expect(read({ Ports: ports })).toMatchObject({
    ports: [
      { port: 9, protocol: "tcp", bindings: [{ address: "0.0.0.0", port: 9 }] },
      { port: 53, protocol: "udp", bindings: [] },
      {
        port: 80,
        protocol: "tcp",
        bindings: [
          { address: "::", port: 8080 },
          { address: "0.0.0.0", port: 8080 },
        ],
      },
      { port: 443, protocol: "tcp", bindings: [] },
    ],
  });
});

test("what is not there is empty", () => {
  expect(read({ Labels: null, Ports: null, HostConfig: undefined, NetworkSettings: undefined, Status: undefined })).toMatchObject(
    {
      labels: {},
      ports: [],
      network: { kind: "own", attached: [] },
      health: "none",
    },
  );
});

test.each([
  [{ Id: 7 }, "it has no id"],
  [{ Names: null }, "it has no name"],
  [{ Names: [7, "/"] }, "it has no name"],
  [{ Image: undefined }, "its image is no text"],
  [{ Created: "now" }, "its time of creation is no number"],
  [{ State: null }, "its state is no text"],
  [{ Labels: { a: 1 } }, "its labels are no texts"],
  [{ Labels: [] }, "its labels are no texts"],
  [{ Ports: {} }, "its ports make no sense"],
  [{ Ports: [{ PrivatePort: 0 }] }, "its ports make no sense"],
])("%o: left out, %s", (changes, reason) => {
  expect(read(changes)).toBe(reason);
});

test.each([[undefined], [null], [{}], ["[]"]])("%o is no list", (answer) => {
  expect(readContainerList(answer)).toBeUndefined();
});

test.each([
  [undefined],
  [{}],
  [{ Config: { Image: 1 } }],
  [{ Config: { Image: "a", Env: "A=1" } }],
  [{ Config: { Image: "a", ExposedPorts: [] } }],
])("%o are no details", (answer) => {
  expect(readDetails(answer)).toBeUndefined();
});

test("details without environment and ports", () => {
  expect(readDetails({ Config: { Image: "a", Env: null } })).toEqual({ image: "a", env: {}, exposed: [] });
});
