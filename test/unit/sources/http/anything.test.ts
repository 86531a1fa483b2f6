import { describe, expect, it } from "vitest";
import { decodeEntry, encodeEntry, encodeEntryPath } from "../../../../src/registry/codec.ts";
import { createItemMapper } from "../../../../src/sources/http/mapping.ts";
import { createOwnShapeMapper } from "../../../../src/sources/http/own-shape.ts";

describe("whatever a list holds", () => {
  const STRANGE: readonly unknown[] = [
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
        a: isOften("web"),
        b: isOften("x"),
        c: isOften("10.0.0.1"),
        d: isOften(80),
        e: isOften("tcp"),
        f: isOften(["t"]),
        g: isOften({ host: "a.example" }),
        h: isOften([{ a: true }]),
        i: isOften(1),
        j: isOften(true),
        service: isOften("web"),
        address: isOften("10.0.0.1"),
        port: isOften(80),
        tags: isOften([]),
        meta: isOften({}),
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
