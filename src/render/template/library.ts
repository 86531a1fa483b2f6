import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { FairleadError, messageOf, systemCode } from "../../model/errors.ts";
import type { FormatName } from "../formats/index.ts";
import { compileTemplate, type Template, type TemplateSource } from "./engine.ts";

export interface TemplateRef {
  readonly path: string;
  readonly format: FormatName;
  readonly allowRaw: boolean;
}

/** The templates on the disk. */
export interface Library {
  /**
   * The compiled template; the same object for as long as neither it nor a partial changes on the disk.
   * @throws FairleadError `TEMPLATE_MISSING`
   */
  load(ref: TemplateRef): Promise<Template>;
}

type Partials = TemplateSource["partials"];
const NO_PARTIALS: Partials = new Map();

export function createLibrary(options: { readonly partials?: string | undefined }): Library {
  const texts = new Map<string, { readonly stamp: string; readonly text: string }>();
  const compiled = new Map<string, { readonly text: string; readonly partials: Partials; readonly template: Template }>();
  let partials: Partials = NO_PARTIALS;

  async function load(ref: TemplateRef): Promise<Template> {
    const text = await readText(ref.path, "template");
    await loadPartials();
    const id = JSON.stringify(ref);
    const known = compiled.get(id);
    if (known !== undefined && known.text === text && known.partials === partials) {
      return known.template;
    }
    const template = compileTemplate({ file: ref.path, text, format: ref.format, allowRaw: ref.allowRaw, partials });
    compiled.set(id, { text, partials, template });
    return template;
  }

  async function loadPartials(): Promise<void> {
    if (options.partials === undefined) {
      return;
    }
    const folder = options.partials;
    const names = await readdir(folder).catch((error: unknown) => {
      throw missing(folder, "folder of partials", error);
    });
    const next = new Map<string, { file: string; text: string }>();
    for (const name of names.filter((entry) => entry.endsWith(".hbs")).sort()) {
      const file = join(folder, name);
      next.set(name.slice(0, -".hbs".length), { file, text: await readText(file, "partial") });
    }
    if (!samePartials(partials, next)) {
      partials = next;
    }
  }

  /** Reads a file again only when the disk says that it changed. */
  async function readText(path: string, what: string): Promise<string> {
    try {
      const { mtimeMs, ctimeMs, size, ino } = await stat(path);
      const stamp = [mtimeMs, ctimeMs, size, ino].join();
      const known = texts.get(path);
      if (known?.stamp === stamp) {
        return known.text;
      }
      const text = await readFile(path, "utf8");
      texts.set(path, { stamp, text });
      return text;
    } catch (error) {
      throw missing(path, what, error);
    }
  }

  return { load };
}

function samePartials(a: Partials, b: Partials): boolean {
  return a.size === b.size && [...a].every(([name, partial]) => b.get(name)?.text === partial.text);
}

function missing(path: string, what: string, error: unknown): FairleadError {
  const reason = systemCode(error) === "ENOENT" ? "it does not exist" : messageOf(error);
  return new FairleadError("TEMPLATE_MISSING", `cannot read the ${what} "${path}": ${reason}`, {
    cause: error,
    location: { file: path },
  });
}
