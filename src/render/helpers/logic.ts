import { type Arguments, helpers } from "./entry.ts";
import { isRecord, isSame, isTruthy, kindOf } from "./values.ts";

const EQUALITY = "a number equals numeric text, a boolean its word, absent only absent";

export const LOGIC_HELPERS = helpers("logic", [
  {
    signature: "eq a b",
    meaning: `Whether both are the same text; ${EQUALITY}.`,
    example: { template: '{{eq 8080 "8080"}}', output: "true" },
    run: equal,
  },
  {
    signature: "ne a b",
    meaning: "Whether `eq` is false.",
    example: { template: '{{ne "blue" "green"}}', output: "true" },
    run: (args) => !equal(args),
  },
  {
    signature: "lt a b",
    meaning: "Whether the number `a` is less than `b`.",
    example: { template: '{{lt "9" "10"}}', output: "true" },
    run: (args) => args.number("a") < args.number("b"),
  },
  {
    signature: "le a b",
    meaning: "Whether the number `a` is less than `b` or equal.",
    example: { template: "{{le 2 2}}", output: "true" },
    run: (args) => args.number("a") <= args.number("b"),
  },
  {
    signature: "gt a b",
    meaning: "Whether the number `a` is greater than `b`.",
    example: { template: "{{gt 2 2}}", output: "false" },
    run: (args) => args.number("a") > args.number("b"),
  },
  {
    signature: "ge a b",
    meaning: "Whether the number `a` is greater than `b` or equal.",
    example: { template: "{{ge 2 2}}", output: "true" },
    run: (args) => args.number("a") >= args.number("b"),
  },
  {
    signature: "and a b …",
    meaning: "Whether all arguments are true as `{{#if}}` decides: not false, absent, null, 0, empty text or an empty list.",
    example: { template: '{{and "x" 1}}', output: "true" },
    run: (args) => args.all.every(isTruthy),
  },
  {
    signature: "or a b …",
    meaning: "Whether one argument is true as `{{#if}}` decides.",
    example: { template: '{{or "" nothing}}', output: "false" },
    run: (args) => args.all.some(isTruthy),
  },
  {
    signature: "not x",
    meaning: "Whether `x` is false as `{{#if}}` decides.",
    example: { template: "{{not tags}}", output: "true", data: { tags: [] } },
    run: (args) => !isTruthy(args.value("x")),
  },
]);

function equal(args: Arguments): boolean {
  for (const name of ["a", "b"]) {
    const value = args.value(name);
    if (Array.isArray(value) || isRecord(value)) {
      args.fail(`"${name}" is ${kindOf(value)}, which cannot be compared`);
    }
  }
  return isSame(args.value("a"), args.value("b"));
}
