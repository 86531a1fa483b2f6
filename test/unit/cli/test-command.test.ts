import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { run } from "../../../src/cli/commands/test.ts";
import type { Context } from "../../../src/cli/context.ts";
import { createSecrets } from "../../../src/observe/secrets.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-marks-"));
  await writeFile(join(folder, "a.hbs"), "x");
  await writeFile(join(folder, "a.case.yaml"), "cases:\n- { name: good, expect: x }\n- { name: bad, contains: [y] }\n");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function contextFor(options: { readonly isTTY: boolean; readonly env: Record<string, string>; readonly signal?: AbortSignal }) {
  const stdout = Object.assign(new PassThrough(), { isTTY: options.isTTY });
  const context: Context = {
    env: options.env,
    cwd: folder,
    stdin: () => process.stdin,
    stdout,
    stderr: new PassThrough(),
    signal: options.signal ?? new AbortController().signal,
    onHangup: () => undefined,
    secrets: createSecrets(),
    json: false,
    exitCode: 0,
  };
  return { context, said: () => String(stdout.read() ?? "") };
}

it.each<[string, boolean, Record<string, string>, string, string]>([
  ["words where it is no terminal", false, { LANG: "C.UTF-8" }, "ok  ", "FAIL"],
  ["marks on a terminal that knows Unicode", true, { LANG: "C.UTF-8", NO_COLOR: "1" }, "✓", "✗"],
  ["words on a terminal that does not", true, { LANG: "C", NO_COLOR: "1" }, "ok  ", "FAIL"],
  ["in colour, if that is wanted", true, { LANG: "de_DE.utf8" }, "\u001b[32m✓\u001b[0m", "\u001b[31m✗\u001b[0m"],
  ["LC_ALL before LANG", true, { LC_ALL: "C", LANG: "C.UTF-8", NO_COLOR: "1" }, "ok  ", "FAIL"],
])("%s", async (_, isTTY, env, good, bad) => {
  const { context, said } = contextFor({ isTTY, env });
  await run(context, [], {});
  expect(said()).toBe(
    `${good} a.case.yaml  good\n${bad} a.case.yaml  bad: the text does not contain "y"\n2 cases in 1 file: 1 passed, 1 failed\n`,
  );
  expect(context.exitCode).toBe(3);
});

it("ends at once when it is told to stop", async () => {
  const reason = new Error("stop");
  const { context, said } = contextFor({ isTTY: false, env: {}, signal: AbortSignal.abort(reason) });
  await expect(run(context, [], {})).rejects.toBe(reason);
  expect(said()).toBe("");
});
