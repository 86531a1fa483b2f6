import { FairleadError } from "../../model/errors.ts";
import { kindOf, numberOf, textOf } from "./values.ts";

export type Topic = "text" | "numbers" | "logic" | "lists" | "network" | "data";

export interface Example {
  readonly template: string;
  readonly output: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** A helper as templates call it and as the documentation shows it. */
export interface HelperEntry {
  readonly name: string;
  readonly topic: Topic;
  /** The name and its arguments, the subject first; `[x]` may be left out, `…` repeats the last one, `[x=]` is an option. */
  readonly signature: string;
  /** One sentence. */
  readonly meaning: string;
  readonly example: Example;
  /**
   * A pure function of its arguments, which are already evaluated.
   * @throws FairleadError `TEMPLATE_FAILED` that names the argument and what it is, never its value
   */
  call(args: readonly unknown[], hash: Readonly<Record<string, unknown>>): unknown;
}

/** The arguments of one call, by the names in the signature. */
export interface Arguments {
  value(name: string): unknown;
  /** Whether an argument that may be left out, or an option, was given. */
  has(name: string): boolean;
  text(name: string): string;
  number(name: string): number;
  integer(name: string): number;
  list(name: string): readonly unknown[];
  /** All arguments, for those that repeat. */
  readonly all: readonly unknown[];
  fail(reason: string): never;
}

interface Definition {
  readonly signature: string;
  readonly meaning: string;
  readonly example: Example;
  readonly run: (args: Arguments) => unknown;
}

/** Makes the entries of a topic; counting and checking the arguments follows from the signatures. */
export function helpers(topic: Topic, definitions: readonly Definition[]): readonly HelperEntry[] {
  return definitions.map(({ signature, meaning, example, run }) => {
    const shape = parseSignature(signature);
    return {
      name: shape.name,
      topic,
      signature,
      meaning,
      example,
      call: (args, hash) => run(readArguments(shape, { args, hash, signature })),
    };
  });
}

interface Shape {
  readonly name: string;
  readonly names: readonly string[];
  readonly options: readonly string[];
  readonly min: number;
  readonly max: number;
}

function parseSignature(signature: string): Shape {
  const [name = "", ...parts] = signature.split(" ");
  const words = parts.filter((part) => part !== "…" && !part.includes("="));
  const options = parts.filter((part) => part.includes("=")).map((part) => part.replace(/^\[|=.*$/g, ""));
  return {
    name,
    names: words.map((word) => word.replace(/[[\]]/g, "")),
    options,
    min: words.filter((word) => !word.startsWith("[")).length - (parts.includes("…") ? 1 : 0),
    max: parts.includes("…") ? Number.POSITIVE_INFINITY : words.length,
  };
}

interface Call {
  readonly args: readonly unknown[];
  readonly hash: Readonly<Record<string, unknown>>;
  readonly signature: string;
}

function readArguments(shape: Shape, { args, hash, signature }: Call): Arguments {
  const fail = (reason: string): never => {
    throw new FairleadError("TEMPLATE_FAILED", `helper "${shape.name}": ${reason}`, { hint: `its signature: ${signature}` });
  };
  if (args.length < shape.min || args.length > shape.max) {
    fail(`it takes ${countText(shape)}, not ${args.length}`);
  }
  const unknown = Object.keys(hash).find((option) => !shape.options.includes(option));
  if (unknown !== undefined) {
    fail(`it has no option "${unknown}"`);
  }

  function value(name: string): unknown {
    return shape.options.includes(name) && Object.hasOwn(hash, name) ? hash[name] : args[shape.names.indexOf(name)];
  }
  function checked<T>(name: string, read: (value: unknown) => T | undefined, wanted: string): T {
    return read(value(name)) ?? fail(`"${name}" is ${kindOf(value(name))}, not ${wanted}`);
  }
  return {
    value,
    has: (name) => (shape.options.includes(name) ? Object.hasOwn(hash, name) : shape.names.indexOf(name) < args.length),
    text: (name) => checked(name, textOf, "text"),
    number: (name) => checked(name, numberOf, "a number"),
    integer: (name) => checked(name, integerOf, "a whole number"),
    list: (name) => checked(name, listOf, "a list"),
    all: args,
    fail,
  };
}

function countText({ min, max }: Shape): string {
  const count = min === max ? String(min) : max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} or ${max}`;
  return `${count} argument${count === "1" || count === "at least 1" ? "" : "s"}`;
}

function integerOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}
