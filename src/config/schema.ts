/** The configuration file's shape. Its JSON Schema and the reference page are made from this table. */
import { z } from "zod";
import { httpSources, policy } from "./feeds.ts";
import { duration, path, period, tls } from "./kinds.ts";
import { REGISTRY_TYPES } from "./registry.ts";
import { DEFAULT_GUARD, parseMode, parsePercentage } from "./values.ts";

const mode = z
  .string('is no file mode; write quoted octal, for example "0644"')
  .refine((text) => parseMode(text) !== undefined, 'is no file mode; write quoted octal, for example "0644"')
  .transform((text) => parseMode(text) ?? 0);

const argv = z
  .array(z.string("is no word of a command; quote numbers"), "is no command; write a list of words: [nginx, -t]")
  .min(1, "is an empty command");

const signals = ["HUP", "USR1", "USR2", "TERM", "INT", "QUIT", "WINCH"] as const;

const registryObject = z.strictObject({
  type: z.enum(REGISTRY_TYPES).describe("which store"),
  dir: path.optional().describe("the folder of a file registry"),
  endpoints: z
    .array(z.string())
    .min(1)
    .optional()
    .describe("`host:port` or URLs; default: ETCDCTL_ENDPOINTS or CONSUL_HTTP_ADDR, else 127.0.0.1"),
  prefix: z.string().optional().describe("where fairlead's entries live; default `fairlead`"),
  kvPrefix: z.string().optional().describe("where configuration keys begin; default: the store's root"),
  layout: z.enum(["json", "registrator"]).optional().describe("`json` (default), or `ip:port` values as Registrator writes them"),
  tls: z.union([z.boolean(), tls]).optional().describe("speak TLS, with these files"),
  tokenFile: path.optional().describe("file with Consul's ACL token, read again when it changes; else CONSUL_HTTP_TOKEN"),
  username: z.string().optional().describe("user of etcd, or of basic authentication in front of Consul"),
  passwordFile: path.optional().describe("file with its password; else ETCDCTL_PASSWORD or CONSUL_HTTP_AUTH"),
});

const dockerSource = z.strictObject({
  host: z
    .string()
    .optional()
    .describe("`unix:///path`, `tcp://host:port`; default: DOCKER_HOST, else unix:///var/run/docker.sock"),
  certPath: path.optional().describe("folder with ca.pem, cert.pem, key.pem; default: DOCKER_CERT_PATH"),
  tlsVerify: z.boolean().optional().describe("verify the engine's certificate; default: DOCKER_TLS_VERIFY"),
  address: z
    .string()
    .default("auto")
    .describe("the node's address for published ports; `auto`: that of the default route's interface"),
  mode: z
    .enum(["published", "internal", "any"])
    .default("published")
    .describe("published ports, the containers' own addresses, or internal where possible"),
  networks: z.array(z.string()).default([]).describe("networks that count for internal addresses, best first"),
  addressLabel: z
    .string()
    .min(1, "is an empty name")
    .optional()
    .describe("name of a container label that holds the container's address; where it does, that beats every other address"),
  register: z
    .enum(["all", "labelled", "named"])
    .default("all")
    .describe("all containers, only those that ask for it, or only those that carry a service name of their own"),
  tags: z.array(z.string().min(1, "is an empty tag")).default([]).describe("tags for every instance, after its own"),
  health: z
    .enum(["honour", "ignore"])
    .default("honour")
    .describe("whether starting, unhealthy and paused containers are registered as critical"),
  env: z.boolean().default(true).describe("read environment variables too (needs one inspect call per container)"),
});

const swarmSource = z.strictObject({
  host: z
    .string()
    .optional()
    .describe("a manager, `unix:///path` or `tcp://host:port`; default: DOCKER_HOST, else unix:///var/run/docker.sock"),
  certPath: path.optional().describe("folder with ca.pem, cert.pem, key.pem; default: DOCKER_CERT_PATH"),
  tlsVerify: z.boolean().optional().describe("verify the manager's certificate; default: DOCKER_TLS_VERIFY"),
  mode: z
    .enum(["tasks", "vip"])
    .default("tasks")
    .describe(
      "`tasks`: each running task, at its own address on a network, or at its node's for a port in host mode; `vip`: each service as a " +
        "whole, at its virtual address on a network, or at every node's for a port of the routing mesh",
    ),
  networks: z
    .array(z.string())
    .default([])
    .describe("networks that count, best first; default: published ports, else a service's only network"),
  address: z
    .string()
    .optional()
    .describe(
      "one address for all that nodes publish, such as a load balancer's; default: each node's label `fairlead.address`, else the " +
        "address by which the swarm knows it",
    ),
  register: z
    .enum(["all", "labelled", "named"])
    .default("all")
    .describe("all services, only those that ask for it, or only those that carry a service name of their own"),
  poll: period
    .prefault("5s")
    .describe("how often tasks are looked at while nothing moves: no engine tells of the tasks of other nodes; else each second"),
});

const staticSource = z.strictObject({ file: path.describe("YAML file of services, watched") });

const register = z.strictObject({
  ttl: duration.prefault("15s").describe("how long a dead node's entries live"),
  resync: period.prefault("30s").describe("a full comparison at least this often, ± 20 %"),
  onStop: z
    .enum(["keep", "deregister"])
    .default("keep")
    .describe("`keep`: the lease runs out, a restart does not flap; `deregister`: gone at once"),
  sources: z
    .strictObject({
      docker: dockerSource.optional().describe("containers of a Docker engine"),
      swarm: swarmSource.optional().describe("services of a Docker swarm, as a manager tells them"),
      static: staticSource.optional().describe("services of a file"),
      http: httpSources.optional(),
    })
    .describe("what to register"),
  policy: policy.optional(),
});

export const formatName = z.enum(["nginx", "haproxy", "json", "yaml", "toml", "env", "shell", "ini", "xml", "text"]);

const file = z.strictObject({
  template: path.describe("Handlebars file"),
  dest: path.describe("file to write"),
  mode: mode.optional().describe('quoted octal; default: that of the file that is there, else "0644"'),
  owner: z.string().optional().describe("`user` or `user:group`, names or numbers; default: that of the file that is there"),
  format: formatName.optional().describe("how values are escaped; default: guessed from the destination's name"),
  raw: z.boolean().default(false).describe("allow {{{x}}}, which is not escaped"),
  onUnsafe: z
    .enum(["fail", "skip-instance"])
    .default("fail")
    .describe(
      "when a value cannot stand where the template puts it: the target keeps its files, or the instance is left out of this file",
    ),
  forEach: z
    .enum(["services"])
    .optional()
    .describe("one file for each service, which the template begins in; `dest` then holds `{{name}}`: out/{{name}}.conf"),
});

const check = z
  .union([
    argv,
    z.strictObject({
      exec: argv.describe("the command"),
      timeout: duration.prefault("10s").describe("how long it may take"),
      sandbox: z
        .enum(["full", "network", "off"])
        .default("full")
        .describe(
          "`full`: it sees the files in a tree of its own, what it writes vanishes, and it has no network and none of root's rights; " +
            "`network`: the same with the network, for host names that only DNS knows; " +
            "`off`: the files are put in place for its length, for `docker exec` and programs that have to be root",
        ),
    }),
  ])
  .describe("judges the files before they count: exit 0 accepts; `{{staged}}` names the staged file");

const minInterval = duration.optional().describe("the least time between two reloads; what changes meanwhile waits");

const reload = z
  .union([
    argv,
    z.strictObject({
      exec: argv.describe("command that makes the program read its files"),
      timeout: duration.prefault("30s").describe("how long it may take"),
      minInterval,
    }),
    z.strictObject({
      signal: z.enum(signals).describe("signal to send"),
      pidFile: path.describe("file with the process id to send it to"),
      minInterval,
    }),
    z.strictObject({
      container: z.string().min(1).describe("name or id of the container whose first process gets the signal"),
      signal: z.enum(signals).describe("signal to send"),
      host: z
        .string()
        .optional()
        .describe("its engine, `unix:///path` or `tcp://host:port`; default: DOCKER_HOST, else unix:///var/run/docker.sock"),
      timeout: duration.prefault("10s").describe("how long the engine may take"),
    }),
  ])
  .describe("makes the program read its files");

const verify = z
  .union([
    z.strictObject({
      url: z.url("is no URL").describe("asked until the body holds the generation"),
      status: z.int().min(100).max(599).optional().describe("wanted status instead; default 200"),
      contains: z.string().optional().describe("wanted text instead; may hold `{{generation}}`"),
      timeout: duration.prefault("5s").describe("how long it is asked"),
    }),
    z.strictObject({
      exec: argv.describe("run until it exits 0"),
      timeout: duration.prefault("5s").describe("how long it is tried"),
    }),
  ])
  .describe("proves that the program runs the new files");

const percentage = z
  .string("is no percentage; write 50%")
  .refine((text) => parsePercentage(text) !== undefined, "is no percentage; write 50%")
  .transform((text) => parsePercentage(text) ?? 0);

const guardRules = z.strictObject({
  maxShrink: percentage.prefault(DEFAULT_GUARD.maxShrink).describe("the part of a service that may vanish at once"),
  hold: duration.prefault(DEFAULT_GUARD.hold).describe("how long instances have to be missing before they count as gone"),
  onEmpty: z
    .enum(["hold", "keep", "write"])
    .default(DEFAULT_GUARD.onEmpty)
    .describe(
      "when the last usable instance vanishes: `hold` as anything else, `keep` until a person accepts it, `write` at once",
    ),
  minInstances: z.int().min(0).default(DEFAULT_GUARD.minInstances).describe("fewer than this are never left without a hold"),
});

const guard = z
  .union([z.literal("off"), guardRules])
  .prefault({})
  .describe("keeps instances that vanished with their owner in force until it is known that they are gone; or `off`");

const target = z.strictObject({
  files: z.array(file).min(1, "a target needs at least one file").describe("installed and rolled back together"),
  check: check.optional(),
  reload: reload.optional(),
  verify: verify.optional(),
  guard,
});

const secret = z
  .array(z.string().min(1, "is an empty prefix, which would be every key"))
  .default([])
  .describe("prefixes of keys whose values are masked in what people are shown; the same as `secret` at the top");

const render = z.strictObject({
  settle: z
    .strictObject({
      quiet: duration.prefault("20ms").describe("how long the first change after a calm second waits"),
      max: duration.prefault("2s").describe("the most a change waits in a storm"),
    })
    .prefault({})
    .describe("how changes are gathered"),
  env: z.array(z.string()).default([]).describe("environment variables that {{env}} may read"),
  secret,
  partials: path.optional().describe("folder of *.hbs files for {{> name}}"),
  targets: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "a target's name is letters, digits, `.`, `_` and `-`"), target)
    .describe("by name"),
});

const log = z
  .strictObject({
    level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("the least that is told"),
    format: z.enum(["auto", "pretty", "json"]).default("auto").describe("`auto`: pretty on a terminal, JSON lines otherwise"),
  })
  .prefault({})
  .describe("the log on stderr");

export const configSchema = z.strictObject({
  node: z
    .string()
    .min(1)
    .optional()
    .describe("owner of what this process writes; default: the Docker engine's ID, else the machine id"),
  stateDir: path
    .optional()
    .describe(
      "journals, last good files, the mark of a registering process; default: /var/lib/fairlead for root, else the XDG state folder",
    ),
  registry: z.union([z.string(), registryObject]).describe("a URL such as etcd://127.0.0.1:2379/fairlead, or an object"),
  register: register.optional().describe("present: this process registers"),
  render: render.optional().describe("present: this process renders"),
  secret: secret.describe("prefixes of keys whose values are masked in what people are shown, such as `app/db/`"),
  log,
});

export type ConfigFile = z.output<typeof configSchema>;
/** JSON Schema of what a person writes (durations are texts). */
export function configJsonSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, { io: "input" }) as JsonSchema;
}

/** The part of JSON Schema that is used here. */
export interface JsonSchema {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}
