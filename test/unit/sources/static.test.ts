import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Log, Source } from "../../../src/ports.ts";
import { createStaticSource } from "../../../src/sources/static.ts";

const log: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const text = (port: number): string => `services: { web: [ { address: 10.0.0.5, port: ${port} } ] }\n`;
const controllers: AbortController[] = [];
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-static-"));
  file = join(folder, "services.yaml");
});
afterEach(async () => {
  for (const controller of controllers.splice(0)) {
    controller.abort();
  }
  vi.doUnmock("chokidar");
  await rm(folder, { recursive: true, force: true });
});

function makeSignal(): AbortSignal {
  const controller = new AbortController();
  controllers.push(controller);
  return controller.signal;
}

function open(path = file): Source {
  return createStaticSource({ file: path, node: "n1", log });
}

/** What the source says, read again on hints only, as a registrator does it; an error's message when it rejects. */
function follow(source: Source): { readonly last: unknown; readonly hints: number; readonly end: Promise<void> } {
  const seen = { last: undefined as unknown, hints: 0, end: Promise.resolve() };
  const signal = makeSignal();
  seen.end = (async () => {
    for await (const _ of source.changes(signal)) {
      seen.hints += 1;
      seen.last = await source.list(signal).then(
        (instances) => instances.map(({ port }) => port),
        (error: unknown) => String(error),
      );
    }
  })();
  return seen;
}

describe("list", () => {
  test("reads the file each time", async () => {
    await writeFile(file, text(1));
    const source = open();
    expect(await source.list(makeSignal())).toMatchObject([{ id: "n1:web-10.0.0.5:1", port: 1 }]);
    await writeFile(file, text(2));
    expect(await source.list(makeSignal())).toMatchObject([{ port: 2 }]);
  });

  test.each([
    ["a missing file", "services.yaml", /there is no such file/],
    ["a folder", ".", /EISDIR/],
  ])("%s rejects", async (_, name, message) => {
    await expect(open(join(folder, name)).list(makeSignal())).rejects.toMatchObject({
      code: "SOURCE_UNAVAILABLE",
      retryable: true,
      message: expect.stringMatching(message),
    });
  });

  test("a broken file rejects with its place", async () => {
    await writeFile(file, "services:\n  web: [ { address: a } ]\n");
    await expect(open().list(makeSignal())).rejects.toMatchObject({ location: { file, line: 2, column: 10 } });
  });
});

describe("changes", () => {
  test("the first hint comes when the watch stands, also when the file is not there", async () => {
    const seen = follow(open());
    await expect.poll(() => seen.last).toContain("there is no such file");
    await writeFile(file, text(1));
    await expect.poll(() => seen.last, { timeout: 3000 }).toEqual([1]);
  });

  test("a folder that is made later", async () => {
    const seen = follow(open(join(folder, "a", "b", "services.yaml")));
    await expect.poll(() => seen.hints).toBeGreaterThan(0);
    await mkdir(join(folder, "a", "b"), { recursive: true });
    await writeFile(join(folder, "a", "b", "services.yaml"), text(1));
    await expect.poll(() => seen.last, { timeout: 5000 }).toEqual([1]);
  });

  test("saved in place, renamed over, removed and made again", async () => {
    await writeFile(file, text(1));
    const seen = follow(open());
    await expect.poll(() => seen.last).toEqual([1]);
    await writeFile(file, text(2));
    await expect.poll(() => seen.last, { timeout: 3000 }).toEqual([2]);
    for (let port = 3; port < 6; port += 1) {
      await writeFile(join(folder, ".services.yaml.tmp"), text(port));
      await rename(join(folder, ".services.yaml.tmp"), file);
      await expect.poll(() => seen.last, { timeout: 3000 }).toEqual([port]);
    }
    await rm(file);
    await expect.poll(() => seen.last, { timeout: 3000 }).toContain("no such file");
    await writeFile(file, text(9));
    await expect.poll(() => seen.last, { timeout: 3000 }).toEqual([9]);
  });

  test("Kubernetes moves a link in front of the file", async () => {
    async function swap(name: string, port: number): Promise<void> {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, "services.yaml"), text(port));
      await symlink(name, join(folder, "..data_tmp"));
      await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    }
    await swap("..2026_1", 1);
    await symlink(join("..data", "services.yaml"), file);
    const seen = follow(open());
    await expect.poll(() => seen.last).toEqual([1]);
    for (const port of [2, 3, 4]) {
      await swap(`..2026_${port}`, port);
      await rm(join(folder, `..2026_${port - 1}`), { recursive: true });
      await expect.poll(() => seen.last, { timeout: 3000 }).toEqual([port]);
    }
  });

  test("other files of the folder are no hint", async () => {
    await writeFile(file, text(1));
    const seen = follow(open());
    await expect.poll(() => seen.last).toEqual([1]);
    const { hints } = seen;
    for (let i = 0; i < 20; i += 1) {
      await writeFile(join(folder, `other-${i}`), "x");
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(seen.hints).toBe(hints);
  });

  test("it ends with the signal", async () => {
    await writeFile(file, text(1));
    const seen = follow(open());
    await expect.poll(() => seen.last).toEqual([1]);
    controllers[0]?.abort();
    await seen.end;
  });

  test("without watches of the system the file is polled", async () => {
    vi.doMock("chokidar", () => {
      throw new Error("ENOSPC: System limit for number of file watchers reached");
    });
    await writeFile(file, text(1));
    const seen = follow(open());
    await expect.poll(() => seen.last).toEqual([1]);
    await writeFile(join(folder, "tmp"), text(2));
    await rename(join(folder, "tmp"), file);
    await expect.poll(() => seen.last, { timeout: 4000 }).toEqual([2]);
    controllers[0]?.abort();
    await seen.end;
  });
});
