import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { checkPlaces } from "../../../src/cli/check/places.ts";
import { checkTemplates } from "../../../src/cli/check/templates.ts";
import { parseConfig } from "../../../src/config/load.ts";

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "fairlead-check-")));
  await chmod(folder, 0o755);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Writes the files, and tells what is found for targets that are written as YAML below `targets:`. */
async function told(targets: string, files: Readonly<Record<string, string>> = { "t.hbs": "x" }): Promise<readonly string[]> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text, { mode: 0o644 });
  }
  const text = `registry: memory\nrender:\n  targets:\n${targets.replace(/^/gm, "    ")}\n`;
  const file = join(folder, "fairlead.yaml");
  await writeFile(file, text);
  const loaded = parseConfig(text, file, {});
  if (!loaded.ok || loaded.config.render === undefined) {
    throw new Error(JSON.stringify(loaded));
  }
  const { locate, config } = loaded;
  const { render } = loaded.config;
  const problems = [...(await checkTemplates(render, locate)), ...(await checkPlaces({ render, file: config.file, locate }))];
  return problems.map(({ severity, code, message, file: at, line, column }) =>
    `${severity} ${code} ${at}:${line}:${column} ${message}`.replaceAll(`${folder}/`, "").replaceAll(folder, "."),
  );
}

it("a verify that waits for a generation that nobody prints is an error, and one that is printed in a partial is none", async () => {
  const verify = 'verify: { url: "http://127.0.0.1:1/" }';
  expect(await told(`a:\n  files: [{ template: t.hbs, dest: d }]\n  ${verify}`)).toEqual([
    'error CONFIG_INVALID fairlead.yaml:6:15 "verify" of target "a" waits for the generation, which no file of the target prints',
  ]);
  expect(await told(`a:\n  files: [{ template: t.hbs, dest: d }]\n  ${verify}`, { "t.hbs": "{{generation}}" })).toEqual([]);
  expect(
    await told(`a:\n  files: [{ template: t.hbs, dest: d }]\n  verify: { url: "http://127.0.0.1:1/", status: 200 }`),
  ).toEqual(await told(`a:\n  files: [{ template: t.hbs, dest: d }]`, { "t.hbs": "x" }));
});

it("a name that says nothing about the format of what looks like nginx is doubtful", async () => {
  const files = { "t.hbs": "server {\n  listen 80;\n}\n" };
  expect(await told("a:\n  files: [{ template: t.hbs, dest: sites/app }]", files)).toEqual([
    `warning CONFIG_INVALID fairlead.yaml:5:40 the name "sites/app" says nothing about the format, and the template looks like nginx`,
  ]);
  expect(await told("a:\n  files: [{ template: t.hbs, dest: sites/app, format: text }]", files)).toEqual([]);
});

it("a template outside of the configuration's folder is doubtful, and so is one that anybody can write", async () => {
  const other = await mkdtemp(join(tmpdir(), "fairlead-check-other-"));
  try {
    await writeFile(join(other, "o.hbs"), "x");
    await mkdir(join(folder, "open"));
    await writeFile(join(folder, "open/t.hbs"), "x");
    await chmod(join(folder, "open/t.hbs"), 0o666);
    await chmod(join(folder, "open"), 0o777);
    const found = await told(`a:\n  files: [{ template: open/t.hbs, dest: d }, { template: ${other}/o.hbs, dest: e }]`, {});
    expect(found).toEqual([
      'warning TEMPLATE_UNSAFE open/t.hbs:1:1 anybody on this machine can write "open/t.hbs"',
      'warning TEMPLATE_UNSAFE open/t.hbs:1:1 anybody on this machine can write "open", where the template is',
      `warning CONFIG_INVALID fairlead.yaml:5:62 the template "${other}/o.hbs" is outside of the configuration's folder`,
    ]);
  } finally {
    await rm(other, { recursive: true });
  }
});

it("destinations that are one file, or a template, through a link are an error", async () => {
  await mkdir(join(folder, "real"));
  await symlink("real", join(folder, "link"));
  const files = { "real/t.hbs": "x" };
  expect(
    await told(
      "a:\n  files: [{ template: real/t.hbs, dest: real/d }, { template: real/t.hbs, dest: link/d }, { template: real/t.hbs, dest: link/t.hbs }]",
      files,
    ),
  ).toEqual([
    'error CONFIG_INVALID fairlead.yaml:5:85 "link/d" is the same file as "real/d"',
    'error CONFIG_INVALID fairlead.yaml:5:125 "link/t.hbs" is a template',
  ]);
});

it("a pattern that can be a file beside it is doubtful", async () => {
  expect(
    await told(
      'a:\n  files: [{ template: t.hbs, dest: out/default.conf }, { template: t.hbs, dest: "out/{{name}}.conf", forEach: services }]',
    ),
  ).toEqual([
    'warning CONFIG_INVALID fairlead.yaml:5:85 "out/{{name}}.conf" and "out/default.conf" are the same file when a service has that name',
  ]);
});
