import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Instance } from "../../../../src/model/instance.ts";
import { decodeEntry, encodeEntry, encodeEntryPath } from "../../../../src/registry/codec.ts";
import { readDocument } from "../../../../src/sources/http/document.ts";
import { createItemMapper, type ItemMap } from "../../../../src/sources/http/mapping.ts";
import { createOwnShapeMapper } from "../../../../src/sources/http/own-shape.ts";

const BASE: ItemMap = { service: "/service", address: "/host", port: "/port" };
const ITEM = { service: "web", host: "10.0.0.5", port: 8080 };
const MADE: Instance = {
  id: "n1:web-10.0.0.5:8080",
  service: "web",
  address: "10.0.0.5",
  port: 8080,
  protocol: "tcp",
  tags: [],
  meta: {},
  health: "passing",
};

/** What one item becomes, with the reasons for what it does not. */
function mapOne(map: Partial<ItemMap>, item: unknown): { instances: readonly Instance[]; reasons: readonly string[] } {
  const { instances, skipped } = createItemMapper({ ...BASE, ...map }, { node: "n1" })(item);
  return { instances, reasons: skipped.map(({ reason }) => reason) };
}

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

describe("health", () => {
  const lists = { pointer: "/h", passing: [true, "ok"], warning: ["meh"] };
  it.each<[string, ItemMap["health"], unknown, Instance["health"]]>([
    ["is passing where the map says nothing", undefined, undefined, "passing"],
    ["is fairlead's own word", "/h", "warning", "warning"],
    ["is passing for true", "/h", true, "passing"],
    ["is critical for false", "/h", false, "critical"],
    ["is unknown where nothing stands", "/h", undefined, "unknown"],
    ["is what the configuration says", { value: "warning" }, undefined, "warning"],
    ["is the default's word", { pointer: "/h", default: "critical" }, undefined, "critical"],
    ["is passing for a value of that list", lists, "ok", "passing"],
    ["is warning for a value of that list", lists, "meh", "warning"],
    ["is critical for any other value, where passing ones are named", lists, "no", "critical"],
    ["tells a text from a boolean", lists, "true", "critical"],
    ["is passing for any other value, where only bad ones are named", { pointer: "/h", critical: ["no"] }, "so so", "passing"],
    ["is critical for a value of that list", { pointer: "/h", critical: ["no"] }, "no", "critical"],
    ["is unknown for null", lists, null, "unknown"],
    ["is the default for null", { ...lists, default: "critical" }, null, "critical"],
    ["of several checks is passing when all are", { ...lists, each: "/alive" }, [{ alive: true }, { alive: "ok" }], "passing"],
    [
      "of several checks is that of the worst",
      { ...lists, each: "/alive" },
      [{ alive: true }, { alive: "meh" }, { alive: false }],
      "critical",
    ],
    ["of several checks is unknown when one has not run", { ...lists, each: "/alive" }, [{ alive: true }, {}], "unknown"],
    ["of no checks is unknown", { ...lists, each: "/alive" }, [], "unknown"],
    ["of no checks is the default", { ...lists, each: "/alive", default: "passing" }, [], "passing"],
  ])("%s", (_what, health, value, expected) => {
    const { instances, reasons } = mapOne({ health }, { ...ITEM, h: value });
    expect({ health: instances[0]?.health, reasons }).toEqual({ health: expected, reasons: [] });
  });
});

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

describe("items in fairlead's own shape", () => {
  const map = createOwnShapeMapper({ node: "n1" });
  it("are instances with a service, as in a services file", () => {
    expect(map({ service: "web", address: "10.0.0.5", port: 8080 }).instances).toEqual([MADE]);
  });

  it("are services with their instances, as `fairlead services --json` prints them", () => {
    const printed = { ...MADE, id: "n9:web:80", node: "n9", weight: 2, health: "critical", meta: { host: "a.example" } };
    const { instances, skipped } = map({ name: "web", tags: [], instances: [printed, { address: "10.0.0.5", port: 8080 }] });
    expect(skipped).toEqual([]);
    expect(instances).toEqual([{ ...MADE, id: "n9:web:80", weight: 2, health: "critical", meta: { host: "a.example" } }, MADE]);
  });

  it.each<[string, unknown, string]>([
    ["no object", "web", "it is no object"],
    ["no service", { address: "10.0.0.5", port: 80 }, "it has no `service`, which is a text"],
    [
      "a service with a line break",
      { service: "a\nb", address: "10.0.0.5", port: 80 },
      "the service's name holds a control character",
    ],
    [
      "no address",
      { service: "web", port: 80 },
      "the instance has no `address` (IPv6 is written without brackets; the port has a key of its own)",
    ],
    [
      "a key that nobody knows",
      { service: "web", address: "10.0.0.5", port: 80, helth: "critical" },
      'unknown key "helth" (did you mean "health"?)',
    ],
  ])("are left out with %s", (_what, item, reason) => {
    const { instances, skipped } = map(item);
    expect(instances).toEqual([]);
    expect(skipped[0]?.reason).toBe(reason);
  });

  it("lose a host that is none, and nothing else", () => {
    const { instances, skipped } = map({ service: "web", address: "10.0.0.5", port: 8080, meta: { host: "a b", version: "1" } });
    expect(instances).toEqual([{ ...MADE, meta: { version: "1" } }]);
    expect(skipped).toEqual([{ kind: "problem", reason: 'meta "host" is no host name; it was left out' }]);
  });
});

describe("a document", () => {
  const mapItem = createItemMapper({ ...BASE, id: "/id" }, { node: "n1" });
  const read = (document: unknown, path = "") =>
    readDocument(typeof document === "string" ? document : JSON.stringify(document), {
      path,
      pointer: path.split("/").slice(1),
      mapItem,
    });
  const a = { ...ITEM, id: "a" };
  const b = { ...ITEM, id: "b", port: 81 };

  it.each<[string, unknown, string, string]>([
    ["cut off", '[{"id": "a"', "", "it is not JSON"],
    ["empty", "", "", "it is not JSON"],
    ["a page", "<html>", "", "it is not JSON"],
    ["an object", {}, "", "it is no list"],
    ["without anything at its path", { task: [] }, "/tasks", 'there is nothing at path "/tasks"'],
    ["with something else at its path", { tasks: { a: 1 } }, "/tasks", 'what stands at path "/tasks" is no list'],
    ["null", null, "", "it is no list"],
  ])("that is %s says nothing at all", (_what, document, path, reason) => {
    expect(read(document, path)).toEqual({ ok: false, reason });
  });

  it("gives the same instances in the same order, whatever the order of its items", () => {
    expect(read([b, a])).toEqual(read([a, b]));
  });

  it("keeps one of two items with one id, the same whatever their order, and names the other", () => {
    const other = { ...a, port: 79 };
    const results = [read([a, other, b]), read([b, other, a])];
    for (const result of results) {
      expect(result).toMatchObject({
        ok: true,
        listing: {
          instances: [{ id: "a", port: 79 }, { id: "b" }],
          skipped: [{ id: "a", kind: "problem", reason: 'the instance id "a" is taken by another item of service "web"' }],
        },
      });
    }
  });

  it("may say the same twice", () => {
    expect(read([a, a])).toMatchObject({ ok: true, listing: { items: 2, instances: [{ id: "a" }], skipped: [] } });
  });

  it("G7 with one item that makes no sense gives the others", () => {
    expect(read({ list: [a, { id: "x" }, b, null] }, "/list")).toMatchObject({
      ok: true,
      listing: {
        items: 4,
        instances: [{ id: "a" }, { id: "b" }],
        skipped: [
          { place: "/list/1", id: "x", reason: "service: there is nothing at /service" },
          { place: "/list/1", id: "x" },
          { place: "/list/1", id: "x" },
          { place: "/list/3" },
          { place: "/list/3" },
          { place: "/list/3" },
          { place: "/list/3" },
        ],
      },
    });
  });
});

describe("whatever a list holds", () => {
  const STRANGE: readonly unknown[] = [
    ...[
      "",
      "web",
      "/",
      "..",
      "a\nb",
      "\u0000",
      "\ud800",
      "x".repeat(10_000),
      "10.0.0.1",
      "::1",
      "1;drop",
      "80",
      "-1",
      "1e9",
      "\u202e",
    ],
    ...[
      0,
      80,
      65_535,
      65_536,
      -1,
      0.5,
      1e300,
      true,
      false,
      null,
      [],
      {},
      [80, 81, "x"],
      ["a", ["b"]],
      { a: 1, host: "a b", path: "/$x" },
    ],
    JSON.parse('{"__proto__": {"polluted": "yes"}}'),
  ];

  it.each<[string, (item: unknown) => ReturnType<ReturnType<typeof createItemMapper>>]>([
    [
      "by a map",
      createItemMapper(
        {
          service: { pointer: "/a", trim: "/", replace: { "/": "-" } },
          id: "/b",
          address: "/c",
          port: "/d",
          protocol: "/e",
          tags: ["/f", "/a"],
          meta: "/g",
          health: { pointer: "/h", each: "/a", passing: [true] },
          weight: "/i",
          where: { "/j": [true, "80", 80] },
        },
        { node: "n1" },
      ),
    ],
    ["in our own shape", createOwnShapeMapper({ node: "n1" })],
  ])("G2 %s becomes instances that every registry can hold, or a reason", (_what, map) => {
    let seed = 3;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return (seed >>> 12) % below;
    };
    const strange = (): unknown => STRANGE[random(STRANGE.length)];
    let made = 0;
    for (let round = 0; round < 1000; round += 1) {
      const isOften = (good: unknown): unknown => (random(4) > 0 ? good : strange());
      const item = {
        ...{ a: isOften("web"), b: isOften("x"), c: isOften("10.0.0.1"), d: isOften(80), e: isOften("tcp"), f: isOften(["t"]) },
        ...{ g: isOften({ host: "a.example" }), h: isOften([{ a: true }]), i: isOften(1), j: isOften(true) },
        ...{ service: isOften("web"), address: isOften("10.0.0.1"), port: isOften(80), tags: isOften([]), meta: isOften({}) },
        ...(random(3) === 0 && { id: strange(), weight: strange(), health: strange(), protocol: strange() }),
        ...(random(20) === 0 && { instances: strange(), name: strange() }),
      };
      const own = Object.fromEntries(Object.entries(item).filter(([key]) => key.length > 1));
      const { instances, skipped } = map(_what === "by a map" ? item : own);
      const isEmptyService = _what !== "by a map" && Array.isArray(own["instances"]) && own["instances"].length === 0;
      expect(instances.length + skipped.length > 0 || isEmptyService).toBe(true);
      for (const instance of instances) {
        made += 1;
        // What every registry writes, and reads back as it was.
        const decoded = decodeEntry(encodeEntry({ ...instance, owner: "n1" }), instance);
        expect(decoded).toEqual({ ok: true, value: { ...instance, owner: "n1" } });
        expect(encodeEntryPath(instance).length).toBeLessThanOrEqual(401);
        expect(instance.meta["host"] ?? "a.example").toBe("a.example");
        expect(Object.hasOwn(instance.meta, "path")).toBe(false);
      }
    }
    expect(made).toBeGreaterThan(100);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("Marathon's tasks", () => {
  it("become the instances that run, one for each port, with the worst of their checks", () => {
    const map: ItemMap = {
      service: { pointer: "/appId", trim: "/", replace: { "/": "-" } },
      id: "/id",
      address: "/host",
      port: "/ports",
      meta: { version: "/version" },
      health: { pointer: "/healthCheckResults", each: "/alive", passing: [true] },
      where: { "/state": "TASK_RUNNING" },
    };
    const text = readFileSync(new URL("../../../fixtures/http/marathon-tasks.json", import.meta.url), "utf8");
    const result = readDocument(text, { path: "/tasks", pointer: ["tasks"], mapItem: createItemMapper(map, { node: "n1" }) });
    expect(result.ok && result.listing.items).toBe(5);
    expect(
      result.ok &&
        result.listing.instances.map(
          ({ service, id, address, port, health }) => `${service} ${id.slice(-14)} ${address}:${port} ${health}`,
        ),
    ).toEqual([
      "prod-api-search 70b3d5800001:0 agent-3.example.internal:31200 unknown",
      "prod-web 70b3d5800001:0 10.0.0.5:31000 passing",
      "prod-web 70b3d5800001:1 10.0.0.5:31001 passing",
      "prod-web 70b3d5800001:0 10.0.0.6:31480 critical",
      "prod-web 70b3d5800001:1 10.0.0.6:31481 critical",
    ]);
    expect(result.ok && result.listing.skipped.map(({ place, reason }) => `${place} ${reason}`)).toEqual([
      "/tasks/3 /state is not what `where` asks for",
      "/tasks/4 port: the list at /ports is empty",
    ]);
  });
});
