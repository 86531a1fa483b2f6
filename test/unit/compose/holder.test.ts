import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHeldRegistrator } from "../../../src/compose/holder.ts";
import { recordLog } from "../../helpers/quiet-log.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-holder-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Choice {
  readonly stateDir?: string | undefined;
  readonly node?: string;
}

/** Runs until it is ended; `marks` are those that it ran with. */
function launch({ stateDir = folder, node = "n1" }: Choice = {}) {
  const stop = new AbortController();
  const marks: string[] = [];
  let hasLeft = false;
  const log = recordLog();
  const held = createHeldRegistrator({ stateDir, node, registry: "etcd://here", log }, (mark) => ({
    async run(signal) {
      marks.push(mark);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    },
    leave: async () => void (hasLeft = true),
  }));
  const ended = held.run(stop.signal);
  async function end(): Promise<boolean> {
    stop.abort();
    await ended;
    await held.leave();
    return hasLeft;
  }
  return { marks, log, end };
}

async function markOf(choice: Choice = {}): Promise<string> {
  const process = launch(choice);
  await expect.poll(() => process.marks, { timeout: 5000 }).toHaveLength(1);
  await process.end();
  return process.marks[0] ?? "";
}

describe("the mark of a process", () => {
  it("begins with the host's name, outlives a restart, and is another one in another folder or for another node", async () => {
    const first = await markOf();
    expect(first.startsWith(`${hostname()}/`)).toBe(true);
    expect(await markOf()).toBe(first);
    expect(await markOf({ stateDir: join(folder, "other") })).not.toBe(first);
    expect(await markOf({ node: "n2" })).not.toBe(first);
  });

  it("is made anew when the state folder came from another machine, or what is kept is not whole", async () => {
    const first = await markOf();
    const dir = join(folder, "registrations");
    const [file = ""] = (await readdir(dir)).filter((name) => name.endsWith(".json"));
    await writeFile(join(dir, file), JSON.stringify({ v: 1, mark: "elsewhere/12345678" }));
    const second = await markOf();
    expect(second).not.toBe(first);
    expect(second.startsWith(`${hostname()}/`)).toBe(true);
    await writeFile(join(dir, file), '{"v":1,"ma');
    expect(await markOf()).not.toBe(second);
  });

  it("is not kept where the state folder cannot be written, which is said, and it registers all the same", async () => {
    await writeFile(join(folder, "file"), "");
    const process = launch({ stateDir: join(folder, "file") });
    await expect.poll(() => process.marks, { timeout: 5000 }).toHaveLength(1);
    const fields = { code: "DEST_REFUSED", hint: expect.stringContaining("stateDir") };
    expect(process.log.lines).toMatchObject([{ level: "warn", fields }]);
    expect(await process.end()).toBe(true);
  });

  it("is one process's at a time: a second one waits, says so once, and goes on where the first one ends", async () => {
    const first = launch();
    await expect.poll(() => first.marks, { timeout: 5000 }).toHaveLength(1);
    const second = launch();
    await expect.poll(() => second.log.lines, { timeout: 5000 }).toMatchObject([{ level: "warn", fields: { code: "LOCKED" } }]);
    expect(second.marks).toEqual([]);
    expect(await first.end()).toBe(true);
    await expect.poll(() => second.marks, { timeout: 5000 }).toEqual(first.marks);
    expect(second.log.lines).toHaveLength(1);
    await second.end();
  });

  it("a process that ended leaves everything to the one that registers by then", async () => {
    const first = launch();
    await expect.poll(() => first.marks, { timeout: 5000 }).toHaveLength(1);
    const waiting = launch();
    expect(await waiting.end()).toBe(false); // it never registered
    await first.end();
  });
});
