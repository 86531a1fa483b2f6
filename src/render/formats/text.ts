import type { Format } from "./format.ts";
import { refusal } from "./format.ts";
import { hasControl } from "./values.ts";

/** Anything without a syntax that we know: no escape exists, so a value with a line break or a control character is refused. */
export const text: Format = {
  name: "text",
  isPlain: (value) => !hasControl(value.replaceAll("\t", "")) && !/[\p{Surrogate}\ue000\ue001\uf8ff]/u.test(value),
  place(draft) {
    const end = draft.text.length;
    for (let mark = draft.nextMark(0, end); mark !== undefined; mark = draft.nextMark(mark.end, end)) {
      // The line breaks of a structure are the helper's own: those of the data are escaped in it.
      const refused = mark.inserted.structure === undefined && hasControl(mark.text.replaceAll("\t", ""));
      draft.put(mark, refused ? refusal("it holds a line break or a control character, and the format is text") : mark.text);
    }
  },
};
