import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { CheckLevel } from "../../../../src/target/check/sandbox.ts";
import { createTarget } from "../../../../src/target/target.ts";
import { noProvenance } from "../../../helpers/provenance.ts";
import { recordLog } from "../../../helpers/quiet-log.ts";
import { waitFor } from "../../../helpers/wait.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-disturbed-"));
  await mkdir(join(folder, "etc"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;

it.each<CheckLevel>(isRoot ? ["namespace", "swap"] : ["swap"])(
  "a check (level %s) that passed while somebody replaced the destination is no word for what was staged (G1)",
  async (level) => {
    const dest = join(folder, "etc/app.conf");
    const gate = join(folder, "gate");
    await writeFile(dest, "good");
    // Accepts whatever it finds, as long as it is not what was staged: that is what it must have been asked about.
    const script = `touch '${gate}'; while test -e '${gate}'; do sleep 0.01; done; ! grep -q bad '${dest}'`;
    const app = createTarget({
      name: "app",
      stateDir: join(folder, "state"),
      log: recordLog(),
      environment: process.env,
      findCheckLevel: async () => level,
      check: { argv: ["sh", "-c", script], timeoutMs: 20_000 },
    });
    const options = { signal: new AbortController().signal, lockTimeoutMs: 500, provenance: noProvenance };
    const applying = app.apply([{ dest, text: "bad" }], options);
    await waitFor(() => access(gate).then(() => true), { timeoutMs: 15_000, what: "the check to run" });
    await writeFile(join(folder, "etc/edited"), "edited");
    await rename(join(folder, "etc/edited"), dest);
    await rm(gate);
    const { outcome } = await applying;
    expect(outcome).toMatchObject({ kind: "rejected" });
    expect(await readFile(dest, "utf8")).not.toBe("bad");
  },
);
