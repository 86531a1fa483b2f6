/** The helpers that read: the registry through the view, and this process's own facts. */
import { FairleadError } from "../../model/errors.ts";
import { childNames, keyTree, type View } from "./view.ts";

/** What a render may know besides the registry. */
export interface Facts {
  /** This owner. */
  readonly node: string;
  /** The variables that `render.env` lists, as far as they are set. */
  readonly env: ReadonlyMap<string, string>;
}

/** Stands for the generation, which is known only when everything is rendered. */
export const GENERATION = Object.freeze({ generation: true });

type Hash = Readonly<Record<string, unknown>>;
type Call = (args: readonly unknown[], hash: Hash) => unknown;

interface ReadHelper {
  readonly name: string;
  readonly signature: string;
  readonly meaning: string;
  readonly call: (state: { readonly view: View; readonly facts: Facts }, args: readonly unknown[], hash: Hash) => unknown;
}

/** The table behind both the templates and the reference page. */
export const READ_HELPERS: readonly ReadHelper[] = [
  {
    name: "services",
    signature: 'services tag="a,b" health="any"',
    meaning:
      "all services, sorted: `name`, `tags`, `instances`; with `tag` only those that have an instance with all of these tags",
    call: ({ view }, _args, hash) => view.services(filterOf(hash)),
  },
  {
    name: "service",
    signature: 'service name tag="a" health="any"',
    meaning:
      "the usable instances of a service, sorted: `id service address port addr protocol tags meta health weight node`; unknown: empty",
    call: ({ view }, args, hash) => view.service(textArgument("service", args), filterOf(hash)),
  },
  {
    name: "key",
    signature: 'key path default="x"',
    meaning: "the text of a configuration key; without `default` a missing key holds the file back",
    call: ({ view }, args, hash) => readKey(view, textArgument("key", args), hash),
  },
  {
    name: "keyExists",
    signature: "keyExists path",
    meaning: "whether the key is there",
    call: ({ view }, args) => view.key(textArgument("keyExists", args)) !== undefined,
  },
  {
    name: "keys",
    signature: "keys prefix",
    meaning: "all keys that begin with the prefix, sorted: `key`, `name` (below the prefix), `value`",
    call: ({ view }, args) => view.keys(textArgument("keys", args)),
  },
  {
    name: "ls",
    signature: "ls prefix",
    meaning: "the names directly below the prefix, sorted; folders end in `/`",
    call: ({ view }, args) => childNames(view.keys(folder(textArgument("ls", args)))),
  },
  {
    name: "tree",
    signature: "tree prefix",
    meaning: "the keys below the prefix as nested objects",
    call: ({ view }, args) => keyTree(view.keys(folder(textArgument("tree", args)))),
  },
  { name: "node", signature: "node", meaning: "the node id of this process", call: ({ facts }) => facts.node },
  {
    name: "env",
    signature: 'env name default="x"',
    meaning: "an environment variable that `render.env` lists",
    call: ({ facts }, args, hash) => readEnv(facts, textArgument("env", args), hash),
  },
  {
    name: "generation",
    signature: "generation",
    meaning: "the hash of the target's files, for `verify`",
    call: () => GENERATION,
  },
];

/** The read helpers, ready to be called within a render. */
export function bindReads(state: () => { readonly view: View; readonly facts: Facts }): ReadonlyMap<string, Call> {
  return new Map(READ_HELPERS.map((helper): [string, Call] => [helper.name, (args, hash) => helper.call(state(), args, hash)]));
}

function readKey(view: View, path: string, hash: Hash): unknown {
  const value = view.key(path);
  if (value === undefined && hash["default"] === undefined) {
    throw new FairleadError("KEY_MISSING", `key "${path}" is not in the registry`, {
      hint: `put it there with \`fairlead kv put ${path} …\`, or make it optional: {{key "${path}" default="…"}}`,
    });
  }
  return value ?? hash["default"];
}

function readEnv(facts: Facts, name: string, hash: Hash): unknown {
  const value = facts.env.get(name) ?? hash["default"];
  if (value === undefined) {
    throw new FairleadError("TEMPLATE_FAILED", `environment variable "${name}" is not set, or not listed in render.env`, {
      hint: `list it: render: { env: [${name}] }`,
    });
  }
  return value;
}

function filterOf(hash: Hash): { readonly tag: string | undefined; readonly health: string | undefined } {
  return { tag: optionalText("tag", hash), health: optionalText("health", hash) };
}

function optionalText(name: string, hash: Hash): string | undefined {
  const value = hash[name];
  if (value !== undefined && typeof value !== "string") {
    throw new FairleadError("TEMPLATE_FAILED", `${name}= needs a text`);
  }
  return value;
}

function textArgument(helper: string, args: readonly unknown[]): string {
  const [first] = args;
  if (args.length !== 1 || typeof first !== "string") {
    throw new FairleadError("TEMPLATE_FAILED", `helper "${helper}" needs one text, for example {{${helper} "app/x"}}`);
  }
  return first;
}

/** `app` and `app/` are the same folder; `""` is the root. */
function folder(prefix: string): string {
  return prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
}
