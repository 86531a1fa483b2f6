import { describe, expect, test } from "vitest";
import { hasCode } from "../../../src/model/errors.ts";
import type { Entry, Health, Protocol } from "../../../src/model/instance.ts";
import {
  asAddressOnly,
  decodeAddress,
  decodeEntry,
  decodeEntryPath,
  decodeSegment,
  decodeText,
  encodeAddress,
  encodeEntry,
  encodeEntryPath,
  encodeSegment,
  isAddress,
  isPort,
} from "../../../src/registry/codec.ts";

const ROUNDS = 3000;
const PLACE = { service: "web", id: "1" };

describe("segments", () => {
  test.each([
    ["web", "web"],
    ["node-1:web:80:udp", "node-1:web:80:udp"],
    ["web/1", "web%2F1"],
    [".", "%2E"],
    ["..", "%2E%2E"],
    ["...", "..."],
    ["../x", "..%2Fx"],
    ["%2f", "%252f"],
    ["a b", "a%20b"],
    ["ü", "%C3%BC"],
    ["😀", "%F0%9F%98%80"],
    ["\u0000\n", "%00%0A"],
    ["a\\b", "a%5Cb"],
    ["~", "%7E"],
  ])("%j is written as %j and read back", (name, segment) => {
    expect(encodeSegment(name)).toBe(segment);
    expect(decodeSegment(segment)).toBe(name);
  });

  test.each([
    ["a%2fb", "a/b"],
    ["ünï", "ünï"],
    ["a b", "a b"],
    ["", undefined],
    ["%", undefined],
    ["%zz", undefined],
    ["%ff", undefined],
  ])("%j, which another program wrote, is read as %j", (segment, name) => {
    expect(decodeSegment(segment)).toBe(name);
  });

  test.each(["", "\ud800", "a\udc00b"])("%j cannot be stored", (name) => {
    let error: unknown;
    try {
      encodeSegment(name);
    } catch (caught) {
      error = caught;
    }
    expect(hasCode(error, "USAGE")).toBe(true);
  });

  test("any name comes back, its segment is one safe segment, and no two names share one", () => {
    const random = createRandom(1);
    const seen = new Map<string, string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = randomText(random, 12) || "x";
      const segment = encodeSegment(name);
      expect(decodeSegment(segment)).toBe(name);
      expect(segment).toMatch(/^([A-Za-z0-9._:-]|%[0-9A-F]{2})+$/);
      expect([".", ".."]).not.toContain(segment);
      expect(seen.get(segment) ?? name).toBe(name);
      seen.set(segment, name);
    }
  });

  test("any entry's path comes back and has exactly two segments", () => {
    const random = createRandom(2);
    for (let round = 0; round < ROUNDS; round += 1) {
      const place = { service: randomText(random, 6) || "s", id: randomText(random, 6) || "i" };
      const path = encodeEntryPath(place);
      expect(path.split("/")).toHaveLength(2);
      expect(decodeEntryPath(path)).toEqual(place);
    }
  });

  test.each(["", "/", "web", "web/", "/1", "web/1/2", "web/%"])("%j is no entry's path", (path) => {
    expect(decodeEntryPath(path)).toBeUndefined();
  });
});

describe("decodeText()", () => {
  test.each([
    [Buffer.from("ünï \ufeff"), { ok: true, value: "ünï \ufeff" }],
    [Buffer.from(""), { ok: true, value: "" }],
    [Uint8Array.from([0xff]), { ok: false, reason: "it is not UTF-8" }],
    [Uint8Array.from([0xc0, 0x80]), { ok: false, reason: "it is not UTF-8" }],
    [Uint8Array.from([0xe2, 0x82]), { ok: false, reason: "it is not UTF-8" }],
    [Uint8Array.from([0xed, 0xa0, 0x80]), { ok: false, reason: "it is not UTF-8" }],
  ])("%o", (bytes, expected) => {
    expect(decodeText(bytes)).toEqual(expected);
  });
});

describe("entries", () => {
  const full: Entry = {
    ...PLACE,
    address: "10.0.0.1",
    port: 80,
    protocol: "udp",
    tags: ["b", "a"],
    meta: { z: "1", a: "2" },
    health: "warning",
    weight: 0.5,
    owner: "node-1",
  };

  test("the text is canonical: one line, version first, meta sorted, tags as they were", () => {
    expect(encodeEntry(full)).toBe(
      '{"v":1,"id":"1","service":"web","address":"10.0.0.1","port":80,"protocol":"udp","tags":["b","a"],' +
        '"meta":{"a":"2","z":"1"},"health":"warning","weight":0.5,"owner":"node-1"}',
    );
    expect(encodeEntry({ ...full, meta: { a: "2", z: "1" } })).toBe(encodeEntry(full));
    const { weight: _, ...weightless } = full;
    expect(encodeEntry({ ...weightless, owner: "" })).not.toMatch(/weight|owner/);
  });

  test("any entry comes back, and equal entries have equal text", () => {
    const random = createRandom(3);
    for (let round = 0; round < ROUNDS; round += 1) {
      const entry = randomEntry(random);
      const text = encodeEntry(entry);
      const decoded = decodeEntry(text, entry);
      expect(decoded).toEqual({ ok: true, value: entry });
      expect(decoded.ok && encodeEntry(decoded.value)).toBe(text);
    }
  });

  test("what a person wrote has defaults, and stands where it stands", () => {
    expect(decodeEntry('{ "address": "db.example", "port": 5432, "id": "x", "service": "y", "note": [] }', PLACE)).toEqual({
      ok: true,
      value: {
        ...PLACE,
        address: "db.example",
        port: 5432,
        protocol: "tcp",
        tags: [],
        meta: {},
        health: "unknown",
        owner: "",
      },
    });
  });

  test("keys that every object inherits are plain data", () => {
    const decoded = decodeEntry('{"address":"a","port":1,"meta":{"__proto__":"x","constructor":"y"}}', PLACE);
    expect(decoded.ok && Object.entries(decoded.value.meta)).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
    expect(decoded.ok && decodeEntry(encodeEntry(decoded.value), PLACE)).toEqual(decoded);
  });

  test.each([
    ["", "it is not JSON"],
    ["{", "it is not JSON"],
    ["null", "it is not a JSON object"],
    ["[]", "it is not a JSON object"],
    ['"text"', "it is not a JSON object"],
    ['{"v":2,"address":"a","port":1}', "its version is not 1"],
    ['{"port":1}', "its address is no IP address or host name"],
    ['{"address":"a;b","port":1}', "its address is no IP address or host name"],
    ['{"address":7,"port":1}', "its address is no IP address or host name"],
    ['{"address":"a"}', "its port is not between 1 and 65535"],
    ['{"address":"a","port":"80"}', "its port is not between 1 and 65535"],
    ['{"address":"a","port":0}', "its port is not between 1 and 65535"],
    ['{"address":"a","port":1.5}', "its port is not between 1 and 65535"],
    ['{"address":"a","port":1,"protocol":"sctp"}', "its protocol is neither tcp nor udp"],
    ['{"address":"a","port":1,"tags":"x"}', "its tags are no list of texts"],
    ['{"address":"a","port":1,"tags":[1]}', "its tags are no list of texts"],
    ['{"address":"a","port":1,"meta":[]}', "its meta is no object of texts"],
    ['{"address":"a","port":1,"meta":{"a":1}}', "its meta is no object of texts"],
    ['{"address":"a","port":1,"meta":null}', "its meta is no object of texts"],
    ['{"address":"a","port":1,"health":"fine"}', "its health is none of passing, warning, critical, unknown"],
    ['{"address":"a","port":1,"weight":-1}', "its weight is no number of at least 0"],
    ['{"address":"a","port":1,"weight":"2"}', "its weight is no number of at least 0"],
    ['{"address":"a","port":1,"owner":7}', "its owner is no text"],
  ])("%s is refused: %s", (text, reason) => {
    expect(decodeEntry(text, PLACE)).toEqual({ ok: false, reason });
  });
});

describe("the registrator layout's value", () => {
  test.each([
    ["10.0.0.1:80", "10.0.0.1", 80],
    ["[2001:db8::1]:8080", "2001:db8::1", 8080],
    ["[fe80::1%eth0]:1", "fe80::1%eth0", 1],
    ["host.example:65535", "host.example", 65535],
  ])("%s is read and written", (text, address, port) => {
    expect(decodeAddress(text, PLACE)).toMatchObject({
      ok: true,
      value: { ...PLACE, address, port, protocol: "tcp", health: "unknown" },
    });
    expect(encodeAddress({ address, port })).toBe(text);
    expect(decodeAddress(` ${text}\n`, PLACE).ok).toBe(true);
  });

  test("asAddressOnly() is what comes back of it, so that nothing is written twice", () => {
    const random = createRandom(4);
    for (let round = 0; round < 300; round += 1) {
      const { owner: _, ...instance } = randomEntry(random);
      const id = random() < 0.5 ? `${instance.id}:udp` : instance.id;
      const stored = asAddressOnly({ ...instance, id });
      const decoded = decodeAddress(encodeAddress(instance), { service: instance.service, id });
      expect(decoded).toEqual(instance.health === "critical" ? expect.anything() : { ok: true, value: { ...stored, owner: "" } });
      expect(stored === undefined).toBe(instance.health === "critical");
    }
  });

  test("an id that ends in :udp says so", () => {
    expect(decodeAddress("10.0.0.1:53", { service: "dns", id: "n:dns:53:udp" })).toMatchObject({
      value: { protocol: "udp", tags: ["udp"] },
    });
  });

  test.each([
    "",
    "10.0.0.1",
    ":80",
    "10.0.0.1:",
    "10.0.0.1:0",
    "10.0.0.1:65536",
    "10.0.0.1:080000",
    "2001:db8::1:80",
    "[10.0.0.1:80",
    "a b:80",
    "a;b:80",
    "[]:80",
    "[::1]80",
    "a:80:tcp",
  ])("%j is no ip:port", (text) => {
    expect(decodeAddress(text, PLACE)).toEqual({ ok: false, reason: "it is not ip:port" });
  });
});

test.each([
  ["10.0.0.1", true],
  ["::1", true],
  ["::", true],
  ["2001:db8::1", true],
  ["::ffff:10.0.0.1", true],
  ["fe80::1%eth0", true],
  ["a", true],
  ["web_1.example.com", true],
  ["xn--bcher-kva.example", true],
  ["", false],
  [":", false],
  [":::", false],
  ["1:2", false],
  ["fe80::1%", false],
  ["fe80::1%a;b", false],
  ["fe80::1%a b", false],
  ["-a", false],
  ["a-", false],
  ["a.", false],
  ["a b", false],
  ["a/b", false],
  ["a;b", false],
  ["a\nb", false],
  ["a\n", false],
  ["ünï", false],
  ["[::1]", false],
  ["a".repeat(254), false],
  [undefined, false],
  [1, false],
])("isAddress(%j) is %s", (value, expected) => {
  expect(isAddress(value)).toBe(expected);
});

test.each([
  [1, true],
  [65535, true],
  [0, false],
  [65536, false],
  [1.5, false],
  [Number.NaN, false],
  ["80", false],
])("isPort(%j) is %s", (value, expected) => {
  expect(isPort(value)).toBe(expected);
});

/** The same numbers every time. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

const ALPHABET = [
  ..."abzAZ09._:-/%\\?#&=+~*{}[]\"'`$;|<>() \u0000\n\t\r\u007f\u0080".split(""),
  "ü",
  "ß",
  "日",
  "😀",
  "\u2028",
  "..",
  "%2F",
  "%",
  "\ufeff",
];

function randomText(random: () => number, longest: number): string {
  return Array.from({ length: Math.floor(random() * (longest + 1)) }, () => pick(random, ALPHABET)).join("");
}

function randomEntry(random: () => number): Entry {
  const texts = (): string[] => Array.from({ length: Math.floor(random() * 4) }, () => randomText(random, 8));
  return {
    service: randomText(random, 8) || "s",
    id: randomText(random, 8) || "i",
    address: pick(random, ["10.0.0.1", "::1", "host.example", "fe80::1%eth0"]),
    port: 1 + Math.floor(random() * 65535),
    protocol: pick<Protocol>(random, ["tcp", "udp"]),
    tags: texts(),
    meta: Object.fromEntries(texts().map((key) => [key, randomText(random, 8)])),
    health: pick<Health>(random, ["passing", "warning", "critical", "unknown"]),
    ...(random() < 0.5 && { weight: Math.floor(random() * 100) }),
    owner: random() < 0.3 ? "" : randomText(random, 8),
  };
}

function pick<T>(random: () => number, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) {
    throw new Error("nothing to pick from");
  }
  return item;
}
