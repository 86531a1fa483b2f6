import { yamlNumber, yamlScalar } from "./yaml-text.ts";

export type Printable = string | number | boolean | null | readonly Printable[] | { readonly [key: string]: Printable };

/**
 * Data as YAML in block style, without a line break at the end. Every YAML reads every text in it as that text; each is on one line, so
 * that lines can be indented without changing a value.
 * @example printYaml({ a: ["yes", 1] }) === 'a:\n  - "yes"\n  - 1'
 */
export function printYaml(value: Printable): string {
  return lines(value).join("\n");
}

function lines(value: Printable): readonly string[] {
  if (isList(value)) {
    return value.length === 0 ? ["[]"] : value.flatMap((item) => hang("- ", lines(item)));
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    return entries.length === 0 ? ["{}"] : entries.flatMap(([key, field]) => entryLines(key, field));
  }
  return [scalar(value)];
}

function entryLines(key: string, value: Printable): readonly string[] {
  // A key longer than YAML reads in one go (1024 characters) is announced.
  const name = yamlScalar(key);
  const head = name.length > 1000 ? hang("? ", [name]) : [];
  const start = name.length > 1000 ? ":" : `${name}:`;
  const inner = lines(value);
  const isNested = typeof value === "object" && value !== null && Object.keys(value).length > 0;
  return [...head, ...(isNested ? [start, ...inner.map((line) => `  ${line}`)] : [`${start} ${inner[0]}`])];
}

function hang(mark: string, inner: readonly string[]): readonly string[] {
  return inner.map((line, index) => (index === 0 ? mark : "  ") + line);
}

function scalar(value: string | number | boolean | null): string {
  return typeof value === "string" ? yamlScalar(value) : typeof value === "number" ? yamlNumber(value) : String(value);
}

function isList(value: Printable): value is readonly Printable[] {
  return Array.isArray(value);
}
