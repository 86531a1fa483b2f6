/** What `toJson` and `toYaml` print: structure in a file of that format, text elsewhere. */
export class Structure {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** For messages: what a value is, never which. */
export function kindOf(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "absent";
    case "string":
      return "text";
    case "number":
      return "a number";
    case "boolean":
      return "a boolean";
    default:
      return value === null ? "null" : Array.isArray(value) ? "a list" : value instanceof Structure ? "structure" : "an object";
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Structure);
}

/** An object whose every key is data, `__proto__` too. */
export function createRecord(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

/** A text, or what prints as one: a number, a boolean, structure. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  return value instanceof Structure ? value.text : undefined;
}

/** A number, or text that is one in decimal notation: values from a registry are always text. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "string" && /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value)) {
    return finite(Number(value));
  }
  return typeof value === "number" ? finite(value) : undefined;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

/** Absent, null, `""` or an empty list: what `default` and `coalesce` pass over. 0 and false are values. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** As `{{#if}}` decides. */
export function isTruthy(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/**
 * Texts are equal when they are the same; a number equals a numeric text, and a boolean its word, since values from a registry are always
 * text; absent equals only absent (or null).
 */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === undefined || a === null || b === undefined || b === null) {
    return (a ?? null) === (b ?? null);
  }
  if (typeof a === "number" || typeof b === "number") {
    const number = numberOf(a);
    return number !== undefined && number === numberOf(b);
  }
  const text = textOf(a);
  return text !== undefined && text === textOf(b);
}

/**
 * What stands at a dotted path; only own properties, so that no key of the data means anything else. A key that holds points itself is
 * found too.
 * @example valueAt({ meta: { host: "a" } }, "meta.host") === "a"
 */
export function valueAt(value: unknown, path: string): unknown {
  if (typeof value !== "object" || value === null) {
    return undefined;
  }
  if (Object.hasOwn(value, path)) {
    return Reflect.get(value, path);
  }
  for (let dot = path.indexOf("."); dot !== -1; dot = path.indexOf(".", dot + 1)) {
    const head = path.slice(0, dot);
    const found = Object.hasOwn(value, head) ? valueAt(Reflect.get(value, head), path.slice(dot + 1)) : undefined;
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}
