import { readPointer } from "../../core/pointer.ts";
import { compareText } from "../../model/instance.ts";
import { META_READERS } from "../docker/mapping/values.ts";
import { asText, createReader, pointerOf, type Rule } from "./rule.ts";

/** A pointer to an object of texts, or a rule for each name. */
export type MetaRule = string | Readonly<Record<string, Rule>>;

export type MetaRecord = Readonly<Record<string, string>>;

/** Metadata by the rule. What is no text, or no host, path or protocol where the proxy reads one, is left out alone. */
export function createMetaReader(rule: MetaRule): (item: unknown, problems: string[]) => MetaRecord {
  if (typeof rule === "string") {
    const pointer = pointerOf(rule);
    return (item, problems) => {
      const found = readPointer(item, pointer) ?? {};
      if (typeof found !== "object" || Array.isArray(found)) {
        problems.push(`meta: what stands at ${rule} is no object; it was left out`);
        return {};
      }
      return cleanMeta(Object.entries(found), problems);
    };
  }
  const readers = Object.entries(rule).map(([name, inner]) => [name, createReader(inner)] as const);
  return (item, problems) =>
    cleanMeta(
      readers.map(([name, reader]) => [name, reader.read(item)] as const),
      problems,
    );
}

/** Sorted by name. The proxy's own words are checked as a container's are; numbers and booleans are written out. */
export function cleanMeta(pairs: readonly (readonly [string, unknown])[], problems: string[]): MetaRecord {
  const meta = pairs.flatMap(([name, value]) => {
    if (value === undefined || value === null) {
      return [];
    }
    const text = typeof value === "boolean" ? String(value) : asText(value);
    const read =
      text === undefined ? { value: undefined, problem: "no text" } : (META_READERS.get(name)?.(text) ?? { value: text });
    if (read.problem !== undefined) {
      problems.push(`meta ${JSON.stringify(name)} is ${read.problem}; it was left out`);
    }
    return read.value === undefined ? [] : [[name, read.value] as const];
  });
  // From entries, since that makes a name such as `__proto__` a key like any other.
  return Object.fromEntries(meta.sort(([a], [b]) => compareText(a, b)));
}
