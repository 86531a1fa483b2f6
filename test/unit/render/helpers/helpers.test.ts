import Handlebars from "handlebars";
import { describe, expect, test } from "vitest";
import { HELPERS } from "../../../../src/render/helpers/index.ts";
import { failure } from "./call.ts";

const DESIGNED = {
  text: "lower upper trim replace split join contains startsWith endsWith matches slice indent quote default coalesce base64 base64Decode urlEncode sha256",
  numbers: "add subtract multiply divide modulo min max",
  logic: "eq ne lt le gt ge and or not",
  lists: "sortBy groupBy where first last unique reverse range length pluck includes merge",
  network: "ipv4 ipv6 hostOf portOf inCidr",
  data: "fromJson fromYaml toJson toYaml",
};

describe("the table of helpers", () => {
  test("holds every helper of the design under its topic, once", () => {
    const names = Object.entries(DESIGNED).flatMap(([topic, text]) => text.split(" ").map((name) => `${topic} ${name}`));
    expect(HELPERS.map(({ topic, name }) => `${topic} ${name}`).sort()).toEqual(names.sort());
  });

  test.each(HELPERS.map((helper) => [helper.name, helper] as const))(
    "%s: its example is true, and it is documented",
    (name, helper) => {
      const env = Handlebars.create();
      for (const entry of HELPERS) {
        env.registerHelper(entry.name, (...args: unknown[]) => {
          const options = args.pop() as Handlebars.HelperOptions;
          return entry.call(args, options.hash);
        });
      }
      const { template, output, data = {} } = helper.example;
      expect(template).toContain(name);
      expect(env.compile(template, { noEscape: true })(data)).toBe(output);
      expect(helper.signature).toMatch(new RegExp(`^${name}( |$)`));
      expect(helper.meaning).toMatch(/^[A-Z`].*\.$/);
    },
  );
});

describe("arguments", () => {
  const cases: readonly [string, readonly unknown[], Record<string, unknown>, string][] = [
    ["lower", [], {}, 'helper "lower": it takes 1 argument, not 0'],
    ["replace", ["a", "b"], {}, 'helper "replace": it takes 3 arguments, not 2'],
    ["replace", ["a", "b", "c", "d"], {}, 'helper "replace": it takes 3 arguments, not 4'],
    ["slice", ["a"], {}, 'helper "slice": it takes 2 or 3 arguments, not 1'],
    ["coalesce", [], {}, 'helper "coalesce": it takes at least 1 argument, not 0'],
    ["lower", ["a"], { x: 1 }, 'helper "lower": it has no option "x"'],
    ["lower", ["a"], JSON.parse('{"__proto__": 1}'), 'helper "lower": it has no option "__proto__"'],
    ["toJson", ["a"], { indent: "s3cret" }, 'helper "toJson": "indent" is text, not a whole number'],
    ["lower", [undefined], {}, 'helper "lower": "text" is absent, not text'],
    ["lower", [null], {}, 'helper "lower": "text" is null, not text'],
    ["lower", [["s3cret"]], {}, 'helper "lower": "text" is a list, not text'],
    ["lower", [{ a: "s3cret" }], {}, 'helper "lower": "text" is an object, not text'],
    ["first", ["s3cret"], {}, 'helper "first": "list" is text, not a list'],
    ["lt", ["s3cret", 1], {}, 'helper "lt": "a" is text, not a number'],
    ["range", ["1.5", 2], {}, 'helper "range": "a" is text, not a whole number'],
    ["add", [1, "s3cret"], {}, 'helper "add": argument 2 is text, not a number'],
  ];
  test.each(cases)("%s %j %j is refused by name, without the value", (name, args, hash, message) => {
    expect(failure(name, args, hash)).toBe(message);
  });
});
