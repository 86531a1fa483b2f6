import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeFolder, removeFolder, sweepFolder } from "../../helpers/servers/folders.ts";
import { takeLock, tryLock } from "../../helpers/servers/lock.ts";
import { ServerProcess } from "../../helpers/servers/process.ts";
import { waitFor } from "../../helpers/wait.ts";

const GUARDIAN = fileURLToPath(new URL("../../helpers/servers/guardian.mjs", import.meta.url));

let folder: string;

beforeEach(async () => {
  folder = await makeFolder("self");
});

afterEach(async () => {
  await removeFolder(folder);
});

/** Its last argument names the folder. */
function script(text: string, options: { readonly stopMs?: number } = {}): ServerProcess {
  const ready = join(folder, "ready");
  return new ServerProcess({
    name: "it",
    argv: () => ["sh", "-c", text, folder],
    logFile: join(folder, "log"),
    isReady: async () => existsSync(ready),
    readyMs: 1000,
    ...options,
  });
}

describe("ServerProcess", () => {
  test("that ends before it is ready says so, with what it said", async () => {
    await expect(script("echo no port >&2; exit 3").start()).rejects.toThrow(
      "it ended before it was ready: exit code 3\nno port",
    );
  });

  test("that cannot be found says so", async () => {
    const server = new ServerProcess({
      name: "it",
      argv: () => [join(folder, "none")],
      logFile: join(folder, "log"),
      isReady: async () => true,
    });
    await expect(server.start()).rejects.toThrow("ENOENT");
  });

  test("that is not ready in time is killed with its children", async () => {
    const server = script(`echo busy; (sleep 1000; :) & echo $! > "$0/child"; sleep 1000`);
    await expect(server.start()).rejects.toThrow("waited 1000 ms for it to be ready\nbusy");
    expect(server.isRunning).toBe(false);
    expect(await isAlive(join(folder, "child"))).toBe(false);
  });

  test("that ignores TERM is killed, also when it was paused", async () => {
    const server = script(`trap "" TERM; touch "$0/ready"; while :; do sleep 0.05; done`, { stopMs: 200 });
    await server.start();
    await expect(server.start()).rejects.toThrow("it is already running");
    server.pause();
    await server.stop();
    expect(server.pid).toBeUndefined();
    await server.stop();
  });
});

describe("the guardian", () => {
  test("ends what a dead test process left, descendants too, and nothing else", async () => {
    const mine = join(folder, "a");
    const like = join(folder, "a-2");
    for (const path of [mine, like]) {
      await mkdir(path);
      const child = spawn("sh", ["-c", `echo $$ > "$0/parent"; (cd /; exec sleep 1000) & echo $! > "$0/child"; wait`, path], {
        detached: true,
        stdio: "ignore",
      });
      child.unref();
      await waitFor(() => isAlive(join(path, "child")), { timeoutMs: 5000, what: "the child" });
    }
    await writeFile(join(folder, "child"), await readFile(join(mine, "child")));
    const guardian = spawn(process.execPath, [GUARDIAN, "watch"], { stdio: ["pipe", "ignore", "inherit"] });
    guardian.stdin.end(`+${like}\n+${mine}\n-${like}\n`);
    await once(guardian, "exit");
    expect(existsSync(mine)).toBe(false);
    expect(await isAlive(join(folder, "child"))).toBe(false);
    expect(await isAlive(join(like, "parent"))).toBe(true);
    expect(await isAlive(join(like, "child"))).toBe(true);
    await sweepFolder(like);
    expect(existsSync(like)).toBe(false);
  });
});

describe("a lock", () => {
  test("is held once, and given on when it is released", async () => {
    const lock = await takeLock("self-test", { timeoutMs: 1000, what: "it" });
    expect(await tryLock("self-test")).toBeUndefined();
    const next = takeLock("self-test", { timeoutMs: 5000, what: "it" });
    await lock.release();
    await (await next).release();
    await lock.release();
  });

  test("names its holder when the time is over", async () => {
    const lock = await takeLock("self-test", { timeoutMs: 1000, what: "it" });
    await expect(takeLock("self-test", { timeoutMs: 100, what: "it" })).rejects.toThrow(
      `waited 100 ms for it: held by process ${process.pid}`,
    );
    await lock.release();
  });

  test("is freed by the death of its holder", async () => {
    const code = `require("node:net").createServer().listen("\\0fairlead-test-self-test", () => console.log("held"))`;
    const holder = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    await once(holder.stdout, "data");
    expect(await tryLock("self-test")).toBeUndefined();
    const next = takeLock("self-test", { timeoutMs: 5000, what: "it" });
    holder.kill("SIGKILL");
    await (await next).release();
  });
});

/** The process whose id the file holds; a zombie is dead. */
async function isAlive(file: string): Promise<boolean> {
  const pid = (await readFile(file, "utf8").catch(() => "")).trim();
  const stat = pid === "" ? "" : await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat !== "" && !/\) Z /.test(stat);
}
