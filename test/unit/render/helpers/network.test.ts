import { isIP } from "node:net";
import { describe, expect, test } from "vitest";
import { parseIp } from "../../../../src/render/helpers/addresses.ts";
import { createRandom } from "../formats/values.ts";
import { call, failure } from "./call.ts";

const INSTANCES = [
  { id: "a", address: "10.0.0.1", port: 80 },
  { id: "b", address: "fd00::1", port: 81 },
  { id: "c", address: "web.example", port: 82 },
];

describe("network helpers", () => {
  const rows: readonly [string, readonly unknown[], unknown][] = [
    ["ipv4", ["10.0.0.1"], true],
    ["ipv4", ["10.0.0.01"], false],
    ["ipv4", ["10.0.0.256"], false],
    ["ipv4", ["10.0.0.1:80"], false],
    ["ipv4", ["::1"], false],
    ["ipv4", [INSTANCES[0]], true],
    ["ipv4", [INSTANCES], [INSTANCES[0]]],
    ["ipv6", [INSTANCES], [INSTANCES[1]]],
    ["ipv6", [["::1", "a"]], ["::1"]],
    ["ipv6", ["fe80::1%eth0"], true],
    ["ipv6", ["[::1]"], false],
    ["hostOf", ["web:80"], "web"],
    ["hostOf", ["web"], "web"],
    ["hostOf", ["[::1]"], "::1"],
    ["hostOf", ["[fe80::1%eth0]:80"], "fe80::1%eth0"],
    ["hostOf", ["fd00::1"], "fd00::1"],
    ["hostOf", ["https://user:p%40ss@db.example:5432/x?y#z"], "db.example"],
    ["hostOf", ["http://[::1]/"], "::1"],
    ["hostOf", [INSTANCES[1]], "fd00::1"],
    ["portOf", ["web:0080"], 80],
    ["portOf", ["web"], undefined],
    ["portOf", ["fd00::1"], undefined],
    ["portOf", ["[fd00::1]:81"], 81],
    ["portOf", ["postgres://db:5432"], 5432],
    ["portOf", ["https://db/"], undefined],
    ["portOf", [INSTANCES[2]], 82],
    ["inCidr", ["10.255.0.1", "10.0.0.0/8"], true],
    ["inCidr", ["11.0.0.1", "10.0.0.0/8"], false],
    ["inCidr", ["10.0.0.1", "10.9.9.9/8"], true],
    ["inCidr", ["10.0.0.1", "0.0.0.0/0"], true],
    ["inCidr", ["::1", "0.0.0.0/0"], false],
    ["inCidr", ["::ffff:10.0.0.1", "10.0.0.0/8"], false],
    ["inCidr", ["::ffff:10.0.0.1", "::ffff:0:0/96"], true],
    ["inCidr", ["fd00::1", "fd00::/8"], true],
    ["inCidr", ["fe80::1%eth0", "fe80::/10"], true],
    ["inCidr", ["10.0.0.1", "10.0.0.1/32"], true],
    ["inCidr", ["web.example", "10.0.0.0/8"], false],
    ["inCidr", [INSTANCES, "10.0.0.0/8"], [INSTANCES[0]]],
  ];
  test.each(rows)("%s %j gives %j", (name, args, result) => {
    expect(call(name, args)).toEqual(result);
  });

  const refused: readonly [string, readonly unknown[], string][] = [
    ["hostOf", ["a:b:c"], '"x" is neither host:port nor a URL'],
    ["hostOf", [""], '"x" is neither host:port nor a URL'],
    ["portOf", ["a:65536"], '"x" has a port above 65535'],
    ["portOf", [{}], '"x" is an object, not text'],
    ["inCidr", ["10.0.0.1", "10.0.0.0"], '"cidr" is no network such as 10.0.0.0/8'],
    ["inCidr", ["10.0.0.1", "10.0.0.0/33"], '"cidr" is no network such as 10.0.0.0/8'],
    ["ipv4", [[1]], 'an item of "x" is neither text nor an instance'],
  ];
  test.each(refused)("%s %j is refused", (name, args, reason) => {
    expect(failure(name, args)).toBe(`helper "${name}": ${reason}`);
  });

  test("an address is one exactly when Node says so", () => {
    const random = createRandom(7);
    const pieces = ["0", "1", "255", "256", "01", "ffff", "abcde", ":", "::", ":", ".", ".", "1.2.3.4", "g", ""];
    const texts = [
      "::",
      "1::",
      "::1",
      "1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7::",
      "1:2:3:4:5:6:1.2.3.4",
      "::1.2.3.4",
      "1::2::3",
      ":1",
      "1:",
    ];
    for (let i = 0; i < 20_000; i += 1) {
      texts.push(Array.from({ length: 1 + random(9) }, () => pieces[random(pieces.length)]).join(""));
    }
    const differing = texts.filter((text) => (parseIp(text)?.bits ?? 0) !== { 0: 0, 4: 32, 6: 128 }[isIP(text)]);
    expect(differing).toEqual([]);
  });
});
