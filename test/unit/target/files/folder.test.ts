import { lchown, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyOptions, errorOf, file, kindOf, type StagedTargets, sh, stageTargets } from "../stage-target.ts";

let staged: StagedTargets;
beforeEach(async () => {
  staged = await stageTargets();
});
afterEach(() => staged.clean());

const options = applyOptions();
const isRoot = process.getuid?.() === 0;
const isLinux = process.platform === "linux";

describe("the folder of a destination", () => {
  it("may be reached by a link of this user's (G14)", async () => {
    await symlink(join(staged.folder, "etc"), join(staged.folder, "link"));
    await symlink("link", join(staged.folder, "again"));
    const dest = join(staged.folder, "again/app.conf");
    expect(kindOf(await staged.target().apply([file(dest, "one")], options))).toBe("written");
    expect(await staged.text()).toBe("one");
  });

  it.skipIf(!isRoot || !isLinux)("is not reached by a link of another user's (needs root, G14)", async () => {
    const link = join(staged.folder, "link");
    await symlink(join(staged.folder, "etc"), link);
    await lchown(link, 65534, 65534);
    const report = await staged.target().apply([file(join(link, "app.conf"), "one")], options);
    expect(errorOf(report)).toMatchObject({
      code: "DEST_REFUSED",
      message: expect.stringContaining("symbolic link of another user"),
    });
    expect(await staged.namesIn(join(staged.folder, "etc"))).toEqual([]);
  });

  it.skipIf(!isLinux)(
    "is held from the first look to the last rename: a link put in its place during the check redirects nothing (G14)",
    async () => {
      const { folder } = staged;
      await mkdir(join(folder, "victim"));
      await writeFile(join(folder, "victim/app.conf"), "precious");
      const swap = `mv ${folder}/etc ${folder}/moved && ln -s ${folder}/victim ${folder}/etc`;
      // Nothing in a sandbox could do this: it stands for somebody else on the machine.
      const check = { argv: ["sh", "-c", swap, "{{staged}}"], timeoutMs: 5000, sandbox: "off" } as const;
      const app = staged.target({ check, findCheckLevel: async () => "swap" });
      expect(kindOf(await app.apply([file(staged.dest, "one")], options))).toBe("written");
      expect(await staged.text(join(folder, "victim/app.conf"))).toBe("precious");
      expect(await staged.namesIn(join(folder, "victim"))).toEqual(["app.conf"]);
      expect(await staged.text(join(folder, "moved/app.conf"))).toBe("one");
    },
  );

  it.skipIf(!isRoot || !isLinux)(
    "swapped for another user's link again and again while files are applied: nothing is written outside (needs root, G14)",
    async () => {
      const { folder } = staged;
      const [etc, moved, victim] = [join(folder, "etc"), join(folder, "moved"), join(folder, "victim")];
      await mkdir(victim);
      let isOver = false;
      let swaps = 0;
      async function attack(): Promise<void> {
        while (!isOver) {
          await rename(etc, moved);
          await symlink(victim, `${etc}.link`);
          await lchown(`${etc}.link`, 65534, 65534);
          await rename(`${etc}.link`, etc);
          await turn();
          await rm(etc);
          await rename(moved, etc);
          swaps++;
          await turn();
        }
      }
      const attacking = attack();
      const app = staged.target({ check: sh("true"), findCheckLevel: async () => "swap" });
      const kinds = new Set<string>();
      for (let i = 0; i < 60; i++) {
        kinds.add(kindOf(await app.apply([file(staged.dest, `text ${i}`)], options)));
      }
      isOver = true;
      await attacking;
      expect(swaps).toBeGreaterThan(20);
      expect(await staged.namesIn(victim)).toEqual([]);
      expect([...kinds].filter((kind) => !["written", "failed", "rejected"].includes(kind))).toEqual([]);
      expect(kindOf(await app.apply([file(staged.dest, "calm")], options))).toBe("written");
      expect(await staged.text()).toBe("calm");
    },
  );

  it("that is a circle of links, or a file, is refused with its name", async () => {
    await symlink("b", join(staged.folder, "a"));
    await symlink("a", join(staged.folder, "b"));
    await writeFile(join(staged.folder, "plain"), "");
    for (const name of ["a", "plain"]) {
      const report = await staged.target().apply([file(join(staged.folder, name, "app.conf"), "one")], options);
      expect(errorOf(report)).toMatchObject({
        code: "DEST_REFUSED",
        message: expect.stringContaining(join(staged.folder, name)),
      });
    }
  });
});
