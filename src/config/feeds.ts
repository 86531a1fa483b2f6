/** The schema of sources that other programs feed, and of what sources may register. */
import { z } from "zod";
import { parsePointer } from "../core/pointer.ts";
import { duration, path, period, size, tls } from "./kinds.ts";

const NO_POINTER = "is no JSON pointer; write /name or /list/0 (a / in a name is ~1, a ~ is ~0)";

const pointer = z.string(NO_POINTER).refine((text) => parsePointer(text) !== undefined, NO_POINTER);

const scalar = z.union([z.string(), z.number(), z.boolean()], "is no text, number or boolean");
const scalars = z.array(scalar, "is no list of values; write [true]");

const text = z.string().refine((value) => !value.startsWith("/") || parsePointer(value) !== undefined, NO_POINTER);

const pointerRule = z.strictObject({
  pointer: pointer.describe("where the value stands in an item"),
  trim: z.string().optional().describe("characters that are taken off both ends"),
  replace: z.record(z.string().min(1), z.string()).optional().describe('texts, and what they become: { "/": "-" }'),
  default: scalar.optional().describe("where nothing stands there"),
});
const constant = z.strictObject({ value: scalar.describe("a constant, also one that begins with /") });

const rule = z.union(
  [text, z.number(), pointerRule, constant],
  "is no pointer (/name), constant, { pointer: … } or { value: … }",
);

/** Where a word is a pointer whose slash was forgotten, rather than the same value for every item. */
const placed = z.union(
  [
    text.refine((value) => value.startsWith("/"), "is no pointer; write /name, or { value: … } for a constant"),
    z.number(),
    pointerRule,
    constant,
  ],
  "is no pointer (/name), { pointer: … } or { value: … }",
);

const health = z.union(
  [
    z.strictObject({
      pointer: pointer.describe("where the value, or the list of checks, stands in an item"),
      each: pointer.optional().describe("in a list of checks, from a check to its value: the worst counts"),
      passing: scalars.optional().describe("values that mean passing; any other then means critical"),
      warning: scalars.optional().describe("values that mean warning"),
      critical: scalars.optional().describe("values that mean critical"),
      default: z
        .enum(["passing", "warning", "critical", "unknown"])
        .optional()
        .describe("where nothing stands there; else unknown"),
    }),
    rule,
  ],
  "is no pointer, word or { pointer: …, passing: […] }",
);

const itemMap = z
  .strictObject({
    service: rule.describe("the service's name"),
    id: placed.optional().describe("unique in its service; default: made of node, service, address and port"),
    address: placed.describe("an IP address or host name"),
    port: placed.describe("a port, or a list of ports: an instance of each, with `:0`, `:1`, … behind its id"),
    protocol: rule.optional().describe("`tcp` (default) or `udp`"),
    tags: z
      .union([rule, z.array(rule)])
      .optional()
      .describe("lists of texts, or texts with commas"),
    meta: z
      .union([text, z.record(z.string().min(1), rule)])
      .optional()
      .describe("a rule for each name, or a pointer to an object"),
    health: health.optional().describe("a pointer to a health or a boolean, or which values mean what; default: passing"),
    weight: rule.optional().describe("share of the load; default 1"),
    where: z
      .record(pointer, z.union([scalar, z.array(scalar)]))
      .optional()
      .describe("pointers and the values that an item needs there to be meant at all: { /state: TASK_RUNNING }"),
  })
  .describe(
    "how an item becomes an instance, by JSON pointers into the item: a text that begins with / is one, any other text a constant; " +
      "without it items are instances as `fairlead services --json` prints them",
  );

const httpSource = z.strictObject({
  url: z
    .string()
    .refine((text) => /^https?:$/.test(protocolOf(text)), "is no http:// or https:// URL")
    .refine((text) => !hasLogin(text), "holds a user or password; write a token into a file, and name it with tokenFile")
    .describe("where the list is; a GET without side effects"),
  interval: period.prefault("10s").describe("between two polls, ± 20 %; an answer that did not change costs a 304"),
  timeout: duration.prefault("5s").describe("for a whole answer"),
  maxBytes: size.prefault("16MiB").describe("a longer answer is refused as a whole"),
  path: pointer.default("").describe("JSON pointer to the list, such as /tasks; default: the document itself"),
  map: itemMap.optional(),
  tokenFile: path.optional().describe("file with a token for `Authorization: Bearer`, read for each poll"),
  tls: tls
    .refine(({ cert, key }) => (cert === undefined) === (key === undefined), "needs both cert and key, or neither")
    .optional()
    .describe("files for https://"),
});

export const httpSources = z
  .union([httpSource, z.array(httpSource).min(1, "is an empty list")], "is no source; write { url: … }, or a list of these")
  .transform((sources) => (Array.isArray(sources) ? sources : [sources]))
  .describe("services that another program lists as JSON; one source, or a list of them");

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : "";
}

function hasLogin(url: string): boolean {
  const { username = "", password = "" } = URL.canParse(url) ? new URL(url) : {};
  return username !== "" || password !== "";
}

const globs = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)], "is no pattern or list of patterns");

const policyRule = z
  .strictObject({
    from: z
      .strictObject({
        image: globs.optional().describe("the image it was made from, with registry and tag"),
        project: globs.optional().describe("the Compose project or Swarm stack"),
        network: globs.optional().describe("one of its networks"),
        label: globs.optional().describe("a label: `name`, or `name=value`"),
      })
      .default({})
      .describe("whom the rule is for: all that is given has to match; nothing given: everyone. `*` stands for any text"),
    services: z.array(z.string().min(1)).default([]).describe("names that they may register, with `*`; default: none"),
    hosts: z.array(z.string().min(1)).default([]).describe("hosts that they may ask for, with `*`; default: none"),
  })
  .refine(({ services, hosts }) => services.length + hosts.length > 0, "allows nothing; add services or hosts");

export const policy = z
  .strictObject({
    rules: z
      .array(policyRule)
      .min(1, "is empty, which would allow nothing")
      .optional()
      .describe("which containers may register which services and hosts; what no rule allows is left out. Without: everything"),
    hosts: z
      .enum(["shared", "exclusive"])
      .default("shared")
      .describe("whether several services may claim one host and path, or only the first one; set it alike on all nodes"),
  })
  .describe("what may be registered; files and lists that the operator names (static, http) are not judged by the rules");
