/** A YAML text whose values can be traced back to the place where a person wrote them. */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import type { Path, Problem } from "./problems.ts";

type Place = Problem["location"];

export interface Placed {
  readonly document: Document;
  at(offset: number): Place;
  /** Of the value at the path, or of its key; where there is none, of the closest part above. */
  locate(path: Path, atKey?: boolean): Place;
}

export type Parsed =
  | { readonly ok: true; readonly placed: Placed }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function parsePlaced(text: string, file: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  function at(offset: number): Place {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  }
  const problems = document.errors.map((error) => ({ message: error.message, location: at(error.pos[0]) }));
  if (problems.length > 0) {
    return { ok: false, problems };
  }
  return { ok: true, placed: { document, at, locate: (path, atKey = false) => at(offsetOf(document, path, atKey)) } };
}

function offsetOf(document: Document, path: Path, atKey: boolean): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (atKey && length === path.length && isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      const start = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
      if (start !== undefined) {
        return start;
      }
    }
    const node = document.getIn(path.slice(0, length), true);
    const start = isNode(node) ? node.range?.[0] : undefined;
    if (start !== undefined) {
      return start;
    }
  }
  return 0;
}

/** In the order of their places. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  return [...problems].sort(
    (a, b) => (a.location.line ?? 0) - (b.location.line ?? 0) || (a.location.column ?? 0) - (b.location.column ?? 0),
  );
}
