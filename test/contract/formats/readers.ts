import { spawnSync } from "node:child_process";
import type { Arrival } from "./corpus.ts";

/** Values that a reader did not get as they are, or a structure that is not the template's: at most five. */
export type Differing = readonly unknown[];

/** Readers of Python's, each strict: one process for all texts. */
const PYTHON = `
import configparser, json, shlex, sys, xml.etree.ElementTree as tree
def read_json(text):
    while text.startswith(("//", "/*")):
        text = text.split("\\n", 1)[1] if text.startswith("//") else text.split("*/", 1)[1]
    return json.loads(text)
def toml(text):
    import tomllib
    return tomllib.loads(text)
def yaml(text):
    import yaml
    return yaml.load(text, yaml.CSafeLoader)
def xml(text):
    root = tree.fromstring(text)
    return [root.tag, dict(root.attrib), "".join(root.itertext())]
def ini(text):
    found = []
    for interpolation in (None, configparser.BasicInterpolation()):
        parser = configparser.ConfigParser(interpolation=interpolation)
        parser.optionxform = str
        parser.read_string(text)
        found.append({name: dict(parser.items(name)) for name in parser.sections()})
    return found[0] if all(one == found[0] for one in found) else found
def words(text):
    return shlex.split(text, comments=True)
read = {"json": read_json, "toml": toml, "yaml": yaml, "xml": xml, "ini": ini, "shlex": words}[sys.argv[1]]
bad = []
sys.stdin.reconfigure(encoding="utf-8")
for text, want in json.load(sys.stdin):
    try:
        got = read(text)
    except Exception as error:
        got = str(error)
    if got != want:
        bad.append([text[:200], str(got)[:200]])
json.dump(bad[:5], sys.stdout, default=str)
`;

export type PythonReader = "json" | "toml" | "yaml" | "xml" | "ini" | "shlex";

export function readInPython(reader: PythonReader, arrived: readonly Arrival[]): Differing {
  const input = JSON.stringify(arrived.map(({ row, attack, text }) => [text, row.expect(attack.value)]));
  const { stdout, stderr } = spawnSync("python3", ["-c", PYTHON, reader], { input, encoding: "utf8", maxBuffer: 1e9 });
  if (stdout === "") {
    throw new Error(`python3 did not read ${reader}: ${stderr}`);
  }
  return JSON.parse(stdout);
}

/** A reader of this process. */
export function readHere(arrived: readonly Arrival[], read: (text: string) => unknown): Differing {
  const bad: unknown[] = [];
  for (const { row, attack, text } of arrived) {
    let got: unknown;
    try {
      got = read(text);
    } catch (error) {
      got = String(error);
    }
    if (JSON.stringify(got) !== JSON.stringify(row.expect(attack.value))) {
      bad.push({ place: row.text, text: text.slice(0, 200), got: JSON.stringify(got)?.slice(0, 200) });
    }
  }
  return bad.slice(0, 5);
}

const BATCH = 400;

/** Runs the texts as scripts: afterwards the variable `A` holds what it must, and nothing else has run or was said. */
export function readInShell(shell: readonly string[], arrived: readonly Arrival[]): Differing {
  const bad: unknown[] = [];
  for (let start = 0; start < arrived.length && bad.length < 5; start += BATCH) {
    const batch = arrived.slice(start, start + BATCH);
    if (runShell(shell, batch) !== batch.map(wanted).join("")) {
      for (const one of batch) {
        const got = runShell(shell, [one]);
        if (got !== wanted(one)) {
          bad.push({ place: one.row.text, text: one.text.slice(0, 200), got: got.slice(0, 200) });
        }
      }
    }
  }
  return bad.slice(0, 5);
}

function wanted({ row, attack }: Arrival): string {
  return `${String(row.expect(attack.value))}\0`;
}

function runShell([program = "", ...args]: readonly string[], batch: readonly Arrival[]): string {
  const input = batch.map(({ text }) => `unset A C; B=bee\n${text}\nprintf '%s\\0' "$A"\n`).join("");
  const { stdout, stderr } = spawnSync(program, args, {
    input,
    env: { PATH: "/usr/bin:/bin", HOME: "/home", LC_ALL: "C.UTF-8" },
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  return stdout + stderr;
}

export function hasPyYaml(): boolean {
  return spawnSync("python3", ["-c", "import yaml"]).status === 0;
}

/** git reads what the section `s` sets, a section for each text; it takes quotes away. Texts of another shape are not git's. */
export function readInGit(arrived: readonly Arrival[]): Differing {
  const all = arrived.filter(({ row }) => /^\[s\]\na.*\nb = 1\n$/.test(row.text));
  const { stdout, stderr } = spawnSync("git", ["config", "-f", "-", "--list", "-z"], {
    input: all.map(({ text }, i) => text.replace("[s]", `[s "n${i}"]`)).join(""),
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  const got = stdout.split("\0");
  const bad: unknown[] = stderr === "" ? [] : [stderr];
  all.forEach(({ row, attack, text }, i) => {
    const { s } = row.expect(attack.value) as { readonly s: { readonly a: string } }; // as its rows are written
    const want = [`s.n${i}.a\n${s.a.replace(/^"(.*)"$/, "$1")}`, `s.n${i}.b\n1`];
    if (got[2 * i] !== want[0] || got[2 * i + 1] !== want[1]) {
      bad.push({ text: text.slice(0, 200), got: got.slice(2 * i, 2 * i + 2).map((one) => one.slice(0, 200)) });
    }
  });
  return all.length === 0 ? ["nothing for git to read"] : bad.slice(0, 5);
}
