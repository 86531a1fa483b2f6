import { describe, expect, test } from "vitest";
import { hasCode } from "../../../src/model/errors.ts";
import { parseServicesFile } from "../../../src/sources/static-file.ts";

const parse = (text: string) => parseServicesFile(text, { file: "/etc/services.yaml", node: "n1" });

test("an instance with everything, and one with nothing but its place", () => {
  const text = `
services:
  web:
    - { address: 10.0.0.5, port: 8080, tags: [b, a], meta: { version: "2" }, weight: 2, id: own, protocol: udp, health: warning }
  db:
    - address: db.internal
      port: 5432
`;
  expect(parse(text)).toEqual([
    {
      id: "n1:db-db.internal:5432",
      service: "db",
      address: "db.internal",
      port: 5432,
      protocol: "tcp",
      tags: [],
      meta: {},
      health: "passing",
    },
    {
      id: "own",
      service: "web",
      address: "10.0.0.5",
      port: 8080,
      protocol: "udp",
      tags: ["b", "a"],
      meta: { version: "2" },
      health: "warning",
      weight: 2,
    },
  ]);
});

test.each([
  ["services: {}", []],
  ["services: { web: [] }", []],
  ['{ "services": { "web": [ { "address": "::1", "port": 1 } ] } }', ["n1:web-::1:1"]],
  [
    "services: { dns: [ { address: a, port: 53 }, { address: a, port: 53, protocol: udp } ] }",
    ["n1:dns-a:53", "n1:dns-a:53:udp"],
  ],
  ["services: { web: [ &x { address: a, port: 1 } ], api: [ *x ] }", ["n1:api-a:1", "n1:web-a:1"]],
  ["services: { 80: [ { address: a, port: 1 } ] }", ["n1:80-a:1"]],
  ["services: { __proto__: [ { address: a, port: 1 } ] }", ["n1:__proto__-a:1"]],
])("%s", (text, ids) => {
  expect(parse(text).map(({ id }) => id)).toEqual(ids);
});

describe("mistakes are told with their place", () => {
  const one = (fields: string): string => `services:\n  web:\n    - { address: a, port: 1, ${fields} }`;
  test.each<[string, string, number, number, RegExp, RegExp?]>([
    ["empty", "", 1, 1, /the file is empty/, /services: \{\}/],
    ["only a comment", "# nothing\n", 1, 1, /the file is empty/],
    ["a text", "hello", 1, 1, /this is no map/],
    ["another key", "service: {}", 1, 1, /unknown key "service"/, /did you mean "services"/],
    ["no services", "{}", 1, 1, /there are no `services`/],
    ["services is a list", "services: []", 1, 11, /`services` is no map/],
    ["a service that is no list", "services:\n  web: { address: a }", 2, 8, /service "web" is no list/],
    ["a service without anything", "services:\n  web:\n", 2, 7, /service "web" is no list/],
    ["an instance that is no map", "services:\n  web: [7]", 2, 9, /this is no map/],
    ["no address", "services:\n  web: [ { port: 1 } ]", 2, 10, /has no `address`/],
    ["no port", "services:\n  web: [ { address: a } ]", 2, 10, /has no `port`/],
    ["an unknown key", one("adress: b"), 3, 30, /unknown key "adress"/, /did you mean "address"/],
    ["a far key", one("zzzzzzz: b"), 3, 30, /unknown key "zzzzzzz"/, /known are address, port/],
    ["an address that is none", "services:\n  web: [ { address: 'a b', port: 1 } ]", 2, 21, /`address` is not an IP address/],
    ["an address with brackets", "services:\n  web: [ { address: '[::1]', port: 1 } ]", 2, 21, /`address`/, /without brackets/],
    ["a port as text", "services:\n  web: [ { address: a, port: '80' } ]", 2, 30, /`port` is not a number from 1 to 65535/],
    ["port 0", "services:\n  web: [ { address: a, port: 0 } ]", 2, 30, /`port`/],
    ["a tag that is a number", one("tags: [1]"), 3, 36, /`tags` is not a list of texts/, /quotes/],
    ["metadata that is a number", one("meta: { v: 2 }"), 3, 36, /`meta` is not a map of texts/, /quotes/],
    ["a negative weight", one("weight: -1"), 3, 38, /`weight`/],
    ["a weight without end", one("weight: .inf"), 3, 38, /`weight`/],
    ["a protocol that is none", one("protocol: sctp"), 3, 40, /`protocol` is not one of tcp, udp/],
    ["a health that is none", one("health: good"), 3, 38, /`health` is not one of passing/],
    ["an id that is empty", one('id: ""'), 3, 34, /`id` is not a text that can be stored/],
    ["a service without a name", 'services:\n  "": []', 2, 3, /name is empty/],
    ["a name that is too long", `services:\n  ${"x".repeat(201)}: []`, 2, 3, /name is too long/],
    ["a doubled key", "services:\n  web: []\n  web: []", 3, 3, /unique/i],
    [
      "an instance twice",
      "services:\n  web:\n    - { address: a, port: 1 }\n    - { address: a, port: 1 }",
      4,
      7,
      /"n1:web-a:1" is taken/,
      /`id`/,
    ],
    [
      "an id twice",
      "services:\n  a: [ { address: a, port: 1, id: x } ]\n  b: [ { address: a, port: 1, id: x } ]",
      3,
      8,
      /"x" is taken/,
    ],
    ["no YAML", "services:\n  web: [", 2, 9, /./],
    ["a tab", "services:\n\tweb: []", 2, 1, /./],
    ["two documents", "services: {}\n---\nservices: {}", 2, 1, /./],
  ])("%s", (_, text, line, column, message, hint) => {
    const error = caught(text);
    expect(error.code).toBe("SOURCE_UNAVAILABLE");
    expect(error.retryable).toBe(true);
    expect(error.message).toMatch(message);
    expect(error.location).toEqual({ file: "/etc/services.yaml", line, column });
    expect(error.message).toContain(`/etc/services.yaml:${line}:${column}: `);
    if (hint !== undefined) {
      expect(error.hint).toMatch(hint);
    }
  });

  test("several at once", () => {
    const { message } = caught("services:\n  web:\n    - { address: 1, port: x, wait: 2 }\nmore: 1");
    expect(message).toBe(
      "cannot use the services file: " +
        "/etc/services.yaml:3:18: `address` is not an IP address or host name; " +
        "/etc/services.yaml:3:27: `port` is not a number from 1 to 65535; " +
        '/etc/services.yaml:3:30: unknown key "wait"; ' +
        '/etc/services.yaml:4:1: unknown key "more"',
    );
  });

  test("very many are counted", () => {
    const text = `services:\n  web:\n${"    - {}\n".repeat(10)}`;
    expect(caught(text).message).toMatch(/; and 15 more$/);
  });

  test("a bomb of aliases does not go off", () => {
    const levels = Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(i === 0 ? 0 : 10)}]`);
    expect(caught(`${levels.join("\n")}\nservices: {}`).code).toBe("SOURCE_UNAVAILABLE");
  });
});

function caught(text: string) {
  try {
    parse(text);
  } catch (error) {
    if (hasCode(error)) {
      return error;
    }
    throw error;
  }
  throw new Error("nothing was refused");
}
