import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fairlead } from "../helpers/fairlead.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-migrate-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("the configuration is on stdout, what has no equivalent on stderr, and `fairlead check` accepts it", async () => {
  const line = ["-internal", "-deregister", "on-success", "consulkv://127.0.0.1:8500/services"];
  const { code, stdout, stderr } = await fairlead(["migrate", "registrator", "--", ...line]);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^ {6}mode: internal$/m);
  expect(stderr).toMatch(/^-deregister: on-success has no equivalent: /m);
  await writeFile(join(folder, "fairlead.yaml"), stdout);
  expect(await fairlead(["check"], { cwd: folder })).toMatchObject({ code: 0 });
});

it("--json prints { config, notes }, and --version makes no configuration", async () => {
  const { code, stdout, stderr } = await fairlead([
    "migrate",
    "registrator",
    "--json",
    "--",
    "-ttl",
    "5",
    "-ttl-refresh",
    "1",
    "consul://",
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  const { config, notes, ...rest } = JSON.parse(stdout) as {
    readonly config: string;
    readonly notes: readonly { readonly flag: string; readonly note: string }[];
  };
  expect(rest).toEqual({});
  expect(config).toContain("type: consul\n");
  expect(notes.map(({ flag }) => flag)).toContain("-ttl");
  expect(await fairlead(["migrate", "registrator", "--", "--version"])).toEqual({
    code: 0,
    stdout: "",
    stderr: "--version: `fairlead --version` prints fairlead's\n",
  });
});

it("--adopt with a configuration that registers nothing is a mistake: exit 2", async () => {
  await writeFile(
    join(folder, "fairlead.yaml"),
    "node: n1\nregistry: file:registry\nrender: { targets: { t: { files: [{ template: x.hbs, dest: x }] } } }\n",
  );
  const { code, stderr } = await fairlead(["run", "--adopt"], { cwd: folder });
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^USAGE --adopt: this configuration registers nothing\n/)]);
});

it.each([
  ["a flag that Registrator does not have", ["--", "-nope", "consul://"], /^USAGE flag provided but not defined: -nope\n/],
  ["no address", ["--", "-internal"], /^USAGE missing required argument for registry URI\n/],
  ["two addresses", ["--", "consul://", "etcd://"], /^USAGE extra unparsed arguments: etcd:\/\/\n/],
  ["-ttl without -ttl-refresh", ["--", "-ttl", "30", "etcd://"], /^USAGE -ttl and -ttl-refresh must be specified together/],
  ["nothing", [], /^USAGE missing required argument 'command'/],
])("exit 2, and nothing on stdout, for %s", async (_, args, message) => {
  const { code, stdout, stderr } = await fairlead(["migrate", "registrator", ...args]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(message);
});
