import type { Mark } from "./draft.ts";
import { type Escaped, type Format, refusal } from "./format.ts";
import { escapeByRole, shellQuoted } from "./shell.ts";
import type { Place } from "./shell-cursor.ts";
import { walkShell } from "./shell-words.ts";
import { controlRefusal, hasControl } from "./values.ts";

/** What shells, systemd, compose and dotenv readers take literally in the value of a variable, as docker does with everything. */
const SAFE = /^[\p{L}\p{N}_@%+=:,./-]*$/u;

/** Less than docker reads, for the name and what else stands on the line, in three bytes a character. */
const MAX_LINE_CHARS = 20_000;

/**
 * A file of `NAME=value` lines, which shells and systemd read with quotes and `docker --env-file` without any. A bare value holds only
 * what all of them read alike; with the author's quotes around it is escaped as `sh` reads it. A line break is refused everywhere, since
 * it would be a second variable to a reader that goes by lines.
 */
export const env: Format = {
  name: "env",
  isPlain: () => false, // an address is a command's name where a line begins
  place(draft) {
    walkShell(draft, (mark, place) => draft.put(mark, escape(mark, place)));
  },
};

function escape({ text }: Mark, place: Place): Escaped {
  if (place.role === "word") {
    return refusal("it is no part of a NAME=value line");
  }
  const known = escapeByRole(text, place);
  if (known !== undefined) {
    return known;
  }
  if (hasControl(text.replaceAll("\t", ""))) {
    return refusal(controlRefusal(text, "in an env file"));
  }
  if (place.quote !== "") {
    return shellQuoted(text, place);
  }
  if (place.isGlued) {
    return refusal("it is glued to a variable's name or a ~ without quotes");
  }
  if (text.length > MAX_LINE_CHARS) {
    return refusal("it makes a line longer than docker --env-file can read (64 KiB)");
  }
  return SAFE.test(text)
    ? text
    : refusal('it needs quotes around it: "{{…}}" for shells and systemd (docker --env-file reads no quotes: use format text)');
}
