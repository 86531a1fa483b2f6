/** What is wrong with the configuration, told all at once and with its place. */
import type { z } from "zod";
import { nearest } from "../core/nearest.ts";
import { FairleadError, type Location } from "../model/errors.ts";
import type { JsonSchema } from "./schema.ts";

export interface Problem {
  readonly message: string;
  readonly location: Location;
  readonly hint?: string;
}

export type Path = readonly (string | number)[];

/** A zod issue, as a message about one place in the file. */
export interface Issue {
  readonly path: Path;
  /** The place is the key itself, not its value. */
  readonly atKey: boolean;
  readonly message: string;
  readonly hint?: string;
}

/** Turns zod's issues into sentences about keys. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], schema: JsonSchema, base: Path = []): readonly Issue[] {
  return issues.flatMap((issue): readonly Issue[] => {
    const path = [...base, ...(issue.path as Path)];
    switch (issue.code) {
      case "unrecognized_keys":
        return issue.keys.map((key) => unknownKey([...path, key], keysAt(schema, path)));
      case "invalid_union":
        return explainUnion(issue, schema, path);
      case "invalid_type":
        return [{ path, atKey: false, ...explainType(issue, path) }];
      case "invalid_key":
        return [{ path, atKey: true, message: `${named(path)}: ${issue.issues[0]?.message ?? issue.message}` }];
      case "invalid_value":
        return [explainValue(path, issue.values.map(String), issue.input)];
      default:
        return [{ path, atKey: false, message: `${named(path)} ${issue.message}` }];
    }
  });
}

function unknownKey(path: Path, known: readonly string[]): Issue {
  const key = String(path.at(-1));
  const where = path.length > 1 ? ` in "${dotted(path.slice(0, -1))}"` : "";
  const near = nearest(key, known);
  const hint = near === undefined ? `known are ${known.join(", ")}` : `did you mean "${near}"?`;
  return { path, atKey: true, message: `unknown key "${key}"${where}`, ...(known.length > 0 && { hint }) };
}

function explainType(issue: z.core.$ZodIssueInvalidType, path: Path): { readonly message: string; readonly hint?: string } {
  if (issue.input === undefined) {
    return { message: `${named(path)} is missing` };
  }
  const custom = issue.message.startsWith("is no ") ? issue.message : `has to be ${kindName(issue.expected)}`;
  return { message: `${named(path)} ${custom}` };
}

function explainValue(path: Path, allowed: readonly string[], input: unknown): Issue {
  const near = typeof input === "string" ? nearest(input, allowed) : undefined;
  return {
    path,
    atKey: false,
    message: `${named(path)} has to be one of ${allowed.join(", ")}`,
    ...(near !== undefined && { hint: `did you mean "${near}"?` }),
  };
}

/** Of several allowed forms the one that was most likely meant speaks: not another kind of value, and the fewest complaints. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion, schema: JsonSchema, path: Path): readonly Issue[] {
  const plausible = issue.errors.filter(
    (errors) => !errors.some((inner) => inner.path.length === 0 && inner.code === "invalid_type"),
  );
  const [best] = [...plausible].sort((a, b) => a.length - b.length);
  if (best === undefined) {
    if (issue.input === undefined) {
      return [{ path, atKey: false, message: `${named(path)} is missing` }];
    }
    const said = issue.errors.flat().find((inner) => inner.message.startsWith("is no "))?.message;
    return [{ path, atKey: false, message: `${named(path)} ${said ?? "has the wrong form"}` }];
  }
  return explainIssues(best, schema, path);
}

function kindName(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    string: "a text",
    array: "a list",
    object: "an object",
    record: "an object",
    boolean: "true or false",
    int: "a whole number",
    number: "a number",
  };
  return names[expected] ?? expected;
}

function named(path: Path): string {
  return path.length === 0 ? "the file" : `"${dotted(path)}"`;
}

function dotted(path: Path): string {
  return path.map((part, i) => (typeof part === "number" ? `[${part + 1}]` : i === 0 ? part : `.${part}`)).join("");
}

/** The keys that an object at this path may have, of all its forms. */
function keysAt(schema: JsonSchema, path: Path): readonly string[] {
  const at = schemaAt(schema, path);
  const forms = at?.anyOf ?? (at === undefined ? [] : [at]);
  return forms.flatMap((form) => Object.keys(form.properties ?? {}));
}

function schemaAt(schema: JsonSchema | undefined, path: Path): JsonSchema | undefined {
  const [first, ...rest] = path;
  if (first === undefined || schema === undefined) {
    return schema;
  }
  for (const form of schema.anyOf ?? [schema]) {
    const inner = typeof first === "number" ? form.items : (form.properties?.[first] ?? additional(form));
    const found = schemaAt(inner, rest);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

function additional(schema: JsonSchema): JsonSchema | undefined {
  return typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

/** `file:line:column: message`, the line itself with a mark below, and what to do. */
export function describeProblem(problem: Problem, text: string | undefined): string {
  const { file, line, column } = problem.location;
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  const frame = text === undefined || line === undefined ? "" : codeFrame(text, line, column ?? 1);
  const hint = problem.hint === undefined ? "" : `\n    ${problem.hint}`;
  return `${place}: ${problem.message}${frame}${hint}`;
}

/** The line with its number and a mark under the column. */
function codeFrame(text: string, line: number, column: number): string {
  const source = text.split(/\r?\n/)[line - 1];
  if (source === undefined) {
    return "";
  }
  const gutter = String(line);
  // A password in an address is one of the mistakes that a line may be shown for.
  const shown = source.replace(/:\/\/[^\s/@"']*@/g, (login) => `://${"*".repeat(login.length - 4)}@`);
  return `\n    ${gutter} | ${shown}\n    ${" ".repeat(gutter.length)} | ${" ".repeat(Math.max(0, column - 1))}^`;
}

/** One error for all of them. */
export function configError(problems: readonly Problem[], text: string | undefined): FairleadError {
  const [first] = problems;
  const lines = problems.map((problem) => describeProblem(problem, text));
  return new FairleadError("CONFIG_INVALID", lines.join("\n"), { ...(first !== undefined && { location: first.location }) });
}
