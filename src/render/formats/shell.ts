import type { Mark } from "./draft.ts";
import { type Escaped, type Format, refusal } from "./format.ts";
import type { Place } from "./shell-cursor.ts";
import { walkShell } from "./shell-words.ts";
import { inComment } from "./values.ts";

/** Characters that no shell, in no place, gives a meaning to. */
const SAFE = /^[A-Za-z0-9_@%+:,./-]+$/;

/**
 * A shell script. A bare value is quoted with '…' where it stands, so that it is one word or a part of one; inside the author's quotes it
 * is escaped. It is never a command, an expansion or an arithmetic expression.
 */
export const shell: Format = {
  name: "shell",
  isPlain: () => false, // an address is a command's name where a line begins
  place(draft) {
    walkShell(draft, (mark, place) => draft.put(mark, escape(mark, place)));
  },
};

function escape({ text }: Mark, place: Place): Escaped {
  const known = escapeByRole(text, place);
  if (known !== undefined) {
    return known;
  }
  if (place.quote !== "") {
    return shellQuoted(text, place);
  }
  return SAFE.test(text) && !place.isGlued ? text : `'${singleInner(text)}'`;
}

/** What is decided by the role alone; undefined: the quotes around decide. */
export function escapeByRole(text: string, { role, reason, isGlued }: Place): Escaped | undefined {
  switch (role) {
    case "nowhere":
      return refusal(reason);
    case "comment":
      return inComment(text);
    case "name":
      return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) || (isGlued && /^\w*$/.test(text))
        ? text
        : refusal("it is no name of a variable");
    case "assigned":
    case "word":
      return undefined;
  }
}

/** Inside of the author's quotes. */
export function shellQuoted(text: string, { quote, isGlued }: Place): Escaped {
  if (quote === "'") {
    return singleInner(text);
  }
  if (isGlued && /^\w|^$/.test(text)) {
    return refusal("it would make a variable's name longer: write ${name}");
  }
  return text.replace(/[\\"$`]/g, "\\$&");
}

function singleInner(text: string): string {
  return text.replaceAll("'", "'\\''");
}
