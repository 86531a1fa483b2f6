import { expect } from "vitest";
import { hasCode } from "../../../../src/model/errors.ts";
import { type Case, instance } from "../arena.ts";

export const keyCases: readonly Case[] = [
  {
    title: "a key is put, read, replaced and removed; removing tells whether it was there",
    async run({ open, read, signal }) {
      const registry = await open();
      const value = async (): Promise<string | undefined> => (await read(await open())).keys.get("app/db/host");
      expect(await value()).toBeUndefined();
      await registry.putKey("app/db/host", "db-1", signal);
      expect(await value()).toBe("db-1");
      await registry.putKey("app/db/host", "db-2", signal);
      expect(await value()).toBe("db-2");
      expect(await registry.removeKey("app/db/host", signal)).toBe(true);
      expect(await value()).toBeUndefined();
      expect(await registry.removeKey("app/db/host", signal)).toBe(false);
      expect(await registry.removeKey("app/db", signal)).toBe(false);
      expect(await registry.removeKey("never/was", signal)).toBe(false);
    },
  },
  {
    title: "values are any text: empty, lines, unicode, a hundred kilobytes",
    async run({ open, read, signal }) {
      const registry = await open();
      const values: Readonly<Record<string, string>> = {
        empty: "",
        lines: "a\nb\r\n\tc\n",
        unicode: "ünï 日本 😀 \ufeff",
        json: '{"a":[1,2,"3"]}',
        control: "\u0000\u0001\u001b[31m",
        large: "0123456789".repeat(10_240),
      };
      for (const [key, value] of Object.entries(values)) {
        await registry.putKey(`v/${key}`, value, signal);
      }
      const { keys } = await read(await open(), { services: [], keys: ["v/"] });
      expect(Object.fromEntries([...keys].map(([key, value]) => [key.slice(2), value]))).toEqual(values);
    },
  },
  {
    title: "a prefix is text: it ends anywhere, and knows no folders",
    async run({ open, read, signal }) {
      const registry = await open();
      for (const key of ["a/x", "a/xy", "a/x2/y", "ab", "a.b", "b"]) {
        await registry.putKey(key, key, signal);
      }
      const reader = await open();
      const below = async (...keys: readonly string[]): Promise<readonly string[]> => [
        ...(await read(reader, { services: [], keys })).keys.keys(),
      ];
      expect(await below("a/x")).toEqual(["a/x", "a/x2/y", "a/xy"]);
      expect(await below("a/x2")).toEqual(["a/x2/y"]);
      expect(await below("a")).toEqual(["a.b", "a/x", "a/x2/y", "a/xy", "ab"]);
      expect(await below("a/")).toEqual(["a/x", "a/x2/y", "a/xy"]);
      expect(await below("ab", "b")).toEqual(["ab", "b"]);
      expect(await below("nope")).toEqual([]);
      expect(await below("")).toEqual(["a.b", "a/x", "a/x2/y", "a/xy", "ab", "b"]);
    },
  },
  {
    title: "a hostile key comes back exactly, or is refused as USAGE",
    async run({ open, read, signal }) {
      const registry = await open();
      const hostile = [
        "..",
        "../x",
        "h/../y",
        "./h",
        "h//b",
        "/abs",
        "end/",
        "",
        "a b",
        "ünï",
        "%2f",
        "q%2Fb",
        "n\nl",
        "?a=b#c",
        "\u0000",
        "x".repeat(200),
      ];
      const stored: string[] = [];
      for (const [i, key] of hostile.entries()) {
        try {
          await registry.putKey(key, `value ${i}`, signal);
          stored.push(key);
        } catch (error) {
          expect(hasCode(error, "USAGE"), `${JSON.stringify(key)}: ${String(error)}`).toBe(true);
        }
      }
      for (const plain of ["a b", "ünï", "%2f", "q%2Fb", "x".repeat(200)]) {
        expect(stored).toContain(plain);
      }
      const { keys, invalid } = await read(await open());
      expect([...keys]).toEqual(
        stored.map((key): [string, string] => [key, `value ${hostile.indexOf(key)}`]).sort(([x], [y]) => (x < y ? -1 : 1)),
      );
      expect(invalid).toEqual([]);
      for (const key of stored) {
        expect(await registry.removeKey(key, signal)).toBe(true);
      }
      expect((await read(await open())).keys.size).toBe(0);
    },
  },
  {
    title: "entries, leases and ownership never show among the keys",
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.put(instance("web", "1"), instance("db", "1"));
      await a.registry.putKey("app/k", "v", signal);
      expect([...(await read(await open())).keys.keys()]).toEqual(["app/k"]);
      expect((await read(await open(), { services: [], keys: [""] })).services.size).toBe(0);
    },
  },
  {
    title: "a key in fairlead's own prefix is refused",
    needs: ["ownKey"],
    async run({ open, world, read, signal }) {
      const registry = await open();
      await expect(registry.putKey(world.ownKey(), "v", signal)).rejects.toMatchObject({ code: "USAGE" });
      expect((await read(await open())).keys.size).toBe(0);
    },
  },
  {
    title: "keys have no owner: they outlive the client that wrote them, and its release",
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      await a.registry.putKey("k", "v", signal);
      await a.registry.release("node-1", signal);
      await a.registry.close();
      expect((await read(await open())).keys.get("k")).toBe("v");
    },
  },
];
