import { expect } from "vitest";
import { type Case, instance, outcomesOf } from "../arena.ts";

/** Names that try to leave their place, to be another's, or to be nothing. */
const HOSTILE = [
  "../x",
  "../../owners/x",
  "a/b",
  "a/b/c",
  "/a",
  "a/",
  ".",
  "..",
  "...",
  ".hidden",
  "%2f",
  "%2F",
  "a%2Fb",
  "%",
  "%00",
  "ünï",
  "日本",
  "😀",
  "x".repeat(200),
  "with space",
  " ",
  "new\nline",
  "tab\t",
  "\u0000nul",
  "a\\b",
  "a:b",
  "A",
  "a",
  "?q=1",
  "#frag",
  "a&b=c",
  "*",
  "__proto__",
  "constructor",
  "web.json",
  "{}",
  '"',
] as const;

export const nameCases: readonly Case[] = [
  {
    title: "hostile service names come back exactly, each as itself",
    async run({ open, writer, read, signal, follow }) {
      const a = await writer("node-1");
      const results = await a.put(...HOSTILE.map((name, i) => instance(name, "id", { port: i + 1 })));
      expect(new Set(outcomesOf(results))).toEqual(new Set(["written"]));
      const snapshot = await read(await open());
      expect([...snapshot.services].map(([name, { instances }]) => [name, instances.map(({ port }) => port)])).toEqual(
        HOSTILE.map((name, i): [string, number[]] => [name, [i + 1]]).sort(([x], [y]) => (x < y ? -1 : 1)),
      );
      expect(snapshot.invalid).toEqual([]);
      const reader = await open();
      for (const [i, name] of HOSTILE.entries()) {
        const one = await reader.read({ services: [name], keys: [""] }, { signal });
        expect([[...one.services.keys()], one.services.get(name)?.instances[0]?.port, one.keys.size]).toEqual([[name], i + 1, 0]);
      }
      const follower = follow(await open(), { services: ["../x", "a/b"], keys: [] });
      await follower.until("two hostile services", (s) => s.services.size === 2);
      await a.registry.release("node-1", signal);
      await follower.until("none", (s) => s.services.size === 0);
      expect((await read(await open())).services.size).toBe(0);
    },
  },
  {
    title: "hostile instance ids come back exactly, are owned and can be removed",
    async run({ open, writer, read }) {
      const a = await writer("node-1");
      const results = await a.put(...HOSTILE.map((id, i) => instance("web", id, { port: i + 1 })));
      expect(results.map(({ id, outcome }) => [id, outcome])).toEqual(HOSTILE.map((id) => [id, "written"]));
      const snapshot = await read(await open());
      expect(snapshot.services.get("web")?.instances.map(({ id, port }) => [id, port])).toEqual(
        HOSTILE.map((id, i): [string, number] => [id, i + 1]).sort(([x], [y]) => (x < y ? -1 : 1)),
      );
      expect((await a.owned()).map(({ entry }) => entry.id)).toEqual([...HOSTILE].sort());
      for (const id of HOSTILE) {
        expect(outcomesOf(await a.remove(id))).toEqual(["removed"]);
      }
      expect((await read(await open())).services.size).toBe(0);
    },
  },
  {
    title: "hostile owner names are owners like others",
    async run({ open, writer, read, signal }) {
      const names = ["../x", "a/b", "..", "%2f", "ünï", "x".repeat(200), "new\nline", "__proto__"];
      for (const [i, name] of names.entries()) {
        const a = await writer(name);
        expect(outcomesOf(await a.put(instance("web", `id-${i}`)))).toEqual(["written"]);
        expect((await a.owned()).map(({ entry }) => entry.owner)).toEqual([name]);
        expect(await a.beat()).toBe("kept");
      }
      const reader = await open();
      const entries = (await read(reader)).services.get("web")?.instances ?? [];
      expect(entries.map(({ owner }) => owner)).toEqual(names);
      await (await open()).release("../x", signal);
      expect((await read(reader)).services.get("web")?.instances.map(({ owner }) => owner)).toEqual(names.slice(1));
    },
  },
  {
    title: "names that cannot be stored fail alone, as USAGE",
    async run({ open, writer, read }) {
      const a = await writer("node-1");
      const results = await a.put(instance("", "1"), instance("web", ""), instance("web", "half \ud800"), instance("web", "1"));
      expect(outcomesOf(results)).toEqual(["failed", "failed", "failed", "written"]);
      for (const result of results) {
        if (result.outcome === "failed") {
          expect(result.error).toMatchObject({ code: "USAGE", retryable: false });
        }
      }
      expect([...(await read(await open())).services.keys()]).toEqual(["web"]);
    },
  },
  {
    title: "nothing of one prefix is seen in another beside it",
    needs: ["sibling"],
    async run({ open, writer, read, signal }) {
      const a = await writer("node-1");
      const b = await writer("node-1", { sibling: "2" });
      await a.put(...HOSTILE.map((name) => instance(name, name)));
      const other = await open({ sibling: "2" });
      expect((await read(other, { services: "all", keys: [] })).services.size).toBe(0);
      await b.put(instance("web", "b"));
      expect([...(await read(other, { services: "all", keys: [] })).services.keys()]).toEqual(["web"]);
      expect(await a.owned()).toHaveLength(HOSTILE.length);
      await a.registry.release("node-1", signal);
      expect([...(await read(other, { services: "all", keys: [] })).services.keys()]).toEqual(["web"]);
    },
  },
];
