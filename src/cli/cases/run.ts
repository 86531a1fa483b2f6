import { FairleadError } from "../../model/errors.ts";
import { GENERATION_MARK } from "../../ports.ts";
import { judgeCase, type Rendered, type Verdict } from "../../render/cases.ts";
import { renderSnapshot } from "../../render/snapshot-render.ts";
import { createLibrary, type Library } from "../../render/template/library.ts";
import type { LoadedCase } from "./load.ts";

/** What `{{generation}}` prints in a test: the real one is the hash of files that a case does not know, and would change with every word. */
const TEST_GENERATION = "0".repeat(16);

/** Renders cases and judges them; what several of them share is read and compiled once. */
export function createCaseRunner(): (test: LoadedCase) => Promise<Verdict> {
  const libraries = new Map<string | undefined, Library>();

  async function render({ template: ref, partials, snapshot, service, facts, onUnsafe }: LoadedCase): Promise<Rendered> {
    const library = libraries.get(partials) ?? createLibrary({ partials });
    libraries.set(partials, library);
    try {
      const template = await library.load(ref);
      const order = { dest: ref.path, template, facts, onUnsafe, ...(service !== undefined && { service }) };
      const { text } = renderSnapshot(order, snapshot);
      return { ok: true, text: text.replaceAll(GENERATION_MARK, TEST_GENERATION) };
    } catch (error) {
      if (error instanceof FairleadError) {
        return { ok: false, error };
      }
      throw error;
    }
  }

  return async (test) => judgeCase(test.expected, await render(test));
}
