import { describe, expect, it } from "vitest";
import type { Instance } from "../../../../src/model/instance.ts";
import type { ItemMap } from "../../../../src/sources/http/mapping.ts";
import { ITEM, MADE, mapOne } from "./item.ts";

describe("what makes no sense", () => {
  it.each<[string, Partial<ItemMap>, unknown, string]>([
    ["an item that is no object", {}, 17, "service: there is nothing at /service"],
    ["null", {}, null, "service: there is nothing at /service"],
    ["a service that is not there", { service: "/app" }, ITEM, "service: there is nothing at /app"],
    ["a service that is an object", {}, { ...ITEM, service: {} }, "service: what stands at /service is no text"],
    ["an empty service", {}, { ...ITEM, service: "" }, "service: what stands at /service is empty"],
    [
      "a service with a line break",
      {},
      { ...ITEM, service: "a\nb" },
      "service: what stands at /service holds a control character",
    ],
    [
      "a service that is too long",
      {},
      { ...ITEM, service: "x".repeat(201) },
      "service: what stands at /service is too long to be stored (201 bytes when encoded, at most 200)",
    ],
    ["a service with half a character", {}, { ...ITEM, service: "a\ud800" }, "service: what stands at /service is no text"],
    ["an address that is not there", {}, { ...ITEM, host: undefined }, "address: there is nothing at /host"],
    [
      "an address that is syntax somewhere",
      {},
      { ...ITEM, host: "10.0.0.5;}" },
      "address: what stands at /host is not an IP address or host name",
    ],
    [
      "an address with a port",
      {},
      { ...ITEM, host: "10.0.0.5:80" },
      "address: what stands at /host is not an IP address or host name",
    ],
    ["a port that is not there", {}, { ...ITEM, port: null }, "port: there is nothing at /port"],
    ["port 0", {}, { ...ITEM, port: 0 }, "port: what stands at /port is no number from 1 to 65535"],
    ["a port out of range", {}, { ...ITEM, port: 65536 }, "port: what stands at /port is no number from 1 to 65535"],
    ["half a port", {}, { ...ITEM, port: 80.5 }, "port: what stands at /port is no number from 1 to 65535"],
    ["an empty list of ports", {}, { ...ITEM, port: [] }, "port: the list at /port is empty"],
    ["an id that is asked for and not there", { id: "/id" }, ITEM, "id: there is nothing at /id"],
    ["an id that is a list", { id: "/id" }, { ...ITEM, id: ["a"] }, "id: what stands at /id is no text"],
    [
      "an id that grows too long with its port's place",
      { id: "/id" },
      { ...ITEM, id: "x".repeat(199), port: [80] },
      "its instance id is too long to be stored (201 bytes when encoded, at most 200)",
    ],
  ])("leaves out the item: %s", (_what, map, item, reason) => {
    const { instances, reasons } = mapOne(map, item);
    expect(instances).toEqual([]);
    expect(reasons).toContain(reason);
  });

  it.each<[string, Partial<ItemMap>, object, Partial<Instance>, string]>([
    ["a protocol", { protocol: "/p" }, { p: "sctp" }, {}, "protocol: what stands at /p is none of tcp, udp; it is taken for tcp"],
    [
      "tags",
      { tags: "/t" },
      { t: ["a", {}, "b"] },
      { tags: ["a", "b"] },
      "tags: what stands at /t is no list of texts; what is none was left out",
    ],
    [
      "tags that are an object",
      { tags: "/t" },
      { t: {} },
      {},
      "tags: what stands at /t is no list of texts; what is none was left out",
    ],
    ["a weight", { weight: "/w" }, { w: -1 }, {}, "weight: what stands at /w is no number of at least 0; it was left out"],
    [
      "a health",
      { health: "/h" },
      { h: "fine" },
      { health: "unknown" },
      "health: /h is none of passing, warning, critical, unknown; it is unknown",
    ],
    [
      "a list of checks",
      { health: { pointer: "/h", each: "/a" } },
      { h: {} },
      { health: "unknown" },
      "health: /h is no list; it is unknown",
    ],
    ["metadata that is no object", { meta: "/m" }, { m: [] }, {}, "meta: what stands at /m is no object; it was left out"],
    [
      "metadata that is no text",
      { meta: "/m" },
      { m: { a: {}, b: "1" } },
      { meta: { b: "1" } },
      'meta "a" is no text; it was left out',
    ],
    [
      "a host that is none",
      { meta: "/m" },
      { m: { host: "a.example; return 200" } },
      {},
      'meta "host" is no host name; it was left out',
    ],
    [
      "one host of several",
      { meta: "/m" },
      { m: { host: "a.example, b_{}" } },
      { meta: { host: "a.example" } },
      'meta "host" is a list with something that is no host name; it was left out',
    ],
    [
      "a path with a variable",
      { meta: { path: "/m" } },
      { m: "/$uri" },
      {},
      'meta "path" is no path that begins with / and is percent-encoded where needed; it was left out',
    ],
    [
      "a proto that the proxy does not speak",
      { meta: { proto: "/m" } },
      { m: "gopher" },
      {},
      'meta "proto" is none of http, https, grpc, grpcs, fastcgi, uwsgi; it was left out',
    ],
  ])("is left out alone: %s", (_what, map, item, expected, reason) => {
    expect(mapOne(map, { ...ITEM, ...item })).toEqual({ instances: [{ ...MADE, ...expected }], reasons: [reason] });
  });

  it("of one port leaves the others", () => {
    const { instances, reasons } = mapOne({ id: "/id" }, { ...ITEM, id: "t", port: [80, "x", 82] });
    expect(instances.map(({ id }) => id)).toEqual(["t:0", "t:2"]);
    expect(reasons).toEqual(["port: what stands at /port/1 is no number from 1 to 65535"]);
  });

  it("G2 a name of metadata that is named like what every object has is a name like any other", () => {
    const { instances } = mapOne({ meta: "/m" }, { ...ITEM, m: JSON.parse('{"__proto__": "x", "constructor": "y"}') });
    expect(Object.entries(instances[0]?.meta ?? {})).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
  });
});
