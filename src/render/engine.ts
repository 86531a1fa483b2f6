import Handlebars from "handlebars";
import { FairleadError, type Location, messageOf } from "../model/errors.ts";
import { joinSelectors, NOTHING, type Selector } from "../model/selector.ts";
import { type Finding, INSERT, prepare, syntaxError } from "./ast.ts";
import type { FormatName } from "./formats/index.ts";
import { HELPERS } from "./helpers/index.ts";
import { createInsertions } from "./insertions.ts";
import { parseFinding } from "./parse-finding.ts";
import { bindReads, type Facts, READ_HELPERS } from "./reads.ts";
import type { View } from "./view.ts";

/** Partials inside partials, at the most: an endless recursion ends here and hurts only itself. */
const MAX_PARTIAL_DEPTH = 100;
const BLOCK_HELPERS = ["if", "unless", "each", "with", "lookup"] as const;

/** Every name that a template may call. */
const HELPER_NAMES: ReadonlySet<string> = new Set([
  ...BLOCK_HELPERS,
  ...READ_HELPERS.map((helper) => helper.name),
  ...HELPERS.map((helper) => helper.name),
]);

export interface TemplateSource {
  /** For messages. */
  readonly file: string;
  readonly text: string;
  readonly format: FormatName;
  /** `raw: true`: `{{{x}}}` is no finding. */
  readonly allowRaw: boolean;
  /** By name. */
  readonly partials: ReadonlyMap<string, { readonly file: string; readonly text: string }>;
}

export interface Template {
  readonly file: string;
  /** Everything that is wrong or doubtful about the text; with an error among it, `render` throws that. */
  readonly findings: readonly Finding[];
  /** What the template and its partials read by literal names. */
  readonly literalReads: Selector;
  /**
   * A pure function of view and facts: the text, with `GENERATION_MARK` for `{{generation}}`.
   * @throws FairleadError `TEMPLATE_SYNTAX`, `TEMPLATE_FAILED`, `TEMPLATE_UNSAFE` or `KEY_MISSING`, with file, line and column
   */
  render(view: View, facts: Facts): string;
}

/** Parses and compiles a template, once. Never throws: what is wrong is in `findings`. */
export function compileTemplate(source: TemplateSource): Template {
  const env = Handlebars.create();
  env.unregisterHelper("log");
  const findings: Finding[] = [];
  const partialNames = new Set(source.partials.keys());
  const insertions = createInsertions(source.format, [source.text, ...[...source.partials.values()].map(({ text }) => text)]);
  let literalReads: Selector = NOTHING;

  function load(file: string, text: string): HandlebarsTemplateDelegate | undefined {
    let program: hbs.AST.Program;
    try {
      program = env.parseWithoutProcessing(text);
    } catch (error) {
      findings.push(parseFinding(file, error));
      return undefined;
    }
    const rules = { file, helpers: HELPER_NAMES, partials: partialNames, allowRaw: source.allowRaw };
    const prepared = prepare(program, rules);
    findings.push(...prepared.findings);
    literalReads = joinSelectors(literalReads, prepared.literalReads);
    for (const name of prepared.partials) {
      loadPartial(name);
    }
    const knownHelpers = Object.fromEntries([...HELPER_NAMES, INSERT].map((name) => [name, true]));
    return env.compile(program, { noEscape: true, strict: false, knownHelpers, knownHelpersOnly: true, preventIndent: true });
  }

  const loaded = new Set<string>();
  let depth = 0;
  function loadPartial(name: string): void {
    const partial = source.partials.get(name);
    if (loaded.has(name) || partial === undefined) {
      return;
    }
    loaded.add(name);
    const run = load(partial.file, partial.text);
    if (run === undefined) {
      return;
    }
    env.registerPartial(name, (context: unknown, options?: Handlebars.RuntimeOptions) => {
      if (depth >= MAX_PARTIAL_DEPTH) {
        throw new FairleadError("TEMPLATE_FAILED", `partial "${name}" includes itself without end`, {
          location: { file: partial.file },
        });
      }
      depth++;
      const file = place.file;
      place.file = partial.file;
      try {
        return run(context, options);
      } finally {
        place.file = file;
        depth--;
      }
    });
  }

  const place = { file: source.file };
  let current: { readonly view: View; readonly facts: Facts } | undefined;
  function state(): { readonly view: View; readonly facts: Facts } {
    if (current === undefined) {
      throw new Error("a helper ran outside of a render");
    }
    return current;
  }
  registerHelpers(env, { place, reads: bindReads(state), insert: insertions.insert });
  const run = load(source.file, source.text);
  const broken = syntaxError(findings);

  function render(view: View, facts: Facts): string {
    if (broken !== undefined || run === undefined) {
      throw broken ?? new Error("a template without findings did not compile");
    }
    current = { view, facts };
    place.file = source.file;
    insertions.clear();
    try {
      return insertions.finish(run({}));
    } catch (error) {
      throw runtimeError(source.file, error);
    } finally {
      current = undefined;
      depth = 0;
    }
  }

  return { file: source.file, findings, literalReads, render };
}

interface Bound {
  /** The file that is being rendered right now: the template's, or a partial's. */
  readonly place: { file: string };
  readonly reads: ReadonlyMap<string, Call>;
  readonly insert: (value: unknown, source: string, isRaw: boolean, location: Location) => string;
}
type Call = (args: readonly unknown[], hash: Readonly<Record<string, unknown>>) => unknown;

interface CallOptions {
  readonly hash: Readonly<Record<string, unknown>>;
  readonly loc?: hbs.AST.SourceLocation;
  readonly fn?: (context: unknown) => string;
  readonly inverse?: (context: unknown) => string;
}

function registerHelpers(env: typeof Handlebars, { place, reads, insert }: Bound): void {
  const section = env.helpers["blockHelperMissing"] as (this: unknown, value: unknown, options: unknown) => string;
  const calls = new Map<string, Call>([...reads, ...HELPERS.map((helper): [string, Call] => [helper.name, helper.call])]);

  for (const [name, call] of calls) {
    env.registerHelper(name, function (this: unknown, ...args: unknown[]) {
      const options = args.pop() as CallOptions;
      if (args.length === 0 && Object.keys(options.hash).length === 0 && isObject(this) && Object.hasOwn(this, name)) {
        return this[name]; // the field of that name, not the helper
      }
      const value = located(locationOf(place.file, options), () => call(args, options.hash));
      return options.fn === undefined ? value : section.call(this, value, options);
    });
  }
  env.registerHelper(INSERT, (value: unknown, source: string, options: CallOptions) =>
    insert(value, source, options.hash["raw"] === true, locationOf(place.file, options)),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function locationOf(file: string, options: CallOptions): Location {
  const start = options.loc?.start;
  return start === undefined ? { file } : { file, line: start.line, column: start.column + 1 };
}

/** Gives an error of a helper the place where the helper was called. */
function located<T>(location: Location, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FairleadError && error.location === undefined) {
      const { code, message, hint, cause } = error;
      throw new FairleadError(code, message, { location, cause, ...(hint !== undefined && { hint }) });
    }
    throw error;
  }
}

function runtimeError(file: string, error: unknown): FairleadError {
  if (error instanceof FairleadError) {
    return error;
  }
  if (error instanceof RangeError) {
    return new FairleadError("TEMPLATE_FAILED", "the template goes too deep", { location: { file }, cause: error });
  }
  return new FairleadError("TEMPLATE_FAILED", messageOf(error), { location: { file }, cause: error });
}
