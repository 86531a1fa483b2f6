/** Files of template tests, `*.case.yaml`. The reference page is made from this table. */
import { z } from "zod";
import { messageOf } from "../model/errors.ts";
import { type Placed, parsePlaced, sortProblems } from "./document.ts";
import { explainIssues, type Path, type Problem } from "./problems.ts";
import { formatName, type JsonSchema } from "./schema.ts";

const path = z.string("is no path").min(1, "is an empty path");

/** The errors that a template can end in. */
const TEMPLATE_ERRORS = ["TEMPLATE_SYNTAX", "TEMPLATE_FAILED", "TEMPLATE_UNSAFE", "KEY_MISSING"] as const;

/** How the template is used: said once for all cases of a file, or for one of them. */
const use = {
  template: path.optional().describe("Handlebars file; default: the neighbour with the same name and `.hbs`"),
  format: formatName.optional().describe("how values are escaped; default: guessed from the template's name without `.hbs`"),
  raw: z.boolean().optional().describe("allow {{{x}}}, as `raw` of a file does"),
  onUnsafe: z
    .enum(["fail", "skip-instance"])
    .optional()
    .describe("when a value cannot stand where the template puts it: an error, or its instance is left out"),
  partials: path.optional().describe("folder of *.hbs files for {{> name}}"),
};

const expectedError = z.strictObject({
  code: z.enum(TEMPLATE_ERRORS).describe("its code"),
  message: z.string().min(1).optional().describe("a part of its message"),
  line: z.int().min(1).optional().describe("its line in the template"),
  column: z.int().min(1).optional().describe("its column, from 1"),
});

const testCase = z.strictObject({
  name: z.string("is no text").min(1, "is empty").describe("what is tested, as a sentence"),
  ...use,
  services: z
    .unknown()
    .optional()
    .describe("as in a services file: `{ web: [ { address, port, id, protocol, tags, meta, health, weight, node } ] }`"),
  service: z.string().min(1).optional().describe("the service that the template begins in: for files with `forEach: services`"),
  keys: z.unknown().optional().describe("configuration keys by path, texts: `{ app/db/host: db1 }`"),
  node: z.string().min(1).default("node-1").describe("what {{node}} gives, and who registered the instances that name no `node`"),
  env: z.record(z.string(), z.string("has to be a text; write numbers in quotes")).default({}).describe("what {{env}} may read"),
  expect: z.string("has to be a text").optional().describe("the whole text, to the last byte"),
  expectFile: path.optional().describe("file that holds the whole text"),
  contains: z
    .array(z.string().min(1, "is empty"), "has to be a list of texts")
    .min(1, "is empty")
    .optional()
    .describe("texts that have to be there"),
  error: expectedError.optional().describe("it has to fail, with this"),
});

const manyCases = z.strictObject({ ...use, cases: z.array(testCase).min(1, "is empty").describe("each of them a case") });

export type CaseFields = z.output<typeof testCase>;

/** A case as its file says it, with a way back to the place of each part. */
export interface CaseEntry {
  readonly fields: CaseFields;
  /** Of a part of the case: `["services", "web", 0]`; of the case itself without one. */
  locate(path: Path, atKey?: boolean): Problem["location"];
  /** Where the part stands in the document. */
  readonly path: Path;
}

export type CasesRead =
  | { readonly ok: true; readonly cases: readonly CaseEntry[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const OUTCOMES = ["expect", "expectFile", "contains", "error"] as const;

/** Never throws for what a person wrote: all problems come back at once. */
export function parseCases(text: string, file: string): CasesRead {
  const parsed = parsePlaced(text, file);
  if (!parsed.ok) {
    return parsed;
  }
  const { placed } = parsed;
  let raw: unknown;
  try {
    raw = placed.document.toJS() ?? {};
  } catch (error) {
    return { ok: false, problems: [{ message: messageOf(error), location: placed.at(0) }] };
  }
  const hasMany = typeof raw === "object" && raw !== null && "cases" in raw;
  const schema = hasMany ? manyCases : testCase;
  const result = schema.safeParse(raw, { reportInput: true });
  if (!result.success) {
    const issues = explainIssues(result.error.issues, jsonSchemaOf(schema));
    const problems = issues.map(({ path, atKey, message, hint }) => ({
      message,
      location: placed.locate(path, atKey),
      ...(hint !== undefined && { hint }),
    }));
    return { ok: false, problems: sortProblems(problems) };
  }
  const cases = entriesOf(result.data, placed);
  const problems = [...findUndecided(cases), ...findTwins(cases)];
  return problems.length > 0 ? { ok: false, problems: sortProblems(problems) } : { ok: true, cases };
}

function entriesOf(data: CaseFields | z.output<typeof manyCases>, placed: Placed): readonly CaseEntry[] {
  if (!("cases" in data)) {
    return [{ fields: data, path: [], locate: placed.locate }];
  }
  const { cases, ...shared } = data;
  return cases.map((own, i): CaseEntry => {
    const base = ["cases", i];
    function locate(path: Path, atKey?: boolean): Problem["location"] {
      const [first = ""] = path;
      const isShared = Object.hasOwn(shared, first) && !Object.hasOwn(own, first);
      return placed.locate(isShared ? path : [...base, ...path], atKey);
    }
    return { fields: { ...shared, ...own }, path: base, locate };
  });
}

function findUndecided(cases: readonly CaseEntry[]): readonly Problem[] {
  return cases.flatMap(({ fields, locate }) => {
    const given = OUTCOMES.filter((name) => fields[name] !== undefined);
    if (given.length === 1) {
      return [];
    }
    const [, second] = given;
    const message =
      second === undefined
        ? `case "${fields.name}" expects nothing`
        : `case "${fields.name}" expects ${given.map((name) => `\`${name}\``).join(" and ")}`;
    return [{ message, location: locate([second ?? "name"], true), hint: `give one of ${OUTCOMES.join(", ")}` }];
  });
}

function findTwins(cases: readonly CaseEntry[]): readonly Problem[] {
  const names = new Set<string>();
  return cases.flatMap(({ fields: { name }, locate }) => {
    const isTwin = names.has(name);
    names.add(name);
    return isTwin
      ? [{ message: `there is a case "${name}" already`, location: locate(["name"]), hint: "give each a name of its own" }]
      : [];
  });
}

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input" }) as JsonSchema;
}

/** JSON Schema of a file with one case, and of one with many. */
export function casesJsonSchemas(): { readonly one: JsonSchema; readonly many: JsonSchema } {
  return { one: jsonSchemaOf(testCase), many: jsonSchemaOf(manyCases) };
}
