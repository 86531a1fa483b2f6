import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addEntry, type History, type StoredEntry } from "../../../src/target/state/history.ts";
import { applyOptions, errorOf, file, kindOf, type StagedTargets, sh, stageTargets } from "./stage-target.ts";

let staged: StagedTargets;
beforeEach(async () => {
  staged = await stageTargets();
});
afterEach(() => staged.clean());

const options = applyOptions();
const put = (app: ReturnType<StagedTargets["target"]>, text: string) => app.apply([file(staged.dest, text)], options);
const reloading = () => ({
  reload: { exec: sh(`cat ${staged.dest} >> ${staged.folder}/reloads; ! grep -q bad ${staged.dest}`) },
});

describe("the history", () => {
  it("tells every change, applied or refused, why and how it ended", async () => {
    const app = staged.target({ ...reloading(), check: sh(`! grep -q ugly ${staged.dest}`) });
    await put(app, "one\n");
    await put(app, "ugly\n");
    await put(app, "bad\n");
    await put(app, "two\n");
    const history = await staged.target().history();
    expect(history.map(({ id, outcome, isKept }) => [id, outcome, isKept])).toEqual([
      ["1", "written", true],
      ["2", "rejected", false],
      ["3", "rolled-back", false],
      ["4", "written", true],
    ]);
    expect(history[1]?.error).toContain("exited with 1");
    expect(history[0]?.reason).toBe("first");
  });

  it("takes the same failure in a row for one, and does not write for it", async () => {
    const app = staged.target({ check: sh(`! grep -q ugly ${staged.dest}`) });
    await put(app, "one\n");
    await put(app, "ugly\n");
    const before = await stat(staged.state("history.json"));
    for (let i = 0; i < 3; i++) {
      expect(kindOf(await put(app, "ugly\n"))).toBe("rejected");
    }
    expect(await app.history()).toHaveLength(2);
    expect((await stat(staged.state("history.json"))).ino).toBe(before.ino);
  });

  it("is bounded, and failures push out nothing that one could go back to", () => {
    let history: History = [];
    const add = (outcome: "written" | "rejected", generation: string): void => {
      const state = { generation, files: [], at: "" };
      const entry: Omit<StoredEntry, "id"> = {
        at: "",
        generation,
        reason: generation,
        outcome,
        ...(outcome === "written" && { state }),
      };
      history = addEntry(history, entry) ?? history;
    };
    for (let i = 0; i < 30; i++) {
      add("written", `w${i}`);
    }
    for (let i = 0; i < 300; i++) {
      add("rejected", `r${i}`);
    }
    expect(history).toHaveLength(20);
    expect(history.filter((entry) => entry.state !== undefined).map((entry) => entry.generation)).toEqual(
      Array.from({ length: 10 }, (_, i) => `w${20 + i}`),
    );
    expect(history.at(-1)?.id).toBe("330");
  });

  it("keeps the bytes of states that fit, the newest two always, and shared ones once", () => {
    let history: History = [];
    const size = 30 * 1024 * 1024;
    for (const sha256 of ["x", "a", "a", "a", "b"]) {
      const files = [{ dest: "/f", stored: { sha256, size, mode: 0o644 } }];
      const generation = `${sha256}${history.length}`;
      history =
        addEntry(history, { at: "", generation, reason: "", outcome: "written", state: { generation, files, at: "" } }) ??
        history;
    }
    expect(history.map((entry) => entry.state !== undefined)).toEqual([false, true, true, true, true]);
  });

  it("keeps its files and forgets the others", async () => {
    const app = staged.target(reloading());
    for (let i = 0; i < 14; i++) {
      await put(app, `text ${i}\n`);
    }
    expect(await readdir(staged.state("files"))).toHaveLength(10);
  });
});

describe("going back", () => {
  it.each([
    ["bare", () => ({})],
    ["with a reload", reloading],
  ])(
    "of a target %s is held: the render that was gone back from changes nothing, also after a restart and a drift",
    async (_, commands) => {
      const app = staged.target(commands());
      await put(app, "one\n");
      await put(app, "two\n");
      expect(kindOf(await staged.target(commands()).rollBack({}, options))).toBe("written");
      expect(await staged.text()).toBe("one\n");
      for (const process of [app, staged.target(commands())]) {
        expect(kindOf(await put(process, "two\n"))).toBe("unchanged");
        expect(await staged.text()).toBe("one\n");
      }
      expect((await app.recall())?.rolledBack).toMatchObject({ to: "1" });
      await staged.write("by hand\n");
      expect(kindOf(await put(app, "two\n"))).toBe("written");
      expect(await staged.text()).toBe("one\n");
      expect(kindOf(await put(app, "two\n"))).toBe("unchanged");
    },
  );

  it("ends with the next real change", async () => {
    const app = staged.target(reloading());
    await put(app, "one\n");
    await put(app, "two\n");
    await app.rollBack({}, options);
    expect(kindOf(await put(app, "three\n"))).toBe("written");
    expect(await staged.text()).toBe("three\n");
    expect((await app.recall())?.rolledBack).toBeUndefined();
    expect(kindOf(await put(app, "two\n"))).toBe("written");
  });

  it("stays held when the next change is refused", async () => {
    const app = staged.target(reloading());
    await put(app, "one\n");
    await put(app, "two\n");
    await app.rollBack({}, options);
    expect(kindOf(await put(app, "bad\n"))).toBe("rolled-back");
    expect(kindOf(await put(app, "two\n"))).toBe("unchanged");
    expect(await staged.text()).toBe("one\n");
  });

  it("is released by a person, and then the newest is installed", async () => {
    const app = staged.target(reloading());
    await put(app, "one\n");
    await put(app, "two\n");
    expect(await staged.target().releaseRollback(options)).toBe(false);
    await app.rollBack({}, options);
    expect(await staged.target().releaseRollback(options)).toBe(true);
    expect(kindOf(await put(app, "two\n"))).toBe("written");
    expect(await staged.text()).toBe("two\n");
  });

  it("twice goes further back, and by id to any state that is kept", async () => {
    const app = staged.target(reloading());
    for (const text of ["one\n", "two\n", "three\n"]) {
      await put(app, text);
    }
    await app.rollBack({}, options);
    await app.rollBack({}, options);
    expect(await staged.text()).toBe("one\n");
    expect(kindOf(await put(app, "three\n"))).toBe("unchanged");
    await app.rollBack({ to: "2" }, options);
    expect(await staged.text()).toBe("two\n");
    expect((await app.history()).map(({ reason }) => reason).slice(-3)).toEqual(
      [1, 1, 1].map((_, i) => `gone back to ${[2, 1, 2][i]} by hand`),
    );
  });

  it("brings mode and absence of the state back", async () => {
    const app = staged.target(reloading());
    await app.apply([file(staged.dest, "one\n", { mode: 0o600 })], options);
    await app.apply(
      [file(staged.dest, "two\n", { mode: 0o644 }), file(`${staged.folder}/etc/x.conf`, "x", { isFanOut: true })],
      options,
    );
    await app.rollBack({}, options);
    expect((await stat(staged.dest)).mode & 0o777).toBe(0o600);
    expect(await staged.namesIn(`${staged.folder}/etc`)).toEqual(["app.conf"]);
  });

  it("to a state that does not come up again leaves the newest live", async () => {
    const app = staged.target({ reload: { exec: sh(`grep -q two ${staged.dest} || ! test -e ${staged.folder}/broken`) } });
    await put(app, "one\n");
    await put(app, "two\n");
    await writeFile(`${staged.folder}/broken`, "");
    expect(kindOf(await app.rollBack({}, options))).toBe("rolled-back");
    expect(await staged.text()).toBe("two\n");
    expect((await app.recall())?.rolledBack).toBeUndefined();
    expect(kindOf(await put(app, "two\n"))).toBe("unchanged");
  });

  it("says what is kept when there is no such state", async () => {
    const app = staged.target();
    expect(errorOf(await app.rollBack({}, options))).toMatchObject({
      code: "USAGE",
      message: expect.stringContaining("no earlier state"),
    });
    await put(app, "one\n");
    await put(app, "two\n");
    expect(errorOf(await app.rollBack({ to: "7" }, options))).toMatchObject({ hint: expect.stringContaining("kept are 1, 2") });
  });

  it("in a dry run changes nothing", async () => {
    const app = staged.target();
    await put(app, "one\n");
    await put(app, "two\n");
    expect(kindOf(await app.rollBack({}, { ...options, dryRun: true }))).toBe("would-write");
    expect(await staged.text()).toBe("two\n");
    expect(await app.history()).toHaveLength(2);
  });

  it("needs no state besides its files: a lost journal ends the hold, not the target", async () => {
    const app = staged.target(reloading());
    await put(app, "one\n");
    await put(app, "two\n");
    await app.rollBack({}, options);
    await rm(staged.state("journal.json"));
    expect(kindOf(await put(app, "two\n"))).toBe("written");
    expect(await readFile(`${staged.folder}/reloads`, "utf8")).toBe("one\ntwo\none\ntwo\n");
  });
});
