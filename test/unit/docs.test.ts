import { describe, expect, it } from "vitest";
import { commandsPage, configurationPage, errorsPage, templatesPage } from "../../scripts/reference.ts";
import { createContext } from "../../src/cli/context.ts";
import { createProgram } from "../../src/cli/program.ts";

describe("the reference pages are what the tables say (npm run docs writes them)", () => {
  it.each<[string, () => string]>([
    ["configuration.md", configurationPage],
    ["commands.md", () => commandsPage(createProgram(createContext(new AbortController().signal)))],
    ["templates.md", templatesPage],
    ["errors.md", errorsPage],
  ])("%s", async (name, make) => {
    await expect(make()).toMatchFileSnapshot(`../../docs/${name}`);
  });
});
