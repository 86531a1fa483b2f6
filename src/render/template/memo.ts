/**
 * Remembers what a block made of an item, for as long as the item is the same object: a change costs what changed, not what there is. A body
 * that hangs on nothing but its item gives the same text in every render, also in one with masked keys or without some instances: the
 * registry shows it nothing else.
 */
import type { Location } from "../../model/errors.ts";
import type { Budget, Used } from "./budget.ts";
import { hasKnownFields, InstanceView } from "./fields.ts";
import type { Captured, Insertions } from "./insertions.ts";
import { type Facts, READ_HELPERS } from "./reads.ts";
import type { Origin } from "./trail.ts";

/** The hash argument that `prepare` gives to an `#each` whose body depends on nothing but the item. */
export const MEMO = "fairlead:memo";
/** Shorter lists are rendered faster than they are remembered; services hold lists themselves. */
const MIN_ITEMS = 32;

/** One render. */
interface Turn {
  readonly budget: Budget;
  readonly insertions: Insertions;
  readonly location: Location;
}

/** Writes an item, or what was remembered of it. */
type Again = (item: unknown, write: () => string, turn: Turn) => string;

export interface Memo {
  /** Forgets everything when the render's facts are others than before. */
  begin(facts: Facts): void;
  /** Undefined: nothing of this loop is remembered. `origin` is the list's: what is made of an item is blamed on it where no instance is. */
  open(block: unknown, list: unknown, origin: Origin): Again | undefined;
}

interface Remembered {
  readonly piece: Captured["piece"];
  readonly used: Used;
}

/** Of one template. */
export function createMemo(): Memo {
  let blocks = new Map<string, WeakMap<object, Remembered>>();
  let lastFacts: Facts | undefined;

  function begin(facts: Facts): void {
    if (facts !== lastFacts) {
      blocks = new Map();
      lastFacts = facts;
    }
  }

  function piecesOf(block: string): WeakMap<object, Remembered> {
    const pieces = blocks.get(block) ?? new WeakMap<object, Remembered>();
    blocks.set(block, pieces);
    return pieces;
  }

  function open(block: unknown, list: unknown, { instance, isForeign }: Origin): Again | undefined {
    if (typeof block !== "string" || instance !== undefined || !Array.isArray(list) || !isWorthIt(list)) {
      return undefined;
    }
    const pieces = piecesOf(`${block} ${isForeign}`);
    return (item, write, turn) => (isView(item) ? take(pieces, item, write, turn) : write());
  }

  return { begin, open };
}

function take(
  pieces: WeakMap<object, Remembered>,
  item: object,
  write: () => string,
  { budget, insertions, location }: Turn,
): string {
  let known = pieces.get(item);
  if (known === undefined) {
    const before = budget.used;
    const { piece, isWhole } = insertions.capture(write);
    const after = budget.used;
    known = { piece, used: { steps: after.steps - before.steps, inserted: after.inserted - before.inserted } };
    if (isWhole) {
      pieces.set(item, known);
    }
  } else {
    budget.use(known.used, location);
  }
  const text = insertions.include(known.piece);
  // What stands as a short mark until the end is counted here, as a value is.
  budget.use({ steps: 0, inserted: Math.max(0, known.piece.frame.text.length - text.length) }, location);
  return text;
}

function isWorthIt(list: readonly unknown[]): boolean {
  return list.length >= MIN_ITEMS || list.some((item) => isView(item) && "instances" in item);
}

/** Services and instances of a view: frozen, and the same objects while nothing in them changes. */
function isView(item: unknown): item is object {
  return (
    item instanceof InstanceView || (typeof item === "object" && item !== null && "instances" in item && hasKnownFields(item))
  );
}

/** Helpers whose answer hangs on more than their arguments: on the registry. `node`, `env` and `generation` are the same for all renders. */
const READS: ReadonlySet<string> = new Set(READ_HELPERS.map(({ name }) => name).filter((name) => !isConstant(name)));

function isConstant(name: string): boolean {
  return name === "node" || name === "env" || name === "generation";
}

const LOOP_DATA: ReadonlySet<string> = new Set(["index", "key", "first", "last"]);

/** Where in a body something stands. */
interface Spot {
  /** Block parameters of the body and inside it. */
  readonly params: readonly string[];
  /** `#each` inside the body around this spot: `@index` is theirs. */
  readonly loops: number;
  /** So many `../` surely stay inside the item: loops over a field of their context, which is never the context again. */
  readonly hops: number;
}

/**
 * Whether what an `#each` makes of an item depends on nothing but the item, as far as can be seen from the syntax tree as it was parsed: no
 * registry reads, nothing of the loop itself, nothing from around it, no partials. `outer` are the block parameters around it.
 */
export function dependsOnItemOnly(block: hbs.AST.BlockStatement, outer: readonly string[]): boolean {
  const params = block.program.blockParams ?? [];

  function inProgram(program: hbs.AST.Program | undefined, spot: Spot): boolean {
    const inner = { ...spot, params: [...spot.params, ...(program?.blockParams ?? [])] };
    return program === undefined || program.body.every((node) => inStatement(node, inner));
  }

  function inStatement(node: hbs.AST.Statement, spot: Spot): boolean {
    switch (node.type) {
      case "ContentStatement":
      case "CommentStatement":
        return true;
      case "MustacheStatement":
        return inCall(node as hbs.AST.MustacheStatement, spot);
      case "BlockStatement":
        return inBlock(node as hbs.AST.BlockStatement, spot);
      default:
        return false;
    }
  }

  function inBlock(node: hbs.AST.BlockStatement, spot: Spot): boolean {
    const isLoop = pathOf(node.path)?.original === "each";
    const inside = {
      ...spot,
      loops: spot.loops + Number(isLoop),
      hops: spot.hops + Number(isLoop && isField(node.params[0], spot)),
    };
    return inCall(node, spot) && inProgram(node.program, inside) && inProgram(node.inverse, spot);
  }

  function inCall(
    node: { readonly path: hbs.AST.Node; readonly params: hbs.AST.Expression[]; readonly hash?: hbs.AST.Hash },
    spot: Spot,
  ): boolean {
    const name = pathOf(node.path)?.original;
    const pairs = node.hash?.pairs ?? [];
    // Without arguments, `{{service}}` is the field of that name or an error.
    const isRead = READS.has(name ?? "") && (name === "services" || node.params.length > 0 || pairs.length > 0);
    return (
      name !== undefined &&
      !isRead &&
      inExpression(node.path, spot) &&
      [...node.params, ...pairs.map(({ value }) => value)].every((value) => inExpression(value, spot))
    );
  }

  function inExpression(node: hbs.AST.Node, spot: Spot): boolean {
    if (node.type === "SubExpression") {
      return inCall(node as hbs.AST.SubExpression, spot);
    }
    const path = pathOf(node);
    if (path === undefined) {
      return true;
    }
    if (path.data) {
      return path.depth === 0 && spot.loops > 0 && LOOP_DATA.has(String(path.parts[0]));
    }
    const first = path.parts[0] ?? "";
    if (path.original === "services" && !spot.params.includes(first)) {
      return false; // the one read that is also written without parentheses
    }
    return path.depth <= spot.hops && (spot.params.includes(first) || !outer.includes(first));
  }

  return params.length <= 1 && inProgram(block.program, { params: [], loops: 0, hops: 0 });
}

function pathOf(node: hbs.AST.Node | undefined): hbs.AST.PathExpression | undefined {
  return node?.type === "PathExpression" ? (node as hbs.AST.PathExpression) : undefined;
}

/** `instances`, `meta.x`: something inside the context. A block parameter may name the context itself. */
function isField(node: hbs.AST.Node | undefined, { params }: Spot): boolean {
  const path = pathOf(node);
  return path !== undefined && !path.data && path.depth === 0 && path.parts.length > 0 && !params.includes(String(path.parts[0]));
}
