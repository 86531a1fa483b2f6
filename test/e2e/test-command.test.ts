/** `fairlead test`, the real command: what it finds, how it judges, what it says, and that the shipped templates pass. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Ended, fairlead } from "../helpers/fairlead.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

function run(...args: readonly string[]): Promise<Ended> {
  return fairlead(["test", ...args], { cwd: folder });
}

const TEMPLATE = '{{#each (service "web")}}\nserver {{addr}};\n{{/each}}\ngreet {{key "greeting"}};\n';
const GOOD = `
name: greets
services: { web: [ { address: "::1", port: 80 }, { address: 10.0.0.1, port: 80, health: critical } ] }
keys: { greeting: hello }
expect: |
  server [::1]:80;
  greet hello;
`;

describe("the shipped templates", () => {
  it.each(["templates", "examples/quickstart"])("pass their cases: %s", async (where) => {
    const ended = await fairlead(["test", where], { cwd: ROOT });
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/^\d+ cases in \d+ files?: \d+ passed, 0 failed$/m);
  });

  it("have cases, each of them", async () => {
    const ended = await fairlead(["test", "templates", "--json"], { cwd: ROOT });
    const files = new Set((JSON.parse(ended.stdout) as { file: string }[]).map(({ file }) => file));
    expect([...files]).toEqual([
      "templates/app/application.properties.case.yaml",
      "templates/app/config.json.case.yaml",
      "templates/app/config.yaml.case.yaml",
      "templates/app/env.case.yaml",
      "templates/nginx/upstreams.conf.case.yaml",
    ]);
  });
});

it.each(["README.md", "docs/testing.md"])("the example of %s passes", async (page) => {
  const text = await readFile(join(ROOT, page), "utf8");
  const [, template = ""] = /```handlebars\n([\s\S]*?)```/.exec(text) ?? [];
  const [, cases = ""] = /```yaml\n(# upstreams\.conf\.case\.yaml[\s\S]*?)```/.exec(text) ?? [];
  await write({ "upstreams.conf.hbs": template, "upstreams.conf.case.yaml": cases });
  const ended = await run();
  expect(ended.stdout, ended.stderr).toContain("2 cases in 1 file: 2 passed, 0 failed");
});

describe("cases are found", () => {
  it("below the folder, not in node_modules, folders with a dot, or behind links; in order", async () => {
    const other = await mkdtemp(join(tmpdir(), "fairlead-other-"));
    await writeFile(join(other, "a.conf.case.yaml"), "nonsense");
    try {
      await write({
        "b/a.conf.hbs": TEMPLATE,
        "b/a.conf.case.yaml": GOOD,
        "a.conf.hbs": TEMPLATE,
        "a.conf.case.yaml": GOOD,
        "node_modules/x.case.yaml": "nonsense",
        ".git/x.case.yaml": "nonsense",
      });
      await symlink(other, join(folder, "link"));
      expect(await run()).toEqual({
        code: 0,
        stdout: "ok   a.conf.case.yaml  greets\nok   b/a.conf.case.yaml  greets\n2 cases in 2 files: 2 passed, 0 failed\n",
        stderr: "",
      });
      expect((await run("b")).stdout).toBe("ok   b/a.conf.case.yaml  greets\n1 case in 1 file: 1 passed, 0 failed\n");
      expect((await run("b/a.conf.case.yaml")).stdout).toContain("1 case in 1 file");
    } finally {
      await rm(other, { recursive: true });
    }
  });

  it.each<[string, string, RegExp]>([
    [
      "no case file at all",
      ".",
      /^USAGE there is no \*\.case\.yaml in "\." or below it\n {2}a case file stands beside its template/,
    ],
    ["no such folder", "nowhere", /^USAGE there is no file or folder ".*nowhere"\n$/],
  ])("%s is an error", async (_, where, said) => {
    const ended = await run(where);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toMatch(said);
  });
});

describe("cases are judged", () => {
  it.each<[string, string, number, readonly string[]]>([
    ["the exact text", "expect: |\n  greet hello;\n", 0, []],
    ["the exact text, to the last newline", "expect: greet hello;", 3, ["the text differs", "\\ No newline at end of file"]],
    ["the text of a file", "expectFile: want.txt", 0, []],
    ["texts that are there", 'contains: [greet, "hello;\\n"]', 0, []],
    ["a text that is not there", "contains: [greet, bye, nothing]", 3, ['the text does not contain "bye", "nothing"']],
    ["an error that does not come", "error: { code: KEY_MISSING }", 3, ["expected KEY_MISSING, but it rendered"]],
  ])("by %s", async (_, expectation, code, said) => {
    await write({
      "t.conf.hbs": TEMPLATE,
      "t.conf.case.yaml": `name: a\nkeys: { greeting: hello }\n${expectation}\n`,
      "want.txt": "greet hello;\n",
    });
    const ended = await run();
    expect(ended.code, ended.stdout + ended.stderr).toBe(code);
    for (const text of said) {
      expect(ended.stdout).toContain(text);
    }
  });

  it.each<[string, string, number]>([
    ["code", "{ code: KEY_MISSING }", 0],
    ["code and place", "{ code: KEY_MISSING, line: 4 }", 0],
    ["code and a part of the message", "{ code: KEY_MISSING, message: greeting }", 0],
    ["another code", "{ code: TEMPLATE_UNSAFE }", 3],
    ["another line", "{ code: KEY_MISSING, line: 3 }", 3],
    ["another column", "{ code: KEY_MISSING, line: 4, column: 70 }", 3],
    ["another message", "{ code: KEY_MISSING, message: db }", 3],
  ])("by an error's %s", async (_, error, code) => {
    await write({ "t.conf.hbs": TEMPLATE, "t.conf.case.yaml": `name: a\nerror: ${error}\n` });
    const ended = await run();
    expect(ended.code, ended.stdout + ended.stderr).toBe(code);
    if (code !== 0) {
      expect(ended.stdout).toMatch(
        /^FAIL t\.conf\.case\.yaml {2}a: expected .*, but another error came\n {4}KEY_MISSING t\.conf\.hbs:4:\d+: /,
      );
    }
  });

  it("with what is set for them: template, format, raw, partials, node, environment", async () => {
    await write({
      "templates/a.hbs":
        'x {{> head}} {{{key "raw"}}} {{key "text"}} {{env "HOME"}} {{generation}};\nx {{#each (service "web")}}{{node}}{{/each}};\n',
      "partials/head.hbs": "{{node}}",
      "cases/a.case.yaml": `
template: ../templates/a.hbs
format: nginx
partials: ../partials
cases:
  - name: a
    raw: true
    node: n1
    env: { HOME: /root }
    keys: { raw: "a b", text: "a b;" }
    services: { web: [ { address: a, port: 1 }, { address: b, port: 1, node: n2 } ] }
    expect: |
      x n1 a b "a b;" /root 0000000000000000;
      x n1n2;
`,
    });
    const ended = await run();
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  });

  it("with what is left out of a file, and in the service that a file is of", async () => {
    await write({
      "t.conf.hbs": "upstream {{name}} {\n{{#each instances}}\n    server {{addr}} {{meta.extra}};\n{{/each}}\n}\n",
      "t.conf.case.yaml": `
onUnsafe: skip-instance
cases:
  - name: a
    services:
      web: [ { address: a, port: 1, meta: { extra: down } }, { address: b, port: 1, meta: { extra: "$x" } } ]
      db: [ { address: c, port: 1, meta: { extra: "" } } ]
    service: web
    expect: |
      upstream web {
          server a:1 down;
      }
  - name: b
    onUnsafe: fail
    services: { web: [ { address: b, port: 1, meta: { extra: "$x" } } ] }
    service: web
    error: { code: TEMPLATE_UNSAFE, line: 3 }
`,
    });
    const ended = await run();
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  });

  it("shows each failure with what differs, goes on with the others, and exits 3; --json the same", async () => {
    await write({
      "t.conf.hbs": TEMPLATE,
      "t.conf.case.yaml": `
cases:
  - { name: fails, keys: { greeting: $x }, expect: "" }
  - { name: differs, keys: { greeting: bye }, expect: "greet hello;\\n" }
  - { name: passes, keys: { greeting: hello }, contains: [hello] }
`,
    });
    const ended = await run();
    expect(ended).toMatchObject({ code: 3, stderr: "" });
    expect(ended.stdout).toMatch(
      /^FAIL t\.conf\.case\.yaml {2}fails: it does not render\n {4}TEMPLATE_UNSAFE t\.conf\.hbs:4:\d+: .*\n(?: {6}.*\n)*FAIL t\.conf\.case\.yaml {2}differs: the text differs\n {4}--- expected\n {4}\+\+\+ rendered\n {4}@@ -1,1 \+1,1 @@\n {4}-greet hello;\n {4}\+greet bye;\nok {3}t\.conf\.case\.yaml {2}passes\n3 cases in 1 file: 1 passed, 2 failed\n$/,
    );
    const asJson = await run("--json");
    expect(asJson.code).toBe(3);
    expect(JSON.parse(asJson.stdout)).toEqual([
      {
        file: "t.conf.case.yaml",
        name: "fails",
        ok: false,
        error: expect.objectContaining({ code: "TEMPLATE_UNSAFE", file: "t.conf.hbs", line: 4, column: expect.any(Number) }),
      },
      {
        file: "t.conf.case.yaml",
        name: "differs",
        ok: false,
        error: { message: "the text differs" },
        diff: "--- expected\n+++ rendered\n@@ -1,1 +1,1 @@\n-greet hello;\n+greet bye;",
      },
      { file: "t.conf.case.yaml", name: "passes", ok: true },
    ]);
  });
});

describe("a bad case file is told with its place, and nothing is run", () => {
  it.each<[string, string, string]>([
    ["an unknown key", "name: a\nexpct: x\n", 'x.case.yaml:2:1: unknown key "expct"'],
    [
      "an instance that is none",
      "name: a\nexpect: x\nservices:\n  web: [ { address: a, prot: 80 } ]\n",
      'x.case.yaml:4:24: unknown key "prot"\n    4 |   web: [ { address: a, prot: 80 } ]\n      |                        ^\n    did you mean "port"?',
    ],
    [
      "a service that is not there",
      "name: a\nexpect: x\nservice: y\n",
      'x.case.yaml:3:10: there is no service "y" in `services`',
    ],
    ["a key that is no text", "name: a\nexpect: x\nkeys: { app/n: 1 }\n", 'x.case.yaml:3:16: the value of "app/n" is no text'],
    ["a template that is not there", "name: a\nexpect: x\ntemplate: y.hbs\n", 'x.case.yaml:3:11: there is no template "y.hbs"'],
    ["partials that are not there", "name: a\nexpect: x\npartials: y\n", 'x.case.yaml:3:11: there is no folder "y"'],
    ["a text that is not there", "name: a\nexpectFile: y.txt\n", 'x.case.yaml:2:13: cannot read the expected text "y.txt"'],
  ])("%s", async (_, text, said) => {
    await write({ "x.hbs": "x", "x.case.yaml": text, "a.conf.hbs": TEMPLATE, "a.conf.case.yaml": GOOD });
    const ended = await run();
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain(said);
    const asJson = await run("--json");
    expect(JSON.parse(asJson.stdout)).toEqual({
      error: expect.objectContaining({ code: "CONFIG_INVALID", file: "x.case.yaml" }),
    });
  });

  it("what is wrong for all cases of a file is told once, where it is said", async () => {
    await write({ "x.case.yaml": "template: y.hbs\ncases:\n  - { name: a, expect: x }\n  - { name: b, expect: x }\n" });
    const { stderr } = await run();
    expect(stderr.match(/there is no template/g)).toHaveLength(1);
    expect(stderr).toContain('x.case.yaml:1:11: there is no template "y.hbs"');
  });

  it("a case file whose neighbour is not there", async () => {
    await write({ "a.conf.case.yaml": GOOD });
    expect((await run()).stderr).toContain(
      'a.conf.case.yaml: there is no template "a.conf.hbs"\n    it is looked for beside the case file; name another one with `template`',
    );
  });
});

describe("--update writes down what templates give now", () => {
  it("in the case file and in files of texts, and leaves the rest alone", async () => {
    const cases = `# why
cases:
  - name: inline # one
    keys: { greeting:   hello }
    expect: |
      old
  - { name: file, keys: { greeting: bye }, expectFile: texts/bye.txt }
  - { name: error, error: { code: KEY_MISSING } }
`;
    await write({ "t.conf.hbs": TEMPLATE, "t.conf.case.yaml": cases });
    const ended = await run("--update");
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain("3 cases in 1 file: 3 passed, 2 of them updated, 0 failed");
    expect(await readFile(join(folder, "t.conf.case.yaml"), "utf8")).toBe(cases.replace("old", "greet hello;"));
    expect(await readFile(join(folder, "texts/bye.txt"), "utf8")).toBe("greet bye;\n");
    expect((await run()).code).toBe(0);
  });

  it("a text that is empty, too", async () => {
    await write({ "t.hbs": "", "t.case.yaml": "name: a\nexpectFile: empty.txt\n" });
    expect((await run("--update")).stdout).toContain("a (updated)");
    expect((await run()).code).toBe(0);
  });

  it("does not touch what passes, and no other expectation", async () => {
    const cases = 'cases:\n  - { name: a, keys: { greeting: x }, contains: [y] }\n  - { name: b, expect: "" }\n';
    await write({ "t.conf.hbs": TEMPLATE, "t.conf.case.yaml": cases, "u.conf.hbs": TEMPLATE, "u.conf.case.yaml": GOOD });
    expect((await run("--update")).code).toBe(3);
    expect(await readFile(join(folder, "t.conf.case.yaml"), "utf8")).toBe(cases);
    expect(await readFile(join(folder, "u.conf.case.yaml"), "utf8")).toBe(GOOD);
  });
});
