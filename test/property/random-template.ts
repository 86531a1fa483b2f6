export const SERVICES = ["web", "db", "api", "nobody"];
export const KEYS = ["app/on", "app/mode", "app/deep/x", "db/host", "flag", "app/name"];
export const PREFIXES = ["app/", "db/", ""];

type Random = (below: number) => number;

/** A template of a small grammar: reads of every kind, below conditions that are reads themselves, in loops and in partials. */
export function randomTemplate(random: Random, partials: readonly string[]): string {
  return blocks(random, partials, 3);
}

function blocks(random: Random, partials: readonly string[], depth: number): string {
  return Array.from({ length: 1 + random(3) }, () => block(random, partials, depth)).join("|");
}

function block(random: Random, partials: readonly string[], depth: number): string {
  if (depth === 0) {
    return read(random);
  }
  const inner = (): string => blocks(random, partials, depth - 1);
  switch (random(9)) {
    case 0:
      return `{{#if ${condition(random)}}}${inner()}{{else}}${inner()}{{/if}}`;
    case 1:
      return `{{#unless ${condition(random)}}}${inner()}{{/unless}}`;
    case 2:
      return `{{#each ${list(random)}}}${read(random)}{{else}}${inner()}{{/each}}`;
    case 3:
      return `{{#each (ls "${pick(random, PREFIXES)}")}}{{this}},{{/each}}`;
    case 4:
      return `{{#with (tree "app/")}}{{toJson this}}{{/with}}`;
    case 5:
      // A name that is data decides what is read.
      return `{{#each (service (key "app/mode" default="web"))}}{{addr}}{{/each}}`;
    case 6:
      return partials.length === 0 ? read(random) : `{{> ${pick(random, partials)}}}`;
    default:
      return read(random);
  }
}

function condition(random: Random): string {
  switch (random(5)) {
    case 0:
      return `(keyExists "${pick(random, KEYS)}")`;
    case 1:
      return `(eq (key "${pick(random, KEYS)}" default="a") "a")`;
    case 2:
      return `(service "${pick(random, SERVICES)}")`;
    case 3:
      return `(and (keyExists "${pick(random, KEYS)}") (service "${pick(random, SERVICES)}" health="passing"))`;
    default:
      return `(gt (length (keys "${pick(random, PREFIXES)}")) 1)`;
  }
}

function list(random: Random): string {
  switch (random(4)) {
    case 0:
      return "(services)";
    case 1:
      return `(services tag="http")`;
    case 2:
      return `(service "${pick(random, SERVICES)}" health="any")`;
    default:
      return `(keys "${pick(random, PREFIXES)}")`;
  }
}

function read(random: Random): string {
  switch (random(5)) {
    case 0:
      return `{{#each (service "${pick(random, SERVICES)}")}}{{id}}={{addr}}/{{health}};{{/each}}`;
    case 1:
      return `{{key "${pick(random, KEYS)}" default="none"}}`;
    case 2:
      return `{{length (keys "${pick(random, PREFIXES)}")}}`;
    case 3:
      // Without a default: it fails while the key is not there.
      return random(12) === 0 ? `{{key "${pick(random, KEYS)}"}}` : `{{join (ls "app/") ","}}`;
    default:
      return `{{#each (services)}}{{name}}:{{length instances}} {{/each}}`;
  }
}

function pick(random: Random, from: readonly string[]): string {
  return from[random(from.length)] ?? "";
}
