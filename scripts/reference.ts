/** Makes the pages in `docs/` from the tables that the code itself works with. `npm run docs` writes them; a test fails when one is stale. */
import type { Command } from "commander";
import { configJsonSchema, type JsonSchema } from "../src/config/schema.ts";
import { ERROR_CODES } from "../src/model/errors.ts";
import { HELPERS } from "../src/render/helpers/index.ts";
import { READ_HELPERS } from "../src/render/reads.ts";
import { ASKING_HELPERS } from "../src/render/sites.ts";

const NOTE = "<!-- Made by `npm run docs` from the tables in the code. Change those, not this page. -->\n";

export function configurationPage(): string {
  const head = `# Configuration\n\n${NOTE}\nYAML (JSON is YAML too). An unknown key is an error that names the nearest one. Durations are \`250ms\`, \`5s\`, \`1m\`; paths are relative to the\nfile; \`\${NAME}\` and \`\${NAME:-default}\` take environment variables in. \`fairlead schema\` prints the same as JSON Schema.\n`;
  const rows = describeProperties(configJsonSchema(), "");
  return `${head}\n${table(["key", "what", "default"], rows)}`;
}

function describeProperties(schema: JsonSchema, prefix: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    const needed = schema.required?.includes(name) === true && property.default === undefined;
    return [[`\`${path}\``, describeValue(property), defaultOf(property, needed)], ...describeInner(property, path)];
  });
}

function describeInner(property: JsonSchema, path: string): string[][] {
  const forms = property.anyOf ?? [property];
  return forms.flatMap((form) => {
    if (typeof form.additionalProperties === "object") {
      return describeProperties(form.additionalProperties, `${path}.NAME`);
    }
    return form.items?.properties === undefined ? describeProperties(form, path) : describeProperties(form.items, `${path}[]`);
  });
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

export function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, { exit, meaning }]) => [`\`${code}\``, sentence(meaning), String(exit)]);
  return `# Error codes\n\n${NOTE}\nCodes are stable; messages are for people and may change.\n\n${table(["code", "meaning", "exit"], rows)}`;
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
