import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { FORMAT_NAMES, type FormatName } from "../../../src/render/formats/index.ts";
import { requireProgram } from "../../helpers/servers/acquire.ts";
import { runCommand } from "../../helpers/servers/command.ts";
import { describeWith, makeFolder, removeFolder } from "../../helpers/servers/index.ts";
import { readHaproxy } from "../../unit/render/formats/haproxy-words.ts";
import { readJson } from "../../unit/render/formats/json-text.ts";
import { readNginx } from "../../unit/render/formats/nginx-tokens.ts";
import { ATTACKS } from "./attacks.ts";
import { type Arrival, attackFormat, type Outcomes, sentences } from "./corpus.ts";
import { type Differing, hasPyYaml, readHere, readInGit, readInPython, readInShell } from "./readers.ts";

const outcomes = new Map<FormatName, Outcomes>();
function attacked(format: FormatName): Outcomes {
  const known = outcomes.get(format) ?? attackFormat(format);
  outcomes.set(format, known);
  return known;
}

/** So many places, values that arrive in them, and refusals: a corpus that shrinks, or a refusal too many, is seen here. */
const COUNTS: Readonly<Record<FormatName, readonly [places: number, arrived: number, refused: number]>> = {
  nginx: [53, 10_585, 5792],
  haproxy: [15, 2304, 2331],
  json: [11, 2280, 1119],
  yaml: [55, 14_017, 2978],
  toml: [19, 4479, 1392],
  env: [26, 2880, 5154],
  shell: [55, 9452, 7543],
  ini: [13, 1246, 2771],
  xml: [16, 2285, 2659],
  text: [3, 825, 102],
};

describe("G2: every attack in every place of every format", () => {
  test.each(FORMAT_NAMES)("%s: it is let through, or refused by template, line and column, and never repeated", (format) => {
    const { tried, places, arrived, refused, nameless } = attacked(format);
    expect(nameless.slice(0, 5)).toEqual([]);
    // So few sentences for so many values: none of them holds one.
    expect(sentences(refused).size).toBeLessThan(40);
    expect(ATTACKS.length).toBeGreaterThanOrEqual(300);
    expect(tried).toBe(places * ATTACKS.length);
    expect(arrived.length + refused.length).toBe(tried);
    expect([places, arrived.length, refused.length]).toEqual(COUNTS[format]);
  });

  const readers: readonly (readonly [FormatName, string, (arrived: readonly Arrival[]) => Differing])[] = [
    ["json", "JSON.parse", (all) => readHere(all, readJson)],
    ["json", "Python", (all) => readInPython("json", all)],
    ["yaml", "yaml as 1.1", (all) => readHere(all, readYaml("1.1"))],
    ["yaml", "yaml as 1.2", (all) => readHere(all, readYaml("1.2"))],
    ["toml", "Python's tomllib", (all) => readInPython("toml", all)],
    ["env", "dash", (all) => readInShell(["dash"], all)],
    ["env", "bash", (all) => readInShell(["bash"], all)],
    ["shell", "dash", (all) => readInShell(["dash"], all)],
    ["shell", "bash", (all) => readInShell(["bash"], all)],
    ["ini", "Python's configparser", (all) => readInPython("ini", all)],
    ["ini", "git", readInGit],
    ["xml", "expat", (all) => readInPython("xml", all)],
    ["nginx", "nginx's own rules", (all) => readHere(all, readNginx)],
    ["haproxy", "HAProxy's own rules", (all) => readHere(all, (text) => readHaproxy(text).slice(1))],
    ["text", "itself", (all) => readHere(all, (text) => text)],
  ];
  test.each(readers)("%s, read by %s: the structure is the template's and the value is whole", (format, _, read) => {
    expect(read(attacked(format).arrived)).toEqual([]);
  });

  test.runIf(hasPyYaml())("yaml, read by PyYAML: the structure is the template's and the value is whole", () => {
    expect(readInPython("yaml", attacked("yaml").arrived)).toEqual([]);
  });
});

describeWith(["busybox"], "G2: every attack, read by BusyBox", () => {
  test.each(["env", "shell"] as const)("%s, run by its sh: the value is whole and nothing else runs", async (format) => {
    const { path } = await requireProgram("busybox");
    expect(readInShell([path, "sh"], attacked(format).arrived)).toEqual([]);
  });
});

describeWith(["xmllint"], "G2: every attack, read by libxml2", () => {
  test("xml: every file is well-formed", async () => {
    const { path } = await requireProgram("xmllint");
    const folder = await makeFolder("xml");
    onTestFinished(() => removeFolder(folder));
    await mkdir(join(folder, "x"));
    const names = await Promise.all(
      attacked("xml").arrived.map(async ({ text }, i) => {
        const name = join(folder, "x", `${i}.xml`);
        await writeFile(name, text);
        return name;
      }),
    );
    await runCommand([path, "--noout", "--nonet", ...names], { timeoutMs: 60_000 });
  });
});

function readYaml(version: "1.1" | "1.2"): (text: string) => unknown {
  return (text) => parse(text, { version, uniqueKeys: false, logLevel: "error" }) as unknown;
}
