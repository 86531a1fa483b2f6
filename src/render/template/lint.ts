/** Doubts about where a template puts values, found without any: the text between them is given to the format's own scanner. */

import { GENERATION_MARK } from "../../ports.ts";
import { type FormatName, type Inserted, markText, resolve } from "../formats/index.ts";
import type { Finding } from "./finding.ts";
import { isInsertion, isPath, siteNumberOf } from "./nodes.ts";
import type { InsertSite, Site } from "./sites.ts";

/** No comment lets it through, and most other places do. */
const PROBE = "a b";
/** Partials inside partials; deeper ones add nothing new. */
const MAX_DEPTH = 10;

/** Directives that load or run what they name. */
const LOADING = /(?:^|[;{}])\s*(include|load_module|ssl_engine|js_\w+|lua_\w+|\w+_by_lua\w*|perl\w*)\s([^;{}]*)/g;

export interface Flat {
  readonly text: string;
  readonly values: readonly Inserted[];
  readonly sites: readonly InsertSite[];
}

/** The template's text in the order in which it is written, every branch once, with marks for values. */
export function flatten(
  program: hbs.AST.Program,
  partials: ReadonlyMap<string, hbs.AST.Program>,
  sites: readonly (Site | InsertSite)[],
): Flat {
  const values: Inserted[] = [];
  const found: InsertSite[] = [];

  function textOf(part: hbs.AST.Program | undefined, depth: number): string {
    return (part?.body ?? []).map((node) => textOfNode(node, depth)).join("");
  }

  function textOfNode(node: hbs.AST.Statement, depth: number): string {
    switch (node.type) {
      case "ContentStatement":
        return (node as hbs.AST.ContentStatement).value;
      case "BlockStatement": {
        const block = node as hbs.AST.BlockStatement;
        return textOf(block.program, depth) + textOf(block.inverse, depth);
      }
      case "PartialStatement": {
        const { name } = node as hbs.AST.PartialStatement;
        return depth < MAX_DEPTH && isPath(name) ? textOf(partials.get(name.original), depth + 1) : "";
      }
      case "MustacheStatement":
        return textOfInsertion(node);
      default:
        return "";
    }
  }

  function textOfInsertion(node: hbs.AST.Statement): string {
    const number = isInsertion(node) ? siteNumberOf(node) : undefined;
    const site = number === undefined ? undefined : (sites[number] as InsertSite | undefined); // made together with this node
    if (site === undefined || site.isRaw) {
      return "";
    }
    values.push(site.source === "generation" ? { value: GENERATION_MARK, isGeneration: true } : { value: PROBE });
    found.push(site);
    return markText(values.length - 1);
  }

  const text = textOf(program, 0);
  return { text, values, sites: found };
}

export function lint(format: FormatName, flat: Flat): readonly Finding[] {
  return [...valuesInComments(format, flat), ...(format === "nginx" ? valuesThatLoad(flat) : [])];
}

function valuesInComments(format: FormatName, { text, values, sites }: Flat): readonly Finding[] {
  const resolved = resolve(format, text, values);
  const problems = resolved.ok ? [] : resolved.problems.filter(({ reason }) => reason.includes("in a comment"));
  return problems.flatMap(({ index }) =>
    warning(sites[index], (source) => `the value of "${source}" stands in a comment`, {
      hint: "only a plain word is let through there; any other value holds the file back: take it out, or use a Handlebars comment {{!-- … --}}",
    }),
  );
}

function valuesThatLoad({ text, sites }: Flat): readonly Finding[] {
  const bare = text.replace(/(^|\s)#[^\n]*/g, "$1");
  return [...bare.matchAll(LOADING)].flatMap(([, directive = "", words = ""]) =>
    [...words.matchAll(/\ue000(\d+)\ue001/g)].flatMap(([, index]) =>
      warning(sites[Number(index)], (source) => `the value of "${source}" chooses what "${directive}" loads or runs`, {
        hint: "write the name itself: who can register a service or write a key should not decide about it",
      }),
    ),
  );
}

function warning(
  site: InsertSite | undefined,
  message: (source: string) => string,
  more: { readonly hint: string },
): readonly Finding[] {
  return site === undefined
    ? []
    : [{ code: "TEMPLATE_UNSAFE", severity: "warning", message: message(site.source), location: site.place, ...more }];
}
