import { mkdtempSync, writeFileSync } from "node:fs";
import { rm, truncate, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Loaded, loadFile, type Stamp } from "../../../../src/registry/file/load.ts";

const signal = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), "fairlead-load-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const load = (path: string, known?: Stamp): Promise<Loaded> => loadFile(path, { known, signal });
const textOf = (loaded: Loaded): string => (loaded.kind === "bytes" ? loaded.bytes.toString() : loaded.kind);
const stampOf = (loaded: Loaded): Stamp | undefined => (loaded.kind === "bytes" ? loaded.stamp : undefined);

describe("loadFile()", () => {
  test("a file that did not change since long is not read again", async () => {
    const path = join(folder, "old");
    writeFileSync(path, "one");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const first = await load(path);
    expect(textOf(first)).toBe("one");
    expect((await load(path, stampOf(first))).kind).toBe("same");
  });

  test("another content of the same size, in the same tick of the disk's clock, is read", async () => {
    for (let i = 0; i < 20; i += 1) {
      const path = join(folder, `tick-${i}`);
      writeFileSync(path, "one");
      const first = await load(path);
      writeFileSync(path, "two");
      expect(textOf(await load(path, stampOf(first)))).toBe("two");
    }
  });

  test("another content under the old times is read", async () => {
    const path = join(folder, "backdated");
    writeFileSync(path, "one");
    await utimes(path, 1, 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const first = await load(path);
    expect(stampOf(first)?.isSafe).toBe(true);
    writeFileSync(path, "two");
    await utimes(path, 1, 1);
    expect(textOf(await load(path, stampOf(first)))).toBe("two");
  });

  test("a file that is being emptied and written gets a moment, one that stays empty is empty", async () => {
    const path = join(folder, "truncated");
    writeFileSync(path, "old");
    await truncate(path);
    const loading = load(path);
    await new Promise((resolve) => setTimeout(resolve, 20));
    writeFileSync(path, "new");
    expect(textOf(await loading)).toBe("new");
    writeFileSync(path, "");
    expect(textOf(await load(path))).toBe("");
  });

  test("a file that is written without end is read in the end", async () => {
    const path = join(folder, "busy");
    const timer = setInterval(() => writeFileSync(path, String(performance.now())), 10);
    writeFileSync(path, "0");
    const known = stampOf(await load(path));
    const startedAt = performance.now();
    expect((await load(path, known)).kind).toBe("bytes");
    expect(performance.now() - startedAt).toBeLessThan(1000);
    clearInterval(timer);
  });

  test.each([
    ["a file that is not there", "/nonexistent/x", { kind: "absent" }],
    ["a file below a file", "/etc/passwd/x", { kind: "absent" }],
    ["a folder", "/etc", { kind: "folder" }],
    ["a device", "/dev/null", { kind: "unreadable", reason: "it is no regular file" }],
  ])("%s", async (_, path, expected) => {
    expect(await load(path)).toEqual(expected);
  });

  test("a file beyond 16 MiB is left out", async () => {
    const path = join(folder, "large");
    writeFileSync(path, "x");
    await truncate(path, 16 * 1024 * 1024 + 1);
    expect(await load(path)).toEqual({ kind: "unreadable", reason: "it is larger than 16777216 bytes" });
  });

  test("an abort ends the wait", async () => {
    const path = join(folder, "aborted");
    writeFileSync(path, "");
    await expect(loadFile(path, { known: undefined, signal: AbortSignal.abort("stop") })).rejects.toBe("stop");
  });
});
