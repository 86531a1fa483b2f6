import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { FormatName, Resolved } from "../../src/render/formats/index.ts";
import { runCommand } from "../helpers/servers/command.ts";
import { readHaproxy } from "../unit/render/formats/haproxy-words.ts";
import { readJson } from "../unit/render/formats/json-text.ts";
import { NGINX_PLACES } from "../unit/render/formats/nginx-places.ts";
import { readNginx } from "../unit/render/formats/nginx-tokens.ts";
import {
  ENV_PLACES,
  fill,
  HAPROXY_PLACES,
  INI_PLACES,
  JSON_PLACES,
  type PlaceRow,
  SHELL_PLACES,
  TOML_PLACES,
  XML_PLACES,
  YAML_PLACES,
} from "../unit/render/formats/places.ts";
import { createRandom, hostileValue, isPrintableAscii } from "../unit/render/formats/values.ts";

/**
 * G2, for every format: a value fills the place that the template gives it and nothing more. Whatever it holds, the reader of the file
 * gets the structure of the template and exactly this value, or the value is refused by name; and what can be printed in ASCII is never
 * refused where there is an escape. Readers are real ones.
 */
const VALUES = 20_000; // for each of ten formats

interface Case {
  readonly row: PlaceRow;
  readonly value: string;
  readonly text: string;
}

interface Run {
  readonly format: FormatName;
  readonly places: readonly PlaceRow[];
  /** Places for each value, picked at random. */
  readonly perValue: number;
  readonly seed: number;
  /** What has no escape at all, even in places that have one for everything else. */
  readonly never?: RegExp;
}

/** All values that were let through, in their places; fails for each that was refused without need. */
function cases({ format, places, perValue, seed, never = /[^\s\S]/ }: Run): readonly Case[] {
  const random = createRandom(seed);
  const through: Case[] = [];
  const needless: unknown[] = [];
  for (let i = 0; i < VALUES; i += 1) {
    const value = hostileValue(random);
    for (let pick = 0; pick < perValue; pick += 1) {
      const row = places[random(places.length)];
      if (row === undefined) {
        continue;
      }
      const resolved = fillAll(format, row, value);
      if (resolved.ok) {
        through.push({ row, value, text: resolved.text });
      } else {
        const isNeedless = row.isTotal === true && isPrintableAscii(value) && !never.test(value);
        if (isNeedless || !resolved.problems.every(({ reason }) => /^its? /.test(reason))) {
          needless.push({ place: row.text, value, problems: resolved.problems });
        }
      }
    }
  }
  expect(needless.slice(0, 5)).toEqual([]);
  return through;
}

function fillAll(format: FormatName, row: PlaceRow, value: string): Resolved {
  return fill(format, row.text, ...Array<string>(row.text.split("@@").length - 1).fill(value));
}

/** The cases in which a reader gets something else. */
function differing(all: readonly Case[], read: (text: string) => unknown): readonly unknown[] {
  const bad: unknown[] = [];
  for (const { row, value, text } of all) {
    let got: unknown;
    try {
      got = read(text);
    } catch (error) {
      got = String(error);
    }
    if (JSON.stringify(got) !== JSON.stringify(row.expect(value))) {
      bad.push({ text, value, got });
    }
  }
  return bad.slice(0, 5);
}

describe("G2: a value fills one token and nothing more", () => {
  test("json, read by JSON.parse", () => {
    const all = cases({ format: "json", places: JSON_PLACES, perValue: 4, seed: 1 });
    expect(differing(all, readJson)).toEqual([]);
  });

  test("yaml, read as 1.1 and 1.2", { timeout: 120_000 }, () => {
    const all = cases({ format: "yaml", places: YAML_PLACES, perValue: 2, seed: 2 });
    for (const version of ["1.1", "1.2"] as const) {
      expect(differing(all, (text) => parse(text, { version, uniqueKeys: false, logLevel: "error" }) as unknown)).toEqual([]);
    }
  });

  test("nginx, read word by word as nginx does; only $ has no escape", () => {
    const all = cases({ format: "nginx", places: NGINX_PLACES, perValue: 4, seed: 3, never: /\$/ });
    expect(differing(all, readNginx)).toEqual([]);
  });

  test("haproxy, read word by word as haproxy does; only % has no escape", () => {
    const all = cases({ format: "haproxy", places: HAPROXY_PLACES, perValue: 2, seed: 8, never: /%/ });
    expect(differing(all, (text) => readHaproxy(text).slice(1))).toEqual([]);
  });

  test("env, read by sh", { timeout: 120_000 }, () => {
    expect(shellDiffers(cases({ format: "env", places: ENV_PLACES, perValue: 2, seed: 4 }))).toEqual([]);
  });

  test("shell, run by sh", { timeout: 120_000 }, () => {
    expect(shellDiffers(cases({ format: "shell", places: SHELL_PLACES, perValue: 2, seed: 5 }))).toEqual([]);
  });

  test("env, a bare value is the same to a reader that knows no quotes", () => {
    const bare = ENV_PLACES.filter((row) => /^A=[^"'#]*$/.test(row.text));
    for (const { row, value, text } of cases({ format: "env", places: bare, perValue: 1, seed: 6 })) {
      expect(text).toBe(`A=${String(row.expect(value))}`);
    }
  });

  test("text, as it is, on its line", () => {
    const random = createRandom(7);
    for (let i = 0; i < VALUES; i += 1) {
      const value = hostileValue(random);
      const resolved = fill("text", "x @@ y\nz", value);
      expect(resolved.ok || !isPrintableAscii(value)).toBe(true);
      expect(!resolved.ok || resolved.text === `x ${value} y\nz`).toBe(true);
      expect(!resolved.ok || /^[^\p{Cc}\u2028\u2029]*$/u.test(value.replaceAll("\t", ""))).toBe(true);
    }
  });
});

/** Runs many cases in one shell, and those of a batch that differs one by one. */
function shellDiffers(all: readonly Case[]): readonly unknown[] {
  const bad: unknown[] = [];
  const BATCH = 500;
  for (let start = 0; start < all.length && bad.length < 5; start += BATCH) {
    const batch = all.slice(start, start + BATCH);
    if (runShell(batch) !== batch.map(({ row, value }) => `${String(row.expect(value))}\0`).join("")) {
      bad.push(...batch.filter((one) => runShell([one]) !== `${String(one.row.expect(one.value))}\0`));
    }
  }
  return bad.slice(0, 5);
}

function runShell(batch: readonly Case[]): string {
  const input = batch.map(({ text }) => `unset A C; B=bee\n${text}\nprintf '%s\\0' "$A"\n`).join("");
  const { stdout, stderr } = spawnSync("sh", {
    input,
    env: { PATH: "/usr/bin:/bin", HOME: "/home", LC_ALL: "C.UTF-8" },
    encoding: "utf8",
  });
  return stdout + stderr;
}

/** Readers of another family, where they are installed. */
const PYTHON = `
import json, sys, xml.etree.ElementTree as tree
def toml(text):
    import tomllib
    return tomllib.loads(text)
def yaml(text):
    import yaml
    return yaml.safe_load(text)
def xml(text):
    root = tree.fromstring(text)
    return [root.tag, dict(root.attrib), "".join(root.itertext())]
def ini(text):
    import configparser
    parser = configparser.ConfigParser()
    parser.optionxform = str
    parser.read_string(text)
    return {name: dict(parser.items(name)) for name in parser.sections()}
read = {"toml": toml, "yaml": yaml, "xml": xml, "ini": ini}[sys.argv[1]]
read(sys.argv[2])
bad = []
for text, want in json.load(sys.stdin):
    try:
        got = read(text)
    except Exception as error:
        got = str(error)
    if got != want:
        bad.append([text, got, want])
json.dump(bad[:5], sys.stdout, default=str)
`;
const PROBES = { yaml: "a: 1", toml: "a = 1", xml: "<a/>", ini: "[a]" };

async function readByPython(format: keyof typeof PROBES, all: readonly Case[]): Promise<unknown> {
  const input = JSON.stringify(all.map(({ row, value, text }) => [text, row.expect(value)]));
  const { stdout } = await runCommand(["python3", "-c", PYTHON, format, PROBES[format]], { input, timeoutMs: 300_000 });
  return JSON.parse(stdout);
}

function hasPython(format: keyof typeof PROBES): boolean {
  return spawnSync("python3", ["-c", PYTHON, format, PROBES[format]], { input: "[]" }).status === 0;
}

// At the same time: the readers are processes of their own.
describe.concurrent("G2: and so it is for readers in Python", () => {
  test.runIf(hasPython("yaml"))("yaml, read by PyYAML", { timeout: 300_000 }, async ({ expect }) => {
    const all = cases({ format: "yaml", places: YAML_PLACES, perValue: 1, seed: 12 });
    expect(await readByPython("yaml", all)).toEqual([]);
  });
  test.runIf(hasPython("toml"))("toml, read by tomllib", { timeout: 300_000 }, async ({ expect }) => {
    const all = cases({ format: "toml", places: TOML_PLACES, perValue: 2, seed: 13 });
    expect(await readByPython("toml", all)).toEqual([]);
  });
  test.runIf(hasPython("ini"))("ini, read by configparser", { timeout: 300_000 }, async ({ expect }) => {
    const all = cases({ format: "ini", places: INI_PLACES, perValue: 2, seed: 15 });
    expect(await readByPython("ini", all)).toEqual([]);
  });
  test.runIf(hasPython("xml"))("xml, read by expat", { timeout: 300_000 }, async ({ expect }) => {
    const all = cases({ format: "xml", places: XML_PLACES, perValue: 2, seed: 14 });
    expect(await readByPython("xml", all)).toEqual([]);
  });
});
