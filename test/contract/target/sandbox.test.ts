/** What a hostile configuration or check can do to the machine that it is checked on: nothing. */
import { execFile } from "node:child_process";
import { access, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FAIRLEAD } from "../../helpers/fairlead.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { listing, processesWith, startWitness, type Witness } from "../../helpers/witness.ts";
import { ATTACKS, MARKS, nginxConf, nginxTest, python, sh, tcpTo, udpTo, unixTo } from "./sandbox/attacks.ts";
import { isRoot, makeStage, type Stage } from "./sandbox/scene.ts";

const run = promisify(execFile);
const title = "what a check can do to the host (G13, G16; needs root)";
/** After its time is over, everything is gone within this. */
const END_MS = 2000 * PATIENCE;

describe.skipIf(!isRoot(title))(title, () => {
  let stage: Stage;
  let witness: Witness;
  let library = "";
  let libraryFolder = "";

  beforeAll(async () => {
    libraryFolder = await mkdtemp(join(tmpdir(), "fairlead-library-"));
    witness = await startWitness(`/run/fairlead-witness-${process.pid}.sock`);
    library = await buildLibrary();
  });
  afterAll(async () => {
    await witness.close();
    await rm(libraryFolder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    witness.arrived.length = 0;
    stage = await makeStage();
    await run("mount", ["--bind", stage.canary, join(stage.folder, "bound")]);
  });
  afterEach(async () => {
    await run("umount", [join(stage.folder, "bound")]);
    await stage.remove();
  });

  /** Its constructor leaves a mark and calls the witness. Empty without a compiler: commands that misbehave by themselves stand for it. */
  async function buildLibrary(): Promise<string> {
    const [source, built] = [join(libraryFolder, "evil.c"), join(libraryFolder, "evil.so")];
    await writeFile(join(libraryFolder, "act.py"), tcpTo(witness));
    const act = `echo x > ${libraryFolder}/mark; python3 ${libraryFolder}/act.py`;
    const text = `#include <stdlib.h>\n__attribute__((constructor)) static void act(void) { (void)!system("${act}"); }\n`;
    await writeFile(source, text);
    try {
      await run("gcc", ["-shared", "-fPIC", "-o", built, source]);
      return built;
    } catch {
      return "";
    }
  }

  /** Everything that the attacks aim at. */
  async function outside(): Promise<unknown> {
    const { canary, folder } = stage;
    const folders = ["/etc", canary, join(folder, "bound"), join(folder, "log"), join(folder, "temp"), libraryFolder];
    return await Promise.all(folders.map((path) => listing(path)));
  }

  it("G13 is tested with at least twelve attacks", () => {
    expect(ATTACKS.length).toBeGreaterThanOrEqual(12);
  });

  it.each(ATTACKS)("G13: $what → nothing", async ({ make, ends, needs }) => {
    if ((needs !== undefined && stage.nginx === "") || (needs === "library" && library === "")) {
      console.warn("SKIPPED: nginx or a C compiler is missing");
      return;
    }
    const { text = "new\n", check } = make({ ...stage, witness, library });
    const before = await outside();
    const started = performance.now();
    const { report, log, message } = await stage.apply(check, text);
    const tookMs = performance.now() - started;

    expect(await outside()).toEqual(before);
    expect(witness.arrived).toEqual([]);
    await expect.poll(() => processesWith(stage.name), { timeout: END_MS }).toEqual([]);
    expect(tookMs).toBeLessThan(check.timeoutMs + END_MS);
    expect(report.outcome.kind, message).toBe(ends ?? report.outcome.kind);
    expect(await readFile(stage.dest, "utf8")).toBe(report.outcome.kind === "written" ? text : "old\n");
    expect(message.length).toBeLessThan(80_000);
    expect(message).not.toMatch(/\w:[*!$][^ :]*:\d+:/);
    expect(log.lines).toContainEqual({
      level: "info",
      message: "checks run at this level",
      fields: { target: stage.name, level: "full" },
    });
    for (const mark of MARKS) {
      await expect(access(mark)).rejects.toMatchObject({ code: "ENOENT" });
    }
  });

  it("is seen by the same witness where there is no sandbox", async () => {
    const off = { sandbox: "off" } as const;
    await stage.apply(python(tcpTo(witness), off), "1\n");
    await stage.apply(python(udpTo(witness), off), "2\n");
    await stage.apply(python(unixTo(witness), off), "3\n");
    await expect.poll(() => new Set(witness.arrived)).toEqual(new Set(["tcp", "udp", "unix"]));
    const before = await listing(stage.canary);
    await stage.apply(sh(`echo x >> ${stage.canary}/precious`, off), "4\n");
    expect(await listing(stage.canary)).not.toEqual(before);
    if (library !== "" && stage.nginx !== "") {
      const text = nginxConf(stage, { main: `load_module ${library};` });
      await stage.apply({ ...nginxTest(stage, stage.dest), ...off }, text);
      expect(await readFile(join(libraryFolder, "mark"), "utf8")).toBe("x\n");
    }
  });

  it("G16: a check whose fairlead is killed ends with it", async () => {
    await writeFile(join(stage.folder, "app.hbs"), "new\n");
    await writeFile(
      join(stage.folder, "fairlead.yaml"),
      [
        "node: n1\nstateDir: state\nregistry: file:registry\nrender:\n  targets:",
        `    ${stage.name}:\n      files: [{ template: app.hbs, dest: ${stage.dest} }]`,
        '      check: { exec: [sh, -c, "setsid sleep 600 & sleep 600"], timeout: 60s }\n',
      ].join("\n"),
    );
    const child = execFile(process.execPath, [FAIRLEAD, "render"], { cwd: stage.folder });
    const count = async () => (await processesWith(stage.name)).length;
    await expect.poll(count, { timeout: 10_000 * PATIENCE }).toBeGreaterThan(3);
    child.kill("SIGKILL");
    await expect.poll(() => processesWith(stage.name), { timeout: END_MS }).toEqual([]);
  });
});
