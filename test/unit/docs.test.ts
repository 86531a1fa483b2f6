import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { commandsPage, configurationPage, errorsPage, templatesPage, testingPage } from "../../scripts/reference.ts";
import { createContext } from "../../src/cli/context.ts";
import { createProgram } from "../../src/cli/program.ts";

describe("the reference pages are what the tables say (npm run docs writes them)", () => {
  it.each<[string, () => string]>([
    ["configuration.md", configurationPage],
    ["commands.md", () => commandsPage(createProgram(createContext(new AbortController().signal)))],
    ["templates.md", templatesPage],
    ["errors.md", errorsPage],
    ["testing.md", testingPage],
  ])("%s", async (name, make) => {
    await expect(make()).toMatchFileSnapshot(`../../docs/${name}`);
  });
});

it("every promise of the README names tests that exist and name it", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const rows = [...readme.matchAll(/^\| (G\d+) \|.*\|(.*)\|$/gm)];
  expect(rows.length).toBeGreaterThan(10);
  for (const [, id = "", tests = ""] of rows) {
    for (const [, path = ""] of tests.matchAll(/`([^`]+)`/g)) {
      expect(await readFile(new URL(`../../${path}`, import.meta.url), "utf8"), `${path} names ${id}`).toMatch(
        new RegExp(`\\b${id}\\b`),
      );
    }
  }
});
