/** The README's table of promises, with the tests that name each: a promise is worth what shows it. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const PROMISES: Readonly<Record<string, string>> = {
  G1: "A destination always holds content that passed its check: across crashes, full disks, power cuts",
  G2: "Nothing a container label or a registry key says can become a directive, a path, a command or a template",
  G3: "A registry outage, an empty answer or half an answer never empties an upstream",
  G4: "No change is lost: it is live, or it is retried and shown",
  G5: "A reload counts only when the program proves that it runs the new configuration; otherwise it is rolled back",
  G6: "A failed or interrupted reload is repeated, also after the process was killed",
  G7: "One bad instance, template or hook hurts only itself",
  G8: "A dead node's entries go within their TTL; a living node's entries never flap, also across restarts and upgrades",
  G9: "Missed Docker or registry events are repaired within one resync",
  G10: "It starts and stays calm with the registry down: files untouched",
  G11: "Secrets never appear in logs, errors, diffs or process lists",
  G12: "The renderer never opens the Docker socket (unless a reload names a container); the registrator only reads",
  G13: "A check cannot be used against the host",
  G14: "Files appear atomically with their final mode; a symlink cannot redirect them",
  G15: "A storm of changes makes few reloads, and the newest state wins",
  G16: "A hook that hangs, forks or shouts cannot stall or flood the process",
  G19: "A broken configuration on SIGHUP changes nothing",
  G20: "`render` tells the truth: exit 0 means live",
};

const BEGIN = "<!-- promises: made by `npm run docs` from the tests that name them -->";
const END = "<!-- end of promises -->";

/** The README with its table as the tests in `folder` say. */
export async function withPromises(readme: string, folder: string): Promise<string> {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin === -1 || end < begin) {
    throw new Error(`the README has no place for the promises: ${BEGIN} … ${END}`);
  }
  const tests = await readTests(folder);
  const rows = Object.entries(PROMISES).map(([id, promise]) => `| ${id} | ${promise} | ${namesOf(id, tests)} |`);
  const table = ["| id | promise | tests that name it |", "|---|---|---|", ...rows].join("\n");
  return `${readme.slice(0, begin)}${BEGIN}\n\n${table}\n\n${readme.slice(end)}`;
}

/** Titles are text: a promise counts where it stands in quotes. */
function namesOf(id: string, tests: ReadonlyMap<string, string>): string {
  const named = new RegExp(`["'\`][^"'\`\n]*\\b${id}\\b`);
  const names = [...tests].filter(([, text]) => named.test(text)).map(([name]) => `\`${name}\``);
  return names.length === 0 ? "none yet" : names.join(", ");
}

async function readTests(folder: string): Promise<ReadonlyMap<string, string>> {
  const tests = new Map<string, string>();
  const names = await readdir(folder, { recursive: true });
  for (const name of names.filter((file) => file.endsWith(".ts")).sort()) {
    const text = await readFile(join(folder, name), "utf8");
    if (/^\s*(it|test|describe\w*)(\.\w+)*[(<]|^\s*title: /m.test(text)) {
      tests.set(join("test", name), text);
    }
  }
  return tests;
}
