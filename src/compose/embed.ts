/** Rendering for programs that bring their own data: what `index.ts` gives to the world. */
import { isRecord } from "../core/json.ts";
import { nearest } from "../core/nearest.ts";
import { FairleadError } from "../model/errors.ts";
import type { SetAside } from "../model/provenance.ts";
import { GENERATION_MARK } from "../ports.ts";
import { FORMAT_NAMES, type FormatName, formatForDest } from "../render/formats/index.ts";
import { renderSnapshot } from "../render/snapshot-render.ts";
import { compileTemplate } from "../render/template/engine.ts";
import type { Finding } from "../render/template/finding.ts";
import type { Mistake } from "../sources/static-values.ts";
import { generationOf } from "../target/generation.ts";
import { type PlainData, readPlainData } from "./plain-data.ts";

export interface TemplateOptions {
  /** The text of the template. */
  readonly template: string;
  /** How values are escaped. Default: by the name in `dest`, else by `name` without its `.hbs`; one of the three is needed. */
  readonly format?: FormatName;
  /** Absolute path of the file that the text is for. It is a part of the generation. */
  readonly dest?: string;
  /** What messages call the template; default `template`. */
  readonly name?: string;
  /** Texts for `{{> name}}`. */
  readonly partials?: Readonly<Record<string, string>>;
  /** `{{{x}}}`, which is not escaped, is no finding. */
  readonly allowRaw?: boolean;
  /** When a value cannot stand where the template puts it: an error (default), or its instance is left out. */
  readonly onUnsafe?: "fail" | "skip-instance";
}

export interface RenderData extends PlainData {
  /** What `{{node}}` gives; default `node-1`. */
  readonly node?: string;
  /** What `{{env "NAME"}}` may read. */
  readonly env?: Readonly<Record<string, string>>;
  /** The service that the template begins in: for templates of files with `forEach: services`. */
  readonly service?: string;
}

export interface RenderResult {
  readonly text: string;
  /** What `{{generation}}` printed: the hash of this one file at `dest`, the same that a target of this one file has. */
  readonly generation: string;
  /** What was read, by name; what is not there is named too. Another render with equal data for these gives the same text. */
  readonly reads: { readonly services: readonly string[]; readonly keys: readonly string[] };
  /** Instances that were left out, with `onUnsafe: "skip-instance"`. */
  readonly setAside: readonly LeftOut[];
}

/** Its reason never holds a value. */
export type LeftOut = Omit<SetAside, "dest">;

/** With an error among them, a template does not render. */
export type TemplateFinding = Finding;

export interface CompiledTemplate {
  readonly findings: readonly TemplateFinding[];
  /**
   * A pure function of the data.
   * @throws FairleadError `USAGE` for data that is not right; else as `render` does
   */
  render(data?: RenderData): RenderResult;
}

const DEFAULT_NODE = "node-1";

/**
 * Parses and compiles a template, once for many renders. What is wrong with the template itself is in `findings`.
 * @throws FairleadError `USAGE` for options that are not right
 * @example compile({ template: "{{#if x}}", format: "text" }).findings[0]?.code === "TEMPLATE_SYNTAX"
 * @example compile({ template: "listen {{key 'port'}};", format: "nginx" }).render({ keys: { port: "80" } }).text === "listen 80;"
 */
export function compile(options: TemplateOptions): CompiledTemplate {
  checkFields("compile", options, TEMPLATE_FIELDS);
  const { template: text, name = "template", dest = "", partials = {}, allowRaw = false, onUnsafe = "fail" } = options;
  const template = compileTemplate({
    file: name,
    text,
    format: formatOf(options),
    allowRaw,
    partials: new Map(Object.entries(partials).map(([partial, body]) => [partial, { file: `${partial}.hbs`, text: body }])),
  });

  function render(data: RenderData = {}): RenderResult {
    checkFields("render", data, DATA_FIELDS);
    const { node = DEFAULT_NODE, env = {}, service } = data;
    const { snapshot, mistakes } = readPlainData(data, node);
    const [first] = mistakes;
    if (first !== undefined) {
      throw mistaken(first, mistakes.length);
    }
    const facts = { node, env: new Map(Object.entries(env)) };
    const { text, reads, setAside } = renderSnapshot(
      { dest, template, facts, onUnsafe, ...(service !== undefined && { service }) },
      snapshot,
    );
    const generation = generationOf([{ dest, text }]);
    return {
      text: text.replaceAll(GENERATION_MARK, generation),
      generation,
      reads,
      setAside: setAside.map(({ service, id, reason, location }) => ({ service, id, reason, ...(location && { location }) })),
    };
  }

  return { findings: template.findings, render };
}

/**
 * Renders a template from plain data, in the way the daemon does: synchronous, pure, nothing is read but what is given.
 * @throws FairleadError `USAGE` for options that are not right; `TEMPLATE_SYNTAX`, `TEMPLATE_FAILED`, `TEMPLATE_UNSAFE` or `KEY_MISSING`, with
 * file, line and column
 * @example render({ template: "{{#each (service 'web')}}{{addr}} {{/each}}", format: "text", services: { web: [{ address: "::1", port: 80 }] } }).text === "[::1]:80 "
 * @example render({ template: "a: {{key 'a'}}", format: "yaml", keys: { a: "yes" } }).text === 'a: "yes"'
 */
export function render(options: TemplateOptions & RenderData): RenderResult {
  checkFields("render", options, { ...TEMPLATE_FIELDS, ...DATA_FIELDS });
  const { services, keys, node, env, service, ...template } = options;
  return compile(template).render({
    ...(services !== undefined && { services }),
    ...(keys !== undefined && { keys }),
    ...(node !== undefined && { node }),
    ...(env !== undefined && { env }),
    ...(service !== undefined && { service }),
  });
}

/** What a field has to be, for callers that no compiler checks. */
interface Field {
  readonly what: string;
  readonly is: (value: unknown) => boolean;
}

const TEXT: Field = { what: "a text", is: (value) => typeof value === "string" };
const TEXTS: Field = {
  what: "an object of texts",
  is: (value) => isRecord(value) && Object.values(value).every((text) => typeof text === "string"),
};
/** Judged by what reads it, with the place of each mistake. */
const ANY: Field = { what: "", is: () => true };

const ON_UNSAFE = ["fail", "skip-instance"];

const TEMPLATE_FIELDS: Readonly<Record<keyof TemplateOptions, Field>> = {
  template: TEXT,
  format: { what: `one of ${FORMAT_NAMES.join(", ")}`, is: (value) => FORMAT_NAMES.some((name) => name === value) },
  dest: TEXT,
  name: TEXT,
  partials: TEXTS,
  allowRaw: { what: "true or false", is: (value) => typeof value === "boolean" },
  onUnsafe: { what: `one of ${ON_UNSAFE.join(", ")}`, is: (value) => ON_UNSAFE.some((name) => name === value) },
};
const DATA_FIELDS: Readonly<Record<keyof RenderData, Field>> = {
  services: ANY,
  keys: ANY,
  node: TEXT,
  env: TEXTS,
  service: TEXT,
};

function checkFields(call: string, given: unknown, fields: Readonly<Record<string, Field>>): void {
  if (!isRecord(given)) {
    throw new FairleadError("USAGE", `${call}() needs an object of options`);
  }
  for (const [name, value] of Object.entries(given)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) {
      const near = nearest(name, Object.keys(fields));
      const hint = near === undefined ? `known are ${Object.keys(fields).join(", ")}` : `did you mean "${near}"?`;
      throw new FairleadError("USAGE", `${call}() knows no option "${name}"`, { hint });
    }
    if (value !== undefined && !field.is(value)) {
      throw new FairleadError("USAGE", `${call}(): "${name}" has to be ${field.what}`);
    }
  }
  if ("template" in fields && given["template"] === undefined) {
    throw new FairleadError("USAGE", `${call}() needs "template", the text of the template`);
  }
}

function formatOf({ format, dest, name }: TemplateOptions): FormatName {
  if (format !== undefined) {
    return format;
  }
  const named = dest ?? name?.replace(/\.hbs$/, "");
  if (named === undefined) {
    throw new FairleadError("USAGE", "it is not known how to escape values", {
      hint: `give \`format\` (${FORMAT_NAMES.join(", ")}), or \`dest\`, whose name tells`,
    });
  }
  return formatForDest(named);
}

function mistaken({ path, message, hint }: Mistake, count: number): FairleadError {
  const place = path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `[${JSON.stringify(part)}]`))
    .join("");
  const more = count > 1 ? ` (and ${count - 1} more)` : "";
  return new FairleadError("USAGE", `${place}: ${message}${more}`, hint === undefined ? {} : { hint });
}
