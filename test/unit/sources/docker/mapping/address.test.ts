import { expect, test } from "vitest";
import {
  defaultAddress,
  defaultInterface,
  type Interfaces,
  pickAddress,
} from "../../../../../src/sources/docker/mapping/address.ts";

const HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
const row = (name: string, destination: string, flags: string, metric: number, mask: string): string =>
  `${name}\t${destination}\t0100000A\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0   `;

test.each([
  [
    "the default route",
    [row("docker0", "000011AC", "0001", 0, "0000FFFF"), row("eth0", "00000000", "0003", 0, "00000000")],
    "eth0",
  ],
  [
    "the lowest metric",
    [row("wlan0", "00000000", "0003", 600, "00000000"), row("eth0", "00000000", "0003", 100, "00000000")],
    "eth0",
  ],
  [
    "the first of equal ones",
    [row("eth1", "00000000", "0003", 0, "00000000"), row("eth0", "00000000", "0003", 0, "00000000")],
    "eth1",
  ],
  ["none that is down", [row("eth0", "00000000", "0002", 0, "00000000")], undefined],
  ["half of the address space is no default", [row("tun0", "00000000", "0001", 0, "00000080")], undefined],
  ["no route", [], undefined],
])("defaultInterface: %s", (_, rows, wanted) => {
  expect(defaultInterface([HEAD, ...rows, ""].join("\n"))).toBe(wanted);
});

function up(...addresses: readonly string[]): Interfaces[string] {
  return addresses.map((address) => ({ address, internal: address.startsWith("127.") || address === "::1" }));
}

test.each([
  ["the default interface's", "eth1", { eth0: up("10.0.0.1"), eth1: up("10.0.0.2") }, "10.0.0.2"],
  ["IPv4 before IPv6", "eth0", { eth0: up("2001:db8::1", "10.0.0.1") }, "10.0.0.1"],
  ["IPv6 where there is nothing else, not link-local", "eth0", { eth0: up("fe80::1", "2001:db8::1") }, "2001:db8::1"],
  [
    "without a default route the first by name",
    undefined,
    { lo: up("127.0.0.1"), eth1: up("10.0.0.2"), eth0: up("10.0.0.1") },
    "10.0.0.1",
  ],
  [
    "no bridge of Docker's while there is another",
    undefined,
    { "br-1": up("172.18.0.1"), docker0: up("172.17.0.1"), ens3: up("10.0.0.1") },
    "10.0.0.1",
  ],
  ["a bridge before nothing", undefined, { docker0: up("172.17.0.1"), lo: up("127.0.0.1") }, "172.17.0.1"],
  ["a default interface without an address", "ppp0", { ppp0: undefined, eth0: up("10.0.0.1") }, "10.0.0.1"],
  ["only loopback", undefined, { lo: up("127.0.0.1", "::1") }, undefined],
])("pickAddress: %s", (_, name, interfaces: Interfaces, wanted) => {
  expect(pickAddress(name, interfaces)).toBe(wanted);
});

test("this machine's address is none of loopback", async () => {
  expect(await defaultAddress()).not.toMatch(/^127\./);
});
