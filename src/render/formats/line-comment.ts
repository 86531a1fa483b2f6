import type { Draft } from "./draft.ts";
import { inComment } from "./values.ts";

/** Places what stands in a comment that ends with its line. @returns where the line ends */
export function placeLineComment(draft: Draft, start: number): number {
  const lineEnd = draft.text.indexOf("\n", start);
  const end = lineEnd === -1 ? draft.text.length : lineEnd;
  for (let mark = draft.nextMark(start, end); mark !== undefined; mark = draft.nextMark(mark.end, end)) {
    draft.put(mark, inComment(mark.text));
  }
  return end;
}
