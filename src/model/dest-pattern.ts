/** The destinations of a file with `forEach`: one file for each service, from one pattern. */
import { FairleadError } from "./errors.ts";

const NAME = "{{name}}";
/** File systems take 255 bytes; what is staged beside a file needs some of them. */
const MAX_NAME_BYTES = 200;

/** What is wrong with the destination of a file with `forEach`, or with a plain one that looks like it. */
export function patternProblem(dest: string, isFanOut: boolean): { readonly message: string; readonly hint: string } | undefined {
  const last = dest.slice(dest.lastIndexOf("/") + 1);
  if (!isFanOut) {
    return dest.includes(NAME)
      ? { message: `"${dest}" is a pattern, but the file has no \`forEach\``, hint: "add `forEach: services`, or name one file" }
      : undefined;
  }
  if (dest.replaceAll(NAME, "").includes("{{")) {
    return {
      message: `"${dest}" holds something else than {{name}} in braces`,
      hint: "only {{name}} can stand in a destination",
    };
  }
  if (!last.includes(NAME)) {
    return {
      message: `"${dest}" would be the same file for every service`,
      hint: "put {{name}} into the file's name: out/{{name}}.conf",
    };
  }
  return dest.slice(0, -last.length).includes(NAME)
    ? { message: `"${dest}" has {{name}} in a folder's name`, hint: "put {{name}} into the file's own name" }
    : undefined;
}

/**
 * The destination for one service. The name fills one segment and nothing more, and different names never meet.
 * @throws FairleadError `TEMPLATE_FAILED` for a name that no file can have
 */
export function destFor(pattern: string, service: string): string {
  const name = encodeName(service);
  if (name === undefined || Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new FairleadError(
      "TEMPLATE_FAILED",
      `service ${JSON.stringify(service.slice(0, 40))} has a name that no file can have`,
      {
        hint: "register it under a shorter name",
      },
    );
  }
  return pattern.replaceAll(NAME, () => name);
}

/** Whether the two can be the same file; a pattern can be many. */
export function canCollide(a: string, b: string): boolean {
  const one = partsOf(a);
  const other = partsOf(b);
  if (one.folder !== other.folder) {
    return false;
  }
  if (!one.isPattern || !other.isPattern) {
    const [plain, pattern] = one.isPattern ? [other, one] : [one, other];
    const { name, start, end } = { ...pattern, name: plain.start };
    return pattern.isPattern
      ? name.length > (start + end).length && name.startsWith(start) && name.endsWith(end)
      : name === start;
  }
  const beginAlike = one.start.startsWith(other.start) || other.start.startsWith(one.start);
  return beginAlike && (one.end.endsWith(other.end) || other.end.endsWith(one.end));
}

/** What stands in front of the first `{{name}}` and behind the last one. */
function partsOf(dest: string): {
  readonly folder: string;
  readonly start: string;
  readonly end: string;
  readonly isPattern: boolean;
} {
  const slash = dest.lastIndexOf("/") + 1;
  const parts = dest.slice(slash).split(NAME);
  return { folder: dest.slice(0, slash), start: parts[0] ?? "", end: parts.at(-1) ?? "", isPattern: parts.length > 1 };
}

/** Percent-encoded but for letters, digits and `._~-`; a leading point too, so that no name is hidden or `..`. */
function encodeName(name: string): string | undefined {
  if (name === "" || /\p{Surrogate}/u.test(name)) {
    return undefined;
  }
  return encodeURIComponent(name)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\./, "%2E");
}
