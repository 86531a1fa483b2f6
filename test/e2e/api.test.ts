/** The package as those who embed it get it: packed, imported from another folder, type-checked. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fairlead } from "../helpers/fairlead.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

let folder: string;
let packed: readonly string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-api-"));
  await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.types.json"], { cwd: ROOT });
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], { cwd: ROOT });
  const [pack] = JSON.parse(stdout) as { readonly filename: string; readonly files: readonly { readonly path: string }[] }[];
  packed = pack?.files.map(({ path }) => path) ?? [];
  // None of its dependencies is there: what is imported has to work without them.
  await mkdir(join(folder, "node_modules/fairlead"), { recursive: true });
  await run("tar", [
    "-xzf",
    join(folder, pack?.filename ?? ""),
    "--strip-components=1",
    "-C",
    join(folder, "node_modules/fairlead"),
  ]);
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a module of the consumer; what it printed, and what was loaded for it. */
async function consume(code: string): Promise<{ readonly stdout: string; readonly loaded: readonly string[] }> {
  const coverage = await mkdtemp(join(folder, "loaded-"));
  await writeFile(join(folder, "consumer.mjs"), code);
  const { stdout } = await run(process.execPath, ["consumer.mjs"], {
    cwd: folder,
    env: { ...process.env, NODE_V8_COVERAGE: coverage, NO_COLOR: "1" },
  });
  const loaded: string[] = [];
  for (const name of await readdir(coverage)) {
    const { result } = JSON.parse(await readFile(join(coverage, name), "utf8")) as {
      readonly result: readonly { readonly url: string }[];
    };
    loaded.push(...result.flatMap(({ url }) => (url.startsWith("file:") ? [fileURLToPath(url)] : [])));
  }
  return { stdout, loaded: loaded.filter((path) => !path.endsWith("consumer.mjs")) };
}

it("the package holds what is built, the types, and the templates with their cases", () => {
  expect(packed).toEqual(
    expect.arrayContaining([
      "dist/index.js",
      "dist/cli/main.js",
      "dist/types/index.d.ts",
      "templates/app/config.json.hbs",
      "templates/app/config.json.case.yaml",
      "templates/nginx/upstreams.conf.hbs",
    ]),
  );
  expect(packed.filter((path) => /^(src|test|node_modules)\//.test(path))).toEqual([]);
});

describe("in plain Node", () => {
  it("import loads the renderer and nothing heavy, and needs no dependency", async () => {
    const { stdout, loaded } = await consume(
      'import * as fairlead from "fairlead";\nconsole.log(Object.keys(fairlead).sort().join());\n',
    );
    expect(stdout).toBe("ERROR_CODES,FORMAT_NAMES,FairleadError,compile,formatForDest,render\n");
    expect(loaded.length).toBeGreaterThan(0);
    for (const path of loaded) {
      expect(path).toContain("/node_modules/fairlead/dist/");
      const code = await readFile(path, "utf8");
      for (const [library, sign] of [
        ["yaml", "class YAMLMap"],
        ["zod", "ZodObject"],
        ["commander", "class CommanderError"],
        ["diff", "createTwoFilesPatch"],
        ["etcd3, consul, pino or chokidar", /(?:from|import\()\s*["'](?:etcd3|consul|pino|chokidar)["']/],
      ] as const) {
        expect(typeof sign === "string" ? code.includes(sign) : sign.test(code), `${path} holds ${library}`).toBe(false);
      }
    }
  });

  it("a template that reads YAML loads that library, then", async () => {
    await symlink(join(ROOT, "node_modules/yaml"), join(folder, "node_modules/yaml"));
    const { stdout } = await consume(
      'import { render } from "fairlead";\nconsole.log(render({ template: `{{join (fromYaml "[a, b]") "-"}}`, format: "text" }).text);\n',
    );
    expect(stdout).toBe("a-b\n");
  });

  it("every example of docs/api.md prints what the page says", async () => {
    const page = await readFile(join(ROOT, "docs/api.md"), "utf8");
    const examples = [...page.matchAll(/```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)];
    expect(examples.length).toBe([...page.matchAll(/```js/g)].length);
    expect(examples.length).toBeGreaterThan(2);
    for (const [, code = "", output] of examples) {
      expect((await consume(code)).stdout).toBe(output);
    }
  });
});

it("gives the text and the generation that a target of this one file has", async () => {
  const template = 'greet {{key "a/b"}}; # {{generation}}\n{{#each (service "web")}}\nserver {{addr}}; # {{id}}\n{{/each}}\n';
  const dest = join(folder, "web.conf");
  await writeFile(join(folder, "web.conf.hbs"), template);
  await mkdir(join(folder, "registry/kv/a"), { recursive: true });
  await mkdir(join(folder, "registry/services/web"), { recursive: true });
  await writeFile(join(folder, "registry/kv/a/b"), "x;");
  await writeFile(join(folder, "registry/services/web/i.json"), '{"address":"::1","port":80}');
  const args = [
    "render",
    "--registry",
    "file:registry",
    "--template",
    "web.conf.hbs",
    "--dest",
    dest,
    "--state",
    "state",
    "--json",
  ];
  const ended = await fairlead(args, { cwd: folder });
  const [target] = (JSON.parse(ended.stdout) as { readonly targets: readonly { readonly generation: string }[] }).targets;
  const options = { template, dest, keys: { "a/b": "x;" }, services: { web: [{ address: "::1", port: 80, id: "i" }] } };
  const { stdout } = await consume(
    `import { render } from "fairlead";\nconsole.log(JSON.stringify(render(${JSON.stringify(options)})));\n`,
  );
  expect(JSON.parse(stdout)).toEqual({
    text: await readFile(dest, "utf8"),
    generation: target?.generation,
    reads: { services: ["web"], keys: ["a/b"] },
    setAside: [],
  });
});

describe("in TypeScript", () => {
  async function typeErrors(code: string): Promise<string> {
    await writeFile(join(folder, "consumer.ts"), code);
    const options = [
      "--noEmit",
      "--strict",
      "--exactOptionalPropertyTypes",
      "--target",
      "es2022",
      "--module",
      "nodenext",
      "--types",
      "",
    ];
    const args = [join(ROOT, "node_modules/typescript/bin/tsc"), "--ignoreConfig", ...options, "consumer.ts"];
    return await run(process.execPath, args, { cwd: folder }).then(
      () => "",
      (error: { readonly stdout: string }) => error.stdout,
    );
  }

  it("the types are whole, without those of Node or a library", async () => {
    expect(
      await typeErrors(`
import { compile, type CompiledTemplate, ERROR_CODES, type ErrorCode, FairleadError, FORMAT_NAMES, type FormatName, formatForDest, type LeftOut } from "fairlead";
import { type Health, type Location, type PlainInstance, type Protocol, render, type RenderData, type RenderResult, type TemplateFinding, type TemplateOptions } from "fairlead";
const health: Health = "passing";
const protocol: Protocol = "udp";
const web: PlainInstance = { address: "10.0.0.1", port: 80, health, protocol, tags: ["a"], meta: { a: "b" }, weight: 1, id: "i", node: "n" };
const data: RenderData = { services: { web: [web] }, keys: { a: "b" }, node: "n", env: { A: "b" } };
const options: TemplateOptions = { template: "", format: formatForDest("a.conf"), partials: { p: "" }, allowRaw: true, dest: "/a", name: "a", onUnsafe: "fail" };
const template: CompiledTemplate = compile(options);
const results: RenderResult[] = [template.render(data), template.render(), render({ ...options, ...data })];
const texts: string[] = results.flatMap((result) => [result.text, result.generation, ...result.reads.services, ...result.reads.keys]);
const findings: readonly TemplateFinding[] = template.findings;
const leftOut: readonly LeftOut[] = template.render({ ...data, service: "web" }).setAside;
const formats: readonly FormatName[] = FORMAT_NAMES;
const codes = Object.keys(ERROR_CODES) as ErrorCode[];
export function place(error: unknown): Location | string | undefined {
  return error instanceof FairleadError ? (error.location ?? error.hint ?? error.code) : undefined;
}
export { codes, findings, formats, leftOut, texts };
`),
    ).toBe("");
  });

  it.each([
    ["an option that is none", 'render({ template: "", servces: {} });'],
    ["a format that is none", 'render({ template: "", format: "ngnix" });'],
    ["no template", 'render({ format: "nginx" });'],
    ["a number for a key", 'render({ template: "", keys: { a: 1 } });'],
    ["an instance without a port", 'render({ template: "", services: { web: [{ address: "a" }] } });'],
  ])("%s is an error", async (_, code) => {
    expect(await typeErrors(`import { render } from "fairlead";\n${code}\n`)).toMatch(/^consumer\.ts\(2,/);
  });
});
