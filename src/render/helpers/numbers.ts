import { type Arguments, helpers } from "./entry.ts";
import { kindOf, numberOf } from "./values.ts";

export const NUMBER_HELPERS = helpers("numbers", [
  {
    signature: "add a b …",
    meaning: "The sum.",
    example: { template: '{{add 1 "2" 3}}', output: "6" },
    run: (args) => result(args, (sum, number) => sum + number),
  },
  {
    signature: "subtract a b",
    meaning: "`a` minus `b`.",
    example: { template: "{{subtract 5 2}}", output: "3" },
    run: (args) => result(args, (a, b) => a - b),
  },
  {
    signature: "multiply a b …",
    meaning: "The product.",
    example: { template: "{{multiply 2 3 4}}", output: "24" },
    run: (args) => result(args, (product, number) => product * number),
  },
  {
    signature: "divide a b",
    meaning: "`a` divided by `b`, with a fraction if there is one.",
    example: { template: "{{divide 7 2}}", output: "3.5" },
    run: (args) => (args.number("b") === 0 ? args.fail('"b" is 0') : result(args, (a, b) => a / b)),
  },
  {
    signature: "modulo a b",
    meaning: "What is left of `a` after dividing by `b`; it has the sign of `a`.",
    example: { template: "{{modulo 7 3}}", output: "1" },
    run: (args) => (args.number("b") === 0 ? args.fail('"b" is 0') : result(args, (a, b) => a % b)),
  },
  {
    signature: "min a b …",
    meaning: "The smallest number of the arguments, or of one list.",
    example: { template: "{{min 3 1 2}}", output: "1" },
    run: (args) => result(args, (least, number) => Math.min(least, number)),
  },
  {
    signature: "max a b …",
    meaning: "The largest number of the arguments, or of one list.",
    example: { template: "{{max weights}}", output: "9", data: { weights: ["4", "9", "6"] } },
    run: (args) => result(args, (most, number) => Math.max(most, number)),
  },
]);

function result(args: Arguments, combine: (a: number, b: number) => number): number {
  const [only] = args.all;
  const values: readonly unknown[] = args.all.length === 1 && Array.isArray(only) ? only : args.all;
  const numbers = values.map((value, index) => {
    return numberOf(value) ?? args.fail(`argument ${index + 1} is ${kindOf(value)}, not a number`);
  });
  if (numbers.length === 0) {
    args.fail("the list is empty");
  }
  const combined = numbers.reduce(combine);
  return Number.isFinite(combined) ? combined : args.fail("the result is too large for a number");
}
