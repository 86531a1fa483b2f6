/** Looks at a template's syntax tree before it is compiled: refuses what we do not allow and routes every insertion through one helper. */
import { nearest } from "../../core/nearest.ts";
import type { Location } from "../../model/errors.ts";
import { joinAll, type Selector } from "../../model/selector.ts";
import type { Finding } from "./finding.ts";
import { dependsOnItemOnly, MEMO } from "./memo.ts";
import {
  contextAt,
  isPath,
  literalRead,
  nameOf,
  numberOf,
  pairOf,
  pathTo,
  simpleName,
  sourceText,
  subExpression,
  textOf,
} from "./nodes.ts";
import { adviceFor, asks, CONTEXT, INSERT, type InsertSite, PATH, pathText, type Site } from "./sites.ts";

/** Read helpers that work without arguments and without parentheses: `{{#each services}}`. */
const BARE_READS: ReadonlySet<string> = new Set(["services", "node", "generation"]);
/** `@…` as `#each` sets them, and the outermost context. */
const VARIABLES: readonly string[] = ["index", "key", "first", "last", "root"];
/** How many arguments a block takes. */
const BLOCK_ARGUMENTS: Readonly<Record<string, number>> = { if: 1, unless: 1, each: 1, with: 1, lookup: 2 };

/** What an expression is for. */
type Use = { readonly helper: string; readonly hasElse?: boolean } | "insert" | "partial";

export interface Rules {
  readonly file: string;
  readonly helpers: ReadonlySet<string>;
  readonly partials: ReadonlySet<string>;
  readonly allowRaw: boolean;
  /** Grows: the places of all files of one template. */
  readonly sites: (Site | InsertSite)[];
}

export interface Prepared {
  readonly findings: readonly Finding[];
  /** What the template reads by literal names; dynamic reads are found while rendering. */
  readonly literalReads: Selector;
  readonly partials: readonly string[];
}

/** Changes `program` in place. */
export function prepare(program: hbs.AST.Program, rules: Rules): Prepared {
  const findings: Finding[] = [];
  const partials = new Set<string>();
  const literalReads: Selector[] = [];
  const scopes: string[][] = [];

  function locate(node: hbs.AST.Node): Location {
    const { line, column } = node.loc.start;
    return { file: rules.file, line, column: column + 1 };
  }

  function find(node: hbs.AST.Node, message: string, more: Partial<Pick<Finding, "code" | "severity" | "hint">> = {}): void {
    findings.push({ code: "TEMPLATE_SYNTAX", severity: "error", message, location: locate(node), ...more });
  }

  function unknownHelper(node: hbs.AST.Node, name: string): void {
    const near = nearest(name, [...rules.helpers]);
    find(node, `unknown helper "${name}"`, near === undefined ? {} : { hint: `did you mean "${near}"?` });
  }

  function visitProgram(node: hbs.AST.Program | undefined): void {
    if (node === undefined) {
      return;
    }
    scopes.push(node.blockParams ?? []);
    node.body = node.body.map(visitStatement);
    scopes.pop();
  }

  function visitStatement(node: hbs.AST.Statement): hbs.AST.Statement {
    switch (node.type) {
      case "MustacheStatement":
        return visitMustache(node as hbs.AST.MustacheStatement);
      case "BlockStatement":
        visitBlock(node as hbs.AST.BlockStatement);
        return node;
      case "PartialStatement":
      case "PartialBlockStatement":
        visitPartial(node as hbs.AST.PartialStatement);
        return node;
      case "Decorator":
      case "DecoratorBlock":
        find(node, "decorators are not allowed");
        return node;
      default:
        return node;
    }
  }

  function visitMustache(node: hbs.AST.MustacheStatement): hbs.AST.Statement {
    const isRaw = !node.escaped;
    const call = visitCall(node);
    const expression = call ?? node.path;
    if (isRaw && !rules.allowRaw) {
      find(node, `raw output ${textOf(node)}: nothing is escaped here`, {
        code: "TEMPLATE_UNSAFE",
        severity: "warning",
        hint: "write {{…}}, or set `raw: true` on the file if the value can be trusted",
      });
    }
    const path = call === undefined && isPath(node.path) ? node.path : undefined;
    const site: InsertSite = {
      ...siteOf(path ?? expression, "insert"),
      place: locate(node),
      isRaw,
    };
    rules.sites.push(site);
    return {
      ...node,
      path: pathTo(INSERT, node.loc),
      params: [path === undefined ? expression : baseOf(path), numberOf(rules.sites.length - 1, node.loc)],
      hash: { type: "Hash", pairs: [], loc: node.loc },
    } as hbs.AST.MustacheStatement;
  }

  /** A mustache's own expression as something that can be an argument; undefined: a path or a literal. */
  function visitCall(node: hbs.AST.MustacheStatement): hbs.AST.Expression | undefined {
    const hasArguments = node.params.length > 0 || (node.hash?.pairs.length ?? 0) > 0;
    const name = simpleName(node.path);
    if (name !== undefined && !isBlockParam(name) && rules.helpers.has(name)) {
      const call = { ...node, type: "SubExpression", path: node.path } as hbs.AST.SubExpression;
      visitSubExpression(call);
      return call;
    }
    if (hasArguments) {
      unknownHelper(node, nameOf(node.path));
    }
    return undefined;
  }

  function visitBlock(node: hbs.AST.BlockStatement): void {
    const name = nameOf(node.path);
    if (!rules.helpers.has(name)) {
      unknownHelper(node, name);
    }
    countArguments(node, name);
    // Before anything in it is changed: the question is asked of what the author wrote.
    const isRemembered = name === "each" && dependsOnItemOnly(node, scopes.flat());
    visitArguments(node, { helper: name, hasElse: node.inverse !== undefined });
    noteRead(name, node.params);
    visitProgram(node.program);
    visitProgram(node.inverse);
    if (isRemembered) {
      const pairs = [
        ...(node.hash?.pairs ?? []),
        pairOf(MEMO, `${rules.file}:${node.loc.start.line}:${node.loc.start.column}`, node.loc),
      ];
      node.hash = { type: "Hash", pairs, loc: node.loc };
    }
  }

  function visitPartial(node: hbs.AST.PartialStatement): void {
    if ((node.type as string) === "PartialBlockStatement") {
      find(node, "partial blocks are not allowed; use {{> name}}");
    } else if (node.name.type === "SubExpression") {
      find(node, "a partial's name is never data; write the name itself");
    } else {
      const name = node.name.original;
      if (rules.partials.has(name)) {
        partials.add(name);
      } else {
        const near = nearest(name, [...rules.partials]);
        const hint = near === undefined ? "partials are the *.hbs files in `render.partials`" : `did you mean "${near}"?`;
        find(node, `unknown partial "${name}"`, { hint });
      }
    }
    if (node.params.length > 1) {
      find(node, `a partial takes one context, not ${node.params.length}`, { hint: "give more with names: {{> name a=x b=y}}" });
    }
    visitArguments(node, "partial");
    const { hash } = node;
    if (hash !== undefined && hash.pairs.length > 0) {
      // Joined by a helper of our own, which keeps in mind what the context was.
      const [context = contextAt(0, node.loc)] = node.params;
      node.params = [subExpression(CONTEXT, [context], hash)];
      Object.assign(node, { hash: undefined });
    }
  }

  function countArguments(node: hbs.AST.BlockStatement | hbs.AST.SubExpression, name: string): void {
    const wanted = Object.hasOwn(BLOCK_ARGUMENTS, name) ? BLOCK_ARGUMENTS[name] : undefined;
    if (wanted !== undefined && node.params.length !== wanted) {
      find(node, `"${name}" takes ${wanted === 1 ? "one argument" : `${wanted} arguments`}, not ${node.params.length}`, {
        hint: "put parentheses around the call of a helper: {{#if (eq a b)}}",
      });
    }
  }

  function visitArguments(node: { params: hbs.AST.Expression[]; hash?: hbs.AST.Hash | undefined }, use: Use): void {
    node.params = node.params.map((param) => visitExpression(param, use));
    for (const pair of node.hash?.pairs ?? []) {
      pair.value = visitExpression(pair.value, use);
    }
  }

  function visitExpression(node: hbs.AST.Expression, use: Use): hbs.AST.Expression {
    if (node.type === "SubExpression") {
      visitSubExpression(node as hbs.AST.SubExpression);
      return node;
    }
    const name = simpleName(node);
    if (name !== undefined && BARE_READS.has(name) && !isBlockParam(name)) {
      noteRead(name, []);
      return subExpression(name, [], { type: "Hash", pairs: [], loc: node.loc });
    }
    if (!isPath(node)) {
      return node;
    }
    rules.sites.push(siteOf(node, use));
    const params = [baseOf(node), numberOf(rules.sites.length - 1, node.loc)];
    return subExpression(PATH, params, { type: "Hash", pairs: [], loc: node.loc });
  }

  function siteOf(node: hbs.AST.Expression, use: Use): Site {
    const location = locate(node);
    if (!isPath(node)) {
      const source = sourceText(node);
      return { source, location, parts: [], kind: "call", isOptional: false, advice: adviceFor(`(${source} …)`, use) };
    }
    const source = pathText(node);
    const isOptional = typeof use === "object" && (use.hasElse === true || asks(use.helper));
    const kind = node.data ? "variable" : "path";
    if (node.data) {
      knowVariable(node, source);
    }
    return { source, location, parts: belowBase(node), kind, isOptional, advice: adviceFor(source, use) };
  }

  function knowVariable(node: hbs.AST.PathExpression, source: string): void {
    const [name = ""] = node.parts;
    if (!VARIABLES.includes(name)) {
      const near = nearest(name, VARIABLES);
      const hint = near === undefined ? `known are ${VARIABLES.map((one) => `@${one}`).join(", ")}` : `did you mean "@${near}"?`;
      find(node, `unknown variable "${source}"`, { hint });
    }
  }

  /** What a path begins at: a context, a variable or a block parameter, which Handlebars finds. */
  function baseOf(node: hbs.AST.PathExpression): hbs.AST.Expression {
    const [first = ""] = node.parts;
    return belowBase(node).length === node.parts.length
      ? contextAt(node.depth, node.loc)
      : ({ ...node, parts: [first], original: node.data ? `@${first}` : first } as hbs.AST.PathExpression);
  }

  function belowBase(node: hbs.AST.PathExpression): readonly string[] {
    const [first = ""] = node.parts;
    const isParameter = node.depth === 0 && !/^\.|this\b/.test(node.original) && isBlockParam(first);
    return node.parts.slice(node.data || isParameter ? 1 : 0);
  }

  function visitSubExpression(node: hbs.AST.SubExpression): void {
    const name = nameOf(node.path);
    if (!rules.helpers.has(name)) {
      unknownHelper(node, name);
    }
    countArguments(node, name);
    visitArguments(node, { helper: name });
    noteRead(name, node.params);
  }

  function noteRead(name: string, params: readonly hbs.AST.Expression[]): void {
    const [first] = params;
    const literal = first?.type === "StringLiteral" ? (first as hbs.AST.StringLiteral).value : undefined;
    const read = literalRead(name, literal);
    if (read !== undefined) {
      literalReads.push(read);
    }
  }

  function isBlockParam(name: string): boolean {
    return scopes.some((scope) => scope.includes(name));
  }

  visitProgram(program);
  return { findings, literalReads: joinAll(literalReads), partials: [...partials].sort() };
}
