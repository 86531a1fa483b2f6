import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readDocument } from "../../../../src/sources/http/document.ts";
import { createItemMapper, type ItemMap } from "../../../../src/sources/http/mapping.ts";
import { BASE, ITEM } from "./item.ts";

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

  it("G2 does not show an id that could do something to a terminal", () => {
    const result = read([{ ...a, id: "\u001b[2Jx" }]);
    expect(result).toMatchObject({ ok: true, listing: { instances: [], skipped: [{ place: "/0" }] } });
    expect(JSON.stringify(result)).not.toContain("2J");
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
