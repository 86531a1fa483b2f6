import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Available, Unavailable } from "../../helpers/servers/acquire.ts";
import type { ServerName } from "../../helpers/servers/recipes.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "acquire-"));
  // Nothing but what a test puts there: no PATH, an empty cache.
  vi.stubEnv("PATH", folder);
  vi.stubEnv("FAIRLEAD_TEST_CACHE", join(folder, "cache"));
  for (const name of ["ETCD34", "ETCD36", "CONSUL", "NGINX", "DOCKERD", "BUSYBOX"]) {
    vi.stubEnv(`FAIRLEAD_TEST_${name}`, "");
  }
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

describe("acquire()", () => {
  test("takes the program that the environment variable names", async () => {
    vi.stubEnv("FAIRLEAD_TEST_ETCD34", await program("any-name", "etcd Version: 3.4.99"));
    expect(await acquireAfresh("etcd34")).toEqual({
      ok: true,
      name: "etcd34",
      path: join(folder, "any-name"),
      version: "3.4.99",
      from: "environment",
    });
  });

  test("looks nowhere else when the one that is named is the wrong one", async () => {
    await program("etcd", "etcd Version: 3.4.1");
    vi.stubEnv("FAIRLEAD_TEST_ETCD34", await program("other", "etcd Version: 3.5.1"));
    const found = await acquireAfresh("etcd34");
    expect(found).toMatchObject({
      ok: false,
      reason: expect.stringContaining('is not etcd 3.4, it says "etcd Version: 3.5.1"') as string,
    });
  });

  test("tells the versions on PATH apart, and says all that it tried", async () => {
    await program("etcd", "etcd Version: 3.6.0");
    expect(await acquireAfresh("etcd36")).toMatchObject({ ok: true, version: "3.6.0", from: "path" });
    const other = await acquireAfresh("etcd34");
    expect(other).toMatchObject({ ok: false, hint: "install etcd 3.4, or set FAIRLEAD_TEST_ETCD34 to its program" });
    expect(other.ok ? [] : other.reason.split("\n")).toEqual([
      `PATH: ${join(folder, "etcd")} is not etcd 3.4, it says "etcd Version: 3.6.0"`,
      "packages etcd-server (suite own): this machine has no apt-get and dpkg",
      "packages etcd-server (suite bookworm): this machine has no apt-get and dpkg",
    ]);
  });

  test("builds nothing without Go", async () => {
    const found = await acquireAfresh("etcd36");
    expect(found).toMatchObject({ ok: false, reason: expect.stringContaining("go is not installed") as string });
  });

  test("takes no script for a statically linked program", async () => {
    await program("busybox", "BusyBox v1.2.3 multi-call binary");
    const found = await acquireAfresh("busybox");
    expect(found).toMatchObject({ ok: false, reason: expect.stringContaining("is not statically linked") as string });
  });
});

/** A script that says what a server's program says about itself. */
async function program(name: string, says: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\necho "${says}"\n`);
  await chmod(path, 0o755);
  return path;
}

/** Results are kept for the whole process. */
async function acquireAfresh(name: ServerName): Promise<Available | Unavailable> {
  vi.resetModules();
  const { acquire } = await import("../../helpers/servers/acquire.ts");
  return acquire(name);
}
