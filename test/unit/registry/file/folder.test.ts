import { execFileSync } from "node:child_process";
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EVERYTHING, type Selector } from "../../../../src/model/selector.ts";
import type { Snapshot } from "../../../../src/model/snapshot.ts";
import type { Registry } from "../../../../src/ports.ts";
import { createFileRegistry } from "../../../../src/registry/file/registry.ts";
import { follow } from "../../../../src/registry/follow.ts";
import { waitFor } from "../../../helpers/wait.ts";

/** A save in place has this long to become whole. */
const SAVE_MS = 50;

const VALID = '{"address":"10.0.0.1","port":80}';
let base: string;
let dir: string;
let controller: AbortController;
let opened: Registry[];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "fairlead-file-"));
  dir = join(base, "registry");
  controller = new AbortController();
  opened = [];
});
afterEach(async () => {
  controller.abort();
  await Promise.all(opened.map((registry) => registry.close()));
  await rm(base, { recursive: true, force: true });
});

function open(): Registry {
  const registry = createFileRegistry({ dir });
  opened.push(registry);
  return registry;
}

async function put(path: string, text: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), text);
}

const read = (selector: Selector = EVERYTHING): Promise<Snapshot> => open().read(selector, { signal: controller.signal });
const portOf = (s: Snapshot): number | undefined => s.services.get("web")?.instances[0]?.port;

/** Follows, and gives a way to wait for the newest snapshot to be as wanted. */
function watch(): (what: string, wanted: (s: Snapshot) => unknown) => Promise<void> {
  let latest: Snapshot | undefined;
  const options = {
    backoff: { minMs: 20, maxMs: 200 },
    minIntervalMs: 0,
    resyncMs: Number.POSITIVE_INFINITY,
    onStale: () => undefined,
  };
  void (async () => {
    for await (const snapshot of follow(open(), EVERYTHING, { signal: controller.signal, ...options })) {
      latest = snapshot;
    }
  })();
  return async (what, wanted) => {
    await waitFor(() => latest !== undefined && Boolean(wanted(latest)), { timeoutMs: 4000, what, intervalMs: 5 });
  };
}

describe("what people do to the folder is seen", () => {
  test("edits in place, atomic saves, renames, copies and deletes", async () => {
    await put("services/web/1.json", VALID);
    const until = watch();
    await until("the entry", (s) => portOf(s) === 80);
    await put("services/web/1.json", VALID.replace("80", "81"));
    await until("the edit in place", (s) => portOf(s) === 81);
    await put("services/web/.1.json.new", VALID.replace("80", "82"));
    await rename(join(dir, "services/web/.1.json.new"), join(dir, "services/web/1.json"));
    await until("the atomic save", (s) => portOf(s) === 82);
    await rename(join(dir, "services/web/1.json"), join(dir, "services/web/2.json"));
    await until(
      "the rename",
      (s) =>
        s.services
          .get("web")
          ?.instances.map(({ id }) => id)
          .join() === "2",
    );
    await put("services/db/1.json", VALID);
    await until("a new service", (s) => s.services.has("db"));
    await rename(join(dir, "services/db"), join(dir, "services/sql"));
    await until("a renamed service", (s) => s.services.has("sql") && !s.services.has("db"));
    await rm(join(dir, "services/sql"), { recursive: true });
    await until("a service's end", (s) => !s.services.has("sql"));
    await put("kv/app/db/host", "db-1");
    await until("a key in new folders", (s) => s.keys.get("app/db/host") === "db-1");
    await appendFile(join(dir, "kv/app/db/host"), "0");
    await until("the longer key", (s) => s.keys.get("app/db/host") === "db-10");
    await unlink(join(dir, "services/web/2.json"));
    await until("the last end", (s) => s.services.size === 0);
  });

  test("a file that is half written is invalid, and valid once it is whole", async () => {
    await put("services/web/1.json", VALID);
    const until = watch();
    await until("the entry", (s) => portOf(s) === 80);
    await put("services/web/1.json", VALID.slice(0, 12));
    await until("the half", (s) => s.services.size === 0 && s.invalid[0]?.key === "services/web/1.json");
    await appendFile(join(dir, "services/web/1.json"), VALID.slice(12));
    await until("the whole", (s) => portOf(s) === 80 && s.invalid.length === 0);
  });

  test("a save that first empties the file never shows it empty", async () => {
    await put("kv/k", "old");
    const values = new Set<string | undefined>();
    const until = watch();
    await until("the key", (s) => s.keys.get("k") === "old");
    const seen = until("the last value", (s) => {
      values.add(s.keys.get("k"));
      return s.keys.get("k") === "value 7";
    });
    let longestGapMs = 0;
    for (let i = 0; i < 8; i += 1) {
      const emptiedAt = performance.now();
      await writeFile(join(dir, "kv/k"), ""); // as O_TRUNC does
      await new Promise((resolve) => setTimeout(resolve, 5));
      await writeFile(join(dir, "kv/k"), `value ${i}`);
      longestGapMs = Math.max(longestGapMs, performance.now() - emptiedAt);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await seen;
    // On a machine too busy to save within the time that a save is given, an empty file is the truth.
    expect(values.has("") && longestGapMs < SAVE_MS).toBe(false);
  });

  test("what editors and people leave lying about is nothing", async () => {
    await put("services/web/1.json", VALID);
    for (const name of [".1.json.swp", "1.json~", "#1.json#", ".fairlead-1-abc", "README.md", "4913"]) {
      await put(`services/web/${name}`, "noise");
    }
    await put("notes.txt", "noise");
    await mkdir(join(dir, "services/web/sub.d"));
    await put("kv/.k.swp", "noise");
    await put("kv/k~", "noise");
    const snapshot = await read();
    expect([snapshot.services.get("web")?.instances.length, snapshot.keys.size, snapshot.invalid]).toEqual([1, 0, []]);
  });

  test("a misnamed file is named with the name it should have; what is no file, too", async () => {
    await put("services/my web/1.json", VALID);
    await put("kv/ü", "v");
    await mkdir(join(dir, "services/web/folder.json"), { recursive: true });
    execFileSync("mkfifo", [join(dir, "services/web/pipe.json")]);
    await symlink("/dev/zero", join(dir, "services/web/zero.json"));
    await symlink("loop.json", join(dir, "services/web/loop.json"));
    await symlink("..", join(dir, "kv/up"));
    const snapshot = await read();
    expect([snapshot.services.size, snapshot.keys.size]).toEqual([0, 0]);
    expect(Object.fromEntries(snapshot.invalid.map(({ key, reason }) => [key, reason]))).toEqual({
      "services/my web/1.json": "its name has to be services/my%20web/1.json",
      "kv/ü": "its name has to be kv/%C3%BC",
      "services/web/folder.json": "it is no regular file",
      "services/web/pipe.json": "it is no regular file",
      "services/web/zero.json": "it is no regular file",
      "services/web/loop.json": "it is no regular file",
      up: "it is no regular file",
    });
  });

  test("links that are swapped all at once, as Kubernetes does, are seen", async () => {
    for (const [folder, value] of [
      ["..v1", "one"],
      ["..v2", "two"],
    ] as const) {
      await put(`kv/app/${folder}/host`, value);
    }
    await symlink("..v1", join(dir, "kv/app/..data"));
    await symlink("..data/host", join(dir, "kv/app/host"));
    const until = watch();
    await until("the first", (s) => s.keys.get("app/host") === "one");
    await symlink("..v2", join(dir, "kv/app/..data_tmp"));
    await rename(join(dir, "kv/app/..data_tmp"), join(dir, "kv/app/..data"));
    await until("the second", (s) => s.keys.get("app/host") === "two");
  });

  test("a folder that is removed and made again is seen by every follower of this process", async () => {
    await put("services/web/1.json", VALID);
    const followers = [watch(), watch()];
    for (let port = 100; port < 112; port += 1) {
      await rm(join(dir, ["services/web", "services", ""][port % 3] ?? ""), { recursive: true });
      await put("services/web/1.json", VALID.replace("80", String(port)));
      await Promise.all(followers.map((until) => until(`port ${port}`, (s) => portOf(s) === port)));
    }
    await put("services/web/1.json", VALID); // and both still hear
    await Promise.all(followers.map((until) => until("the last", (s) => portOf(s) === 80)));
  });
});

describe("the folder itself", () => {
  test("one that does not exist yet is an empty registry, and is seen once it is there", async () => {
    const until = watch();
    await until("the empty start", (s) => s.services.size === 0);
    await put("services/web/1.json", VALID);
    await until("the entry", (s) => portOf(s) === 80);
  });

  test("one that vanished is an outage, not an empty registry", async () => {
    await put("services/web/1.json", VALID);
    const registry = open();
    const { signal } = controller;
    await registry.read(EVERYTHING, { signal });
    await rename(dir, `${dir}-away`);
    await expect(registry.read(EVERYTHING, { signal })).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
    const narrow = { services: ["web"], keys: [] };
    await expect(registry.read(narrow, { signal })).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
    await rename(`${dir}-away`, dir);
    expect(portOf(await registry.read(EVERYTHING, { signal }))).toBe(80);
  });

  test("nothing is made by reading, and hostile names make nothing outside", async () => {
    await read();
    expect(await readdir(base)).toEqual([]);
    const registry = open();
    const { signal } = controller;
    await registry.keepAlive("../../o", 60_000, signal);
    const put = ["../../../x", "/etc/x", "..", "a/../../b"].map((name) => ({
      instance: {
        id: name,
        service: name,
        address: "::1",
        port: 1,
        protocol: "tcp",
        tags: [],
        meta: {},
        health: "passing",
      } as const,
    }));
    await registry.write("../../o", { put, remove: [] }, signal);
    await registry.putKey("../../../k", "v", signal);
    expect(await readdir(base)).toEqual(["registry"]);
    expect((await readdir(dir)).sort()).toEqual(["kv", "owners", "services"]);
    await registry.removeKey("../../../k", signal);
    await registry.release("../../o", signal);
    expect(await Promise.all(["kv", "services"].map((name) => readdir(join(dir, name))))).toEqual([[], []]);
    expect(await readdir(join(dir, "owners"))).toHaveLength(1);
  });
});

describe("keys", () => {
  test("a key beside a key that is a folder is refused, naming both", async () => {
    const registry = open();
    const { signal } = controller;
    await registry.putKey("a/b/c", "v", signal);
    await expect(registry.putKey("a/b", "v", signal)).rejects.toMatchObject({
      code: "USAGE",
      message: 'a file registry cannot hold the key "a/b": it is the folder of other keys, such as "a/b/c"',
    });
    await expect(registry.putKey("a/b/c/d/e", "v", signal)).rejects.toMatchObject({
      code: "USAGE",
      message: 'a file registry cannot hold the key "a/b/c/d/e": "a/b/c" is a key already, and a file cannot be a folder too',
    });
    expect([...(await read()).keys]).toEqual([["a/b/c", "v"]]);
    await registry.removeKey("a/b/c", signal);
    await registry.putKey("a/b", "w", signal); // its folder went with the last key in it
    expect([...(await read()).keys]).toEqual([["a/b", "w"]]);
  });

  test("a key turns from file to folder and back under a follower's eyes", async () => {
    const registry = open();
    const { signal } = controller;
    const until = watch();
    for (let i = 0; i < 3; i += 1) {
      await registry.putKey("a/b", `file ${i}`, signal);
      await until("the file", (s) => s.keys.get("a/b") === `file ${i}` && s.keys.size === 1);
      await registry.removeKey("a/b", signal);
      await registry.putKey("a/b/c", `below ${i}`, signal);
      await until("the folder", (s) => s.keys.get("a/b/c") === `below ${i}` && s.keys.size === 1);
      await registry.removeKey("a/b/c", signal);
    }
  });

  test("replacing a key keeps the mode that somebody gave its file", async () => {
    const registry = open();
    await registry.putKey("secret", "one", controller.signal);
    await chmod(join(dir, "kv/secret"), 0o600);
    await registry.putKey("secret", "two", controller.signal);
    expect((await stat(join(dir, "kv/secret"))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(dir, "kv/secret"), "utf8")).toBe("two");
    expect(await readdir(join(dir, "kv"))).toEqual(["secret"]);
  });
});

describe("leases", () => {
  const lease = (ms: number): string => `{"v":1,"expiresAt":"${new Date(Date.now() + ms).toISOString()}"}`;
  const owned = VALID.replace("}", ',"owner":"node-1"}');

  test.each([
    ["without a lease", undefined, false, 0],
    ["with a lease that is over", lease(-1000), false, 0],
    ["with a living lease", lease(60_000), true, 0],
    ["with a lease that is not JSON", "{", false, 1],
    ["with a lease of another version", lease(60_000).replace("1", "2"), false, 1],
    ["with a lease that says no time", '{"v":1,"expiresAt":"soon"}', false, 1],
  ])("an owner's entry %s", async (_, text, isThere, invalid) => {
    await put("services/web/1.json", owned);
    await put("services/web/2.json", VALID);
    if (text !== undefined) {
      await put("owners/node-1.json", text);
    }
    const snapshot = await read();
    expect(snapshot.services.get("web")?.instances.map(({ id }) => id)).toEqual(isThere ? ["1", "2"] : ["2"]);
    expect(snapshot.invalid).toHaveLength(invalid);
  });

  test("an entry that became invalid does not come back with its owner", async () => {
    await put("services/web/1.json", owned);
    await put("services/web/2.json", owned);
    await put("owners/node-1.json", lease(60_000));
    const until = watch();
    await until("both", (s) => s.services.get("web")?.instances.length === 2);
    await put("services/web/1.json", "{");
    await until("one", (s) => s.services.get("web")?.instances.length === 1);
    await put("owners/node-1.json", lease(-1000));
    await until("none", (s) => s.services.size === 0);
    await put("owners/node-1.json", lease(60_000));
    await until(
      "the good one",
      (s) =>
        s.services
          .get("web")
          ?.instances.map(({ id }) => id)
          .join() === "2",
    );
  });

  test("the file is what DESIGN says", async () => {
    const registry = open();
    await registry.keepAlive("node-1", 60_000, controller.signal);
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
    const text = (): Promise<string> => readFile(join(dir, "owners/node-1.json"), "utf8");
    expect(await text()).toMatch(new RegExp(`^\\{"v":1,"expiresAt":"${time}","settled":false\\}\n$`));
    await registry.keepAlive("node-1", 60_000, controller.signal);
    expect(await text()).toMatch(new RegExp(`^\\{"v":1,"expiresAt":"${time}"\\}\n$`));
  });

  test("leases of owners that are gone for good are removed when an owner begins, others are not", async () => {
    const dayMs = 24 * 60 * 60 * 1000;
    await put("owners/gone.json", lease(-dayMs - 1000));
    await put("owners/just-gone.json", lease(-dayMs + 60_000));
    await put("owners/node-1.json", lease(-2 * dayMs));
    await put("services/web/1.json", owned);
    await put("owners/strange.json", "{");
    await open().keepAlive("node-2", 60_000, controller.signal);
    expect((await readdir(join(dir, "owners"))).sort()).toEqual(["just-gone.json", "node-1.json", "node-2.json", "strange.json"]);
  });
});
