import { describe, expect, test } from "vitest";
import {
  compareText,
  type Entry,
  type Health,
  hostPort,
  isUsable,
  sameEntry,
  sameInstance,
} from "../../../src/model/instance.ts";

const ENTRY: Entry = {
  id: "1",
  service: "web",
  address: "10.0.0.1",
  port: 80,
  protocol: "tcp",
  tags: ["a", "b"],
  meta: { k: "v", l: "w" },
  health: "passing",
  weight: 2,
  owner: "node-1",
};

describe("sameInstance() and sameEntry()", () => {
  test("a copy is the same, whatever the order of its meta", () => {
    const copy: Entry = { ...ENTRY, tags: [...ENTRY.tags], meta: { l: "w", k: "v" } };
    expect([sameInstance(ENTRY, copy), sameEntry(ENTRY, copy)]).toEqual([true, true]);
  });

  const { weight: _, ...weightless } = ENTRY;
  test.each<[string, Entry]>([
    ["id", { ...ENTRY, id: "2" }],
    ["service", { ...ENTRY, service: "db" }],
    ["address", { ...ENTRY, address: "::1" }],
    ["port", { ...ENTRY, port: 81 }],
    ["protocol", { ...ENTRY, protocol: "udp" }],
    ["a tag less", { ...ENTRY, tags: ["a"] }],
    ["a tag more", { ...ENTRY, tags: ["a", "b", "c"] }],
    ["order of tags", { ...ENTRY, tags: ["b", "a"] }],
    ["a meta value", { ...ENTRY, meta: { k: "v", l: "x" } }],
    ["a meta key", { ...ENTRY, meta: { k: "v", m: "w" } }],
    ["a meta key that every object inherits", { ...ENTRY, meta: { k: "v", toString: "w" } }],
    ["a meta key less", { ...ENTRY, meta: { k: "v" } }],
    ["health", { ...ENTRY, health: "warning" }],
    ["weight", { ...ENTRY, weight: 3 }],
    ["no weight", weightless],
  ])("another %s is another instance", (_, other) => {
    expect([sameInstance(ENTRY, other), sameInstance(other, ENTRY), sameEntry(ENTRY, other)]).toEqual([false, false, false]);
  });

  test("another owner is the same instance and another entry", () => {
    const other = { ...ENTRY, owner: "node-2" };
    expect([sameInstance(ENTRY, other), sameEntry(ENTRY, other)]).toEqual([true, false]);
  });
});

test.each([
  ["10.0.0.1", 80, "10.0.0.1:80"],
  ["2001:db8::1", 8080, "[2001:db8::1]:8080"],
  ["::1", 1, "[::1]:1"],
  ["db.example", 5432, "db.example:5432"],
])("hostPort(%j, %s) is %j", (address, port, expected) => {
  expect(hostPort(address, port)).toBe(expected);
});

test.each<[Health, boolean]>([
  ["passing", true],
  ["warning", true],
  ["unknown", true],
  ["critical", false],
])("an instance that is %s is usable: %s", (health, expected) => {
  expect(isUsable({ health })).toBe(expected);
});

test("compareText() orders by code unit, not by locale", () => {
  expect(["b", "ä", "Z", "a", "a-1", "a1", ""].sort(compareText)).toEqual(["", "Z", "a", "a-1", "a1", "b", "ä"]);
});
