/** Makes the pages in `docs/` from the tables that the code itself works with. `npm run docs` writes them; a test fails when one is stale. */
import type { Command } from "commander";
import { configJsonSchema, type JsonSchema } from "../src/config/schema.ts";
import { ERROR_CODES } from "../src/model/errors.ts";
import { HELPERS } from "../src/render/helpers/index.ts";
import { READ_HELPERS } from "../src/render/reads.ts";

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
  return `# Template helpers\n\n${NOTE}\nTemplates are Handlebars: \`if\`, \`unless\`, \`each\`, \`with\` and \`lookup\` are as there, and so is \`{{else}}\`.\n\n## Read the registry\n\n${table(["in a template", "gives"], reads)}\n## Shape what was read\n\nAll are pure: the same arguments give the same result.\n\n${shapes.join("\n")}`;
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
