/** Small questions about the nodes of a template's syntax tree, and the nodes that are put into it. */
import type { Selector } from "../../model/selector.ts";
import { INSERT } from "./sites.ts";
import { canonicalKey } from "./view.ts";

/** What a read helper with a literal name selects; undefined: nothing, or it is known only while rendering. */
export function literalRead(helper: string, name: string | undefined): Selector | undefined {
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
export function simpleName(node: hbs.AST.Node): string | undefined {
  if (node.type !== "PathExpression") {
    return undefined;
  }
  const path = node as hbs.AST.PathExpression;
  return !path.data && path.depth === 0 && path.parts.length === 1 && path.original === path.parts[0] ? path.parts[0] : undefined;
}

export function nameOf(node: hbs.AST.Node): string {
  return node.type === "PathExpression" ? (node as hbs.AST.PathExpression).original : textOf(node);
}

export function textOf(node: hbs.AST.Node): string {
  if (node.type === "MustacheStatement") {
    return `{{{${nameOf((node as hbs.AST.MustacheStatement).path)}}}}`;
  }
  return "original" in node ? String(node.original) : node.type;
}

/** An expression as its author would name it in a message; literals of calls are left out, they may be long. */
export function sourceText(node: hbs.AST.Expression): string {
  return node.type === "SubExpression" ? nameOf((node as hbs.AST.SubExpression).path) : textOf(node);
}

export function pathTo(name: string, loc: hbs.AST.SourceLocation): hbs.AST.PathExpression {
  return { type: "PathExpression", data: false, depth: 0, parts: [name], original: name, loc };
}

export function subExpression(name: string, params: hbs.AST.Expression[], hash: hbs.AST.Hash): hbs.AST.SubExpression {
  const { loc } = hash;
  return { type: "SubExpression", path: pathTo(name, loc), params, hash, loc };
}

export function contextAt(depth: number, loc: hbs.AST.SourceLocation): hbs.AST.PathExpression {
  return { type: "PathExpression", data: false, depth, parts: [], original: depth === 0 ? "this" : "..", loc };
}

export function numberOf(value: number, loc: hbs.AST.SourceLocation): hbs.AST.NumberLiteral {
  return { type: "NumberLiteral", value, original: value, loc };
}

export function pairOf(key: string, value: string, loc: hbs.AST.SourceLocation): hbs.AST.HashPair {
  return { type: "HashPair", key, value: { type: "StringLiteral", value, original: value, loc } as hbs.AST.StringLiteral, loc };
}

export function isPath(node: hbs.AST.Node): node is hbs.AST.PathExpression {
  return node.type === "PathExpression";
}

/** Whether it is an insertion as it stands after the template was prepared. */
export function isInsertion(node: hbs.AST.Node): node is hbs.AST.MustacheStatement {
  return node.type === "MustacheStatement" && nameOf((node as hbs.AST.MustacheStatement).path) === INSERT;
}

export function siteNumberOf(insertion: hbs.AST.MustacheStatement): number | undefined {
  const number = insertion.params[1];
  return number?.type === "NumberLiteral" ? (number as hbs.AST.NumberLiteral).value : undefined;
}
