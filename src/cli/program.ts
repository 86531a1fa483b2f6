import { Command, Option } from "commander";
import type { Context } from "./context.ts";
import { readVersion } from "./version.ts";

/** How a command is told apart from the others; what it does is loaded when it is called. */
type Load = () => Promise<{ run(context: Context, args: readonly string[], options: Record<string, never>): Promise<void> }>;

/** All commands, their options and examples: the table behind `--help` and the reference page. */
export function createProgram(context: Context): Command {
  const program = new Command("fairlead")
    .description(
      "Registers containers, renders configuration from the registry, checks it, installs it, reloads, and proves that it is live.",
    )
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(context.secrets.redact(text)),
      outputError: (text, write) => write(text.replace(/^error: /, "USAGE ")),
    });

  add(program, context, {
    name: "run",
    description: "the sidecar: registers, renders, or both, as the configuration says; ends on SIGTERM or SIGINT",
    options: [
      configOption(),
      new Option(
        "--adopt",
        "take over what Registrator left behind under this host's name, and remove what no container accounts for",
      ),
    ],
    examples: ["fairlead run", "fairlead run -c /etc/fairlead/fairlead.yaml"],
    load: () => import("./commands/run.ts"),
  });
  add(program, context, {
    name: "render",
    arguments: "[target...]",
    description: "one shot: wait for a complete snapshot, render, check, install, reload, verify",
    options: [
      ...registryOptions(),
      timeoutOption(),
      new Option("--dry-run", "stop before anything is changed"),
      new Option("--diff", "print what changes in the files"),
      new Option("--exit-code", "with --dry-run: exit 10 when something would change"),
      new Option("--no-reload", "install without reload and verify; the reload stays owed"),
      new Option("--accept-shrink", "apply what guards hold back: the instances that vanished are really gone"),
      new Option("--state <dir>", "where journals and last good files are kept"),
      new Option("--template <file>", "without a configuration: the template"),
      new Option("--dest <file>", "without a configuration: the file to write"),
      new Option("--mode <octal>", "without a configuration: the file's mode, for example 0644"),
      new Option("--format <name>", "without a configuration: nginx, json, yaml, env, …; default: guessed from the name"),
      new Option(
        "--check <command>",
        "without a configuration: judges the file, {{staged}} names it; split like a shell does, no shell",
      ),
      new Option("--reload <command>", "without a configuration: makes the program read the file"),
      jsonOption(),
    ],
    examples: [
      "fairlead render",
      "fairlead render nginx --dry-run --diff",
      "fairlead render --registry etcd://127.0.0.1:2379 --template app.env.hbs --dest app.env --reload 'systemctl restart app'",
    ],
    load: () => import("./commands/render.ts"),
  });
  add(program, context, {
    name: "check",
    description: "judge configuration and templates without network",
    options: [configOption(), new Option("--probe", "ask the registry and Docker too"), timeoutOption(), jsonOption()],
    examples: ["fairlead check", "fairlead check -c fairlead.yaml --json"],
    load: () => import("./commands/check.ts"),
  });
  add(program, context, {
    name: "test",
    arguments: "[dir]",
    description: "test templates: the cases in *.case.yaml, in a folder and below it",
    options: [new Option("--update", "write down what templates give now as the expected text"), jsonOption()],
    examples: ["fairlead test", "fairlead test templates --json", "fairlead test templates/app.env.case.yaml --update"],
    load: () => import("./commands/test.ts"),
  });
  add(program, context, {
    name: "inspect",
    arguments: "<what> [name]",
    description:
      "what `docker`, the `swarm`, `http` sources or the `registry` say right now, why something is not registered, and who has which " +
      "`hosts`; with the name of a container, what decided each part of it",
    options: [
      ...registryOptions(),
      new Option("--docker <url>", "the engine, for example unix:///var/run/docker.sock"),
      timeoutOption(),
      jsonOption(),
    ],
    examples: [
      "fairlead inspect docker",
      "fairlead inspect docker web-1",
      "fairlead inspect swarm",
      "fairlead inspect registry --registry consul://127.0.0.1:8500 --json",
    ],
    load: () => import("./commands/inspect.ts"),
  });
  add(program, context, {
    name: "services",
    arguments: "[name]",
    description: "the services in the registry",
    options: [...registryOptions(), new Option("--watch", "go on, and print them at each change"), timeoutOption(), jsonOption()],
    examples: ["fairlead services", "fairlead services web --json", "fairlead services --watch"],
    load: () => import("./commands/services.ts"),
  });
  addKv(program, context);
  addPast(program, context);
  addMigrate(program, context);
  add(program, context, {
    name: "schema",
    description: "the JSON Schema of the configuration file",
    options: [],
    examples: ["fairlead schema > fairlead.schema.json"],
    load: () => import("./commands/schema.ts"),
  });
  add(program, context, {
    name: "demo",
    description: "a tour of the real thing on the embedded registry; ends by itself",
    options: [],
    examples: ["fairlead demo"],
    load: () => import("./commands/demo.ts"),
  });
  return program;
}

function addKv(program: Command, context: Context): void {
  const kv = program
    .command("kv")
    .description("configuration keys, on any registry")
    .helpCommand(false)
    .helpOption("-h, --help", "print help");
  const load = (name: "get" | "put" | "ls" | "rm" | "importKeys") => async () => ({
    run: (await import("./commands/kv.ts"))[name],
  });
  const options = [...registryOptions(), timeoutOption(), jsonOption()];
  add(kv, context, {
    name: "get",
    arguments: "<key>",
    description: "print a key's value; exit 3 when it is not there",
    options,
    examples: ["fairlead kv get app/db/host"],
    load: load("get"),
  });
  add(kv, context, {
    name: "put",
    arguments: "<key> <value>",
    description: "write a key; `-` reads the value from stdin",
    options,
    examples: ["fairlead kv put app/db/host db1", "fairlead kv put app/tls/cert - < cert.pem"],
    load: load("put"),
  });
  add(kv, context, {
    name: "ls",
    arguments: "[prefix]",
    description: "list the keys that begin with a text",
    options,
    examples: ["fairlead kv ls app/", "fairlead kv ls --json"],
    load: load("ls"),
  });
  add(kv, context, {
    name: "rm",
    arguments: "<key>",
    description: "remove a key; exit 3 when it is not there",
    options,
    examples: ["fairlead kv rm app/db/host"],
    load: load("rm"),
  });
  add(kv, context, {
    name: "import",
    arguments: "<file>",
    description: "write many keys: [{key, value}] or nested YAML; `-` reads stdin; other keys are left alone",
    options,
    examples: ["fairlead kv import keys.yaml"],
    load: load("importKeys"),
  });
}

function addPast(program: Command, context: Context): void {
  const where = [
    configOption(),
    new Option("--state <dir>", "where journals and last good files are kept; then no configuration is read"),
  ];
  add(program, context, {
    name: "explain",
    arguments: "<dest>",
    description: "which template, instances and keys made a file, when, and what changed last",
    options: [...where, jsonOption()],
    examples: ["fairlead explain /etc/nginx/conf.d/upstreams.conf", "fairlead explain app.env --state ./state --json"],
    load: () => import("./commands/explain.ts"),
  });
  add(program, context, {
    name: "history",
    arguments: "[target]",
    description: "the last changes of targets, applied or refused, with reasons; those whose files are kept can be gone back to",
    options: [...where, jsonOption()],
    examples: ["fairlead history", "fairlead history nginx --json"],
    load: () => import("./commands/history.ts"),
  });
  add(program, context, {
    name: "rollback",
    arguments: "<target>",
    description: "go back to an earlier state, checked, reloaded and proven as any other; held until the data changes",
    options: [
      configOption(),
      new Option("--state <dir>", "where journals and last good files are kept"),
      new Option("--to <id>", "an entry of the history; default: the one before the current"),
      new Option("--release", "end the hold: the next pass or render installs the newest"),
      new Option("--dry-run", "stop before anything is changed"),
      timeoutOption(),
      jsonOption(),
    ],
    examples: ["fairlead rollback nginx", "fairlead rollback nginx --to 12", "fairlead rollback nginx --release"],
    load: () => import("./commands/rollback.ts"),
  });
}

function addMigrate(program: Command, context: Context): void {
  const migrate = program
    .command("migrate")
    .description("the configuration with which fairlead does what another program does")
    .helpCommand(false)
    .helpOption("-h, --help", "print help");
  add(migrate, context, {
    name: "registrator",
    arguments: "<command...>",
    description:
      "behind `--`, Registrator's command line or the `docker run` around it: prints the configuration, and on stderr what has no equivalent",
    options: [jsonOption()],
    examples: [
      "fairlead migrate registrator -- -internal -ttl 30 -ttl-refresh 10 etcd://127.0.0.1:2379/services > fairlead.yaml",
      "fairlead migrate registrator -- docker run -d --net=host gliderlabs/registrator:latest consul://localhost:8500",
    ],
    load: async () => ({ run: (await import("./commands/migrate.ts")).registrator }),
  });
}

interface CommandSpec {
  readonly name: string;
  readonly arguments?: string;
  readonly description: string;
  readonly options: readonly Option[];
  readonly examples: readonly string[];
  readonly load: Load;
}

function add(parent: Command, context: Context, spec: CommandSpec): void {
  const command = parent.command(spec.arguments === undefined ? spec.name : `${spec.name} ${spec.arguments}`);
  command.description(spec.description).helpOption("-h, --help", "print help").allowExcessArguments(false);
  for (const option of spec.options) {
    command.addOption(option);
  }
  // Behind what is wrong with a command line, one that is right.
  command.showHelpAfterError(`  for example: ${spec.examples[0]}`);
  command.addHelpText("after", `\nExamples:\n${spec.examples.map((example) => `  $ ${example}`).join("\n")}`);
  command.action(async (...received: unknown[]) => {
    const options = command.opts<Record<string, never>>();
    const args = received
      .slice(0, -2)
      .flat()
      .filter((arg) => arg !== undefined) as string[];
    const { run } = await spec.load();
    await run(context, args, options);
  });
}

function configOption(): Option {
  return new Option(
    "-c, --config <file>",
    "configuration; default: $FAIRLEAD_CONFIG, ./fairlead.yaml, /etc/fairlead/fairlead.yaml",
  );
}

function registryOptions(): readonly Option[] {
  return [
    configOption(),
    new Option("--registry <url>", "a registry instead of the configuration's: etcd://… consul://… consul-kv://… file:///…"),
  ];
}

function timeoutOption(): Option {
  return new Option("--timeout <duration>", "how long to wait").default("30s");
}

function jsonOption(): Option {
  return new Option("--json", "print JSON");
}
