/** Makes the pages in `docs/` from the tables that the code itself works with. `npm run docs` writes them; a test fails when one is stale. */
import type { Command } from "commander";
import { BACKENDS } from "../src/cli/migrate/backends.ts";
import { DIFFERENCES } from "../src/cli/migrate/differences.ts";
import { VARIABLES } from "../src/cli/migrate/environment.ts";
import { FLAGS, VERSION_ROW } from "../src/cli/migrate/flags.ts";
import { casesJsonSchemas } from "../src/config/cases.ts";
import { configJsonSchema, type JsonSchema } from "../src/config/schema.ts";
import { ERROR_CODES } from "../src/model/errors.ts";
import { HELPERS } from "../src/render/helpers/index.ts";
import { READ_HELPERS } from "../src/render/template/reads.ts";
import { ASKING_HELPERS } from "../src/render/template/sites.ts";

const NOTE = "<!-- Made by `npm run docs` from the tables in the code. Change those, not this page. -->\n";

export function configurationPage(): string {
  const head = `# Configuration\n\n${NOTE}\nYAML (JSON is YAML too). An unknown key is an error that names the nearest one. Durations are \`250ms\`, \`5s\`, \`1m\`; paths are relative to the\nfile; \`\${NAME}\` and \`\${NAME:-default}\` take environment variables in. \`fairlead schema\` prints the same as JSON Schema.\n`;
  const rows = describeProperties(configJsonSchema(), "", new Map());
  return `${head}\n${table(["key", "what", "default"], rows)}`;
}

/** Where each object was described: what stands in several places is described once. */
type Described = Map<string, string>;

function describeProperties(schema: JsonSchema, prefix: string, described: Described): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    const needed = schema.required?.includes(name) === true && property.default === undefined;
    const known = formsOf(property).flatMap((form) => described.get(JSON.stringify(form.properties)) ?? []);
    const same = [...new Set(known)].map((place) => ` Keys as in \`${place}\`.`).join("");
    return [
      [`\`${path}\``, `${describeValue(property)}${same}`, defaultOf(property, needed)],
      ...describeInner(property, path, described),
    ];
  });
}

function formsOf(property: JsonSchema): readonly JsonSchema[] {
  return (property.anyOf ?? [property]).flatMap((form) => (form.anyOf === undefined ? [form] : formsOf(form)));
}

function describeInner(property: JsonSchema, path: string, described: Described): string[][] {
  return formsOf(property).flatMap((form) => {
    if (typeof form.additionalProperties === "object") {
      return describeOnce(form.additionalProperties, `${path}.NAME`, described);
    }
    return form.items?.properties === undefined
      ? describeOnce(form, path, described)
      : describeOnce(form.items, `${path}[]`, described);
  });
}

function describeOnce(form: JsonSchema, path: string, described: Described): string[][] {
  const text = JSON.stringify(form.properties);
  if (described.has(text)) {
    return [];
  }
  if (form.properties !== undefined) {
    described.set(text, path);
  }
  return describeProperties(form, path, described);
}

function describeValue(property: JsonSchema): string {
  const words = property.enum === undefined ? "" : ` One of ${property.enum.map((word) => `\`${String(word)}\``).join(" ")}.`;
  return `${sentence(property.description ?? "")}${words}`;
}

function defaultOf(property: JsonSchema, isNeeded: boolean): string {
  if (property.default === undefined || (typeof property.default === "object" && !Array.isArray(property.default))) {
    return isNeeded ? "needed" : "";
  }
  const isDuration = property.type === "string" && typeof property.default === "number";
  return `\`${isDuration ? `${property.default}ms` : JSON.stringify(property.default)}\``;
}

export function commandsPage(program: Command): string {
  const sections = leaves(program).map(
    (command) => `## fairlead ${pathOf(command, program)}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`,
  );
  return `# Commands\n\n${NOTE}\n${sections.join("\n")}`;
}

function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function pathOf(command: Command, root: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null && at !== root; at = at.parent) {
    names.unshift(at.name());
  }
  return names.join(" ");
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 120,
  });
  command.outputHelp();
  return text.trimEnd();
}

export function templatesPage(): string {
  const reads = READ_HELPERS.map((helper) => [`\`{{${helper.signature}}}\``, sentence(helper.meaning)]);
  const topics = [...new Set(HELPERS.map((helper) => helper.topic))];
  const shapes = topics.map((topic) => {
    const rows = HELPERS.filter((helper) => helper.topic === topic).map((helper) => [
      `\`${helper.signature}\``,
      sentence(helper.meaning),
      `\`${helper.example.template}\``,
      `\`${helper.example.output}\``,
    ]);
    return `### ${capital(topic)}\n\n${table(["helper", "what", "example", "gives"], rows)}`;
  });
  return `# Template helpers\n\n${NOTE}\nTemplates are Handlebars: \`if\`, \`unless\`, \`each\`, \`with\` and \`lookup\` are as there, and so is \`{{else}}\`.\n\n## Read the registry\n\n${table(["in a template", "gives"], reads)}\n## Shape what was read\n\nAll are pure: the same arguments give the same result.\n\n${shapes.join("\n")}\n${absentSection()}${unsafeSection()}`;
}

function absentSection(): string {
  const asking = ASKING_HELPERS.map((name) => `\`${name}\``).join(", ");
  const rows = [
    [
      "a field of a service, an instance or a key",
      "`{{adress}}` `{{#if adress}}`",
      "an error that names the nearest field, everywhere",
    ],
    [
      "data, where it is only asked for",
      `\`{{#if meta.host}}\` \`{{default meta.host "x"}}\``,
      `absent, which counts as false: in ${asking}`,
    ],
    ["data, with something else to stand there", "`{{#each x}}…{{else}}…{{/each}}`, `with` too", "the part behind `{{else}}`"],
    [
      "data, anywhere else",
      "`{{meta.host}}` `{{lower meta.host}}` `{{#each meta.list}}`",
      "an error that says how to make it optional",
    ],
    ["a configuration key", '`{{key "app/x"}}`', "an error that names the key; `default=` makes it optional"],
  ];
  return `## What may be absent\n\nServices, instances and keys have fields with known names, so an absent one is a typo. What stands below \`meta\`, in \`tree\`, in parsed texts and in\ngroups is data, where names come and go.\n\n${table(["absent is", "for example", "and that is"], rows)}\nA partial that is given more by name (\`{{> site host=meta.host}}\`) sees those names beside the fields of its context. A name in a path may stand in\nbrackets: \`{{meta.[odd name]}}\`, and an item of a list is \`{{tags.[0]}}\`.\n\n`;
}

function unsafeSection(): string {
  return `## When a value cannot stand where it is put\n\nThe file is refused (\`TEMPLATE_UNSAFE\`) with template, line and column, and the target keeps its last good files. With \`onUnsafe: skip-instance\` on the file, the\ninstance that the value comes from is left out of this file instead, which the log and \`fairlead explain\` show, until the value is fixed. The instance is the one whose\nblock the value stands in, or that the expression reads; else every instance that holds this very text in a field, a tag or in \`meta\`. A value from a key\nhas no instance: it still refuses the file.\n\n## One file for each service\n\nWith \`forEach: services\` on a file, the template begins inside a service (\`{{name}}\`, \`{{tags}}\`, \`{{#each instances}}\`), and \`dest\` holds \`{{name}}\`, percent-encoded:\n\`out/{{name}}.conf\`. Files whose service is gone are removed.\n\n## Limits\n\nA render that would go on without end, or write without bounds, ends with an error at its place and hurts only its own target: 5 million steps (turns of\nloops, calls and insertions), 64 Mi characters, partials 100 deep.\n`;
}

export function testingPage(): string {
  const { one } = casesJsonSchemas();
  return `# Testing templates

${NOTE}
\`fairlead test [DIR]\` finds every \`*.case.yaml\` in a folder and below it (not in \`node_modules\`, not in folders that begin with a dot), renders each case from the
services and keys that it brings, and compares. No registry is asked, no file is written, nothing is reloaded.

\`\`\`handlebars
upstream web {
{{#each (service "web")}}
    server {{addr}};
{{/each}}
}
{{#if (keyExists "nginx/admin")}}
server { listen {{key "nginx/admin"}}; }
{{/if}}
\`\`\`

\`\`\`yaml
# upstreams.conf.case.yaml, beside upstreams.conf.hbs
cases:
  - name: IPv6 in brackets, critical instances left out
    services:
      web:
        - { address: "2001:db8::1", port: 8080 }
        - { address: 10.0.0.2, port: 8080, health: critical }
    expect: |
      upstream web {
          server [2001:db8::1]:8080;
      }
  - name: a port that is a directive is refused
    keys: { nginx/admin: "80; include /etc/passwd; $x" }
    error: { code: TEMPLATE_UNSAFE, line: 7 }
\`\`\`

A file is one case, or has a list of them in \`cases\`; beside that list stand \`template\`, \`format\`, \`raw\`, \`onUnsafe\` and \`partials\` for all of them. Each case expects exactly one of
\`expect\`, \`expectFile\`, \`contains\` and \`error\`. Paths are relative to the case file. An unknown key is an error that names the nearest one.

${table(["key", "what", "default"], describeProperties(one, "", new Map()))}
- Services are as in the registry: instances that are \`critical\` are not used, an instance that names no \`id\` gets one of node, service, address and port, and the order is by id.
- \`{{generation}}\` prints \`0000000000000000\`: the real one is the hash of the whole target's files.
- Texts are compared to the last byte. In YAML a block \`|\` ends in one newline, \`|-\` in none, \`|+\` in all that stand there.
- YAML's anchors (\`services: &two …\`, then \`services: *two\`) share data among the cases of a file.

\`--update\` writes what the templates give now as the expected text, into \`expect\` and \`expectFile\` only; look at it before you commit it. \`--json\` prints
\`[ { file, name, ok, error?, diff? } ]\`; an \`error\` without a \`code\` says that the text is not the expected one. Exit code: 0 all pass, 3 a case failed, 2 a case file is wrong
(nothing is run then) or there is none.
`;
}

export function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, { exit, meaning }]) => [`\`${code}\``, sentence(meaning), String(exit)]);
  return `# Error codes\n\n${NOTE}\nCodes are stable; messages are for people and may change.\n\n${table(["code", "meaning", "exit"], rows)}`;
}

export function registratorPage(): string {
  const flags = FLAGS.map(({ name, becomes, why }) => [`\`-${name}\``, becomes, sentence(why)]);
  const backends = BACKENDS.map(({ scheme, becomes, why }) => [`\`${scheme}://\``, becomes, sentence(why)]);
  const variables = VARIABLES.map(({ name, becomes, why }) => [`\`${name}\``, becomes, sentence(why)]);
  const differences = DIFFERENCES.map(({ registrator, fairlead, why }) => [
    sentence(registrator),
    sentence(fairlead),
    sentence(why),
  ]);
  const version = [`\`${VERSION_ROW.flag}\``, VERSION_ROW.becomes, sentence(VERSION_ROW.why)];
  return `# Coming from Registrator

${NOTE}
\`\`\`sh
fairlead migrate registrator -- -internal -resync 600 consulkv://127.0.0.1:8500/services > fairlead.yaml
fairlead check                 # the configuration by itself
fairlead inspect docker        # what it would register, and what not, and why; nothing is written
\`\`\`

Behind the \`--\` stands Registrator's command line as it is, or the \`docker run\` around it. What has no equivalent is told on stderr and in comments of the file.
Then, on each node:

1. Stop Registrator. In Consul and in keys its entries stay where they are, and are used; those that expire do so in their time.
2. \`fairlead run --adopt\`, once. Entries that Registrator left behind under this host's name or under \`node\` (ids \`HOST:CONTAINER:PORT\`, without an owner) are taken over
   where fairlead registers an instance with that id, without a moment in which they are gone, and removed where it does not: \`fairlead inspect docker\` shows beforehand what it
   registers. Nothing else is touched: other hosts' entries, other programs', ids of another form. An entry whose id came from SERVICE_ID is of such a form: remove it by hand. With several sources nothing is removed before each has answered. When that is done it is over, and the log says so; a new configuration (\`SIGHUP\`) begins it again.
3. From then on \`fairlead run\`. Without \`--adopt\` such an entry is never touched: where it stands in the way, the log says so and names \`--adopt\`.

With \`layout: registrator\` keys and values are those that Registrator writes: \`<prefix>/<service>/<id>\` = \`ip:port\`. Its nodes and fairlead's can share a prefix for as
long as the change takes. What belongs to whom stands below \`fairlead/\`.

## Flags

\`ttl\` and \`resync\` are keys of \`register\`, the others of \`register.sources.docker\`; what an address becomes are keys of \`registry\`: [configuration](configuration.md).

${table(["flag", "becomes", "because"], [...flags, version])}
## Back ends

${table(["address", "becomes", "because"], backends)}
## Environment

${table(["variable", "becomes", "because"], variables)}
## What else differs

${table(["Registrator", "fairlead", "because"], differences)}`;
}

function sentence(text: string): string {
  return text === "" ? "" : `${capital(text)}${/[.!?]$/.test(text) ? "" : "."}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}
