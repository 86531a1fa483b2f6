import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyOptions, file, kindOf, type StagedTargets, sh, stageTargets } from "./stage-target.ts";

let staged: StagedTargets;
beforeEach(async () => {
  staged = await stageTargets();
});
afterEach(() => staged.clean());

const options = applyOptions();
const path = (name: string): string => `${staged.folder}/etc/${name}.conf`;
const one = (name: string, text = `${name}\n`) => file(path(name), text, { isFanOut: true });
const names = (): Promise<string[]> => staged.namesIn(`${staged.folder}/etc`);

describe("files of a forEach", () => {
  it.each([
    ["bare", {}],
    ["with a check", { check: sh("true") }],
  ])("of a target %s come and go with what they are made for", async (_, commands) => {
    const app = staged.target(commands);
    await app.apply([one("a"), one("b")], options);
    const report = await staged.target(commands).apply([one("b"), one("c")], options);
    expect(kindOf(report)).toBe("written");
    expect(await names()).toEqual(["b.conf", "c.conf"]);
    expect(report.files.find(({ dest }) => dest === path("a"))).toMatchObject({ changed: true, before: Buffer.from("a\n") });
    expect(report.files.find(({ dest }) => dest === path("a"))).not.toHaveProperty("after");
    expect(kindOf(await app.apply([one("b"), one("c")], options))).toBe("unchanged");
    expect(kindOf(await app.apply([], options))).toBe("written");
    expect(await names()).toEqual([]);
  });

  it("are away while the check looks, and back when it refuses (G1)", async () => {
    const app = staged.target({ check: sh(`! test -e ${path("a")} || ! test -e ${staged.folder}/strict`) });
    await app.apply([one("a"), one("b")], options);
    await staged.write("", `${staged.folder}/strict`);
    expect(kindOf(await app.apply([one("a"), one("b", "other\n")], options))).toBe("rejected");
    expect(kindOf(await app.apply([one("b")], options))).toBe("written");
    expect(await names()).toEqual(["b.conf"]);

    const refusing = staged.target({ check: sh(`test -e ${path("b")}`) });
    expect(kindOf(await refusing.apply([one("c")], options))).toBe("rejected");
    expect(await names()).toEqual(["b.conf"]);
  });

  it("come back when the reload fails, and new ones go (G5)", async () => {
    const app = staged.target({ reload: { exec: sh(`test -e ${path("a")}`) } });
    await app.apply([one("a")], options);
    expect(kindOf(await app.apply([one("b")], options))).toBe("rolled-back");
    expect(await names()).toEqual(["a.conf"]);
    expect(await staged.text(path("a"))).toBe("a\n");
  });

  it("that a person has changed stay, and that is said once", async () => {
    const app = staged.target();
    await app.apply([one("a"), one("b")], options);
    await staged.write("by hand\n", path("a"));
    expect(kindOf(await app.apply([one("b")], options))).toBe("unchanged");
    expect(kindOf(await app.apply([one("b")], options))).toBe("unchanged");
    expect(await staged.text(path("a"))).toBe("by hand\n");
    const warnings = staged.log.lines.filter(({ level }) => level === "warn");
    expect(warnings.map(({ fields }) => fields["file"])).toEqual([path("a")]);
  });

  it("that are no files of a forEach, or were never ours, stay", async () => {
    const app = staged.target();
    await staged.write("theirs\n", path("theirs"));
    await app.apply([file(staged.dest, "app\n"), one("a")], options);
    await app.apply([one("a")], options);
    expect(await names()).toEqual(["a.conf", "app.conf", "theirs.conf"]);
  });

  it("in a dry run stay", async () => {
    const app = staged.target();
    await app.apply([one("a")], options);
    const report = await app.apply([], { ...options, dryRun: true });
    expect(kindOf(report)).toBe("would-write");
    expect(await names()).toEqual(["a.conf"]);
  });

  it("that were installed without a reload are known too", async () => {
    const app = staged.target({ reload: { exec: sh("true") } });
    await app.apply([one("a")], { ...options, noReload: true });
    await app.apply([one("b")], options);
    expect(await names()).toEqual(["b.conf"]);
  });
});
