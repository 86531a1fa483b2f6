import { describe, expect, test } from "vitest";
import { entryPath, keyPath, leasePath, roleOf, servicePath } from "../../../../src/registry/file/paths.ts";

describe("roleOf()", () => {
  test.each([
    ["", { kind: "root" }],
    ["services", { kind: "services" }],
    ["services/web", { kind: "service", service: "web" }],
    ["services/a%2Fb", { kind: "service", service: "a/b" }],
    ["services/web/1.json", { kind: "entry", service: "web", id: "1" }],
    ["services/web/a%2Fb.json", { kind: "entry", service: "web", id: "a/b" }],
    ["services/web/%2Ehidden.json", { kind: "entry", service: "web", id: ".hidden" }],
    ["services/web/x.json.json", { kind: "entry", service: "web", id: "x.json" }],
    ["owners", { kind: "owners" }],
    ["owners/node-1.json", { kind: "lease", owner: "node-1" }],
    ["kv", { kind: "key", key: "" }],
    ["kv/a", { kind: "key", key: "a" }],
    ["kv/a/b%20c/d", { kind: "key", key: "a/b c/d" }],
    ["kv/%2E%2E", { kind: "key", key: ".." }],
  ])("%j is %o", (path, role) => {
    expect(roleOf(path)).toEqual(role);
  });

  test.each([
    "other",
    "services/web/README",
    "services/web/.fairlead-1-abc",
    "services/web/.1.json.swp",
    "services/web/1.json~",
    "services/web/#1.json#",
    "services/web/1/2.json",
    "services/.git/config.json",
    "services/web/%zz.json",
    "services/web/.json",
    "owners/a/b.json",
    "owners/note.txt",
    "kv/.hidden",
    "kv/a/.b/c",
    "kv/backup~",
    "kv/%ff",
  ])("%j is none of ours", (path) => {
    expect(roleOf(path)).toBeUndefined();
  });

  test.each([
    ["services/web/my id.json", "services/web/my%20id.json"],
    ["services/web/a%2fb.json", "services/web/a%2Fb.json"],
    ["services/web/%61.json", "services/web/a.json"],
    ["services/my web/1.json", "services/my%20web/1.json"],
    ["kv/ünï", "kv/%C3%BCn%C3%AF"],
    ["owners/a b.json", "owners/a%20b.json"],
  ])("%j would mean something as %j", (path, wanted) => {
    expect(roleOf(path)).toMatchObject({ kind: "misnamed", wanted });
  });

  test("every path that is written is read as what it was written for", () => {
    for (const name of ["web", "../x", ".", "..", ".a", "~", "a~", "#a#", "ünï", "a b", "%2f", "x.json", "\n", "*"]) {
      expect(roleOf(servicePath(name))).toEqual({ kind: "service", service: name });
      expect(roleOf(entryPath({ service: name, id: name }))).toEqual({ kind: "entry", service: name, id: name });
      expect(roleOf(leasePath(name))).toEqual({ kind: "lease", owner: name });
      const key = name.includes("/") ? name : `a/${name}/b`;
      expect(roleOf(keyPath(key))).toEqual({ kind: "key", key });
    }
  });
});

test.each([
  ["a service's empty name", () => entryPath({ service: "", id: "1" })],
  ["an empty id", () => entryPath({ service: "web", id: "" })],
  ["a name beyond 255 bytes", () => entryPath({ service: "web", id: "x".repeat(251) })],
  ["a name beyond 255 bytes when encoded", () => servicePath("ü".repeat(50))],
  ["an empty key", () => keyPath("")],
  ["a key that begins with a slash", () => keyPath("/a")],
  ["a key that ends in a slash", () => keyPath("a/")],
  ["a key with an empty part", () => keyPath("a//b")],
])("%s is refused as USAGE", (_, make) => {
  expect(make).toThrow(expect.objectContaining({ code: "USAGE" }));
});

test("the longest names that fit are taken", () => {
  expect(entryPath({ service: "s".repeat(255), id: "x".repeat(250) })).toHaveLength(9 + 255 + 1 + 255);
});
