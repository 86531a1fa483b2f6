import Handlebars from "handlebars";
import { FairleadError, type Location, messageOf } from "../../model/errors.ts";
import { joinSelectors, NOTHING, type Selector } from "../../model/selector.ts";
import { type FormatName, marksAll } from "../formats/index.ts";
import { HELPERS } from "../helpers/index.ts";
import { prepare } from "./ast.ts";
import { type BlockState, type CallOptions, createBlocks } from "./blocks.ts";
import { costOf, createBudget } from "./budget.ts";
import { type Finding, syntaxError } from "./finding.ts";
import { type Blame, createInsertions } from "./insertions.ts";
import { flatten, lint } from "./lint.ts";
import { createMemo, type Memo } from "./memo.ts";
import { parseFinding } from "./parse-finding.ts";
import { joinContext, lookUp, ROOT, readPath } from "./paths.ts";
import { bindReads, type Facts, READ_HELPERS } from "./reads.ts";
import { CONTEXT, INSERT, type InsertSite, PATH, type Site } from "./sites.ts";
import { createTrail, type Origin, type Trail } from "./trail.ts";
import type { View } from "./view.ts";

const BLOCK_HELPERS = ["if", "unless", "each", "with", "lookup"] as const;

/** The template itself among its partials: no partial has an empty name. */
const MAIN = "";
/** What they give comes from no instance. */
const FOREIGN_READS: ReadonlySet<string> = new Set(["key", "keys", "ls", "tree", "env", "node"]);

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
  readonly text: string;
  /** Everything that is wrong or doubtful about the text; with an error among it, `render` throws that. */
  readonly findings: readonly Finding[];
  /** Doubts about where it puts values; for `fairlead check`. */
  lint(): readonly Finding[];
  /** Whether it or a partial can print `{{generation}}`. */
  readonly namesGeneration: boolean;
  /** What the template and its partials read by literal names. */
  readonly literalReads: Selector;
  /**
   * A pure function of view and facts: the text, with `GENERATION_MARK` for `{{generation}}`.
   * @throws FairleadError `TEMPLATE_SYNTAX`, `TEMPLATE_FAILED`, `TEMPLATE_UNSAFE` or `KEY_MISSING`, with file, line and column
   */
  render(view: View, facts: Facts): string;
  /** The same, with what is to blame for a value that cannot stand; `context` is what the template begins in, if not in nothing. */
  attempt(view: View, facts: Facts, context?: object): Attempt;
}

export type Attempt =
  | { readonly ok: true; readonly text: string }
  /** `TEMPLATE_UNSAFE`, and each value that is refused. */
  | { readonly ok: false; readonly error: FairleadError; readonly blames: readonly Blame[] };

interface State extends BlockState {
  readonly view: View;
  readonly facts: Facts;
}

/** Parses and compiles a template, once. Never throws: what is wrong is in `findings`. */
export function compileTemplate(source: TemplateSource): Template {
  const env = Handlebars.create();
  env.unregisterHelper("log");
  const findings: Finding[] = [];
  const sites: (Site | InsertSite)[] = [];
  const programs = new Map<string, hbs.AST.Program>();
  const partialNames = new Set(source.partials.keys());
  const texts = [source.text, ...[...source.partials.values()].map(({ text }) => text)];
  const needsMarks = texts.some((text) => marksAll(source.format, text));
  const memo = createMemo();
  let literalReads: Selector = NOTHING;
  let namesGeneration = false;

  function load(file: string, text: string, name: string): HandlebarsTemplateDelegate | undefined {
    let program: hbs.AST.Program;
    namesGeneration ||= /\bgeneration\b/.test(text);
    try {
      program = env.parseWithoutProcessing(text);
    } catch (error) {
      findings.push(parseFinding(file, error, text));
      return undefined;
    }
    const rules = { file, helpers: HELPER_NAMES, partials: partialNames, allowRaw: source.allowRaw, sites };
    const prepared = prepare(program, rules);
    programs.set(name, program);
    findings.push(...prepared.findings);
    literalReads = joinSelectors(literalReads, prepared.literalReads);
    prepared.partials.forEach(loadPartial);
    const knownHelpers = Object.fromEntries([...HELPER_NAMES, INSERT, PATH, CONTEXT].map((name) => [name, true]));
    return env.compile(program, { noEscape: true, strict: false, knownHelpers, knownHelpersOnly: true, preventIndent: true });
  }

  const loaded = new Set<string>();
  function loadPartial(name: string): void {
    const partial = source.partials.get(name);
    if (loaded.has(name) || partial === undefined) {
      return;
    }
    loaded.add(name);
    const run = load(partial.file, partial.text, name);
    if (run === undefined) {
      return;
    }
    env.registerPartial(name, (context: unknown, options?: Handlebars.RuntimeOptions) => {
      const { budget, trail } = state();
      const { file } = place;
      place.file = partial.file;
      trail.enterPartial(context);
      try {
        return budget.include(name, { file: partial.file }, () => run(context, options));
      } finally {
        trail.leave();
        place.file = file;
      }
    });
  }

  const place = { file: source.file };
  let current: State | undefined;
  function state(): State {
    if (current === undefined) {
      throw new Error("a helper ran outside of a render");
    }
    return current;
  }
  registerHelpers(env, { place, reads: bindReads(state), state, sites, memo });
  const run = load(source.file, source.text, MAIN);
  const broken = syntaxError(findings);

  function attempt(view: View, facts: Facts, context: object = ROOT): Attempt {
    if (broken !== undefined || run === undefined) {
      throw broken ?? new Error("a template without findings did not compile");
    }
    memo.begin(facts);
    const insertions = createInsertions(source.format, { needsMarks });
    current = { view, facts, insertions, budget: createBudget(), trail: createTrail() };
    place.file = source.file;
    try {
      return insertions.finish(run(context));
    } catch (error) {
      throw runtimeError(source.file, error);
    } finally {
      current = undefined;
    }
  }

  function render(view: View, facts: Facts): string {
    const attempted = attempt(view, facts);
    if (!attempted.ok) {
      throw attempted.error;
    }
    return attempted.text;
  }

  function lintTemplate(): readonly Finding[] {
    const main = programs.get(MAIN);
    return main === undefined || broken !== undefined ? [] : lint(source.format, flatten(main, programs, sites));
  }

  return { file: source.file, text: source.text, findings, literalReads, namesGeneration, render, attempt, lint: lintTemplate };
}

interface Bound {
  /** The file that is being rendered right now: the template's, or a partial's. */
  readonly place: { file: string };
  readonly reads: ReadonlyMap<string, Call>;
  readonly state: () => State;
  readonly sites: readonly (Site | InsertSite)[];
  readonly memo: Memo;
}
type Call = (args: readonly unknown[], hash: Readonly<Record<string, unknown>>) => unknown;

function registerHelpers(env: typeof Handlebars, { place, reads, state, sites, memo }: Bound): void {
  const section = env.helpers["blockHelperMissing"] as (this: unknown, value: unknown, options: unknown) => string;
  const calls = new Map<string, Call>([...reads, ...HELPERS.map((helper): [string, Call] => [helper.name, helper.call])]);
  const locate = (options: CallOptions): Location => locationOf(place.file, options);

  for (const [name, call] of calls) {
    env.registerHelper(name, function (this: unknown, ...args: unknown[]) {
      const options = args.pop() as CallOptions;
      if (args.length === 0 && Object.keys(options.hash).length === 0 && isObject(this) && Object.hasOwn(this, name)) {
        state().trail.note(this);
        return this[name]; // the field of that name, not the helper
      }
      if (FOREIGN_READS.has(name)) {
        state().trail.noteForeign();
      }
      const value = located(locate, options, () => {
        const result = call(args, options.hash);
        state().budget.spend(costOf(name, args, result), locate(options));
        return result;
      });
      return options.fn === undefined ? value : section.call(this, value, options);
    });
  }
  for (const [name, block] of Object.entries(createBlocks(state, locate, memo))) {
    env.registerHelper(name, function (this: unknown, value: unknown, options: CallOptions) {
      return block(this, value, options);
    });
  }
  env.registerHelper("lookup", (value: unknown, name: unknown, options: CallOptions) =>
    lookUp(value, name, { location: locate(options) }),
  );
  env.registerHelper(CONTEXT, (context: unknown, options: CallOptions) => {
    const joined = joinContext(context, options.hash);
    state().trail.derive(joined, context);
    return joined;
  });
  env.registerHelper(PATH, (base: unknown, number: number) => {
    state().trail.note(base);
    return readPath(base, siteAt(sites, number));
  });
  env.registerHelper(INSERT, (base: unknown, number: number) => {
    const { budget, insertions, trail } = state();
    const site = siteAt(sites, number) as InsertSite; // made together with this call
    const value = site.kind === "call" ? base : readPath(base, site);
    budget.insert(value, site.place);
    return insertions.insert(value, site, () => originOf(trail, base, site));
  });
}

function originOf(trail: Trail, base: unknown, site: Site): Origin {
  switch (site.kind) {
    case "call":
      return trail.take();
    case "variable":
      return trail.innermost();
    case "path":
      return trail.originOf(base);
  }
}

function siteAt<T>(sites: readonly T[], number: number): T {
  const site = sites[number];
  if (site === undefined) {
    throw new Error(`there is no site ${number}`);
  }
  return site;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function locationOf(file: string, options: CallOptions): Location {
  const start = options.loc?.start;
  return start === undefined ? { file } : { file, line: start.line, column: start.column + 1 };
}

/** Gives an error of a helper the place where the helper was called. */
function located<T>(locate: (options: CallOptions) => Location, options: CallOptions, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FairleadError && error.location === undefined) {
      const { code, message, hint, cause } = error;
      throw new FairleadError(code, message, { location: locate(options), cause, ...(hint !== undefined && { hint }) });
    }
    throw error;
  }
}

function runtimeError(file: string, error: unknown): FairleadError {
  if (error instanceof FairleadError) {
    return error;
  }
  if (error instanceof RangeError) {
    const what = error.message.includes("stack") ? "the template goes too deep" : "the template makes a text that is too long";
    return new FairleadError("TEMPLATE_FAILED", what, { location: { file }, cause: error });
  }
  return new FairleadError("TEMPLATE_FAILED", messageOf(error), { location: { file }, cause: error });
}
