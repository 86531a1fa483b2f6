/** A JSON pointer (RFC 6901), taken apart: the names and positions on the way; none is the document itself. */
export type Pointer = readonly string[];

/**
 * Undefined when it is no pointer: it neither is empty nor begins with `/`, or a `~` in it is neither `~0` nor `~1`.
 * @example parsePointer("/labels/a~1b") // ["labels", "a/b"]
 */
export function parsePointer(text: string): Pointer | undefined {
  if (text === "") {
    return [];
  }
  if (!text.startsWith("/") || /~(?![01])/.test(text)) {
    return undefined;
  }
  return text
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/**
 * What stands there, undefined when nothing does. Only a document's own fields count, so that no name reaches what every object has.
 * @example readPointer({ ports: [80, 443] }, ["ports", "1"]) === 443
 */
export function readPointer(document: unknown, pointer: Pointer): unknown {
  let at = document;
  for (const part of pointer) {
    if (Array.isArray(at)) {
      at = /^(?:0|[1-9]\d{0,8})$/.test(part) ? at[Number(part)] : undefined;
    } else if (typeof at === "object" && at !== null && Object.hasOwn(at, part)) {
      at = (at as Readonly<Record<string, unknown>>)[part];
    } else {
      return undefined;
    }
  }
  return at;
}
