import { describe, expect, it } from "vitest";
import type { Instance } from "../../../../src/model/instance.ts";
import { createItemMapper, type ItemMap } from "../../../../src/sources/http/mapping.ts";
import { BASE, ITEM, MADE, mapOne } from "./item.ts";

describe("an item becomes an instance", () => {
  it.each<[string, Partial<ItemMap>, object, Partial<Instance>]>([
    ["with an id made of what it is", {}, {}, {}],
    ["whose port is written as a text", {}, { port: "8080" }, {}],
    ["with an id of its own", { id: "/task/id" }, { task: { id: "t.1" } }, { id: "t.1" }],
    ["with a number for an id", { id: "/n" }, { n: 17 }, { id: "17" }],
    ["with constants", { service: "api", port: 9000 }, {}, { service: "api", port: 9000, id: "n1:api-10.0.0.5:9000" }],
    ["with a constant that begins with a slash", { meta: { path: { value: "/api" } } }, {}, { meta: { path: "/api" } }],
    [
      "with a name that is trimmed and replaced",
      { service: { pointer: "/app", trim: "/", replace: { "/": "-" } }, id: "/id" },
      { app: "/prod/eu/web/", id: "x" },
      { service: "prod-eu-web", id: "x" },
    ],
    [
      "in which a replaced text means itself",
      { service: { pointer: "/app", replace: { ".": "-", "-": "$&" } }, id: "i" },
      { app: "a.b" },
      { service: "a$&b", id: "i" },
    ],
    [
      "with a default where nothing stands",
      { service: { pointer: "/app", default: "other" }, id: "i" },
      {},
      { service: "other", id: "i" },
    ],
    [
      "with a default where null stands",
      { service: { pointer: "/app", default: "other" }, id: "i" },
      { app: null },
      { service: "other", id: "i" },
    ],
    ["over udp", { protocol: "/proto" }, { proto: "UDP" }, { protocol: "udp", id: "n1:web-10.0.0.5:8080:udp" }],
    ["over tcp where nothing is said", { protocol: "/proto" }, {}, {}],
    ["with a list of tags", { tags: "/labels/tags" }, { labels: { tags: ["b", "a", 3] } }, { tags: ["b", "a", "3"] }],
    ["with tags in one text", { tags: "/labels/tags" }, { labels: { tags: "b, a\\,c,," } }, { tags: ["b", "a,c"] }],
    [
      "with tags from several places",
      { tags: ["/a", "/b", "fixed", "/none"] },
      { a: ["x"], b: "y" },
      { tags: ["x", "y", "fixed"] },
    ],
    [
      "with metadata by name",
      { meta: { version: "/v", zone: "eu", up: "/up", none: "/none" } },
      { v: 2, up: true },
      { meta: { up: "true", version: "2", zone: "eu" } },
    ],
    ["with an object of metadata", { meta: "/labels" }, { labels: { b: "2", a: "1" } }, { meta: { a: "1", b: "2" } }],
    ["with no metadata where the object is missing", { meta: "/labels" }, {}, {}],
    ["with a weight", { weight: "/w" }, { w: 2.5 }, { weight: 2.5 }],
    ["with a weight of zero, written as a text", { weight: "/w" }, { w: "0" }, { weight: 0 }],
    ["with an IPv6 address", { address: "/a", id: "i" }, { a: "2001:db8::1" }, { address: "2001:db8::1", id: "i" }],
    ["with a host name for an address", { id: "i" }, { host: "a.example" }, { address: "a.example", id: "i" }],
  ])("%s", (_what, map, item, expected) => {
    expect(mapOne(map, { ...ITEM, ...item })).toEqual({ instances: [{ ...MADE, ...expected }], reasons: [] });
  });

  it("for each port of a list, whose place ends the id, also when it is the only one", () => {
    const ids = (port: unknown): readonly string[] =>
      mapOne({ id: "/id", port: "/ports" }, { ...ITEM, id: "t", ports: port }).instances.map(({ id, port: p }) => `${id} ${p}`);
    expect(ids([31000, "31001"])).toEqual(["t:0 31000", "t:1 31001"]);
    expect(ids([31000])).toEqual(["t:0 31000"]);
    expect(ids(31000)).toEqual(["t 31000"]);
  });
});

describe("where", () => {
  it.each<[string, NonNullable<ItemMap["where"]>, boolean]>([
    ["one value", { "/state": "TASK_RUNNING" }, true],
    ["another value", { "/state": "TASK_STAGING" }, false],
    ["one of several", { "/state": ["TASK_STAGING", "TASK_RUNNING"] }, true],
    ["two places", { "/state": "TASK_RUNNING", "/up": true }, true],
    ["two places of which one differs", { "/state": "TASK_RUNNING", "/up": false }, false],
    ["a text instead of a boolean", { "/up": "true" }, false],
    ["a place where nothing stands", { "/none": "x" }, false],
  ])("%s", (_what, where, isMeant) => {
    const { instances } = mapOne({ where }, { ...ITEM, state: "TASK_RUNNING", up: true });
    expect(instances).toHaveLength(isMeant ? 1 : 0);
  });

  it("says of an item that is not meant no more than that", () => {
    const { skipped } = createItemMapper({ ...BASE, where: { "/state": "UP" } }, { node: "n1" })({});
    expect(skipped).toEqual([{ kind: "wish", reason: "/state is not what `where` asks for" }]);
  });
});
