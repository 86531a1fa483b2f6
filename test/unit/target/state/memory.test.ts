import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Provenance } from "../../../../src/model/provenance.ts";
import type { Memory } from "../../../../src/ports.ts";
import { describeChange, sameProvenance } from "../../../../src/target/state/change.ts";
import { entry, world } from "../../../helpers/snapshot.ts";
import { applyOptions, file, kindOf, type StagedTargets, sh, stageTargets } from "../stage-target.ts";

let staged: StagedTargets;
beforeEach(async () => {
  staged = await stageTargets();
});
afterEach(() => staged.clean());

type World = ReturnType<typeof world>;

function madeFrom(source: World, more: Partial<Provenance> = {}): () => Provenance {
  const { services, keys } = source.snapshot();
  return () => ({
    files: [{ dest: staged.dest, template: "/t/app.hbs", services: [...services.keys()], keys: [...keys.keys()] }],
    services,
    keys,
    holds: [],
    setAside: [],
    ...more,
  });
}

/** A snapshot's own kind of map, and the one that is read back, compare by what they hold. */
function withPlainMap(memory: Memory | undefined): unknown {
  return memory && { ...memory, provenance: { ...memory.provenance, services: new Map(memory.provenance.services) } };
}

const someWorld = (): World =>
  world([entry("web", "a", { meta: { v: "1" }, weight: 2 }), entry("web", "b")], { "app/x": "hunter2" });

describe("what a target remembers", () => {
  it.each([
    ["bare", {}],
    ["with a check", { check: sh("true") }],
    ["with a reload", { reload: { exec: sh("true") } }],
  ])("of a target %s another process reads back, equal and frozen, and the keys only as fingerprints", async (_, commands) => {
    const provenance = madeFrom(someWorld());
    await staged.target(commands).apply([file(staged.dest, "one")], applyOptions({ provenance }));
    const memory = await staged.target().recall();
    expect(memory?.provenance.services).toEqual(new Map(provenance().services));
    const web = memory?.provenance.services.get("web");
    expect([web, web?.instances, web?.tags, web?.instances[0], web?.instances[0]?.meta].every(Object.isFrozen)).toBe(true);
    expect(memory).toMatchObject({ lastChange: "first", files: [{ dest: staged.dest }] });
    expect(memory?.provenance.keys.get("app/x")).toMatch(/^[0-9a-f]{16}$/);
    expect(await readFile(staged.state("memory.json"), "utf8")).not.toContain("hunter2");
    expect((await stat(staged.state("memory.json"))).mode & 0o777).toBe(0o600);
  });

  it("is the same object until another process writes it", async () => {
    const app = staged.target();
    await app.apply([file(staged.dest, "one")], applyOptions({ provenance: madeFrom(someWorld()) }));
    const first = await app.recall();
    expect(await app.recall()).toBe(first);
    await staged.target().apply([file(staged.dest, "two")], applyOptions({ provenance: madeFrom(someWorld()) }));
    expect((await app.recall())?.generation).not.toBe(first?.generation);
  });

  it("is not that of a change that failed", async () => {
    const app = staged.target({ check: sh(`! grep -q bad ${staged.dest}`) });
    await app.apply([file(staged.dest, "good")], applyOptions({ provenance: madeFrom(someWorld()) }));
    const before = await app.recall();
    const other = madeFrom(world([entry("other", "x")]));
    expect(kindOf(await app.apply([file(staged.dest, "bad")], applyOptions({ provenance: other })))).toBe("rejected");
    expect(await app.recall()).toBe(before);
  });

  it("follows what is read when the files stay the same, without an entry in the history", async () => {
    const app = staged.target();
    const source = someWorld();
    await app.apply([file(staged.dest, "one")], applyOptions({ provenance: madeFrom(source) }));
    const hold = { service: "web", instances: ["b"], since: "2026-01-01T00:00:00.000Z", reason: "its owner vanished" };
    const report = await app.apply([file(staged.dest, "one")], applyOptions({ provenance: madeFrom(source, { holds: [hold] }) }));
    expect(kindOf(report)).toBe("unchanged");
    expect((await staged.target().recall())?.provenance.holds).toEqual([hold]);
    expect(await app.history()).toHaveLength(1);
  });

  it("is not written again while nothing changes", async () => {
    const app = staged.target();
    const source = someWorld();
    await app.apply([file(staged.dest, "one")], applyOptions({ provenance: madeFrom(source) }));
    const before = await stat(staged.state("memory.json"));
    await app.apply([file(staged.dest, "one")], applyOptions({ provenance: madeFrom(source) }));
    await staged.target().apply([file(staged.dest, "one")], applyOptions({ provenance: madeFrom(source) }));
    expect((await stat(staged.state("memory.json"))).ino).toBe(before.ino);
  });

  it("is not touched by a dry run", async () => {
    const app = staged.target();
    await app.apply([file(staged.dest, "one")], applyOptions({ provenance: madeFrom(someWorld()) }));
    const before = await app.recall();
    await app.apply([file(staged.dest, "one")], applyOptions({ dryRun: true, provenance: madeFrom(world([entry("x", "x")])) }));
    expect(withPlainMap(await staged.target().recall())).toEqual(withPlainMap(before));
  });
});

describe("the services that a target remembers", () => {
  const apply = (app: ReturnType<StagedTargets["target"]>, source: World, text: string) =>
    app.apply([file(staged.dest, text)], applyOptions({ provenance: madeFrom(source) }));
  const logs = async () => (await readdir(staged.state(""))).filter((name) => name.endsWith(".log"));
  const bytes = async () => Promise.all((await logs()).map(async (name) => (await stat(staged.state(name))).size));

  it("are written as they change, in one process and the next, and read back as they are", async () => {
    const source = someWorld();
    let app = staged.target();
    for (let i = 0; i < 30; i++) {
      app = i % 3 === 0 ? staged.target() : app;
      source.set(entry(`service-${i % 7}`, `${i}`));
      if (i % 4 === 0) {
        source.remove(`service-${(i + 3) % 7}`, `${i - 4}`);
      }
      await apply(app, source, `text ${i}`);
      expect((await staged.target().recall())?.provenance.services).toEqual(new Map(source.snapshot().services));
    }
    expect(await logs()).toHaveLength(1);
  });

  it("cost what changed, and the log is written anew when most of it is old", async () => {
    const source = world(Array.from({ length: 2000 }, (_, i) => entry(`s${i}`, "a", { meta: { about: "x".repeat(200) } })));
    const app = staged.target();
    await apply(app, source, "first");
    const [base = 0] = await bytes();
    source.set(entry("s7", "b"));
    await apply(app, source, "second");
    expect((await bytes())[0]).toBeLessThan(base + 2000);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 2000; i++) {
        source.set(entry(`s${i}`, "a", { port: 81 + round, meta: { about: "x".repeat(200) } }));
      }
      await apply(app, source, `round ${round}`);
    }
    expect(Math.max(...(await bytes()))).toBeLessThan(2.2 * base + 256 * 1024);
    expect((await logs()).length).toBeLessThanOrEqual(2);
    expect((await staged.target().recall())?.provenance.services).toEqual(new Map(source.snapshot().services));
  });

  it.each([
    ["cut", (path: string) => truncate(path, 10)],
    ["garbage", (path: string) => writeFile(path, "garbage\n".repeat(100))],
    ["gone", (path: string) => rm(path)],
  ])("are said to be lost once when their log is %s, and known again after the next pass", async (_, damage) => {
    const source = someWorld();
    await apply(staged.target(), source, "one");
    await damage(staged.state((await logs())[0] ?? ""));
    const app = staged.target();
    expect(await app.recall()).toBeUndefined();
    expect(await app.recall()).toBeUndefined();
    expect(staged.log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(kindOf(await apply(app, source, "one"))).toBe("unchanged");
    expect((await staged.target().recall())?.provenance.services).toEqual(new Map(source.snapshot().services));
  });

  it("and what a killed process wrote behind what counts is overwritten", async () => {
    const source = someWorld();
    await apply(staged.target(), source, "one");
    const path = staged.state((await logs())[0] ?? "");
    await writeFile(path, `${await readFile(path, "utf8")}{"name":"torn","ta`);
    source.set(entry("db", "1"));
    await apply(staged.target(), source, "two");
    expect((await staged.target().recall())?.provenance.services).toEqual(new Map(source.snapshot().services));
  });
});

describe("the line about what changed", () => {
  const base = (): World => world([entry("db", "1"), entry("web", "a"), entry("web", "b")], { "app/x": "1", "app/y": "1" });

  const rows: readonly (readonly [string, (source: World) => void, string])[] = [
    [
      "instances that come, go and change",
      (w) => {
        w.set(entry("web", "c"));
        w.remove("web", "a");
        w.set(entry("web", "b", { port: 81 }));
      },
      "web +1 −1 ~1",
    ],
    ["a service that goes", (w) => w.remove("db", "1"), "db −1"],
    [
      "keys by name only",
      (w) => {
        w.setKey("app/x", "2");
        w.removeKey("app/y");
        w.setKey("app/z", "secret");
      },
      "keys app/x changed, app/z added, app/y removed",
    ],
    [
      "many, bounded",
      (w) => {
        for (const name of ["a", "b", "c", "d", "e"]) {
          w.set(entry(name, "1"));
        }
      },
      "a +1, b +1, c +1 and 2 more",
    ],
    ["nothing that was read", () => undefined, "templates or settings"],
  ];

  it.each(rows)("tells %s", (_, change, line) => {
    const source = base();
    const before = madeFrom(source)();
    change(source);
    expect(describeChange(before, madeFrom(source)())).toBe(line);
  });

  it("tells templates and holds, and that it is the first", () => {
    const before = madeFrom(base())();
    const after: Provenance = {
      ...before,
      files: before.files.map((made) => ({ ...made, template: "/t/new.hbs" })),
      holds: [{ service: "web", instances: ["a"], since: "", reason: "" }],
    };
    expect(describeChange(before, after)).toBe(`templates /t/new.hbs for ${staged.dest}; web held`);
    expect(describeChange(undefined, after)).toBe("first");
    expect(sameProvenance(before, after)).toBe(false);
    expect(sameProvenance(before, madeFrom(base())())).toBe(true);
  });
});

describe("a state that is damaged", () => {
  const reloads = () => readFile(`${staged.folder}/reloads`, "utf8");
  const commands = () => ({ check: sh("true"), reload: { exec: sh(`echo x >> ${staged.folder}/reloads`) } });
  const applyOne = () => staged.target(commands()).apply([file(staged.dest, "one")], applyOptions());

  it.each(["journal.json", "memory.json", "history.json"])(
    "%s, cut at every byte, is never a crash nor a needless reload",
    async (name) => {
      await applyOne();
      const whole = await readFile(staged.state(name));
      const step = Math.max(1, Math.floor(whole.length / 60));
      for (let length = 0; length < whole.length - 1; length += step) {
        await writeFile(staged.state(name), whole);
        await truncate(staged.state(name), length);
        const app = staged.target(commands());
        expect(await app.recover(applyOptions())).toBeUndefined();
        expect(kindOf(await app.apply([file(staged.dest, "one")], applyOptions()))).toBe("unchanged");
        await app.recall();
        await app.history();
      }
      expect(await reloads()).toBe("x\n");
      expect(kindOf(await staged.target(commands()).apply([file(staged.dest, "two")], applyOptions()))).toBe("written");
    },
  );

  it.each([
    ["garbage", "\u0000\u0001garbage"],
    ["of a newer version", '{"v":99}'],
    ["null", "null"],
  ])("with files that hold %s is said once, rebuilt, and reloads nothing", async (_, content) => {
    await applyOne();
    for (const name of ["journal.json", "memory.json", "history.json"]) {
      await writeFile(staged.state(name), content);
    }
    const app = staged.target(commands());
    for (let i = 0; i < 3; i++) {
      expect(await app.recover(applyOptions())).toBeUndefined();
      expect(kindOf(await app.apply([file(staged.dest, "one")], applyOptions()))).toBe("unchanged");
      await app.history();
    }
    expect(await reloads()).toBe("x\n");
    const said = staged.log.lines
      .filter(({ message }) => message.includes("starts anew"))
      .map(({ fields }) => String(fields["file"]));
    expect(said.sort()).toEqual(["history.json", "journal.json", "memory.json"].map(staged.state));
    expect((await staged.target().recall())?.files).toMatchObject([{ dest: staged.dest }]);
  });

  it("that was deleted is rebuilt without a reload", async () => {
    await applyOne();
    await rm(staged.state(""), { recursive: true });
    expect(kindOf(await applyOne())).toBe("unchanged");
    expect(await reloads()).toBe("x\n");
    expect(kindOf(await staged.target(commands()).apply([file(staged.dest, "two")], applyOptions()))).toBe("written");
  });

  it("that was deleted while a reload was owed is rebuilt with that reload, when the program cannot prove that it runs the files (G6, G20)", async () => {
    const program = join(staged.folder, "runs");
    const reload = { exec: sh(`cp ${staged.dest} ${program}; echo x >> ${join(staged.folder, "reloads")}`) };
    const proven = { reload, verify: { exec: ["cmp", staged.dest, program], timeoutMs: 5000 } };
    expect(kindOf(await staged.target(proven).apply([file(staged.dest, "one")], applyOptions()))).toBe("written");
    await staged.write("two"); // as a process leaves it that is killed between rename and reload
    await rm(staged.state(""), { recursive: true });
    expect(kindOf(await staged.target(proven).apply([file(staged.dest, "two")], applyOptions()))).toBe("written");
    expect(await staged.text(program)).toBe("two");
    await rm(staged.state(""), { recursive: true });
    expect(kindOf(await staged.target(proven).apply([file(staged.dest, "two")], applyOptions()))).toBe("unchanged");
    expect(await reloads()).toBe("x\nx\n");
  });

  it("that cannot remember does not undo what is live", async () => {
    await mkdir(staged.state("memory.json.new"), { recursive: true });
    expect(kindOf(await applyOne())).toBe("written");
    expect(await staged.text()).toBe("one");
    expect(staged.log.lines.map(({ level }) => level)).toContain("warn");
    expect(await readdir(staged.state(""))).toContain("journal.json");
  });
});
