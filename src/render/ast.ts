/** Looks at a template's syntax tree before it is compiled: refuses what we do not allow and routes every insertion through one helper. */
import { nearest } from "../core/nearest.ts";
import { FairleadError, type Location } from "../model/errors.ts";
import { joinAll, type Selector } from "../model/selector.ts";
import { dependsOnItemOnly, MEMO } from "./memo.ts";
import { canonicalKey } from "./view.ts";

/** The helper that every `{{x}}` becomes: `{{insert x "x"}}`; `{{{x}}}` becomes `{{insert x "x" raw=true}}`. */
export const INSERT = "fairlead:insert";

/** Read helpers that work without arguments and without parentheses: `{{#each services}}`. */
const BARE_READS: ReadonlySet<string> = new Set(["services", "node", "generation"]);

export interface Finding {
  readonly code: "TEMPLATE_SYNTAX" | "TEMPLATE_UNSAFE";
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly location: Location;
  readonly hint?: string;
}

export interface Rules {
  readonly file: string;
  readonly helpers: ReadonlySet<string>;
  readonly partials: ReadonlySet<string>;
  readonly allowRaw: boolean;
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

  function find(node: hbs.AST.Node, message: string, more: Partial<Pick<Finding, "code" | "severity" | "hint">> = {}): void {
    const { line, column } = node.loc.start;
    const location = { file: rules.file, line, column: column + 1 };
    findings.push({ code: "TEMPLATE_SYNTAX", severity: "error", message, location, ...more });
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
    const expression = visitCall(node);
    if (isRaw && !rules.allowRaw) {
      find(node, `raw output ${textOf(node)}: nothing is escaped here`, {
        code: "TEMPLATE_UNSAFE",
        severity: "warning",
        hint: "write {{…}}, or set `raw: true` on the file if the value can be trusted",
      });
    }
    const source: hbs.AST.StringLiteral = { type: "StringLiteral", value: sourceText(expression), original: "", loc: node.loc };
    const pairs = isRaw ? [rawPair(node.loc)] : [];
    return {
      ...node,
      path: pathTo(INSERT, node.loc),
      params: [expression, source],
      hash: { type: "Hash", pairs, loc: node.loc },
    } as hbs.AST.MustacheStatement;
  }

  /** A mustache's own expression, as something that can be an argument. */
  function visitCall(node: hbs.AST.MustacheStatement): hbs.AST.Expression {
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
    return visitExpression(node.path);
  }

  function visitBlock(node: hbs.AST.BlockStatement): void {
    const name = nameOf(node.path);
    if (!rules.helpers.has(name)) {
      unknownHelper(node, name);
    }
    visitArguments(node);
    noteRead(name, node.params);
    visitProgram(node.program);
    visitProgram(node.inverse);
    if (name === "each" && dependsOnItemOnly(node, scopes.flat())) {
      const pairs = [...(node.hash?.pairs ?? []), memoPair(rules.file, node.loc)];
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
    visitArguments(node);
  }

  function visitArguments(node: { params: hbs.AST.Expression[]; hash: hbs.AST.Hash | undefined }): void {
    node.params = node.params.map(visitExpression);
    for (const pair of node.hash?.pairs ?? []) {
      pair.value = visitExpression(pair.value);
    }
  }

  function visitExpression(node: hbs.AST.Expression): hbs.AST.Expression {
    if (node.type === "SubExpression") {
      visitSubExpression(node as hbs.AST.SubExpression);
      return node;
    }
    const name = simpleName(node);
    if (name !== undefined && BARE_READS.has(name) && !isBlockParam(name)) {
      noteRead(name, []);
      const hash: hbs.AST.Hash = { type: "Hash", pairs: [], loc: node.loc };
      const call: hbs.AST.SubExpression = {
        type: "SubExpression",
        path: node as hbs.AST.PathExpression,
        params: [],
        hash,
        loc: node.loc,
      };
      return call;
    }
    return node;
  }

  function visitSubExpression(node: hbs.AST.SubExpression): void {
    const name = nameOf(node.path);
    if (!rules.helpers.has(name)) {
      unknownHelper(node, name);
    }
    visitArguments(node);
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

function literalRead(helper: string, name: string | undefined): Selector | undefined {
  if (helper === "services") {
    return { services: "all", keys: [] };
  }
  if (name === undefined) {
    return undefined;
  }
  if (helper === "service") {
    return { services: [name], keys: [] };
  }
  return ["key", "keyExists", "keys", "ls", "tree"].includes(helper) ? { services: [], keys: [canonicalKey(name)] } : undefined;
}

/** `name` of `{{name}}`, not of `{{this.name}}`, `{{a.name}}`, `{{../name}}`, `{{@name}}`. */
function simpleName(node: hbs.AST.Node): string | undefined {
  if (node.type !== "PathExpression") {
    return undefined;
  }
  const path = node as hbs.AST.PathExpression;
  return !path.data && path.depth === 0 && path.parts.length === 1 && path.original === path.parts[0] ? path.parts[0] : undefined;
}

function nameOf(node: hbs.AST.Node): string {
  return node.type === "PathExpression" ? (node as hbs.AST.PathExpression).original : textOf(node);
}

function textOf(node: hbs.AST.Node): string {
  if (node.type === "MustacheStatement") {
    return `{{{${nameOf((node as hbs.AST.MustacheStatement).path)}}}}`;
  }
  return "original" in node ? String(node.original) : node.type;
}

/** An expression as its author would name it in a message; literals of calls are left out, they may be long. */
function sourceText(node: hbs.AST.Expression): string {
  return node.type === "SubExpression" ? nameOf((node as hbs.AST.SubExpression).path) : textOf(node);
}

function pathTo(name: string, loc: hbs.AST.SourceLocation): hbs.AST.PathExpression {
  return { type: "PathExpression", data: false, depth: 0, parts: [name], original: name, loc };
}

function rawPair(loc: hbs.AST.SourceLocation): hbs.AST.HashPair {
  const value = { type: "BooleanLiteral", value: true, original: true, loc } as hbs.AST.BooleanLiteral;
  return { type: "HashPair", key: "raw", value, loc };
}

/** Names the block, so that what it made of an item can be found again. */
function memoPair(file: string, loc: hbs.AST.SourceLocation): hbs.AST.HashPair {
  const name = `${file}:${loc.start.line}:${loc.start.column}`;
  const value = { type: "StringLiteral", value: name, original: name, loc } as hbs.AST.StringLiteral;
  return { type: "HashPair", key: MEMO, value, loc };
}

/** The error of a template that cannot be used: the first finding, with the count of the others. */
export function syntaxError(findings: readonly Finding[]): FairleadError | undefined {
  const errors = findings.filter((finding) => finding.severity === "error");
  const [first] = errors;
  if (first === undefined) {
    return undefined;
  }
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new FairleadError("TEMPLATE_SYNTAX", first.message + more, {
    location: first.location,
    ...(first.hint !== undefined && { hint: first.hint }),
  });
}
