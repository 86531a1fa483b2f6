/** explain, history and rollback, on the real command and beside a daemon. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Ended, fairlead, startFairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { waitFor } from "../helpers/wait.ts";

let folder: string;
let dest: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-past-"));
  dest = join(folder, "web.conf");
  await mkdir(join(folder, "registry/services/web"), { recursive: true });
  await mkdir(join(folder, "registry/kv/app"), { recursive: true });
  await writeFile(
    join(folder, "web.hbs"),
    '{{#each (service "web")}}server {{addr}};\n{{/each}}greet {{key "app/greeting" default="none"}};\n',
  );
  await writeFile(
    join(folder, "fairlead.yaml"),
    "node: n1\nstateDir: state\nregistry: file:registry\nrender:\n  targets:\n    web:\n      files: [{ template: web.hbs, dest: web.conf }]\n      check: [sh, -c, '! grep -q ugly web.conf']\n".replace(
      "grep -q ugly web.conf",
      `grep -q ugly ${dest}`,
    ),
  );
  await add("a", 80);
  await greet("hello");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]): Promise<Ended> => fairlead(args, { cwd: folder, env: { FAIRLEAD_CONFIG: "" } });
const add = (id: string, port: number) =>
  writeFile(join(folder, `registry/services/web/${id}.json`), JSON.stringify({ address: "10.0.0.1", port }));
const greet = (value: string) => writeFile(join(folder, "registry/kv/app/greeting"), value);
const text = () => readFile(dest, "utf8").catch(() => undefined);

async function json(...args: string[]): Promise<unknown> {
  const ended = await run(...args, "--json");
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout);
}

it("explain says what made a file and what changed last, as JSON and for people", async () => {
  await run("render");
  await add("b", 81);
  await greet("good-bye");
  await run("render");
  const expected = {
    dest,
    target: "web",
    generation: expect.stringMatching(/^[0-9a-f]{16}$/),
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    appliedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    reads: { services: { web: ["a", "b"] }, keys: ["app/greeting"] },
    lastChange: "web +1; keys app/greeting changed",
    template: join(folder, "web.hbs"),
  };
  expect(await json("explain", "web.conf")).toEqual(expected);
  expect(await json("explain", dest, "--state", "state")).toEqual(expected);
  expect((await run("explain", "web.conf")).stdout).toContain(`${dest}, as it was applied`);
  await writeFile(dest, "by hand");
  const told = (await run("explain", "web.conf")).stdout;
  expect(told).toContain("changed by somebody else since");
  expect(told).toContain("web: a, b");
  expect(told).not.toContain("good-bye");
});

it("explain of a file that no target made names those that are known", async () => {
  expect(await run("explain", "web.conf")).toMatchObject({ code: 2, stderr: expect.stringContaining("nothing was applied yet") });
  await run("render");
  expect(await run("explain", "other.conf")).toMatchObject({ code: 2, stderr: expect.stringContaining(`known are ${dest}`) });
});

it("history lists what was applied and what was refused, and an unknown target is named", async () => {
  await run("render");
  await greet("ugly");
  expect((await run("render")).code).toBe(3);
  expect(await json("history")).toEqual([
    {
      target: "web",
      id: "1",
      at: expect.any(String),
      generation: expect.any(String),
      reason: "first",
      outcome: "written",
      isKept: true,
    },
    expect.objectContaining({
      target: "web",
      id: "2",
      outcome: "rejected",
      reason: "keys app/greeting changed",
      error: expect.any(String),
      isKept: false,
    }),
  ]);
  expect((await run("history", "web")).stdout).toMatch(/TARGET +ID[\s\S]+web +2 .* rejected/);
  expect(await run("history", "wev")).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean "web"?') });
});

it("rollback goes back beside a running daemon, which leaves it in place until the data change", async () => {
  const daemon = startFairlead(["run"], { cwd: folder });
  const becomes = (line: string) =>
    waitFor(async () => (await text())?.includes(line), { timeoutMs: 15_000 * PATIENCE, what: `"${line}" in the file` });
  await becomes("greet hello;");
  await greet("second");
  await becomes("greet second;");
  expect(await json("rollback", "web")).toMatchObject({ name: "web", outcome: "written", files: [{ dest, changed: true }] });
  expect(await text()).toContain("greet hello;");
  expect((await run("render")).stderr).toBe("web: unchanged\n");
  expect((await run("explain", "web.conf")).stdout).toContain("rolled back");
  expect(await json("explain", "web.conf")).toMatchObject({ rolledBack: { to: "1" } });
  expect(await json("history")).toMatchObject([{ isHeld: true }, {}, { reason: "gone back to 1 by hand" }]);

  await greet("third");
  await becomes("greet third;");
  expect(await json("rollback", "web", "--to", "2")).toMatchObject({ outcome: "written" });
  expect(await text()).toContain("greet second;");
  expect(await json("rollback", "web", "--release")).toEqual({ target: "web", released: true });
  await run("render");
  expect(await text()).toContain("greet third;");
  expect(await json("rollback", "web", "--release")).toEqual({ target: "web", released: false });
  await daemon.stop();
});

it("rollback refuses what it cannot do, with a way out", async () => {
  await run("render");
  expect(await run("rollback", "web")).toMatchObject({ code: 2, stderr: expect.stringContaining("has no earlier state") });
  expect(await run("rollback", "web", "--to", "9")).toMatchObject({ code: 2, stderr: expect.stringContaining("kept are 1") });
  expect(await run("rollback", "wev")).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean "web"?') });
  expect(await run("rollback", "web", "--to", "1", "--release")).toMatchObject({ code: 2 });
});
