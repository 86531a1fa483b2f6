import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FairleadError } from "../../../src/model/errors.ts";
import { EVERYTHING, type Selector } from "../../../src/model/selector.ts";
import type { Snapshot } from "../../../src/model/snapshot.ts";
import type { RenderedFile, Target } from "../../../src/ports.ts";
import type { FormatName } from "../../../src/render/formats/index.ts";
import {
  createTargetRenderer,
  type FilePlan,
  type TargetPlan,
  type TargetRender,
  type TargetRenderer,
} from "../../../src/render/target-render.ts";
import { createLibrary } from "../../../src/render/template/library.ts";
import { entry, world } from "../../helpers/snapshot.ts";

const target: Target = {
  name: "t",
  runsNothing: false,
  apply: () => Promise.reject(new Error("nothing is applied here")),
  recover: async () => undefined,
  recall: async () => undefined,
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-target-render-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type FileOptions = Partial<Omit<FilePlan, "template">> & { readonly template: string; readonly format?: FormatName };

/** One file for each template; `dest` is `/out/<n>` if it is not given. */
async function renderer(
  files: readonly FileOptions[],
  more: Partial<TargetPlan> & { readonly partials?: Readonly<Record<string, string>> } = {},
): Promise<TargetRenderer> {
  const plans: FilePlan[] = [];
  for (const [index, { template, format = "nginx", ...rest }] of files.entries()) {
    const path = join(folder, `${index}.hbs`);
    await writeFile(path, template);
    plans.push({ dest: `/out/${index}`, ...rest, template: { path, format, allowRaw: false } });
  }
  const { partials = {}, ...plan } = more;
  await mkdir(join(folder, "partials"));
  for (const [name, text] of Object.entries(partials)) {
    await writeFile(join(folder, "partials", `${name}.hbs`), text);
  }
  const library = createLibrary({ partials: join(folder, "partials") });
  return createTargetRenderer({ target, files: plans, ...plan }, library, { node: "n1", env: new Map() });
}

async function ready(
  it: TargetRenderer,
  snapshot: Snapshot,
  selector: Selector = EVERYTHING,
): Promise<Extract<TargetRender, { kind: "ready" }>> {
  const result = await it.render(snapshot, selector);
  if (result.kind !== "ready") {
    throw new Error(
      `not ready: ${JSON.stringify(result.kind === "failed" ? [result.error.code, result.error.message] : result)}`,
    );
  }
  return result;
}

async function failed(it: TargetRenderer, snapshot: Snapshot): Promise<FairleadError> {
  const result = await it.render(snapshot, EVERYTHING);
  if (result.kind !== "failed") {
    throw new Error(`not failed: ${result.kind}`);
  }
  return result.error;
}

const texts = (files: readonly RenderedFile[]): Record<string, string> =>
  Object.fromEntries(files.map(({ dest, text }) => [dest, text]));

const PARTIALS = { host: "x {{host}};", list: "{{#each this}}x {{this}};{{/each}}" };
const EVIL = "a\nb; $evil";

describe("with onUnsafe: skip-instance", () => {
  const guilty = (): ReturnType<typeof world> =>
    world(
      [
        entry("web", "a", { meta: { host: "a.example" }, tags: ["x"] }),
        entry("web", "b", { meta: { host: EVIL }, tags: ["bad\ttag"], port: 81 }),
        entry("web", "c", { meta: { host: "c.example" }, port: 82 }),
        entry("db", "d", { meta: { host: "d.example" }, port: 83 }),
        entry("twin", "t", { meta: { note: EVIL }, tags: [] }),
      ],
      { "app/evil": EVIL, "app/good": "g" },
    );

  it.each<[string, string, string]>([
    ["the instance around", '{{#each (service "web")}}x {{meta.host}};{{/each}}', "x a.example;x c.example;"],
    ["one of a block parameter", '{{#each (service "web") as |i|}}x {{i.meta.host}};{{/each}}', "x a.example;x c.example;"],
    [
      "below a context of its meta",
      '{{#each (service "web")}}{{#with meta}}x {{host}};{{/with}}{{/each}}',
      "x a.example;x c.example;",
    ],
    ["a value that was made of its own", '{{#each (service "web")}}x {{upper meta.host}};{{/each}}', "x A.EXAMPLE;x C.EXAMPLE;"],
    [
      "with a fallback from a key",
      '{{#each (service "web")}}x {{default meta.host (key "app/good")}};{{/each}}',
      "x a.example;x c.example;",
    ],
    [
      "its tags, one by one",
      '{{#each (service "web")}}{{#each tags}}x {{this}};{{/each}}{{port}};{{/each}}'.replace("{{port}};", "p{{port}};"),
      "",
    ],
    [
      "inside a partial-like with",
      '{{#each (service "web")}}{{#with this}}x {{meta.host}};{{/with}}{{/each}}',
      "x a.example;x c.example;",
    ],
    [
      "who holds the value: a group's key",
      '{{#each (groupBy (service "web") "meta.host")}}x {{@key}};{{/each}}',
      "x a.example;x c.example;",
    ],
    ["who holds the value: a tag of the service", "{{#each services}}{{#each tags}}x {{this}};{{/each}}{{/each}}", "x x;"],
    [
      "who holds the value: plucked",
      '{{#each (pluck (service "web") "meta.host")}}x {{this}};{{/each}}',
      "x a.example;x c.example;",
    ],
  ])("sets aside %s", async (_what, template, expected) => {
    const result = await ready(
      await renderer([{ template, onUnsafe: "skip-instance" }], { partials: PARTIALS }),
      guilty().snapshot(),
    );
    if (expected !== "") {
      expect(result.files[0]?.text).toBe(expected);
    }
    expect(result.setAside).toMatchObject([{ service: "web", id: "b", dest: "/out/0", location: { line: 1 } }]);
    expect(JSON.stringify(result.setAside)).not.toContain("evil");
    const { services, setAside } = result.provenance();
    expect(services.get("web")?.instances.map(({ id }) => id)).toEqual(["a", "c"]);
    expect(setAside).toEqual(result.setAside);
  });

  it.each<[string, string]>([
    ["a key", '{{key "app/evil"}}'],
    ["a key inside an instance", '{{#each (service "db")}}x {{key "app/evil"}};{{/each}}'],
    ["a key made into something else", '{{#each (service "db")}}x {{upper (key "app/evil")}};{{/each}}'],
    ["a key's own context", '{{#each (service "db")}}{{#each (keys "app/")}}x {{value}};{{/each}}{{/each}}'],
    ["a key that a partial is given", '{{#each (service "db")}}{{> host host=(key "app/evil")}}{{/each}}'],
    ["a tree", '{{#each (service "db")}}{{#with (tree "app")}}x {{evil}};{{/with}}{{/each}}'],
    ["a key that an instance holds too", '{{#each (service "twin")}}x {{key "app/evil"}};{{/each}}'],
    ["a key in place of what an instance lacks", '{{#each (service "db")}}x {{default meta.none (key "app/evil")}};{{/each}}'],
  ])("fails for a value of %s: nothing can be left out for it", async (_what, template) => {
    const it = await renderer([{ template: `x ${template};`, onUnsafe: "skip-instance" }], { partials: PARTIALS });
    const error = await failed(it, guilty().snapshot());
    expect(error).toMatchObject({ code: "TEMPLATE_UNSAFE", location: { line: 1 } });
  });

  it("fails as before without it", async () => {
    const template = '{{#each (service "web")}}x {{meta.host}};{{/each}}';
    expect(await failed(await renderer([{ template }]), guilty().snapshot())).toMatchObject({ code: "TEMPLATE_UNSAFE" });
  });

  it("leaves the other files of the target as they are", async () => {
    const all = '{{#each (service "web")}}p {{port}};{{/each}}';
    const hosts = '{{#each (service "web")}}x {{meta.host}};{{/each}}';
    const result = await ready(
      await renderer([{ template: hosts, onUnsafe: "skip-instance" }, { template: all }]),
      guilty().snapshot(),
    );
    expect(texts(result.files)).toEqual({ "/out/0": "x a.example;x c.example;", "/out/1": "p 80;p 81;p 82;" });
  });

  it("drops a service whose name cannot stand", async () => {
    const template = "{{#each services}}# {{name}}\nx {{length instances}};\n{{/each}}";
    const snapshot = world([entry("good", "a"), entry("a b;}", "b")]).snapshot();
    const result = await ready(await renderer([{ template, onUnsafe: "skip-instance" }]), snapshot);
    expect(result.files[0]?.text).toBe("# good\nx 1;\n");
    expect(result.setAside).toMatchObject([{ service: "a b;}", id: "b" }]);
  });

  it("takes the instance back when its value is fixed, and renders again for nothing else", async () => {
    const w = guilty();
    const it = await renderer([{ template: '{{#each (service "web")}}x {{meta.host}};{{/each}}', onUnsafe: "skip-instance" }]);
    await ready(it, w.snapshot());
    w.set(entry("db", "d", { port: 99 }));
    expect(it.isStale(w.snapshot())).toBe(false);
    w.set(entry("web", "b", { meta: { host: "b.example" } }));
    const fixed = w.snapshot();
    expect(it.isStale(fixed)).toBe(true);
    expect(await ready(it, fixed)).toMatchObject({ setAside: [], files: [{ text: "x a.example;x b.example;x c.example;" }] });
  });

  it("needs two turns for a thousand guilty ones", async () => {
    const entries = Array.from({ length: 1000 }, (_, i) =>
      entry("web", `i${i}`, { meta: { host: i % 2 === 0 ? `$${i}` : `h${i}` } }),
    );
    const it = await renderer([{ template: '{{#each (service "web")}}x {{meta.host}};{{/each}}', onUnsafe: "skip-instance" }]);
    const result = await ready(it, world(entries).snapshot());
    expect(result.setAside).toHaveLength(500);
    expect(result.files[0]?.text.split(";")).toHaveLength(501);
  });
});

describe("with forEach: services", () => {
  const perService = {
    template: "# {{name}}\n{{#each instances}}s {{addr}};\n{{/each}}",
    dest: "/out/{{name}}.conf",
    forEach: "services",
  } as const;

  it("there is one file for each service, also without a usable instance, with a name that stays in its folder", async () => {
    const snapshot = world([
      entry("web", "a"),
      entry("db", "b", { health: "critical" }),
      entry("../../etc/x", "c"),
      entry("..", "d"),
      entry("a b", "e"),
    ]).snapshot();
    const it = await renderer([{ ...perService, format: "text" }]);
    const result = await ready(it, snapshot);
    expect(texts(result.files)).toEqual({
      "/out/%2E.%2F..%2Fetc%2Fx.conf": "# ../../etc/x\ns 10.0.0.1:80;\n",
      "/out/%2E..conf": "# ..\ns 10.0.0.1:80;\n",
      "/out/a%20b.conf": "# a b\ns 10.0.0.1:80;\n",
      "/out/db.conf": "# db\n",
      "/out/web.conf": "# web\ns 10.0.0.1:80;\n",
    });
    expect(result.files.every(({ isFanOut }) => isFanOut === true)).toBe(true);
    expect(result.provenance().files.find(({ dest }) => dest === "/out/web.conf")).toMatchObject({ services: ["web"], keys: [] });
  });

  it("only the file of the service that changed is rendered again", async () => {
    const w = world([entry("web", "a"), entry("db", "b")]);
    const it = await renderer([perService]);
    const before = await ready(it, w.snapshot());
    w.set(entry("web", "a", { port: 81 }));
    const snapshot = w.snapshot();
    expect(it.isStale(snapshot)).toBe(true);
    const after = await ready(it, snapshot);
    expect(after.files.map(({ text }) => text)).toEqual(["# db\ns 10.0.0.1:80;\n", "# web\ns 10.0.0.1:81;\n"]);
    expect(after.provenance().services.get("db")).toBe(before.provenance().services.get("db"));
  });

  it("files come and go with their services, down to none", async () => {
    const w = world([entry("web", "a")]);
    const it = await renderer([perService]);
    await ready(it, w.snapshot());
    w.set(entry("db", "b"));
    const more = w.snapshot();
    expect(it.isStale(more)).toBe(true);
    expect((await ready(it, more)).files.map(({ dest }) => dest)).toEqual(["/out/db.conf", "/out/web.conf"]);
    w.remove("web", "a");
    w.remove("db", "b");
    const none = w.snapshot();
    expect(it.isStale(none)).toBe(true);
    expect((await ready(it, none)).files).toEqual([]);
    expect(it.isStale(w.snapshot())).toBe(false);
  });

  it("asks for all services before it renders", async () => {
    const it = await renderer([perService]);
    expect(await it.literalReads()).toEqual({ services: "all", keys: [] });
    const result = await it.render(world().snapshot(), { services: [], keys: [] });
    expect(result).toEqual({ kind: "needs", selector: { services: "all", keys: [] } });
  });

  it("a service that makes the same file as another entry is told, with both", async () => {
    const it = await renderer([perService, { template: "x", dest: "/out/web.conf" }]);
    const error = await failed(it, world([entry("web", "a")]).snapshot());
    expect(error.message).toBe('two files would be "/out/web.conf": /out/{{name}}.conf for web and /out/web.conf');
  });

  it("a name that is too long for a file is told", async () => {
    const it = await renderer([perService]);
    expect((await failed(it, world([entry("é".repeat(60), "a")]).snapshot())).message).toContain(
      "has a name that no file can have",
    );
  });

  it("a service whose every place is refused has no file, and the others do", async () => {
    const it = await renderer([{ ...perService, onUnsafe: "skip-instance" }]);
    const result = await ready(it, world([entry("web", "a"), entry("b;c", "b")]).snapshot());
    expect(result.files.map(({ dest }) => dest)).toEqual(["/out/web.conf"]);
    expect(result.setAside).toMatchObject([{ service: "b;c", id: "b", dest: "/out/b%3Bc.conf" }]);
  });
});

describe("secret keys", () => {
  const keys = { "app/db/password": "hunter2", "app/db/host": "db1", "app/json": '{"a":"hunter3"}' };

  it.each<[string, string, string]>([
    ["one by one", 'p {{key "/app/db/password"}};h {{key "app/db/host"}};', 'p "(secret)";h db1;'],
    ["in a list", '{{#each (keys "app/db/")}}x {{value}};{{/each}}', 'x db1;x "(secret)";'],
    ["in a tree", '{{#with (tree "app")}}p {{db.password}};{{/with}}', 'p "(secret)";'],
    [
      "where a mask cannot be read",
      '{{#with (fromJson (key "app/json"))}}a {{a}};{{/with}}',
      "(not shown: the template needs the values of secret keys)\n",
    ],
  ])("are masked for people: %s", async (_what, template, expected) => {
    const it = await renderer([{ template }], { secrets: ["app/db/pass", "/app/json"] });
    const [file] = (await ready(it, world([], keys).snapshot())).files;
    expect(file?.text).toMatch(/hunter/);
    expect(file?.masked?.()).toBe(expected);
  });

  it("no mask is made where no secret was read", async () => {
    const it = await renderer([{ template: '{{key "app/db/host"}}', format: "text" }], { secrets: ["app/db/pass"] });
    expect((await ready(it, world([], keys).snapshot())).files[0]).not.toHaveProperty("masked");
  });
});
