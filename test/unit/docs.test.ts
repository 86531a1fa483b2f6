import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { withPromises } from "../../scripts/promises.ts";
import {
  commandsPage,
  configurationPage,
  errorsPage,
  registratorPage,
  templatesPage,
  testingPage,
} from "../../scripts/reference.ts";
import { createContext } from "../../src/cli/context.ts";
import { createProgram } from "../../src/cli/program.ts";

describe("the reference pages are what the tables say (npm run docs writes them)", () => {
  it.each<[string, () => string]>([
    ["configuration.md", configurationPage],
    ["commands.md", () => commandsPage(createProgram(createContext(new AbortController().signal)))],
    ["templates.md", templatesPage],
    ["errors.md", errorsPage],
    ["testing.md", testingPage],
    ["registrator.md", registratorPage],
  ])("%s", async (name, make) => {
    await expect(make()).toMatchFileSnapshot(`../../docs/${name}`);
  });
});

it("the README's table of promises is what the tests say, and each that is owed is shown", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const made = await withPromises(readme, fileURLToPath(new URL("..", import.meta.url)));
  await expect(made).toMatchFileSnapshot("../../README.md");
  expect(made.match(/^\| G\d+ .*none yet \|$/gm) ?? []).toEqual([]);
});
