import { describe, expect, it } from "vitest";
import { EVERYTHING } from "../../../../src/model/selector.ts";
import { childNames, createView, isStale, keyTree, type View } from "../../../../src/render/template/view.ts";
import { entry, world } from "../../../helpers/snapshot.ts";

const ALL = {};

describe("a view", () => {
  it("gives usable instances unless others are asked for, sorted by id", () => {
    const { snapshot } = world([
      entry("web", "c", { health: "critical" }),
      entry("web", "b", { health: "warning", tags: ["http", "public"] }),
      entry("web", "a", { health: "unknown", tags: ["http"] }),
      entry("web", "d", { health: "passing" }),
    ]);
    const view = createView(snapshot(), EVERYTHING);
    const ids = (filter: Parameters<View["service"]>[1]): string =>
      view
        .service("web", filter)
        .map((item) => item.id)
        .join("");
    expect(ids(ALL)).toBe("abd");
    expect(ids({ health: "any" })).toBe("abcd");
    expect(ids({ health: "passing" })).toBe("d");
    expect(ids({ health: "critical" })).toBe("c");
    expect(ids({ tag: "http" })).toBe("ab");
    expect(ids({ tag: "http, public" })).toBe("b");
    expect(() => ids({ health: "good" })).toThrow('health is "passing", "critical" or "any", not "good"');
    expect(view.service("nothing", ALL)).toEqual([]);
  });

  it("lists services that are empty only when no tag is asked for", () => {
    const { snapshot } = world([entry("web", "a", { tags: ["x"] }), entry("db", "b", { health: "critical" })]);
    const view = createView(snapshot(), EVERYTHING);
    expect(view.services(ALL).map((service) => [service.name, service.instances.length])).toEqual([
      ["db", 0],
      ["web", 1],
    ]);
    expect(view.services({ tag: "x" }).map((service) => service.name)).toEqual(["web"]);
  });

  it("gives addr with brackets for IPv6, weight 1 by default, and the owner as node", () => {
    const { snapshot } = world([entry("web", "a", { address: "fd00::1", port: 8080, owner: "n9" })]);
    expect(createView(snapshot(), EVERYTHING).service("web", ALL)[0]).toMatchObject({
      addr: "[fd00::1]:8080",
      weight: 1,
      node: "n9",
    });
  });

  it("finds keys with and without a leading slash, and tells absent from empty", () => {
    const { snapshot } = world([], { "app/a": "1", "app/empty": "" });
    const view = createView(snapshot(), EVERYTHING);
    expect(view.key("/app/a")).toBe("1");
    expect(view.key("app/empty")).toBe("");
    expect(view.key("app/nothing")).toBeUndefined();
    expect(view.keys("/app/").map(({ key, name, value }) => [key, name, value])).toEqual([
      ["app/a", "a", "1"],
      ["app/empty", "empty", ""],
    ]);
  });

  it("collects everything that it reads outside of its selector, and gives empty answers there", () => {
    const { snapshot } = world([entry("web", "a")], { "app/a": "1" });
    const view = createView(snapshot(), { services: ["web"], keys: ["app/"] });
    expect(view.service("web", ALL)).toHaveLength(1);
    expect(view.key("app/a")).toBe("1");
    expect(view.outside).toEqual({ services: [], keys: [] });
    view.service("db", ALL);
    view.key("other/x");
    view.keys("ap");
    expect(view.outside).toEqual({ services: ["db"], keys: ["ap", "other/x"] });
  });
});

describe("isStale", () => {
  it.each<[string, (view: View) => void, (w: ReturnType<typeof world>) => void, boolean]>([
    ["another service does not matter", (v) => v.service("web", ALL), (w) => w.set(entry("db", "x")), false],
    ["a new instance matters", (v) => v.service("web", ALL), (w) => w.set(entry("web", "b")), true],
    ["a changed instance matters", (v) => v.service("web", ALL), (w) => w.set(entry("web", "a", { port: 81 })), true],
    ["an equal instance does not", (v) => v.service("web", ALL), (w) => w.set(entry("web", "a")), false],
    ["a service that comes matters to who asked for it", (v) => v.service("new", ALL), (w) => w.set(entry("new", "x")), true],
    ["any service matters to who reads all", (v) => v.services(ALL), (w) => w.set(entry("db", "x")), true],
    ["a key does not matter to who reads services", (v) => v.services(ALL), (w) => w.setKey("app/a", "2"), false],
    ["a changed key matters", (v) => v.key("app/a"), (w) => w.setKey("app/a", "2"), true],
    ["a missing key that comes matters", (v) => v.key("app/new"), (w) => w.setKey("app/new", ""), true],
    ["another key does not", (v) => v.key("app/a"), (w) => w.setKey("app/b", "2"), false],
    ["a key below a prefix matters", (v) => v.keys("app/"), (w) => w.setKey("app/b", "2"), true],
    ["a key that goes matters", (v) => v.keys("app/"), (w) => w.removeKey("app/a"), true],
    ["a key outside of the prefix does not", (v) => v.keys("app/"), (w) => w.setKey("other", "2"), false],
    ["a value that is written again does not", (v) => v.keys(""), (w) => w.setKey("app/a", "1"), false],
  ])("%s", (_what, read, change, expected) => {
    const w = world([entry("web", "a")], { "app/a": "1" });
    const view = createView(w.snapshot(), EVERYTHING);
    read(view);
    expect(isStale(view.reads, w.snapshot())).toBe(false);
    change(w);
    expect(isStale(view.reads, w.snapshot())).toBe(expected);
  });
});

it("childNames names what is directly below, folders with a slash", () => {
  const { snapshot } = world([], { "a/x": "1", "a/y/z": "2", "a/y/w": "3", a: "4" });
  expect(childNames(createView(snapshot(), EVERYTHING).keys("a/"))).toEqual(["x", "y/"]);
});

it("keyTree nests, keeps a value that is also a folder, and takes no name for special", () => {
  const { snapshot } = world([], { "__proto__/polluted": "1", constructor: "2", a: "3", "a/b": "4" });
  const tree = keyTree(createView(snapshot(), EVERYTHING).keys(""));
  expect(JSON.parse(JSON.stringify(tree))).toEqual(
    JSON.parse('{"__proto__":{"polluted":"1"},"constructor":"2","a":{"":"3","b":"4"}}'),
  );
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});
